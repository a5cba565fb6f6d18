"""What recorded runs say about the plan's estimates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_k1n.core.statistics.stats import median
from pytest_k1n.core.units import HOUR_MS, MINUTE_MS, SECOND_MS
from pytest_k1n.report.document import ExecutionDocument, RunDocument, TaskDocument
from pytest_k1n.report.figures import last_attempt

WORTH_CHANGING = 0.05
"""Half of the usual tolerance: below it an estimate would follow the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One task of a template, its estimate and what it took, in ms of workflow time."""

    workflow: str
    ref: str
    estimate_ms: int | None
    took: tuple[int, ...]
    """Of every execution in which its work was real and completed, oldest first."""
    simulated: int
    """Executions whose work was simulated: they would only repeat the estimate."""

    @property
    def median_ms(self) -> int | None:
        return round(median(self.took)) if self.took else None

    @property
    def suggestion(self) -> str | None:
        """The estimate to write, as a plan has it; None where nothing is known, or the present one does."""
        took = self.median_ms
        if took is None or took == 0:
            return None
        if self.estimate_ms and abs(took / self.estimate_ms - 1) <= WORTH_CHANGING:
            return None
        return as_planned(took)


def learned(documents: Iterable[RunDocument]) -> list[Learned]:
    """Gather what each planned task took over runs; executions of other roles than the batch's own included."""
    found: dict[tuple[str, str], list[tuple[TaskDocument, int | None]]] = {}
    for execution in (each for document in documents for each in document["executions"]):
        for task in _planned(execution):
            found.setdefault((execution["workflow"]["name"], task["ref"]), []).append((task, _took(task)))
    return [
        Learned(
            workflow=workflow,
            ref=ref,
            estimate_ms=tasks[-1][0]["estimate_ms"],
            took=tuple(ms for task, ms in tasks if ms is not None and not task["is_simulated"]),
            simulated=sum(task["is_simulated"] for task, _ in tasks),
        )
        for (workflow, ref), tasks in found.items()
    ]


def as_planned(ms: int) -> str:
    """Write a duration as plans do, to three digits: `6.5m`, `45s`, `250ms`."""
    for unit_ms, unit in ((3 * HOUR_MS, ""), (MINUTE_MS, "m"), (SECOND_MS, "s")):
        if ms >= unit_ms:
            return f"{ms / HOUR_MS:.3g}h" if not unit else f"{ms / unit_ms:.3g}{unit}"
    return f"{ms}ms"


def _planned(execution: ExecutionDocument) -> Iterator[TaskDocument]:
    tasks: Sequence[TaskDocument] = execution["tasks"] if execution["template"] is not None else ()
    return (task for task in tasks if task["kind"] == "worker" and task["attempts"])


def _took(task: TaskDocument) -> int | None:
    last = last_attempt(task)
    if last is None or last["status"] != "COMPLETED" or last["start_ms"] is None or last["end_ms"] is None:
        return None
    return last["end_ms"] - last["start_ms"]
