"""The document itself, as it is kept beside the results."""

from __future__ import annotations

import json

from pytest_k1n.report.document import RunDocument


def render(document: RunDocument) -> str:
    """Write one attempt, segment or finding a line at most: small, and still good to compare by line."""
    lists = ("executions", "findings", "tests", "batches")
    head = {name: value for name, value in document.items() if name not in lists}
    parts = [f"{json.dumps(name)}: {_compact(value)}" for name, value in head.items()]
    for name in lists:
        entries = ",\n ".join(_compact(each) for each in document[name])  # type: ignore[literal-required]
        parts.append(f"{json.dumps(name)}: [\n {entries}\n]" if entries else f"{json.dumps(name)}: []")
    return "{\n" + ",\n".join(parts) + "\n}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
