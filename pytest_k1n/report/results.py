"""The results document of one template (`schemas/results.schema.json`): built here, nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pytest_k1n.coordination.backend import ServerDescription
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.plan import Phase, Template
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.timing.checkpoints import Checkpoint
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.timeline import Attempt
from pytest_k1n.core.units import iso_utc, minutes
from pytest_k1n.report.weather import WeatherDocument, weather_document

if TYPE_CHECKING:
    from pytest_k1n.core.gates.document import QualityDocument

SCHEMA = "k1n-results/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsSource:
    """Everything that the results of one template are made from."""

    template: Template
    batch: str
    verdict: str
    """pass, fail, unknown or blocked."""
    partial: bool
    server: ServerDescription | None
    time_model: str
    speed: float
    observation: Observation | None = None
    """None where the execution never started."""
    checkpoints: tuple[Checkpoint, ...] = ()
    gates: QualityDocument | None = None
    """The quality document of this execution."""
    findings: Iterable[Mapping[str, Any]] = field(default_factory=tuple)
    """Findings of the tests and gates, as JSON objects."""


def results_document(subject: ResultsSource) -> dict[str, Any]:
    """Build the document; times twice, ISO in UTC and epoch ms of the server, null where there are none."""
    observation, template = subject.observation, subject.template
    execution = observation.execution if observation else None
    started_ms = execution.started_ms if execution else None
    ended_ms = execution.ended_ms if execution else None
    end_ms = observation.timeline.end_ms if observation else None
    return {
        "schema": SCHEMA,
        "template": template.id,
        "batch": subject.batch,
        "verdict": subject.verdict,
        "partial": subject.partial,
        "workflow": {
            "name": template.workflow,
            "version": execution.version if execution else template.version,
            "workflow_id": execution.workflow_id if execution else None,
            "correlation_id": execution.correlation_id if execution else None,
            "status": str(execution.status) if execution else None,
        },
        "server": _server(subject.server),
        "time": {"model": subject.time_model, "speed": subject.speed},
        **_instants("started", started_ms),
        **_instants("ended", ended_ms),
        "makespan_ms": ended_ms - started_ms if ended_ms and started_ms else None,
        "makespan_min": None if end_ms is None else minutes(end_ms),
        "tasks": tasks_json(observation) if observation else [],
        "phases": [_phase(observation, phase) for phase in template.phases],
        "checkpoints": [_checkpoint(checkpoint) for checkpoint in subject.checkpoints],
        "gates": subject.gates,
        "findings": _unique(subject.findings),
        "critical_path": path_json(observation) if observation and ended_ms else None,
        "weather": _weather(observation) if observation else None,
    }


def _weather(observation: Observation) -> WeatherDocument | None:
    """Say when machine and server stood still while the execution ran; None where nothing measured it."""
    if observation.weather is None:
        return None
    execution, weather = observation.execution, observation.weather
    end_ms = weather.until_ms if execution.ended_ms is None else execution.ended_ms
    return weather_document(weather.during(Interval(execution.started_ms, end_ms)))


def finding_json(finding: Finding) -> dict[str, Any]:
    """Write a finding as results files and evidence carry it: plain strings, because execnet cannot serialise enums."""
    return {name: str.__str__(value) for name, value in asdict(finding).items()}


def _server(server: ServerDescription | None) -> dict[str, str | None]:
    if server is None:
        return {"kind": None, "version": None, "url": None}
    return {"kind": server["kind"], "version": server["version"], "url": server["url"]}


def _instants(name: str, epoch_ms: int | None) -> dict[str, Any]:
    return {f"{name}_at": None if epoch_ms is None else iso_utc(epoch_ms), f"{name}_ms": epoch_ms}


def tasks_json(observation: Observation) -> list[dict[str, Any]]:
    """Describe every attempt of a worker's task, in scheduling order."""
    if "tasks" not in observation.derived:
        observation.derived["tasks"] = _tasks(observation)
    return cast("list[dict[str, Any]]", observation.derived["tasks"])


def _tasks(observation: Observation) -> list[dict[str, Any]]:
    attempts = (attempt for span in observation.timeline.spans.values() for attempt in span.attempts)
    worked = sorted((each for each in attempts if each.record.is_worker_task), key=lambda each: each.record.seq)
    return [_task(observation, attempt) for attempt in worked]


def _task(observation: Observation, attempt: Attempt) -> dict[str, Any]:
    record = attempt.record
    queued_from = None if record.scheduled_ms is None else record.scheduled_ms + record.start_delay_ms
    interval = attempt.interval
    estimate_ms = observation.estimate_ms(record.ref)
    is_run = record.started_ms is not None and record.ended_ms is not None
    return {
        "task_id": record.def_name,
        "ref": f"{record.ref}__{record.iteration}" if record.iteration else record.ref,
        "status": str(record.status),
        "attempt": record.attempt,
        "worker_id": record.worker_id,
        "simulated": observation.is_simulated(record.key),
        **_instants("scheduled", record.scheduled_ms),
        **_instants("started", record.started_ms),
        **_instants("ended", record.ended_ms),
        "duration_ms": (record.ended_ms or 0) - (record.started_ms or 0) if is_run else None,
        "queue_wait_ms": None if record.started_ms is None or queued_from is None else record.started_ms - queued_from,
        "duration_min": None if interval is None else minutes(interval.duration_ms),
        "estimate_min": None if estimate_ms is None else minutes(estimate_ms),
    }


def _phase(observation: Observation | None, phase: Phase) -> dict[str, Any]:
    window = observation.timeline.window(phase.refs) if observation else None
    duration_ms = window.duration_ms if window else None
    started_ms = window.start_ms + observation.execution.started_ms if window and observation else None
    verdict = "unknown"
    if duration_ms is not None:
        low, high = phase.band_ms or (0, duration_ms)
        verdict = "pass" if low <= duration_ms <= high else "fail"
    return {
        "phase": phase.number,
        "started_ms": started_ms,
        "ended_ms": None if started_ms is None or duration_ms is None else started_ms + duration_ms,
        "duration_min": None if duration_ms is None else minutes(duration_ms),
        "band_min": None if phase.band_ms is None else [minutes(bound) for bound in phase.band_ms],
        "verdict": verdict,
    }


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "at_min": minutes(checkpoint.at_ms),
        "completed": checkpoint.completed,
        "running": checkpoint.running,
        "percent": round(checkpoint.percent, 1),
        "errors": checkpoint.errors,
    }


def _unique(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Drop repetitions: several tests may find the same thing."""
    fields = ("code", "subject", "expected", "observed", "margin", "origin", "verdict")
    rows = [{name: str(finding.get(name, "")) for name in fields} for finding in findings]
    return list({tuple(row.values()): row for row in rows}.values())


def path_json(observation: Observation) -> dict[str, Any]:
    """Say where the makespan went, in workflow time; the parts add up to it."""
    if "path" not in observation.derived:
        observation.derived["path"] = _path(observation)
    return cast("dict[str, Any]", observation.derived["path"])


def _path(observation: Observation) -> dict[str, Any]:
    path = observation.path
    works = path.work_by_task()
    work = {label(key): minutes(works[key]) for key in path.tasks if works.get(key)}
    return {
        "tasks": [{"ref": ref, "work_min": work_min} for ref, work_min in work.items()],
        "by_kind_min": {str(kind): minutes(ms) for kind, ms in path.by_kind().items()},
        "makespan_min": minutes(path.makespan_ms),
    }
