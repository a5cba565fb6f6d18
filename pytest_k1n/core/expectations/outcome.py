"""How an execution should end."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.consistency.rewriting import is_overtaken
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.joins import joins_wait
from pytest_k1n.core.expectations.subjects import pending
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskKey, TaskRecord, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.unroll import expected_keys, label
from pytest_k1n.core.pending.final import failed_for_good
from pytest_k1n.core.pending.stalled import never_scheduled
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import shown
from pytest_k1n.core.record.reasons import plain_reason
from pytest_k1n.core.standins.answers import unanswered
from pytest_k1n.core.tally import Tally


@expectation
def completed(*, skipped: Sequence[str] = ()) -> Judge:
    """Expect the execution COMPLETED, and every task that is not optional on the path taken with it.

    A task that the API was asked to skip counts only if its ref is in `skipped`: else the record does not say why.
    A task that has failed for good is reported while the execution is still running. A static fork's JOIN with an empty
    `joinOn` is a failure: the execution may end well, but what follows the fork did not wait for it.
    """

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        required, columns = expected_keys(observation.graph, observation.execution), observation.execution.columns
        if columns.all_completed and all(map(columns.last.__contains__, required)):
            tally.passed(len(required))
            required = ()
        for key in required:
            _task_succeeded(observation, key, tally, skipped)
        if TaskStatus.SKIPPED in columns.status:  # nor does a server skip what is optional
            for key in columns.last.keys() - set(required):
                if columns.status[columns.last[key]] is TaskStatus.SKIPPED:
                    _task_succeeded(observation, key, tally, skipped)
        status_is(observation, WorkflowStatus.COMPLETED, tally)  # behind the tasks: they are why
        joins_wait(observation, tally)
        return tally.findings()

    return judge


@expectation
def failed(*, reason: str | None = None) -> Judge:
    """Expect the execution FAILED, its reason (or that of a failed task) containing `reason`."""
    return _ends(WorkflowStatus.FAILED, reason)


@expectation
def timed_out(*, reason: str | None = None) -> Judge:
    """Expect the execution TIMED_OUT, its reason (or that of a timed out task) containing `reason`."""
    return _ends(WorkflowStatus.TIMED_OUT, reason)


@expectation
def terminated(*, reason: str | None = None) -> Judge:
    """Expect the execution TERMINATED, by the API or by a TERMINATE task, its reason containing `reason`."""
    return _ends(WorkflowStatus.TERMINATED, reason)


def status_is(observation: Observation, wanted: WorkflowStatus, tally: Tally) -> None:
    """Judge the status of the execution: pending while it runs and is waited for."""
    name = observation.execution.name
    if observation.execution.status is wanted:
        tally.passed()
    elif observation.is_settled:
        because = "".join(f"; {each}" for each in unanswered(observation.execution)[:1])
        tally.fail("wrong-status", name, expected=wanted, observed=f"{observation.state}{because}")
    else:
        pending(tally, name, expected=wanted, observed=observation.state)


def _task_succeeded(observation: Observation, key: TaskKey, tally: Tally, skipped: Sequence[str]) -> None:
    record = observation.finals.get(key)
    if record is None:
        # A COMPLETED execution without it does not follow its definition; of any other the status says enough.
        if observation.execution.status is WorkflowStatus.COMPLETED:
            tally.fail("not-run", label(key), expected="it to run", observed=never_scheduled(observation, key))
    elif record.status is TaskStatus.SKIPPED and key[0] not in skipped:
        asked = f"{TaskStatus.COMPLETED}, or completed(skipped=[{key[0]!r}]) if that was asked for"
        tally.unknown("skipped-unasked", label(key), expected=asked, observed="SKIPPED: a person did that by the API")
    elif record.status.is_terminal and record.status.is_successful:
        tally.passed()
    elif failed_for_good(observation, record) and not _was_swept_away(observation, record):
        reason = f": {plain_reason(record.reason)}" if record.reason else ""
        tally.fail(
            "task-failed",
            label(key),
            expected=TaskStatus.COMPLETED,
            observed=f"{record.status} at attempt {record.attempt + 1}{reason}",
        )


def _was_swept_away(observation: Observation, record: TaskRecord) -> bool:
    """Whether a task was only cancelled because its execution ended: a consequence, not a cause.

    So is what a TERMINATE stops, and a last JOIN that the end has overtaken. A server cancels the tasks first and
    ends their execution then: while it runs, a cancelled task may be one of these.
    """
    if record.status is not TaskStatus.CANCELED:
        return False
    if observation.execution.status is not WorkflowStatus.COMPLETED:
        return observation.execution.is_terminal or not observation.is_settled
    if is_overtaken(observation.execution, record):
        return True
    others = observation.finals.values()
    return any(each.type == "TERMINATE" and each.status is TaskStatus.COMPLETED for each in others)


def _ends(wanted: WorkflowStatus, reason: str | None) -> Judge:
    def judge(observation: Observation) -> Findings:
        tally = Tally()
        status_is(observation, wanted, tally)
        if reason is not None and observation.execution.status is wanted:
            said = [observation.execution.reason or ""]
            said += [record.reason for record in observation.finals.values() if record.reason]
            if any(reason in text for text in said):
                tally.passed()
            else:
                tally.fail(
                    "wrong-reason",
                    observation.execution.name,
                    expected=f"a reason that contains {reason!r}",
                    observed=shown(plain_reason(observation.execution.reason or ""), 200),
                )
        return tally.findings()

    return judge
