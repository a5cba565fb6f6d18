"""Actual times beside planned ones, as a completion report has them: workflows, total, timeline, phases, tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.units import MINUTE_MS, format_ms
from pytest_k1n.report.batch_evidence import BATCHES, NOT_MEASURED, BatchEvidence
from pytest_k1n.report.blocks import Block, Grid, Heading, Paragraph
from pytest_k1n.report.document import ExecutionDocument, PhaseDocument
from pytest_k1n.report.figures import last_attempt, off_plan_ms, status_of
from pytest_k1n.report.story import shown_band

TOTAL_BAND_MS = (120 * MINUTE_MS, 190 * MINUTE_MS)
"""What the plan of phase 4.5 gives its three batches together."""


def timing(evidence: BatchEvidence) -> Iterator[Block]:
    """Set actual durations beside planned ones: workflows and their total, timeline, phases, checkpoints, tasks."""
    yield Heading(2, "Timing: actual against planned")
    yield Paragraph(_sources(evidence))
    rows: list[Sequence[object]] = []
    for name, each in evidence.main:
        off, estimate = off_plan_ms(each), each["estimate_ms"]
        band = shown_band(each["band_ms"]) if each["band_ms"] else ""
        rows.append((name, each["title"], band, _shown(estimate), format_ms(each["makespan_ms"]), _share(off, estimate),
                     each["verdict"]))  # fmt: skip
    rows += _total(evidence)
    yield Grid(("batch", "workflow", "band", "estimate", "actual", "off the estimate", "verdict"),
               rows or [(NOT_MEASURED,) + ("",) * 6])  # fmt: skip
    yield from _timeline(evidence)
    phased = [each for _, each in evidence.main if each["phases"]]
    if phased:
        yield Heading(3, "Phases")
    for each in phased:
        yield Grid(("phase", "band", "estimate", "actual", "verdict"),
                   [(f"{each['title']} {phase['number']} {phase['name']}", *_phase(phase))
                    for phase in each["phases"]])  # fmt: skip
    for _, each in evidence.main:
        if each["checkpoints"]:
            yield Heading(3, f"Checkpoints of {each['title']}")
            yield Grid(("at", "done", "running", "complete", "errors"),
                       [(format_ms(point["at_ms"]), point["completed"], point["running"], f"{point['percent']:g} %",
                         point["errors"]) for point in each["checkpoints"]])  # fmt: skip
    yield from _tasks(evidence)


def _sources(evidence: BatchEvidence) -> str:
    """Say which time the figures are in, and where bands and estimates are from."""
    plans = list(dict.fromkeys(each["plan"] for each in evidence.source.values() if each["plan"]))
    where = f"of the plan file {', '.join(plans)}" if plans else "of the runs' plan, whose file is not on record"
    tolerances = ", ".join(dict.fromkeys(f"{each['tolerance']:.0%}" for _, each in evidence.main))
    judged = (
        f" A workflow that takes {tolerances} more than its estimate has missed it; the success criteria's ±10 % "
        "are of the workflows' estimates, too."
        if tolerances
        else ""
    )
    return (f"All of it is workflow time, in which simulated work counts as long as it stands for. Bands and estimates "
            f"are those {where}; an estimate belongs to a workflow and its task, so one task may have another in "
            f"another workflow.{judged}")  # fmt: skip


def _total(evidence: BatchEvidence) -> Iterator[Sequence[object]]:
    """Yield the row of the whole plan, whose batches follow one another; none where a batch has no figure."""
    if not set(BATCHES) <= set(evidence.names) or not all(map(evidence.executions, BATCHES)):
        return
    executions = [evidence.executions(name) for name in BATCHES]
    took = sum(max(each["makespan_ms"] for each in found) for found in executions)
    estimates = [max(each["estimate_ms"] or 0 for each in found) for found in executions]
    estimate = sum(estimates) if all(estimates) else None
    has_ended = not any(each["is_open"] for found in executions for each in found)
    off = None if estimate is None else took - estimate
    band = " to ".join(f"{ms // MINUTE_MS}" for ms in TOTAL_BAND_MS)
    yield ("total", "one batch after the other", f"{band} min", _shown(estimate), format_ms(took),
           _share(off, estimate), _within(took, TOTAL_BAND_MS) if has_ended else "unknown")  # fmt: skip


def _timeline(evidence: BatchEvidence) -> Iterator[Block]:
    yield Heading(3, "The plan's timeline")
    yield Paragraph("Actual times follow one another at once: waits for people between batches are no part of them.")
    times, clock = [], 0
    for name in evidence.names:
        batch, took = evidence.batch(name), evidence.took_ms(name)
        instants = [instant(ms) for ms in batch["timeline_ms"]] if batch and batch["timeline_ms"] else [""] * 3
        actual = NOT_MEASURED
        left = ""
        if took is not None:
            actual = f"{instant(clock)} to {instant(clock + took)}"
            clock += took
            if batch and batch["timeline_ms"]:
                left = format_ms(batch["timeline_ms"][2] - clock)
        times.append((name, *instants, actual, left))
    yield Grid(("batch", "planned start", "planned end", "with buffer", "actual", "buffer left"), times)


def instant(ms: int) -> str:
    """Write an instant of workflow time as the plan does."""
    return f"T+{format_ms(ms)}" if ms else "T+0"


def _phase(phase: PhaseDocument) -> tuple[str, str, str, str]:
    band, start, end = phase["band_ms"], phase["start_ms"], phase["end_ms"]
    shown = (shown_band(band) if band else "", _shown(phase["estimate_ms"]))
    if start is None or end is None:
        return (*shown, NOT_MEASURED, "unknown" if band else "")
    return (*shown, format_ms(end - start), _within(end - start, band) if band else "")


def _tasks(evidence: BatchEvidence) -> Iterator[Block]:
    """List every task of a worker: how it ended, when it ran, and its estimate."""
    rows = []
    for _, each in evidence.main:
        for task in each["tasks"]:
            if task["kind"] != "worker":
                continue
            last, estimate = last_attempt(task), task["estimate_ms"]
            start, end = (last["start_ms"], last["end_ms"]) if last else (None, None)
            took = end - start if start is not None and end is not None else None
            off = took - estimate if took is not None and estimate is not None else None
            rows.append((each["title"], task["ref"], status_of(task), NOT_MEASURED if start is None else instant(start),
                         NOT_MEASURED if end is None else instant(end), _shown(took), _shown(estimate),
                         _share(off, estimate)))  # fmt: skip
    if rows:
        yield Heading(3, "Tasks")
        yield Paragraph("Of a task that was tried again the last attempt; T+0 is the start of its own workflow.")
        yield Grid(("workflow", "task", "status", "start", "end", "took", "estimate", "off the estimate"), rows)
    for name, each in evidence.main:
        yield from _at_once(each, evidence.clock(name))


def _at_once(execution: ExecutionDocument, clock: str) -> Iterator[Block]:
    """Say for tasks that wait for the same how long all of them ran at once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for task in execution["tasks"]:
        if task["kind"] == "worker" and task["after"]:
            groups.setdefault(tuple(task["after"]), []).append(task["ref"])
    lasts = {task["ref"]: last_attempt(task) for task in execution["tasks"]}
    for refs in groups.values():
        found = [last for ref in refs if (last := lasts[ref]) is not None]
        starts = [each["start_ms"] for each in found if each["start_ms"] is not None]
        ends = [each["end_ms"] for each in found if each["end_ms"] is not None]
        if len(refs) < 2 or not len(starts) == len(ends) == len(refs):
            continue
        listed = f"{', '.join(refs[:-1])} and {refs[-1]} of {execution['title']}"
        if max(starts) >= min(ends):
            yield Paragraph(f"{listed} were at no instant all running.")
            continue
        begun = [each["raw"]["started_ms"] or 0 for each in found]
        done = [each["raw"]["ended_ms"] or 0 for each in found]
        yield Paragraph(f"{listed} all ran at once from {instant(max(starts))} to {instant(min(ends))}; by the "
                        f"server's stamps for {format_ms(max(min(done) - max(begun), 0))} of {clock}.")  # fmt: skip


def _within(took: int, band: tuple[int, int]) -> str:
    return "pass" if band[0] <= took <= band[1] else "fail"


def _shown(ms: int | None) -> str:
    return "" if ms is None else format_ms(ms)


def _share(off: int | None, estimate: int | None) -> str:
    return f"{off / estimate:+.1%}" if off is not None and estimate else ""
