"""What only a real server does: the embedded engine refuses the definition, a dry run simulates the task."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.tree import TaskNode, text


def not_simulated(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find tasks that need a real server, or something that it talks to."""
    for task in workflow.tasks:
        if (what := _what(task)) is not None:
            yield Hit(task.path, f"{what}: the embedded engine does not do that", ref=task.ref)


def _what(task: TaskNode) -> str | None:
    if task.type in ("INLINE", "SWITCH"):
        fields = task.inputs if task.type == "INLINE" else task.fields
        return "evaluates Python" if fields.get("evaluatorType") == "python" else None
    if task.type == "KAFKA_PUBLISH":
        return "publishes to Kafka"
    if task.type == "JDBC":
        return "asks a database that a server is configured with"
    if task.type == "EVENT":
        sink = text(task.fields, "sink")
        kind = sink.partition(":")[0]
        return f"publishes to {kind}" if sink and "$" not in sink and kind != "conductor" else None
    return None
