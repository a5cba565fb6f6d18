"""The history of an engine in one canonical form, to the byte: what determinism is measured by."""

from __future__ import annotations

import hashlib
import json

from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine


def canonical_history(engine: Engine) -> bytes:
    """Write every execution with all its records, in the order of their starts, keys sorted, as UTF-8 JSON lines.

    Definitions are left out: they are what was asked for, not what happened.
    """
    lines = []
    for execution in engine.executions.values():
        document = execution_document(execution)
        del document["workflowDefinition"]
        for task, record in zip(document["tasks"], execution.tasks, strict=True):
            task.pop("workflowTask")
            task.pop("taskDefinition", None)
            task["logs"] = record.logs
        lines.append(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return "\n".join(lines).encode()


def digest(engine: Engine) -> str:
    """Return the SHA-256 of the canonical history."""
    return hashlib.sha256(canonical_history(engine)).hexdigest()
