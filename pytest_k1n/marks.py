"""Marks: their registration, and what they say about a test, validated by a keyword-only constructor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_k1n.core.plan import Batch, Plan
    from pytest_k1n.workflowmark import WorkflowMark

STATIC_MARKERS = (
    "batch(n): the test belongs to batch n of the plan; `-m 'batch(n=2)'` selects it",
    "phase(n): the test waits for the end of phase n only, not for the whole execution",
    "workflow(name, *, version=None, input={}, within=None, at_once=1, in_a_row=1): the execution that a test observes",
    "gate: the test shows a quality gate of its batch; it runs last in the batch and is always selected with it",
    "live: needs a real Conductor server",
)
SERVER_FIXTURES = frozenset({"conductor", "conductor_proc", "conductor_noproc"})
EXECUTION_FIXTURES = frozenset({"workflow_execution", "workflow_executions", "workflow_phase"})
BATCH_FIXTURES = frozenset({"batch_execution", "executions_alone"})
QUALITY_FIXTURES = frozenset({"quality_gate", "batch_quality"})
_OUR_FIXTURES = SERVER_FIXTURES | EXECUTION_FIXTURES | BATCH_FIXTURES | QUALITY_FIXTURES


def is_ours(item: pytest.Item) -> bool:
    """Whether a test has to do with Conductor: by fixture, or by a workflow mark."""
    return not _OUR_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) or bool(item.get_closest_marker("workflow"))


def register_markers(config: pytest.Config, plan: Plan | None) -> None:
    """Register every marker with its signature, so that strict markers and `--markers` know them."""
    for line in STATIC_MARKERS:
        config.addinivalue_line("markers", line)
    for name, title in plan.markers() if plan else ():
        config.addinivalue_line("markers", f"{name}: {title}")


def workflow_mark(item: pytest.Item) -> WorkflowMark | None:
    """Read the closest `workflow` mark. Raises UsageError that names the test and the signature."""
    mark = item.get_closest_marker("workflow")
    if mark is None:
        return None
    from pytest_k1n.workflowmark import WorkflowMark

    named: dict[str, Any] = {"name": mark.args[0], **mark.kwargs} if mark.args else dict(mark.kwargs)
    if len(mark.args) > 1:
        named["a second positional argument"] = mark.args[1]
    try:
        parsed = WorkflowMark(**named)
        _ = parsed.within_ms
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: {STATIC_MARKERS[2].partition(':')[0]}: {error}") from None
    return parsed


def batch_of(item: pytest.Item, plan: Plan | None) -> Batch | None:
    """Find the batch that a test's marks name.

    Raises UsageError where they name two, or, on a workflow-marked test, one that no plan knows.
    """
    wanted = list(dict.fromkeys(_batch_names(item, plan)))
    found: dict[int, Batch] = {}
    for name in wanted:
        batch = plan.batch_named(name) if plan else None
        if batch is not None:
            found[batch.number] = batch
        elif item.get_closest_marker("workflow"):
            known = ", ".join(each.name for each in plan.batches) if plan else ""
            where = (
                f"{plan.source} knows {known or 'no batch'}"
                if plan
                else "there is no plan: write one or --k1n-plan=FILE"
            )
            raise pytest.UsageError(f"{item.nodeid}: marked {name}, but {where}")
    if len(found) > 1:
        raise pytest.UsageError(f"{item.nodeid}: marked for {' and '.join(b.name for b in found.values())}: choose one")
    return next(iter(found.values()), None)


def _batch_names(item: pytest.Item, plan: Plan | None) -> Iterator[str]:
    known = {name for batch in plan.batches for name in batch.names} if plan else set()
    for mark in item.iter_markers():
        if mark.name == "batch":
            yield f"batch{_number(item, mark)}"
        elif mark.name in known or _number_in(mark.name, "batch") is not None:
            yield mark.name


def phase_of(item: pytest.Item) -> int | None:
    """Read the closest phase mark (`phase2` or `phase(n=2)`). Raises UsageError for a bad number."""
    for mark in item.iter_markers():
        if mark.name == "phase":
            return _number(item, mark)
        if (number := _number_in(mark.name, "phase")) is not None:
            return number
    return None


def _number(item: pytest.Item, mark: pytest.Mark) -> int:
    value = mark.kwargs.get("n", mark.args[0] if mark.args else None)
    if not isinstance(value, int):
        raise pytest.UsageError(f"{item.nodeid}: {mark.name}(n=...) takes a whole number, not {value!r}")
    return value


def _number_in(name: str, word: str) -> int | None:
    """Read `batch2`; no regular expression, for each one compiled is felt in every start of pytest."""
    digits = name.removeprefix(word)
    return int(digits) if name.startswith(word) and digits.isdecimal() else None
