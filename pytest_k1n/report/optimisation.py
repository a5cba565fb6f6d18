"""The completion report of phase 5.1: what the optimised workflow gained, before and after, from evidence alone.

It shares its sections with the report of phase 4.5; what nothing has measured says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_k1n.core.units import MINUTE_MS, format_ms
from pytest_k1n.report.batch_evidence import NOT_MEASURED, BatchEvidence
from pytest_k1n.report.blocks import Block, Boxes, Grid, Heading, Paragraph, as_markdown, as_page
from pytest_k1n.report.completion_issues import issues
from pytest_k1n.report.completion_report import (
    SEQUENTIAL,
    gates,
    performance,
    recommendations,
    result_links,
    summary,
)
from pytest_k1n.report.completion_timing import timing
from pytest_k1n.report.document import ExecutionDocument, RunDocument

BASELINE, OPTIMISED = "batch3", "batch4"
TARGET_MS = (60 * MINUTE_MS, 90 * MINUTE_MS)
TASK_TARGET_MS = 10 * MINUTE_MS
_TASK = "task_8"
_PARALLEL = ("task_3", "task_4", "task_5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What scripts have measured beside the runs, as their files say; None where there is no file."""

    baseline: Mapping[str, Any] | None = None
    """summary.json of the newest profiled baseline."""
    strategies: Mapping[str, Any] | None = None
    """task8-strategies.json."""
    direct: Mapping[str, Any] | None = None
    """optimized-run-….json, the newest."""


def file_name(document: RunDocument) -> str:
    """Name the report as the plan does, by the day of the last run, without an ending."""
    return f"K1NReport_PHASE5_1_COMPLETION_v1.0_{document['run']['ended_at'][:10].replace('-', '')}"


def markdown(documents: Sequence[RunDocument], measured: Measurements, *, results: str = ".") -> str:
    """Write the report as Markdown; `results` is the way from its folder to that of the results files."""
    return as_markdown(_blocks(_Gain(documents), measured, results))


def page(documents: Sequence[RunDocument], measured: Measurements, *, results: str = ".") -> str:
    """Write the report as one page; `results` as for `markdown`."""
    return as_page(list(_blocks(_Gain(documents), measured, results)))


class _Gain:
    """The sequential workflow and the optimised one, as the newest runs have them."""

    def __init__(self, documents: Sequence[RunDocument]) -> None:
        self.recorded = BatchEvidence(documents, (BASELINE, OPTIMISED))
        self.before = self._main(BASELINE)
        self.after = self._main(OPTIMISED)

    def _main(self, batch: str) -> ExecutionDocument | None:
        return next(iter(self.recorded.executions(batch)), None)

    @property
    def repeats(self) -> list[ExecutionDocument]:
        """Return the further executions of the optimised workflow: in a row, and at once."""
        source = self.recorded.source.get(OPTIMISED)
        found = source["executions"] if source else []
        return [each for each in found if each["batch"] == OPTIMISED and each["role"] == "repeat"]

    def rate(self, batch: str) -> float | None:
        found = self.recorded.batch(batch)
        return found["quality"]["rate"] if found and found["quality"] else None

    @property
    def keeps_quality(self) -> bool:
        before, after = self.rate(BASELINE), self.rate(OPTIMISED)
        return before is not None and after is not None and after >= min(before, 1.0)


def _blocks(gain: _Gain, measured: Measurements, results: str) -> Iterator[Block]:
    recorded = gain.recorded
    yield Heading(1, "Phase 5.1 completion report: performance optimisation")
    yield Paragraph(f"Made from the documents of {len(recorded.documents)} recorded run(s) and what the profiling "
                    f"scripts have written; what none of them has measured says '{NOT_MEASURED}'.")  # fmt: skip
    yield from summary(recorded)
    yield from _before_and_after(gain)
    yield from _strategies(measured)
    yield from _profiles(measured)
    yield from timing(recorded)
    yield from gates(recorded)
    yield from performance(recorded)
    yield from issues(recorded)
    yield from recommendations(recorded)
    yield from result_links(recorded, results)
    yield from _criteria(gain, measured)


def _before_and_after(gain: _Gain) -> Iterator[Block]:
    yield Heading(2, "Before and after")
    before, after = gain.before, gain.after
    rows = [
        _row("Total duration", before and before["makespan_ms"], after and after["makespan_ms"]),
        _row(f"Task 8 ({_TASK})", _window(before, [_TASK]), _window(after, [_TASK])),
        _row("Tasks 3, 4 and 5, from the first start to the last end",
             _window(before, _PARALLEL), _window(after, _PARALLEL)),
    ]  # fmt: skip
    rates = [gain.rate(BASELINE), gain.rate(OPTIMISED)]
    shown = [NOT_MEASURED if rate is None else f"{rate:.1%}" for rate in rates]
    kept = "no regression" if gain.keeps_quality else NOT_MEASURED if None in rates else "REGRESSION"
    rows.append(("Quality gates passed", shown[0], shown[1], kept))
    names = [each["title"] if each else NOT_MEASURED for each in (before, after)]
    yield Grid(("metric", f"before: {names[0]}", f"after: {names[1]}", "gain"), rows)
    repeats = gain.repeats
    took = [each["makespan_ms"] for each in repeats]
    yield Paragraph(
        f"Further executions of the optimised workflow, in a row and at once: {len(repeats)}, "
        f"{sum(_completed(each) for each in repeats)} of them completed, from {format_ms(min(took))} to "
        f"{format_ms(max(took))}." if took else f"Stability over further executions: {NOT_MEASURED}."
    )  # fmt: skip


def _row(what: str, before: int | None, after: int | None) -> tuple[str, str, str, str]:
    shown = [NOT_MEASURED if ms is None else format_ms(ms) for ms in (before, after)]
    if before is None or after is None or not after or not before:
        return (what, shown[0], shown[1], NOT_MEASURED)
    return (what, shown[0], shown[1], f"{1 - after / before:.0%} less, {before / after:.2f}x")


def _strategies(measured: Measurements) -> Iterator[Block]:
    yield Heading(2, "Optimisations of task 8")
    if measured.strategies is None:
        yield Paragraph(f"{NOT_MEASURED}: run .conductor/metrics/compare-task8.py.")
        return
    rows = measured.strategies["rows"]
    took = {(row["strategies"], row["cache"]): row["duration_ms"] for row in rows}
    none = took["none", "cold"]
    yield Grid(
        ("strategies", "cold", "warm", "saved cold", "saved warm"),
        [
            (name, *(format_ms(took[name, age]) for age in ("cold", "warm")),
             *(f"{round((none - took[name, age]) / 1000)} s" for age in ("cold", "warm")))
            for name in dict.fromkeys(row["strategies"] for row in rows)
        ],
    )  # fmt: skip
    digests = {row["digest"] for row in rows}
    yield Paragraph("What is generated is the same in all of them, to the byte." if len(digests) == 1
                    else f"{len(digests)} different outputs: a strategy changes what is generated.")  # fmt: skip


def _profiles(measured: Measurements) -> Iterator[Block]:
    yield Heading(2, "Profiles")
    baseline, direct = measured.baseline, measured.direct
    rows = []
    if baseline is not None:
        slow = ", ".join(f"task {task}" for task in baseline["critical_path_tasks"]) or "none"
        major = ", ".join(f"task {task}" for task in baseline["major_path_tasks"]) or "none"
        rows.append(
            ("profiled baseline", format_ms(baseline["total_duration_ms"]), f"critical: {slow}; major: {major}")
        )
    if direct is not None:
        note = f"{direct['baseline_ms'] / direct['total_ms']:.2f}x, {direct['fallbacks']} fall-back(s) to sequential"
        rows.append(("optimised, by its handlers without a server", format_ms(direct["total_ms"]), note))
    yield Grid(("what", "total", "note"), rows) if rows else Paragraph(f"{NOT_MEASURED}: run k1n profile baseline.")


def _criteria(gain: _Gain, measured: Measurements) -> Iterator[Block]:
    yield Heading(2, "Success criteria")
    after, before = gain.after, gain.before
    task_ms = _window(after, [_TASK])
    total = after["makespan_ms"] if after is not None and _completed(after) else None
    is_in_band = total is not None and TARGET_MS[0] <= total <= TARGET_MS[1]
    less = 1 - total / before["makespan_ms"] if total is not None and before and before["makespan_ms"] else None
    repeats = gain.repeats
    warm = (measured.strategies or {"rows": ()})["rows"]
    own = [row["duration_ms"] for row in warm if row["strategies"].count(",") == 2]
    rate = gain.rate(OPTIMISED)
    yield Boxes([
        (is_in_band, "Total execution takes 60 to 90 minutes"),
        (less is not None and less >= 0.33,
         f"At least 33 % less time than {SEQUENTIAL}" + (f" ({less:.0%})" if less is not None else "")),
        (task_ms is not None and task_ms < TASK_TARGET_MS,
         "Task 8 of the optimised workflow takes less than 10 minutes"),
        (bool(own) and max(own) < TASK_TARGET_MS, "Task 8's own code takes less than 10 minutes, cold and warm"),
        (bool(repeats) and all(map(_completed, repeats)), "Three in a row and three at once are stable"),
        (rate is not None and rate >= 0.95 and gain.keeps_quality,
         f"Quality gates: at least 95 %, and not below those of {SEQUENTIAL}"),
    ])  # fmt: skip
    yield Paragraph("To be signed by a person. Name: ____________________   Date: ____________________")


def _completed(execution: ExecutionDocument) -> bool:
    return execution["workflow"]["status"] == "COMPLETED"


def _window(execution: ExecutionDocument | None, refs: Sequence[str]) -> int | None:
    """Return how long some tasks took together: from the first start to the last end, in workflow time."""
    if execution is None:
        return None
    last = [task["attempts"][-1] for task in execution["tasks"] if task["ref"] in refs and task["attempts"]]
    starts = [each["start_ms"] for each in last if each["start_ms"] is not None]
    ends = [each["end_ms"] for each in last if each["end_ms"] is not None]
    if len(starts) < len(refs) or len(ends) < len(refs):
        return None
    return max(ends) - min(starts)
