"""From a run to its results files: one per template, partial while the run goes on, complete at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.coordination.runfolder import file_stamp, replace_text
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.plan import Batch, Template
from pytest_k1n.core.text import from_json
from pytest_k1n.report.grouping import Sighting, grouped, lenient
from pytest_k1n.report.indented import indented
from pytest_k1n.report.results import ResultsSource, finding_json, results_document
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.mistakes import told
from pytest_k1n.run.result import Result
from pytest_k1n.run.run import Run
from pytest_k1n.run.verdict import worst
from pytest_k1n.servers.folders import sweep_drafts

if TYPE_CHECKING:
    from pytest_k1n.coordination.watch import Watch
    from pytest_k1n.core.gates.document import QualityDocument
    from pytest_k1n.report.document import VerdictWord


CONTRADICTIONS = 10
"""Lines that one batch may have: of hundreds of templates the rest is counted."""


def check_results_folder(run: Run) -> None:
    """Make sure that results can be written before anything starts. Raises UsageError."""
    folder = run.settings.results
    probe = folder / f".k1n-{run.uid}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_drafts(folder)
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = f"--k1n-results: {folder} cannot be written ({error.strerror})"
        raise told(f"{what}: choose another folder with --k1n-results=DIR") from None


def results(controller: Controller, *, batch_number: int | None = None) -> Iterator[Result]:
    """Yield the results of every template (of one batch) that a selected test is about, in the plan's order."""
    run = controller.run
    runs = {batch.number: batch for batch in controller.director.batches}
    for batch in run.plan.batches if run.plan else ():
        if batch.number not in runs or batch_number not in (None, batch.number):
            continue
        found = _found(controller, runs[batch.number])
        for template in batch.templates:
            if template.workflow in found.launched:
                yield _result(controller, batch, template, found)


def write(result: Result) -> None:
    """Write one results file by atomic replace; a partial one never replaces a complete one of the same execution.

    Raises OSError; ValueError if the document is not what its schema says, which is a defect of pytest-k1n.
    """
    from pytest_k1n.validation.schema import validate

    if problems := validate(result.document, "results"):
        raise ValueError(f"{result.path.name} would not be valid: {problems[0]}")
    if result.document["partial"] and _is_complete(result.path, result.document["workflow"]["workflow_id"]):
        return
    result.path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(result.path, indented(result.document) + "\n")


def write_batch(controller: Controller, batch: int) -> None:
    """Write the results of one batch as far as they go."""
    write_all(controller, results(controller, batch_number=batch))


def write_all(controller: Controller, found: Iterable[Result]) -> None:
    """Write results files; what cannot be written fails the run, and stops nothing."""
    for result in found:
        try:
            # At the end of a run most files are what was written when their batch had ended.
            if controller.written.get(result.path) != (file_stamp(result.path), result.document):
                write(result)
                controller.written[result.path] = (file_stamp(result.path), result.document)
        except OSError as error:
            controller.fail(f"{result.path} could not be written: {error.strerror or error}")


def fail_contradictions(controller: Controller, found: Iterable[Result]) -> None:
    """Fail the run for results that contradict their tests, with lines that say why."""
    contradicted: dict[int, dict[str, VerdictWord]] = {}
    for number, line, verdict in contradictions(controller, found):
        contradicted.setdefault(number, {})[line] = verdict
    for number, lines in contradicted.items():
        controller.contradicted[number] = [*lines.values()]
        for line, verdict in [*lines.items()][:CONTRADICTIONS]:
            controller.fail(line, verdict)
        if len(lines) > CONTRADICTIONS:
            more = f"batch{number}: {len(lines) - CONTRADICTIONS} more of the kind, in its results files"
            controller.fail(more, worst([*lines.values()][CONTRADICTIONS:]))


def contradictions(controller: Controller, found: Iterable[Result]) -> Iterator[tuple[int, str, VerdictWord]]:
    """Name the results that are no pass although all their tests are: batch, line with the reason, verdict each.

    The plan's bands hold also where no test asks for them. Gates that are tests speak for the batch as a whole: an
    execution whose own rate is below the minimum, made up for by another one's, speaks here, and so do all where no
    test asks for gates.
    """
    run = controller.run
    judged_by_tests = {item.batch for item in run.items.values() if item.gate}
    for result in found:
        number, name = result.batch.number, result.template.workflow
        gates = result.document["gates"]
        for finding in result.unasked:
            yield number, f"{name}: no test asks for it, the plan does: {finding}", "fail"
        if any(controller.director.ledger.stops(outcome) for outcome in result.outcomes.values() if outcome):
            continue
        if result.document["partial"]:
            left = sum(outcome is None for outcome in result.outcomes.values())
            yield number, f"{name}: {left} of its {len(result.outcomes)} tests did not end", "unknown"
            continue
        if result.watch is None:
            continue
        if gates and gates["verdict"] == "fail":
            yield number, f"{name}: quality gates fail: {'; '.join(gates['reasons'][:3])}", "fail"
        elif number in judged_by_tests:
            continue
        elif gates is None:
            yield number, f"{name}: its quality gates were not evaluated", "unknown"
        elif gates["verdict"] == "unknown" and run.settings.unknown == "fail":
            yield number, f"{name}: quality gates unknown: {'; '.join(gates['reasons'][:3])}", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is known of one batch, looked through once for all its templates: a plan may have hundreds."""

    launched: frozenset[str]
    """Workflows."""
    watches: Mapping[str, Watch]
    """By workflow: the newest main execution, one of its repeated ones where there is no main one."""
    outcomes: Mapping[str | None, Mapping[str, ItemOutcome | None]]
    """By workflow; under None those of tests about the whole batch."""
    gates: Mapping[str, QualityDocument]
    """By workflow id."""


def _found(controller: Controller, batch_run: BatchRun) -> _Found:
    run, number = controller.run, batch_run.number
    left_out = controller.director.left_out
    launches = {launch.key: launch for launch in _launches(run, number) if launch.key not in left_out}
    watches: dict[str, Watch] = {}
    for is_main in (False, True):
        for watch in batch_run.watches:
            launch = launches.get(watch.start.key)
            if launch is not None and launch.is_main is is_main:
                watches[watch.start.workflow] = watch
    outcomes: dict[str | None, dict[str, ItemOutcome | None]] = {}
    for node_id, outcome in controller.director.ledger.outcomes(number).items():
        key = run.items[node_id].key
        if key is None or key in launches:
            outcomes.setdefault(key and launches[key].workflow, {})[node_id] = outcome
    published = run.folder.quality(number)
    return _Found(
        launched=frozenset(launch.workflow for launch in launches.values()),
        watches=watches,
        outcomes=outcomes,
        gates=published["executions"] if published else {},
    )


def _result(controller: Controller, batch: Batch, template: Template, found: _Found) -> Result:
    run, director = controller.run, controller.director
    watch = found.watches.get(template.workflow)
    own, common = found.outcomes.get(template.workflow, {}), found.outcomes.get(None, {})
    outcomes = {**own, **common}
    state = director.state
    gates = found.gates.get(watch.workflow_id) if watch else None
    findings: list[Mapping[str, Any]] = []
    for node_id in outcomes:
        findings += controller.findings.get(node_id, ())
    told = {(finding["code"], finding["subject"]) for finding in findings}
    unasked = tuple(each for each in _missed(watch) if (each.code, each.subject) not in told)
    findings += [finding_json(each) for each in unasked]
    verdict = _verdict(outcomes, gates)
    subject = ResultsSource(
        template=watch.template if watch and watch.template else template,
        batch=batch.name,
        verdict="fail" if unasked and verdict != "blocked" else verdict,
        partial=any(outcome is None for outcome in outcomes.values()),
        server=state.server,
        time_model=state.time_model,
        speed=state.speed,
        observation=watch.observation if watch else None,
        checkpoints=watch.checkpoints if watch else (),
        gates=gates,
        findings=grouped([*_sightings(findings, gates, watch)]),
    )
    path = run.settings.results / template.results_name
    return Result(
        template=template, batch=batch, document=results_document(subject), path=path, watch=watch,
        outcomes=outcomes, unasked=unasked,
    )  # fmt: skip


def _sightings(
    findings: Iterable[Mapping[str, Any]], gates: QualityDocument | None, watch: Watch | None
) -> Iterator[Sighting]:
    """Yield what tests and quality gates have noticed of an execution, as the run's document has it."""
    own, title = (watch.workflow_id, watch.title) if watch else (None, "")
    for finding in findings:
        yield Sighting(finding=finding, workflow_id=finding.get("workflow_id") or own, title=title)
    for category in gates["categories"] if gates else ():
        for finding in category["findings"]:
            yield Sighting(finding=lenient(finding, category), workflow_id=own, title=title)


def _missed(watch: Watch | None) -> list[Finding]:
    """Judge the bands and windows that the plan declares; what may still come right is left out."""
    if watch is None or watch.observation is None or watch.observation.template is None:
        return []
    from pytest_k1n.coordination.watch import RUN_ENDED
    from pytest_k1n.core.expectations.expectation import judge_each
    from pytest_k1n.core.expectations.planned import planned_bands

    seen = watch.observation
    if seen.released == RUN_ENDED:  # it has missed what it has overrun, and nothing by being left behind
        seen = replace(seen, released=None)
    judged = judge_each(planned_bands(watch.observation.template), seen)
    return [
        each
        for each in judged.findings
        if each.verdict is Verdict.FAIL and each.code in ("outside-band", "not-finished")
    ]


def _launches(run: Run, batch: int) -> Iterator[Any]:
    for launch in run.collection.launches if run.collection else ():
        if launch.batch == batch and not launch.alone:
            yield launch


def _verdict(outcomes: Mapping[str, ItemOutcome | None], gates: QualityDocument | None) -> str:
    ended = {outcome for outcome in outcomes.values() if outcome is not None}
    quality = gates["verdict"] if gates else "unknown"
    if ItemOutcome.BLOCKED in ended:
        return "blocked"
    if ItemOutcome.FAILED in ended or quality == "fail":
        return "fail"
    if ItemOutcome.UNKNOWN in ended or quality == "unknown" or None in outcomes.values():
        return "unknown"
    return "pass"


def _is_complete(path: Path, workflow_id: str | None) -> bool:
    try:
        known = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return known.get("partial") is False and known.get("workflow", {}).get("workflow_id") == workflow_id
