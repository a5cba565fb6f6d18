"""Names of this plugin's marks and fixtures. Light, because every start of pytest imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    import pytest

WORKFLOW_SIGNATURE = "workflow(name, *, version=None, input={}, within=None, at_once=1, in_a_row=1)"
STATIC_MARKERS = (
    "batch(n): the test belongs to batch n of the plan; `-m 'batch(n=2)'` selects it",
    "phase(n): the test waits for the end of phase n only, not for the whole execution",
    f"{WORKFLOW_SIGNATURE}: the execution that a test observes; "
    "arguments on function, class and module merge, and the closest wins",
    "fault(kind, at, phase=None, lasts=0.5): the fault that strikes at a task of `struck_execution`; "
    "lasts counts response time-outs of the task",
    "gate: the test shows a quality gate of its batch; it runs last in the batch and is always selected with it",
    "live: needs a real Conductor server; skipped on the embedded engine",
    "virtual: needs a clock that can jump, as for `advance` or a WAIT of hours: the embedded engine in virtual time; "
    "skipped where time is real or scaled",
    "scaled: needs work or people of minutes and hours to take less: virtual or scaled time; skipped in real time",
)
SERVER_FIXTURES = frozenset(
    {"conductor", "conductor_module", "conductor_session", "conductor_proc", "conductor_noproc"}
)
CLOCK_MARKS = ("virtual", "scaled", "live")
"""What a test says of the clock and server that it needs."""
EXECUTION_FIXTURES = frozenset({"workflow_execution", "workflow_executions", "workflow_phase"})
BATCH_FIXTURES = frozenset({"batch_execution", "executions_alone"})
QUALITY_FIXTURES = frozenset({"quality_gate", "batch_quality"})
_OUR_FIXTURES = SERVER_FIXTURES | EXECUTION_FIXTURES | BATCH_FIXTURES | QUALITY_FIXTURES


def is_ours(item: pytest.Item) -> bool:
    """Whether a test has to do with Conductor: by fixture, or by a workflow mark."""
    return not _OUR_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) or bool(item.get_closest_marker("workflow"))


def concerns_us(item: pytest.Item, marks: Container[str]) -> bool:
    """Whether a test is ours, carries one of a plan's marks, or is measured by the workflow's clock."""
    return (
        is_ours(item)
        or "workflow_benchmark" in getattr(item, "fixturenames", ())
        or any(mark.name in marks for mark in item.iter_markers())
    )
