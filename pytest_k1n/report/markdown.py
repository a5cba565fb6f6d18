"""The run as Markdown: what a pull request or a step summary shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def markdown(results: Sequence[Document], quality: Mapping[str, Document]) -> str:
    """Write executions, quality gates and findings as three tables; made from the results documents alone."""
    return "\n".join([*_executions(results), *_gates(quality), *_findings(results)])


def _executions(results: Sequence[Document]) -> Iterator[str]:
    yield "# Workflows on Conductor\n"
    yield "| batch | workflow | verdict | minutes | server | time |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in results:
        minutes = "not run" if each["makespan_min"] is None else f"{each['makespan_min']:.1f}"
        cells = (each["batch"], each["workflow"]["name"], each["verdict"], minutes, each["server"]["kind"])
        yield _row(*cells, each["time"]["model"])


def _gates(quality: Mapping[str, Document]) -> Iterator[str]:
    yield "\n## Quality gates\n"
    yield "| batch | gate | verdict | passed | evaluated | blocking | note |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for batch, document in quality.items():
        for each in document["categories"]:
            blocking = "yes" if each["blocking"] else ""
            title = f"{each['id']} {each['title']}"
            yield _row(batch, title, each["verdict"], each["passed"], each["evaluated"], blocking, each["note"] or "")


def _findings(results: Sequence[Document]) -> Iterator[str]:
    found = [(each["workflow"]["name"], finding) for each in results for finding in each["findings"]]
    if not found:
        yield "\nNo findings."
        return
    yield "\n## Findings\n"
    yield "| workflow | verdict | code | subject | expected | observed | by |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, each in found:
        yield _row(name, *(each[key] for key in ("verdict", "code", "subject", "expected", "observed", "margin")))


def _row(*cells: object) -> str:
    texts = (str(cell).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(texts)} |"
