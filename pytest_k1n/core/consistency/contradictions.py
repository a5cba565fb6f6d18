"""What a record says twice and not alike, or says that no server does: of switches, loops, sub-workflows, retries.

What a person may have written over by the API is left out, as the outputs of a JOIN and the end of a WAIT.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pytest_k1n.core.consistency.reruns import attempts, failed_before, is_unevaluated, joined, told_by, was_run_again
from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus, WorkflowStatus, WorkflowTask
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.units import SECOND_MS, format_ms

EARLIEST_MS = 10**11
"""1973: stamps before that are seconds, taken for milliseconds."""
EARLY_POLL_MS = 2_000
"""How much before its delay is over a retry may be polled: queues keep whole seconds."""
_OF_FORKS = {"FORK_JOIN": "FORK", "FORK_JOIN_DYNAMIC": "FORK"}
_KEPT = frozenset({
    "JOIN", "EXCLUSIVE_JOIN", "SWITCH", "DO_WHILE", "SUB_WORKFLOW", "START_WORKFLOW", "WAIT", "HUMAN", "HTTP", "EVENT",
    "INLINE", "SET_VARIABLE", "TERMINATE", "JSON_JQ_TRANSFORM", "NOOP",
})  # fmt: skip
"""Types of system tasks that a record keeps as the definition says them."""


def contradictions(observation: Observation) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever a record contradicts."""
    execution = observation.execution
    if 0 < execution.started_ms < EARLIEST_MS:
        said = f"it started {execution.started_ms} ms after 1970"
        yield doubt("contradiction", execution.name, "stamps in milliseconds", said)
    if execution.parent_workflow_id == execution.workflow_id:
        yield doubt("contradiction", execution.name, "another execution as its parent", "it is its own parent")
    yield from _of_optional(observation)
    yield from _of_joins(execution)
    yield from _of_snapshots(execution)
    types = execution.columns.types
    if not {"SWITCH", "DO_WHILE", "SUB_WORKFLOW"}.isdisjoint(types):
        for key, record in observation.finals.items():
            if record.type == "DO_WHILE" and record.status.is_terminal:
                yield from _of_loop(observation, key, record)
            if record.status is TaskStatus.COMPLETED:
                yield from _of_switch(key, record)
                yield from _of_child(key, record, execution.workflow_id)
    if execution.columns.is_repeated:
        yield from _of_retries(observation)


def kept_type(task: WorkflowTask) -> str | None:
    """Return the type under which the server records a system task; None where a name or an input decides."""
    return _OF_FORKS.get(task.type) or (task.type if task.type in _KEPT else None)


def doubt(code: str, subject: str | TaskKey, expected: str, observed: str, margin: str = "") -> Finding:
    """Make a finding about the evidence: it fails nothing, and is no pass."""
    return Finding(
        code=code,
        subject=subject if isinstance(subject, str) else label(subject),
        expected=expected,
        observed=observed,
        margin=margin,
        origin="what a record can say",
        verdict=Verdict.UNKNOWN,
    )


_UNSUCCESSFUL = (TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR, TaskStatus.TIMED_OUT)


def _of_optional(observation: Observation) -> Iterator[Finding]:
    """Judge how an optional task of a COMPLETED execution ended: where it failed it is COMPLETED_WITH_ERRORS."""
    execution = observation.execution
    columns = execution.columns
    if execution.status is not WorkflowStatus.COMPLETED or columns.all_completed:
        return
    is_stopped, last_ms = "TERMINATE" in columns.types, max(columns.of_work(columns.ended_ms), default=0)
    for key, place in columns.last.items():
        status = columns.status[place]
        if status is TaskStatus.COMPLETED or not (status in _UNSUCCESSFUL or status is TaskStatus.CANCELED):
            continue
        if status is not TaskStatus.CANCELED and columns.ended_ms[place] >= last_ms:  # it ended the execution (3.32.1)
            continue
        task = execution.tasks[place].workflow_task
        if task is not None and task.optional and not is_stopped:
            yield doubt("contradiction", key, "COMPLETED_WITH_ERRORS of an optional task that failed", str(status))


def _of_joins(execution: Execution) -> Iterator[Finding]:
    """Judge that a JOIN is COMPLETED_WITH_ERRORS only where some optional task before it went wrong, and always there.

    One that waits again keeps its old reason.
    """
    columns = execution.columns
    if execution.last_retried_ms is None and not columns.all_completed:
        for place, kind in enumerate(columns.type):
            if kind == "JOIN" and columns.status[place] is TaskStatus.COMPLETED and told_by(execution.tasks[place]):
                said = f"COMPLETED, and {execution.tasks[place].reason}"
                yield doubt("contradiction", columns.keys[place], "COMPLETED_WITH_ERRORS of what names some", said)
    errors = [place for place, status in enumerate(columns.status) if status is TaskStatus.COMPLETED_WITH_ERRORS]
    for place in errors:
        if columns.type[place] in JOINS and not _has_partial(execution, execution.tasks[place]):
            said = "COMPLETED_WITH_ERRORS, and none of those it waited for was"
            yield doubt("not-optional", columns.keys[place], "an optional task that failed", said)
    if not errors or not {columns.type[place] for place in errors}.issubset(JOINS):
        return
    children = failed_before(execution)
    if not all(children & told_by(execution.tasks[place]) for place in errors):
        yield doubt(
            "not-optional",
            columns.keys[errors[0]],
            "an optional task that failed",
            "COMPLETED_WITH_ERRORS, and none did",
        )


def _has_partial(execution: Execution, join: TaskRecord) -> bool:
    """Whether a JOIN waited for something that completed with errors, or says so of what has been run again since."""
    rows, statuses = joined(execution, join), execution.columns.status
    if told_by(join) or rows is None:
        return True
    return any(row is None or statuses[row] is TaskStatus.COMPLETED_WITH_ERRORS for row in rows)


def _of_snapshots(execution: Execution) -> Iterator[Finding]:
    """Judge that a record's snapshot of its own task is not another's, and that the attempt it follows is there."""
    columns = execution.columns
    rows = zip(columns.ref, columns.snapshot_ref, strict=True)
    for place, (ref, told) in enumerate(
        rows if any(columns.snapshot_ref) and columns.ref != columns.snapshot_ref else ()
    ):
        if told is not None and told != ref:
            yield doubt("foreign-record", columns.keys[place], f"the snapshot of {ref}", f"that of {told}")
    is_alike = columns.of_work(columns.type) == columns.of_work(columns.def_name)
    names = zip(columns.is_work, columns.type, columns.def_name, strict=True)
    for place, (is_work, kind, name) in enumerate(() if is_alike else names):
        if is_work and kind != name and not _is_of_own_type(execution.tasks[place]):
            yield doubt("foreign-record", columns.keys[place], f"a task of type {kind}", f"its name is {name}")
    if any(columns.retried_task_id):
        ids = set(columns.task_id)
        for place, before in enumerate(columns.retried_task_id):
            if before and before not in ids:
                said = f"it follows task id {before}, which is not on record"
                yield doubt("attempts-missing", columns.keys[place], "the attempt that it follows", said)
    if min(columns.seq, default=0) < 0:
        yield doubt("contradiction", execution.name, "numbers from 1", f"seq {min(columns.seq)}")


def _is_of_own_type(record: TaskRecord) -> bool:
    """Whether its definition says a type that no server knows: workers poll for that, whatever the task's name is."""
    task = record.workflow_task
    return task is not None and task.type == record.type and task.name == record.def_name


def _of_switch(key: TaskKey, record: TaskRecord) -> Iterator[Finding]:
    if record.type != "SWITCH":
        return
    results = record.output.get("evaluationResult")
    if not isinstance(results, list) or not results:
        if not is_unevaluated(record):
            yield doubt("contradiction", key, "the value that it evaluated", "COMPLETED without evaluationResult")
        return
    task = record.workflow_task
    by_value = task is not None and task.raw.get("evaluatorType") == "value-param"
    read = record.input.get(str(task.raw.get("expression"))) if task is not None and by_value else None
    chosen = record.output.get("selectedCase")
    for what, value in (("its case", record.input.get("case")), ("its selectedCase", chosen), ("its input", read)):
        if isinstance(value, str) and value != str(results[0]):
            said = f"evaluationResult is {results[0]!r:.40}, {what} {value!r:.40}"
            yield doubt("contradiction", key, "one value that it evaluated", said)


def _of_loop(observation: Observation, key: TaskKey, record: TaskRecord) -> Iterator[Finding]:
    task = record.workflow_task
    if record.type != "DO_WHILE" or key[1] or task is None or not task.loop_over:
        return
    rounds = record.output.get("iteration")
    if not isinstance(rounds, int):
        if record.status is not TaskStatus.COMPLETED:  # it may have ended before its first round
            return
        yield doubt("contradiction", key, "a count of its rounds", "COMPLETED without iteration in its output")
        return
    if record.stated_iteration not in (0, rounds):
        said = f"iteration {record.stated_iteration}, and {rounds} in its output"
        yield doubt("contradiction", key, "one count of its rounds", said)
    first = task.loop_over[0].ref
    most = max((iteration for ref, iteration in observation.execution.columns.last if ref == first), default=0)
    if most > rounds:
        said = f"{rounds} rounds, and {first} has a record of round {most}"
        yield doubt("contradiction", key, "as many rounds as it counts", said)


def _of_child(key: TaskKey, record: TaskRecord, own_id: str) -> Iterator[Finding]:
    if record.type != "SUB_WORKFLOW":
        return
    child, said = record.sub_workflow_id, record.output.get("subWorkflowId")
    if child is None:
        yield doubt("contradiction", key, "the execution that it started", "COMPLETED without subWorkflowId")
    elif child == own_id:
        yield doubt("contradiction", key, "another execution as its sub-workflow", "it is its own")
    elif said is not None and said != child:
        yield doubt("contradiction", key, "one sub-workflow", f"subWorkflowId is {child}, and {said} in its output")
    asked = record.workflow_task.raw.get("subWorkflowParam") if record.workflow_task else None
    if not isinstance(asked, dict):
        return
    inline, version, ran_version = (
        asked.get("workflowDefinition"),
        asked.get("version"),
        record.input.get("subWorkflowVersion"),
    )
    if isinstance(version, int) and ran_version not in (None, version):
        yield doubt("foreign-record", key, f"a sub-workflow of version {version}", f"it is of version {ran_version}")
    name, ran = (inline if isinstance(inline, dict) else asked).get("name"), record.input.get("subWorkflowName")
    if isinstance(name, str) and "$" not in name and isinstance(inline, dict | None) and ran not in (None, name):
        yield doubt("foreign-record", key, f"a sub-workflow of {name}", f"it is of {ran}")


def was_overtaken(record: TaskRecord) -> bool:
    """Whether a success may be the report of an attempt that the server had just given up as overdue.

    3.32.1 takes such a report while it schedules the next attempt: both then stand on record, the earlier COMPLETED and
    not retried, the later scheduled just before or after its end (7 of 27 restarts after `kill -9`, all but one under
    load). Only an attempt that took longer than its response timeout can have been given up.
    """
    limit_ms = record.response_timeout_s * SECOND_MS
    took_ms = record.ended_ms - record.started_ms if record.ended_ms and record.started_ms else 0
    return record.status.is_successful and not record.retried and 0 < limit_ms <= took_ms


def _of_retries(observation: Observation) -> Iterator[Finding]:
    """Judge that an attempt came after the end of the one before, and was not polled before its delay was over."""
    for key, records in attempts(observation):
        for before, after in pairwise(records):
            # The end of one that is given up is written behind the retry.
            is_told = before.status is not TaskStatus.TIMED_OUT and not was_overtaken(before)
            is_told = is_told and not was_run_again(before, after)
            if is_told and before.ended_ms and after.scheduled_ms and after.scheduled_ms < before.ended_ms:
                early = format_ms(before.ended_ms - after.scheduled_ms)
                said = f"attempt {after.attempt} was scheduled before attempt {before.attempt} ended"
                yield doubt("stamps-out-of-order", key, "a retry behind the failure", said, early)
            if after.started_ms and after.scheduled_ms and after.start_delay_ms:
                early_ms = after.scheduled_ms + after.start_delay_ms - after.started_ms
                if early_ms > EARLY_POLL_MS:
                    delay = format_ms(after.start_delay_ms)
                    said = f"attempt {after.attempt} started before its delay of {delay} was over"
                    yield doubt("stamps-out-of-order", key, "a retry behind its delay", said, format_ms(early_ms))
