"""The completion report of phase 4.5: every section that its plan asks for, from the documents of runs alone.

What no run has measured says so; nothing is filled in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_k1n.core.gates.document import QualityDocument
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.advice import advice
from pytest_k1n.report.batch_evidence import BatchEvidence
from pytest_k1n.report.blocks import Block, Grid, Heading, Items, Links, Paragraph, as_markdown, as_page
from pytest_k1n.report.completion_issues import issues
from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.figures import off_plan_ms, shares, work_on_path
from pytest_k1n.report.markdown import ran_on
from pytest_k1n.report.sign_off import sign_off
from pytest_k1n.report.story import sentence, shown_band
from pytest_k1n.report.weather import weather_line

NOT_MEASURED = "not measured"
SEQUENTIAL = "K1N_22TASK_COMPLETE"
_BOTTLENECK = "task_8"


def file_name(document: RunDocument) -> str:
    """Name the report as the plan does, by the day of the last run, without an ending."""
    return f"K1NReport_PHASE4_5_EXECUTION_v1.0_{document['run']['ended_at'][:10].replace('-', '')}"


def markdown(documents: Sequence[RunDocument], *, results: str = ".") -> str:
    """Write the report as Markdown; `results` is the way from its folder to that of the results files."""
    return as_markdown(_blocks(BatchEvidence(documents), results))


def page(documents: Sequence[RunDocument], *, results: str = ".") -> str:
    """Write the report as one page; `results` as for `markdown`."""
    return as_page(list(_blocks(BatchEvidence(documents), results)))


def _blocks(evidence: BatchEvidence, results: str) -> Iterator[Block]:
    yield Heading(1, "Phase 4.5 completion report: full orchestration testing")
    yield Paragraph(f"Made from the documents of {len(evidence.documents)} recorded run(s); every figure is from them, "
                    f"and what none of them has measured says '{NOT_MEASURED}'.")  # fmt: skip
    yield from summary(evidence)
    yield from timing(evidence)
    yield from gates(evidence)
    yield from performance(evidence)
    yield from issues(evidence)
    yield from recommendations(evidence)
    yield from result_links(evidence, results)
    yield from sign_off(evidence)


def summary(evidence: BatchEvidence) -> Iterator[Block]:
    """Say of every batch what happened, and what it ran on."""
    yield Heading(2, "Executive summary")
    rows = []
    for name in evidence.names:
        batch, source = evidence.batch(name), evidence.source.get(name)
        verdict = (
            batch["verdict"] if batch and (evidence.executions(name) or batch["verdict"] == "blocked") else NOT_MEASURED
        )
        told = " ".join(f"{each['title']}: {sentence(each, source['findings'] if source else [])}"
                        for each in evidence.executions(name))  # fmt: skip
        why = told or (batch["reason"] if batch else "") or NOT_MEASURED
        rows.append((name, batch["title"] if batch else "", verdict, why, source["run"]["uid"] if source else ""))
    yield Grid(("batch", "purpose", "status", "what happened", "run"), rows)
    yield Items([line for each in evidence.documents for line in _run_lines(each)])
    yield from _executions(evidence)
    if any(execution["is_simulated"] for _, execution in evidence.main):
        yield Paragraph("The work of these executions was simulated: order, barriers, concurrency and waits are "
                        "measured, durations show that the plan adds up.")  # fmt: skip


def _run_lines(document: RunDocument) -> Iterator[str]:
    """Say what a run ran on, when, what came of its tests, and in what weather."""
    run, outcomes = document["run"], Counter(each["outcome"] for each in document["tests"])
    tests = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    yield f"{ran_on(document)} From {run['started_at']} to {run['ended_at']}; tests: {tests or NOT_MEASURED}."
    weather = document.get("weather")
    if weather is not None:
        yield f"Weather: {weather_line(weather)}."


def _executions(evidence: BatchEvidence) -> Iterator[Block]:
    """Say how many tasks of each execution came to their end, and how; and which executions ran side by side."""
    yield Heading(3, "Executions")
    rows = []
    for name, each in evidence.main:
        work = [task for task in each["tasks"] if task["kind"] == "worker"]
        last = Counter(task["attempts"][-1]["status"] if task["attempts"] else "not run" for task in work)
        others = ", ".join(f"{count} {status}" for status, count in last.items() if status != "COMPLETED")
        repeated = sum(max(len(task["attempts"]) - 1, 0) for task in work)
        rows.append((name, each["title"], each["workflow"]["status"], f"{last['COMPLETED']} of {len(work)}",
                     others or "none", repeated, each["workflow"]["workflow_id"] or NOT_MEASURED))  # fmt: skip
    yield Grid(("batch", "workflow", "status", "tasks completed", "other ends", "retries", "execution"),
               rows or [(NOT_MEASURED,) + ("",) * 6])  # fmt: skip
    for name in evidence.names:
        found = evidence.executions(name)
        if len(found) > 1:
            yield Paragraph(_side_by_side(found))


def _side_by_side(executions: Sequence[ExecutionDocument]) -> str:
    titles = " and ".join(each["title"] for each in executions)
    ends = [each["raw_ended_ms"] for each in executions]
    if None in ends:
        return f"{titles}: how long they ran side by side was {NOT_MEASURED}, because one of them has no end."
    together = min(end for end in ends if end is not None) - max(each["raw_started_ms"] for each in executions)
    if together <= 0:
        return f"{titles} did not run side by side."
    return f"{titles} ran side by side for {format_ms(together)} of the server's clock."


def timing(evidence: BatchEvidence) -> Iterator[Block]:
    """Set actual durations beside planned ones: workflows, timeline, phases, checkpoints."""
    yield Heading(2, "Timing: actual against planned")
    rows = []
    for name, each in evidence.main:
        off, estimate = off_plan_ms(each), each["estimate_ms"]
        share = f"{off / estimate:+.1%}" if off is not None and estimate else ""
        band = shown_band(each["band_ms"]) if each["band_ms"] else ""
        planned = format_ms(estimate) if estimate is not None else ""
        rows.append((name, each["title"], band, planned, format_ms(each["makespan_ms"]), share, each["verdict"]))
    yield Grid(("batch", "workflow", "band", "estimate", "actual", "off the estimate", "verdict"),
               rows or [(NOT_MEASURED,) + ("",) * 6])  # fmt: skip
    yield Heading(3, "The plan's timeline")
    yield Paragraph("Actual times follow one another at once, in workflow time: waits for people between batches are "
                    "no part of them.")  # fmt: skip
    times, clock = [], 0
    for name in evidence.names:
        batch, took = evidence.batch(name), evidence.took_ms(name)
        instants = [_instant(ms) for ms in batch["timeline_ms"]] if batch and batch["timeline_ms"] else [""] * 3
        actual = NOT_MEASURED
        left = ""
        if took is not None:
            actual = f"{_instant(clock)} to {_instant(clock + took)}"
            clock += took
            if batch and batch["timeline_ms"]:
                left = format_ms(batch["timeline_ms"][2] - clock)
        times.append((name, *instants, actual, left))
    yield Grid(("batch", "planned start", "planned end", "with buffer", "actual", "buffer left"), times)
    phased = [(name, each) for name, each in evidence.main if each["phases"]]
    if phased:
        yield Heading(3, "Phases")
    for _, each in phased:
        yield Grid(
            ("phase", "band", "estimate", "actual"),
            [
                (f"{each['title']} {phase['number']} {phase['name']}",
                 shown_band(phase["band_ms"]) if phase["band_ms"] else "",
                 format_ms(phase["estimate_ms"]) if phase["estimate_ms"] is not None else "",
                 NOT_MEASURED if phase["start_ms"] is None or phase["end_ms"] is None
                 else format_ms(phase["end_ms"] - phase["start_ms"]))
                for phase in each["phases"]
            ],
        )  # fmt: skip
    for _, each in evidence.main:
        if each["checkpoints"]:
            yield Heading(3, f"Checkpoints of {each['title']}")
            yield Grid(("at", "done", "running", "complete", "errors"),
                       [(format_ms(point["at_ms"]), point["completed"], point["running"], f"{point['percent']:g} %",
                         point["errors"]) for point in each["checkpoints"]])  # fmt: skip


def _instant(ms: int) -> str:
    return f"T+{format_ms(ms)}" if ms else "T+0"


def gates(evidence: BatchEvidence) -> Iterator[Block]:
    """Set the quality gates of the batches side by side."""
    yield Heading(2, "Quality gates")
    by_gate: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    judged = [name for name in evidence.names if (batch := evidence.batch(name)) and batch["quality"]]
    for name in judged:
        quality = _quality(evidence, name)
        for each in quality["categories"]:
            titles[each["id"]] = f"{each['id']} {each['title']}" + (" (blocking)" if each["blocking"] else "")
            counts = f" {each['passed']}/{each['evaluated']}" if each["evaluated"] else ""
            by_gate.setdefault(each["id"], {})[name] = f"{each['verdict']}{counts}"
    if not judged:
        yield Paragraph(NOT_MEASURED)
        return
    yield Grid(("category", *judged), [(titles[gate], *(cells.get(name, "") for name in judged))
                                       for gate, cells in by_gate.items()])  # fmt: skip
    rows = []
    for name in judged:
        quality = _quality(evidence, name)
        checks = quality["checks"]
        rate = NOT_MEASURED if quality["rate"] is None else f"{quality['rate']:.1%}"
        rows.append((name, rate, f"{quality['wilson_low']:.1%}", checks["passed"], checks["failed"], checks["unknown"],
                     checks["simulated"]))  # fmt: skip
    yield Grid(("batch", "pass rate", "Wilson lower bound", "passed", "failed", "unknown", "on simulated work"), rows)


def _quality(evidence: BatchEvidence, name: str) -> QualityDocument:
    batch = evidence.batch(name)
    assert batch is not None
    assert batch["quality"] is not None
    return batch["quality"]


def performance(evidence: BatchEvidence) -> Iterator[Block]:
    """Say who owns the time, and what is on the critical path."""
    yield Heading(2, "Performance analysis")
    rows = []
    for _, each in evidence.main:
        took = each["makespan_ms"]
        speedup = f"{each['work_ms'] / took:.2f}x" if took else NOT_MEASURED
        bound = f"{each['work_ms'] / each['span_ms']:.2f}x" if each["span_ms"] else NOT_MEASURED
        planned = f"{each['expected_speedup']:.2f}x" if each["expected_speedup"] else ""
        owners = ", ".join(f"{share.kind} {share.share:.1%}" for share in shares(each))
        rows.append((each["title"], format_ms(took), speedup, bound, planned, owners))
    yield Grid(("workflow", "makespan", "measured speed-up", "bound", "in the plan", "who owns the time"),
               rows or [(NOT_MEASURED,) + ("",) * 5])  # fmt: skip
    for _, each in evidence.main:
        yield from _beyond_reach(each)
    for _, each in evidence.main:
        path = list(work_on_path(each).items())[:5]
        if path:
            named = ", ".join(f"{ref} {format_ms(ms)} ({ms / each['makespan_ms']:.0%})" for ref, ms in path)
            yield Paragraph(f"Critical path of {each['title']}, longest first: {named}.")
    full = next((each for _, each in evidence.main if each["workflow"]["name"] == SEQUENTIAL), None)
    yield Paragraph(f"Bottleneck {_BOTTLENECK} of {SEQUENTIAL}: {_bottleneck(full)}")


def _beyond_reach(execution: ExecutionDocument) -> Iterator[Block]:
    """Say where the plan names a speed-up that the definition does not allow, whatever the workers."""
    planned, bound = execution["expected_speedup"], execution["work_ms"] / (execution["span_ms"] or 1)
    if planned and execution["span_ms"] and planned > bound + 0.005:
        yield Paragraph(f"{execution['title']}: the plan's {planned:.2f}x is out of reach of this definition: its "
                        f"order allows {bound:.2f}x. It is shown, and no gate judges it.")  # fmt: skip


def _bottleneck(execution: ExecutionDocument | None) -> str:
    task = next((each for each in execution["tasks"] if each["ref"] == _BOTTLENECK), None) if execution else None
    if execution is None or task is None or not task["attempts"] or task["attempts"][-1]["start_ms"] is None:
        return f"{NOT_MEASURED}."
    last = task["attempts"][-1]
    window = next((point for point in execution["watch"] if point["ref"] == _BOTTLENECK), None)
    planned = f", planned from {format_ms(window['low_ms'])} to {format_ms(window['high_ms'])}" if window else ""
    begin, end = last["start_ms"] or 0, last["end_ms"]
    took = format_ms(end - begin) if end is not None else "still running"
    return f"started at {format_ms(begin)}{planned}; took {took}; drag {format_ms(task['drag_ms'])}."


def recommendations(evidence: BatchEvidence) -> Iterator[Block]:
    """Name the best next step for each execution."""
    yield Heading(2, "Recommendations")
    texts = []
    for name, each in evidence.main:
        best = advice(each, most=1)
        if best:
            note = f" ({best[0].note})" if best[0].note else ""
            texts.append(f"{each['title']}: {best[0].text}{note}: {format_ms(best[0].makespan_ms)}, "
                         f"{format_ms(best[0].saved_ms)} less; computed, not tried.")  # fmt: skip
        if not evidence.has_passed(name):
            texts.append(f"{name}: resolve its issues and run it again before going on.")
    texts += [f"{name} has not been run: run it." for name in evidence.names if not evidence.executions(name)]
    yield Items(list(dict.fromkeys(texts))) if texts else Paragraph(NOT_MEASURED)


def result_links(evidence: BatchEvidence, results: str) -> Iterator[Block]:
    """Link the results files."""
    yield Heading(2, "Results as JSON")
    links = [
        (f"{template['workflow']}, {name}", f"{results}/{template['results']}")
        for name, template in evidence.templates(evidence.names)
        if template["results"]
    ]
    yield Links(links) if links else Paragraph(NOT_MEASURED)
