"""What an execution did about trouble and waiting: retries with their delays, waits for people, compensation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pytest_k1n.core.expectations.expectation import Expectation, Judge, expectation
from pytest_k1n.core.expectations.subjects import MISNAMED, pending, recorded, unfinished
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.model import Json, TaskKey, TaskRecord, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import is_over
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import MISSING, equal, lookup, shown, steps
from pytest_k1n.core.record.reasons import plain_reason
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.text import counted
from pytest_k1n.core.units import SECOND_MS, duration_ms, format_ms
from pytest_k1n.core.words import FAILURE_WORKFLOW

STAMP_MS = 1
"""Truncation of two stamps can make a gap look this much shorter."""


@expectation
def retried(ref: str, *, times: int, delays: Sequence[str] | None = None, late: str = "30s") -> Judge:
    """Expect a task to be retried exactly `times`, each attempt at least its delay after the one before; raw time.

    `delays` are what the definition means its retry logic to be, as in `["1s", "2s", "4s"]`: one for each retry. An
    attempt may begin `late` after its delay, because the server looks only now and then; not where the record says that
    it was to be held back for longer. Raises ValueError for what is no duration, for a negative number of times, and
    for another number of delays than times.
    """
    if times < 0:
        raise ValueError(f"times must be 0 or more, not {times}")
    due_ms = None if delays is None else [duration_ms(delay) for delay in delays]
    if due_ms is not None and len(due_ms) != times:
        raise ValueError(f"{times} retries have {times} delays, not {len(due_ms)}")
    late_ms = duration_ms(late)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = counted(times, "retry", "retries")
        for key in recorded(observation, ref, tally, expected=expected):
            records = observation.records[key]
            count = len(records) - 1
            said = f"{counted(count, 'retry', 'retries')}: {', '.join(str(record.status) for record in records)}"
            if count > times or (count < times and (observation.is_settled or is_over(observation, key))):
                margin = f"{count - times:+d}"
                tally.fail("wrong-attempts", label(key), expected=expected, observed=said, margin=margin)
            elif count < times or not (observation.is_settled or is_over(observation, key)):
                pending(tally, label(key), expected=expected, observed=f"{said} so far")
            else:
                tally.passed()
            for due, (before, after) in zip(due_ms or (), pairwise(records), strict=False):
                _delay(key, before, after, due, late_ms, tally)
        return tally.findings()

    return judge


@expectation
def waited(ref: str, *, within: str, least: str = "0s") -> Judge:
    """Expect a WAIT, a HUMAN or any other task to end `within` a time of its scheduling; workflow time.

    `least` is how long it must have waited. Raises ValueError for what is no duration, or if `least` is longer.
    """
    low_ms, high_ms = duration_ms(least), duration_ms(within)
    if low_ms > high_ms:
        raise ValueError(f"least {least} is longer than within {within}")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = f"to have waited {format_ms(low_ms)} to {format_ms(high_ms)}"
        for key in recorded(observation, ref, tally, expected=expected):
            last = observation.timeline.spans[key].attempts[-1]
            if last.scheduled_ms is None or last.end_ms is None:
                unfinished(observation, key, tally, expected=expected)
                continue
            waited_ms = last.end_ms - last.scheduled_ms
            beyond_ms = max(low_ms - waited_ms, waited_ms - high_ms)
            if beyond_ms > 0:
                margin = format_ms(beyond_ms)
                tally.fail("wrong-wait", label(key), expected=expected, observed=format_ms(waited_ms), margin=margin)
            else:
                tally.passed()
        return tally.findings()

    return judge


@expectation
def answered_by(ref: str, who: str, *, at: str = "by") -> Judge:
    """Expect a HUMAN or a WAIT to have been completed, and its output to name `who` at the path `at`.

    Of several iterations each. Raises ValueError for what is no path.
    """
    steps(at)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = f"to be answered by {who}"
        for key in recorded(observation, ref, tally, expected=expected):
            record = observation.finals[key]
            if not record.status.is_terminal:
                unfinished(observation, key, tally, expected=expected)
            elif not record.status.is_successful or record.status is TaskStatus.COMPLETED_WITH_ERRORS:
                why = f": {plain_reason(record.reason)}" if record.reason else ""
                tally.fail("unanswered", label(key), expected=expected, observed=f"nobody: {record.status}{why}")
            elif not equal(found := lookup(record.output, at), who):
                tally.fail("wrong-answer", label(key), expected=expected, observed=_answer(record.output, at, found))
            else:
                tally.passed()
        return tally.findings()

    return judge


def _answer(output: Mapping[str, Json], at: str, found: object) -> str:
    """Say who is named, or what the answer holds instead."""
    if found is not MISSING:
        return f"{at} is {shown(found)}"
    keys = [key for key in output if not key.startswith("_k1n")]
    return f"an answer without {at}: " + (f"it has {', '.join(keys)}" if keys else "it is empty")


@expectation
def compensated_by(workflow: str) -> Judge:
    """Expect the execution to end without success, and its failure workflow of this name to be started by the server.

    The server does so after a failure, a time-out and a TERMINATE, not after a termination by the API.
    """

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        execution, expected = observation.execution, f"{workflow} to be started as its failure workflow"
        declared = observation.definition.failure_workflow
        if not execution.is_terminal and not observation.is_settled:
            pending(tally, execution.name, expected=expected, observed=observation.state)
        elif execution.status is WorkflowStatus.COMPLETED:
            tally.fail("not-compensated", execution.name, expected=expected, observed="COMPLETED: nothing to make good")
        elif declared != workflow and not str(declared).startswith("${"):
            observed = f"its definition names {declared or 'none'}"
            tally.fail("not-compensated", execution.name, expected=expected, observed=observed)
        elif " " in (said := str(execution.output.get(FAILURE_WORKFLOW) or "no failure workflow")):
            # An id where it was started; else the server's reason.
            observed = said if FAILURE_WORKFLOW in execution.output else f"{observation.state}, and {said} was started"
            tally.fail("not-compensated", execution.name, expected=expected, observed=observed)
        else:
            tally.passed()
        return tally.findings()

    return judge


@expectation
def never(unwanted: Expectation, *, because: str) -> Judge:
    """Expect that an expectation does not hold; `because` is told where it does, and must say why it may not.

    What is unknown stays unknown: no evidence is no proof of the contrary. A ref or phase that does not exist stays
    `unknown-ref` or `unknown-phase`: its contrary would hold of any slip. Raises ValueError without a reason.
    """
    if not because.strip():
        raise ValueError("never(...) needs a reason: because='...'")

    def judge(observation: Observation) -> Findings:
        inner = unwanted.judge(observation)
        if misnamed := tuple(each for each in inner.findings if each.code in MISNAMED):
            return Findings(misnamed)
        if inner.verdict is Verdict.UNKNOWN:
            return inner
        if inner.failed:
            return Findings(passed=1)
        if not observation.is_settled:
            tally = Tally()
            name = observation.execution.name
            pending(tally, name, expected=f"not {unwanted!r}", observed="it may still cease to hold")
            return tally.findings()
        held = Finding(
            code="held-unwanted",
            subject=observation.execution.name,
            expected=f"not {unwanted!r}",
            observed="it holds",
            origin=because,
        )
        return Findings((held,))

    return judge


def _delay(key: TaskKey, before: TaskRecord, after: TaskRecord, due_ms: int, late_ms: int, tally: Tally) -> None:
    expected = f"attempt {after.attempt + 1} after {format_ms(due_ms)} to {format_ms(due_ms + late_ms)}"
    if before.ended_ms is None or after.started_ms is None:
        tally.unknown("no-stamp", label(key), expected=expected, observed="not both attempts are stamped")
        return
    gap_ms, task = after.started_ms - before.ended_ms, after.workflow_task
    jitter_ms = task.task_definition.backoff_jitter_ms if task and task.task_definition else 0
    if after.start_delay_ms - jitter_ms >= due_ms + SECOND_MS:  # the record has whole seconds
        observed = f"the server was to hold it back for {format_ms(after.start_delay_ms)}"
        margin = format_ms(after.start_delay_ms - due_ms)
        tally.fail("retried-late", label(key), expected=expected, observed=observed, margin=margin)
    elif gap_ms < due_ms - STAMP_MS:
        margin = format_ms(due_ms - gap_ms)
        tally.fail("retried-early", label(key), expected=expected, observed=format_ms(gap_ms), margin=margin)
    elif gap_ms > due_ms + late_ms:
        margin = format_ms(gap_ms - due_ms - late_ms)
        tally.fail("retried-late", label(key), expected=expected, observed=format_ms(gap_ms), margin=margin)
    else:
        tally.passed()
