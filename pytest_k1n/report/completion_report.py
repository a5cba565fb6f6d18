"""The completion report of phase 4.5: every section that its plan asks for, from the documents of runs alone.

What no run has measured says so; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.gates.document import QualityDocument, counted
from pytest_k1n.core.statistics.stats import wilson
from pytest_k1n.core.units import MINUTE_MS, format_ms
from pytest_k1n.report.advice import Advice, advice
from pytest_k1n.report.batch_evidence import NOT_MEASURED, BatchEvidence
from pytest_k1n.report.blocks import Block, Grid, Heading, Items, Links, Paragraph, as_markdown, as_page
from pytest_k1n.report.completion_issues import issues
from pytest_k1n.report.completion_run import environment, executions, run_items
from pytest_k1n.report.completion_timing import timing
from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.figures import shares, work_on_path
from pytest_k1n.report.sign_off import sign_off, standing
from pytest_k1n.report.story import sentence

SEQUENTIAL = "K1N_22TASK_COMPLETE"
_BOTTLENECK = "task_8"
_ABOUT_MS = 50 * MINUTE_MS
"""When the plan's text has it start, "about"; the window that judges is the plan file's."""


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
    yield from summary(evidence, standing(evidence))
    yield from timing(evidence)
    yield from gates(evidence)
    yield from performance(evidence)
    yield from issues(evidence)
    yield from recommendations(evidence)
    yield from result_links(evidence, results)
    yield from sign_off(evidence)


def summary(evidence: BatchEvidence, stands: Sequence[str] = ()) -> Iterator[Block]:
    """Say first how it `stands`, then of every batch what happened, and what it ran on."""
    yield Heading(2, "Executive summary")
    if stands:
        yield Items(stands)
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
    yield run_items(evidence)
    if any(execution["is_simulated"] for _, execution in evidence.main):
        yield Paragraph("The work of these executions was simulated: order, barriers, concurrency and waits are "
                        "measured, durations show that the plan adds up.")  # fmt: skip
    yield from environment(evidence)
    yield from executions(evidence)


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
            by_gate.setdefault(each["id"], {})[name] = ": ".join(filter(None, (each["verdict"], counted(each))))
    if not judged:
        yield Paragraph(NOT_MEASURED)
        return
    yield Grid(("category", *judged), [(titles[gate], *(cells.get(name, "") for name in judged))
                                       for gate, cells in by_gate.items()])  # fmt: skip
    yield from _rates([(name, _quality(evidence, name)) for name in judged])


def _rates(judged: Sequence[tuple[str, QualityDocument]]) -> Iterator[Block]:
    """Set pass rates beside the one asked for, with a row of all batches together."""
    rows: list[Sequence[object]] = []
    for name, quality in judged:
        rate = NOT_MEASURED if quality["rate"] is None else f"{quality['rate']:.1%}"
        rows.append((name, rate, f"{quality['min_rate']:.1%}", f"{quality['wilson_low']:.1%}", quality["rate_verdict"],
                     *_counts(quality)))  # fmt: skip
    passed, failed, *others = map(sum, zip(*(_counts(quality) for _, quality in judged), strict=True))
    if len(judged) > 1 and passed + failed:
        share, least = passed / (passed + failed), max(each["min_rate"] for _, each in judged)
        low = wilson(passed, passed + failed)[0]
        verdict = "fail" if share < least else "warn" if low < least else "pass"
        rows.append(("all", f"{share:.1%}", f"{least:.1%}", f"{low:.1%}", verdict, passed, failed, *others))
    yield Paragraph("A pass rate below the one asked for fails. The Wilson lower bound is what so few checks can "
                    "promise: below the one asked for it only warns. Checks that are unknown, on simulated work or "
                    "latencies not measurable are in no rate.")  # fmt: skip
    yield Grid(("batch", "pass rate", "asked for", "Wilson lower bound", "verdict", "passed", "failed", "unknown",
                "on simulated work", "not measurable"), rows)  # fmt: skip


def _counts(quality: QualityDocument) -> tuple[int, ...]:
    checks = quality["checks"]
    return (checks["passed"], checks["failed"], checks["unknown"], checks["simulated"], checks["not_measurable"])


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
    yield Paragraph("Speed-up is all work added up by the makespan; its bound is all work by the longest path of work, "
                    "which no number of workers beats. A queue wait is a worker's, a join lag is what a JOIN ended "
                    "later than the last of its branches.")  # fmt: skip
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
    begin, end = last["start_ms"] or 0, last["end_ms"]
    planned = ""
    if window:
        low, high = window["low_ms"], window["high_ms"]
        off = f"{format_ms(abs(begin - _ABOUT_MS))} {'earlier' if begin < _ABOUT_MS else 'later'}"
        planned = (f", {off} than the plan's text says (about {format_ms(_ABOUT_MS)}); judged by the plan file, which "
                   f"has it start between {format_ms(low)} and {format_ms(high)}: "
                   f"{'pass' if low <= begin <= high else 'fail'}")  # fmt: skip
    took = f"took {format_ms(end - begin)}" if end is not None else "still running"
    estimate = f", estimated {format_ms(task['estimate_ms'])}" if task["estimate_ms"] is not None else ""
    return (f"started at {format_ms(begin)}{planned}. It {took}{estimate}; if it took no time the whole would be "
            f"{format_ms(task['drag_ms'])} shorter (its drag).")  # fmt: skip


def recommendations(evidence: BatchEvidence) -> Iterator[Block]:
    """Name the best next step for each execution."""
    yield Heading(2, "Recommendations")
    texts = []
    for name, each in evidence.main:
        best = _best(each)
        if best:
            note = f" ({best.note})" if best.note else ""
            texts.append(f"{each['title']}: {best.text}{note}: {format_ms(best.makespan_ms)}, "
                         f"{format_ms(best.saved_ms)} less; computed, not tried.")  # fmt: skip
        if not evidence.has_passed(name):
            texts.append(f"{name}: resolve its issues and run it again before going on.")
    texts += [f"{name} has not been run: run it." for name in evidence.names if not evidence.executions(name)]
    yield Items(list(dict.fromkeys(texts))) if texts else Paragraph(NOT_MEASURED)


def _best(execution: ExecutionDocument) -> Advice | None:
    """Return the best change; only the baseline, which the next phase takes apart, may lose an order its data has."""
    reads = {task["ref"]: set(task["reads"]) for task in execution["tasks"]}
    for change in advice(execution, most=len(reads)):
        keeps_order = not any(reads.get(ref, set()) & set(change.refs) for ref in change.refs)
        if keeps_order or execution["workflow"]["name"] == SEQUENTIAL:
            return change
    return None


def result_links(evidence: BatchEvidence, results: str) -> Iterator[Block]:
    """Link the results files."""
    yield Heading(2, "Results as JSON")
    links = [
        (f"{template['workflow']}, {name}", f"{results}/{template['results']}")
        for name, template in evidence.templates(evidence.names)
        if template["results"]
    ]
    yield Links(links) if links else Paragraph(NOT_MEASURED)
