"""The document of this run, gathered from the director and the test reports at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED
from pytest_k1n.coordination.gate_ledger import Gate
from pytest_k1n.coordination.watch import Watch
from pytest_k1n.core.findings import NOT_MEASURABLE
from pytest_k1n.core.plan import Batch
from pytest_k1n.core.units import iso_utc
from pytest_k1n.report.document import (
    SCHEMA,
    BatchDocument,
    ExecutionDocument,
    FindingDocument,
    RunDocument,
    TemplateDocument,
    TestDocument,
    VerdictWord,
)
from pytest_k1n.report.execution_document import JudgedExecution, Role, execution_document
from pytest_k1n.report.grouping import Sighting, grouped, lenient
from pytest_k1n.report.results import finding_json
from pytest_k1n.report.weather import RunWeatherDocument, weather_document
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.own_executions import own_documents
from pytest_k1n.run.result import Result
from pytest_k1n.run.run import Run
from pytest_k1n.run.verdict import batch_verdict, run_verdict


def run_document(controller: Controller, shown: Sequence[Result], *, ended_ms: int, exit_code: int) -> RunDocument:
    """Gather everything, the results of all templates too; `ended_ms` is epoch ms of this machine."""
    from importlib.metadata import version

    run, director, outcomes = controller.run, controller.director, controller.outcomes
    state = director.state
    found = grouped([*_sightings(controller), *_unasked(shown)])
    document: RunDocument = {
        "schema": SCHEMA,
        "run": {
            "uid": run.uid,
            "made_by": f"pytest-k1n {version('pytest-k1n')}",
            "started_at": iso_utc(controller.started_ms),
            "ended_at": iso_utc(ended_ms),
            "seed": run.settings.seed,
            "exit_code": exit_code,
        },
        "verdict": run_verdict(controller),
        "server": {**(state.server or {}), "error": state.server_error},
        "time": {"model": state.time_model, "speed": state.speed},
        "plan": run.plan.source if run.plan else None,
        "batches": list(_batches(controller, shown)),
        "executions": [*_executions(controller, shown, found), *own_documents(run, controller.messages)],
        "findings": found,
        "tests": [_test(controller, node_id, str(outcome)) for node_id, outcome in outcomes.items()],
    }
    if (weather := _weather(controller)) is not None:
        document["weather"] = weather
    return document


def _test(controller: Controller, node_id: str, outcome: str) -> TestDocument:
    document: TestDocument = {
        "node_id": node_id, "outcome": outcome, "batch": _batch_name(controller.run.items[node_id].batch),
    }  # fmt: skip
    if node_id in controller.messages:
        document["message"] = controller.messages[node_id]
    return document


def _weather(controller: Controller) -> RunWeatherDocument | None:
    """Say what the meters recorded, and count the latencies of tests and of gates; None where none ran."""
    run, director = controller.run, controller.director
    if director.state.server is None or director.state.time_model == "virtual" or (weather := run.weather) is None:
        return None
    qualities = [quality for batch in director.batches if (quality := run.folder.quality(batch.number))]
    categories = [category for quality in qualities for category in quality["batch"]["categories"]]
    found = [finding for findings in controller.findings.values() for finding in findings]
    return {
        **weather_document(weather),
        "checks": sum(controller.latencies.values()) + sum(each["latencies"] for each in categories),
        "not_measurable": sum(each["code"] == NOT_MEASURABLE for each in found)
        + sum(each["not_measurable"] for each in categories),
    }


def _batches(controller: Controller, shown: Sequence[Result]) -> Iterator[BatchDocument]:
    run, director = controller.run, controller.director
    numbers = {batch.number for batch in director.batches}
    for batch in run.plan.batches if run.plan else ():
        if batch.number not in numbers:
            continue
        gate, reason = director.state.gates.get(str(batch.number), (Gate.OPEN, ""))
        quality = run.folder.quality(batch.number)
        yield {
            "name": batch.name,
            "title": batch.title,
            "verdict": "blocked" if gate == Gate.BLOCKED else batch_verdict(controller, batch.number),
            "reason": reason,
            "timeline_ms": tuple(batch.timeline) if batch.timeline else None,  # type: ignore[typeddict-item]
            "quality": quality["batch"] if quality else None,
            "templates": _templates(batch, shown),
        }


def _templates(batch: Batch, shown: Sequence[Result]) -> list[TemplateDocument]:
    return [
        {
            "id": result.template.id,
            "title": result.template.title,
            "workflow": result.template.workflow,
            "verdict": result.document["verdict"],
            "band_ms": result.template.band_ms,
            "estimate_ms": result.template.total_estimate_ms,
            "results": result.path.name if result.path.exists() else None,
        }
        for result in shown
        if result.batch.number == batch.number
    ]


def _executions(
    controller: Controller, shown: Sequence[Result], found: list[FindingDocument]
) -> Iterator[ExecutionDocument]:
    director, items = controller.director, controller.run.items
    raised = {items[node_id].key: message for node_id, message in reversed(controller.messages.items())}
    verdicts = {id(result.watch): result.document for result in shown if result.watch is not None}
    order = {id(result.watch): place for place, result in enumerate(shown)}
    for batch in director.batches:
        watches = sorted(batch.watches, key=lambda watch: order.get(id(watch), len(order)))
        for watch in watches:
            if watch.observation is None:
                continue
            document = verdicts.get(id(watch))
            made = execution_document(
                JudgedExecution(
                    observation=watch.observation,
                    title=watch.title,
                    verdict=document["verdict"] if document else _verdict(watch, found),
                    batch=_batch_name(batch.number),
                    role=_role(watch, is_shown=document is not None, is_batched=batch.number != UNBATCHED),
                    checkpoints=watch.checkpoints,
                    gates=document["gates"] if document else None,
                )
            )
            if document is not None and watch.start.key in raised:
                made["raised"] = raised[watch.start.key]
            yield made


def _role(watch: Watch, *, is_shown: bool, is_batched: bool) -> Role:
    if watch.start.alone:
        return "alone"
    return ("main" if is_shown else "repeat") if is_batched else "own"


def _verdict(watch: Watch, found: list[FindingDocument]) -> VerdictWord:
    """Judge an execution without a results file by what was found of it."""
    mine = [each["verdict"] for each in found if each["workflow_id"] == watch.workflow_id]
    if "fail" in mine:
        return "fail"
    return "unknown" if "unknown" in mine or watch.state.released else "pass"


def _sightings(controller: Controller) -> Iterator[Sighting]:
    run, director = controller.run, controller.director
    watches = {watch.workflow_id: watch for batch in director.batches for watch in batch.watches}
    for node_id, findings in controller.findings.items():
        for finding in findings:
            watch = watches.get(finding["workflow_id"])
            yield Sighting(
                finding=finding,
                workflow_id=finding["workflow_id"],
                batch=_batch_name(run.items[node_id].batch),
                test=node_id,
                title=watch.title if watch else "",
            )
    for batch in director.batches:
        yield from _gate_sightings(run, batch)


def _unasked(shown: Sequence[Result]) -> Iterator[Sighting]:
    """Yield what fails the run because the plan asks for it, although no test does."""
    for result in shown:
        for finding in result.unasked:
            yield Sighting(
                finding=finding_json(finding),
                workflow_id=result.watch.workflow_id if result.watch else None,
                batch=result.batch.name,
                title=result.watch.title if result.watch else "",
            )


def _gate_sightings(run: Run, batch: BatchRun) -> Iterator[Sighting]:
    quality = run.folder.quality(batch.number) if batch.number != UNBATCHED else None
    titles = {watch.title: watch.workflow_id for watch in batch.watches}
    for category in quality["batch"]["categories"] if quality else ():
        for finding in category["findings"]:
            title = next((each for each in titles if finding["subject"].startswith(f"{each}: ")), "")
            yield Sighting(
                finding=lenient(finding, category),
                workflow_id=titles.get(title),
                batch=_batch_name(batch.number),
                gate=category["id"],
                title=title,
            )


def _batch_name(number: int) -> str | None:
    return None if number == UNBATCHED else f"batch{number}"
