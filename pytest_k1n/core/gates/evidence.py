"""Gates on data and evidence: schema, lineage, logs (G14 to G16)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_k1n.core.expectations.data import is_error_line
from pytest_k1n.core.expectations.lineage import broken
from pytest_k1n.core.gates.category import Exempt, not_applicable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.model import Json, TaskRecord, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.lineage import traced
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.record.paths import equal, leaves, lookup, shown
from pytest_k1n.core.tally import Tally

LOG_SLACK_MS = 1_000
"""How far outside its task's stamps a log line may lie: the worker's clock writes some, the server's others."""


def schemas(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G14: inputs and outputs satisfy the schemas of their task definitions, and the output has its declared keys."""
    name = observation.execution.name
    documents = list(_documents(observation))
    if documents and settings.validate is None:
        tally.unknown("no-validator", name, expected="documents valid by their schemas", observed="no validator given")
        documents = []
    for subject, what, schema, document in documents:
        errors = settings.validate(schema, document) if settings.validate else []
        _valid(subject, what, tuple(errors), tally)
    for title, errors_of in (observation.documents or {}).items():
        _valid(name, title, errors_of, tally)
    declared = observation.definition.output_parameters
    if declared and observation.execution.status is WorkflowStatus.COMPLETED and not _terminated(observation):
        lacking = [key for key in declared if key not in observation.execution.output]
        _valid(name, "output", tuple(f"{key} is missing" for key in lacking), tally)
    return None if tally.passes or tally.found else not_applicable("no schema and no declared output")


def _documents(observation: Observation) -> Iterator[tuple[str, str, Mapping[str, Json], Json]]:
    """Yield (subject, what, schema, document) of every input, and of every output of an attempt that COMPLETED."""
    for key in observation.worker_keys:
        definition = observation.task_definition(key)
        if definition is None:
            continue
        for record in observation.records[key]:
            if definition.input_schema is not None:
                yield label(key), "inputData", definition.input_schema, dict(record.input)
            if definition.output_schema is not None and record.status is TaskStatus.COMPLETED:
                # What our worker notes for itself is not the handler's output.
                output = {name: value for name, value in record.output.items() if name != "_k1n"}
                yield label(key), "outputData", definition.output_schema, output


def _valid(subject: str, what: str, errors: tuple[str, ...], tally: Tally) -> None:
    if not errors:
        tally.passed()
        return
    more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    tally.fail(
        "schema-violation", subject, expected=f"{what} valid", observed=f"{shown(errors[0], 160)}{more}",
        origin="schema of the task definition" if what in ("inputData", "outputData") else f"declared {what}",
    )  # fmt: skip


def lineage(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G15: every expression of the definition reached its reader with the value that its producer put out."""
    found = list(traced(observation))
    for trace in found:
        if trace.untraced:
            tally.note(f"not traced: {trace.untraced}")
        elif equal(trace.expected, trace.observed):
            tally.passed()
        else:
            tally.fail("lineage-broken", trace.subject, **broken(trace))
    unresolved = _unresolved(observation)
    for key, path, value in unresolved:
        tally.fail(
            "unresolved-expression", key, expected="no expression left in inputData", observed=f"{path} is {value}"
        )
    return None if found or unresolved else not_applicable("the definition reads no data of tasks or input")


def _unresolved(observation: Observation) -> list[tuple[str, str, str]]:
    """Find expressions that the server left as the definition has them.

    Secrets are meant to stay, and text that only looks like one is data, or comes of an escape (`$${`).
    """
    found = []
    for key in observation.worker_keys:
        task = observation.graph.nodes.get(key)
        for path, value in leaves(observation.finals[key].input):
            is_left = isinstance(value, str) and "${" in value and "${workflow.secrets." not in value
            if is_left and task is not None and lookup(task.inputs, path) == value:
                found.append((label(key), path, shown(value)))
    return found


def logs(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G16: every task that a worker ended has a worker id and a log line from its time, and no ERROR if COMPLETED.

    That updateTime reaches endTime is not asked: the server's terminal update does not refresh it.
    """
    if observation.logs is None:
        name = observation.execution.name
        tally.unknown("no-logs", name, expected="a log of every task", observed="the logs were not fetched")
        return None
    judged = [record for record in observation.execution.tasks if record.is_worker_task and _ended(record)]
    for record in judged:
        _logged(observation, record, observation.logs.get(record.task_id, ()), tally)
    return None if judged else not_applicable("no worker task has ended")


def _ended(record: TaskRecord) -> bool:
    """Whether a worker ended this attempt itself: what timed out or was cancelled may never have logged."""
    return record.status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR)


def _logged(observation: Observation, record: TaskRecord, lines: tuple[tuple[int, str], ...], tally: Tally) -> None:
    subject, origin = label(record.key), f"attempt {record.attempt + 1}"
    begin_ms = (record.started_ms or 0) - LOG_SLACK_MS
    end_ms = (record.ended_ms or 0) + LOG_SLACK_MS
    # In virtual time lines may carry the real clock.
    any_time = observation.time_model is TimeModel.VIRTUAL
    timely = [text for at_ms, text in lines if any_time or begin_ms <= at_ms <= end_ms]
    errors = [text for _, text in lines if is_error_line(text)]
    if not record.worker_id:
        tally.fail("no-worker-id", subject, expected="the worker's id on record", observed="none", origin=origin)
    elif not timely:
        observed = f"{len(lines)} lines, none from its time" if lines else "none"
        tally.fail("no-log-line", subject, expected="a log line from its time", observed=observed, origin=origin)
    elif errors and record.status is TaskStatus.COMPLETED:
        expected, observed = "no ERROR line in the log of a COMPLETED task", shown(errors[0].strip(), 160)
        tally.fail("error-in-log", subject, expected=expected, observed=observed, origin=origin)
    else:
        tally.passed()


def _terminated(observation: Observation) -> bool:
    """Whether a TERMINATE ended the execution, whose output then is its own."""
    return any(record.type == "TERMINATE" for record in observation.finals.values())
