"""Gates on attempts: retry discipline, at-most-once effect, timeouts (G11 to G13). Raw server stamps."""

from __future__ import annotations

from itertools import pairwise

from pytest_k1n.core.gates.category import Exempt, not_applicable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.model import TaskDefinition, TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import attempts_by_hand, retry_limit
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.units import SECOND_MS, format_ms

STAMP_MS = 1
"""Truncation of two stamps can make a gap look this much shorter."""


def retries(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G11: no more attempts than allowed, each after the declared delay, and each for a reason on record.

    What somebody asked for by hand is no retry of the server's.
    """
    retried = [key for key, records in observation.records.items() if len(records) > 1]
    by_hand = attempts_by_hand(observation)
    if retried and len(by_hand) == sum(len(observation.records[key]) - 1 for key in retried):
        return not_applicable("no task was retried but by hand")
    if by_hand:
        tally.note(f"{len(by_hand)} further attempts were asked for by hand, and are not judged")
    for key in retried:
        definition = observation.task_definition(key)
        records = observation.records[key]
        limit = retry_limit(observation, records[-1])
        for before, after in pairwise(records):
            if (key, after.attempt) in by_hand:
                continue
            if definition is None or limit is None:
                tally.unknown(
                    "no-definition", label(key), expected="a task definition that says how to retry", observed="none"
                )
            else:
                _retry(key, before, after, definition, limit, settings, tally)
    return None if retried else not_applicable("no task was retried")


def _retry(
    key: TaskKey,
    before: TaskRecord,
    after: TaskRecord,
    definition: TaskDefinition,
    limit: int,
    settings: GateSettings,
    tally: Tally,
) -> None:
    subject, origin = label(key), f"task definition {definition.name}"
    due_ms = retry_delay_ms(definition, before.attempt)
    if after.attempt > limit:
        tally.fail(
            "too-many-attempts",
            subject,
            expected=f"at most {limit + 1} attempts",
            observed=f"attempt {after.attempt + 1}",
            margin=f"+{after.attempt - limit}",
            origin=origin,
        )
    elif before.status not in (TaskStatus.FAILED, TaskStatus.TIMED_OUT) or not before.reason:
        tally.fail(
            "retry-unexplained",
            subject,
            expected="a retried attempt FAILED or TIMED_OUT, with its reason",
            observed=f"{before.status}, {before.reason or 'no reason'}",
            origin=origin,
        )
    elif before.ended_ms is None or after.started_ms is None:
        tally.unknown("no-stamp", subject, expected=f"attempts {format_ms(due_ms)} apart", observed="not both stamped")
    else:
        gap_ms = after.started_ms - before.ended_ms
        latest_ms = due_ms + definition.backoff_jitter_ms + settings.sweep_ms
        expected = f"the next attempt after {format_ms(due_ms)} to {format_ms(latest_ms)}"
        if gap_ms < due_ms - STAMP_MS:
            margin = format_ms(due_ms - gap_ms)
            tally.fail(
                "retried-early", subject, expected=expected, observed=format_ms(gap_ms), margin=margin, origin=origin
            )
        elif gap_ms > latest_ms:
            margin = format_ms(gap_ms - latest_ms)
            tally.fail(
                "retried-late", subject, expected=expected, observed=format_ms(gap_ms), margin=margin, origin=origin
            )
        else:
            tally.passed()


def retry_delay_ms(definition: TaskDefinition, failed_attempt: int) -> int:
    """Return the delay that the server puts after a failed attempt, without jitter."""
    delay_s = definition.retry_delay_s
    if definition.retry_logic == "LINEAR_BACKOFF":
        delay_s *= definition.backoff_scale_factor * (failed_attempt + 1)
    elif definition.retry_logic == "EXPONENTIAL_BACKOFF":
        delay_s *= 2**failed_attempt  # the scale factor is ignored there
    if definition.max_retry_delay_s > 0:
        delay_s = min(delay_s, definition.max_retry_delay_s)
    return min(delay_s, 2**31 - 1) * SECOND_MS


def at_most_once(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G12: of every task one attempt succeeded, and its handler was called once per attempt.

    An attempt that timed out or was cancelled may or may not have reached its handler.
    """
    for key in observation.worker_keys:
        _once(observation, key, tally)
    if observation.invocations is None and observation.worker_keys:
        tally.note("no worker's ledger: how often handlers were called was not judged")
    return None


def _once(observation: Observation, key: TaskKey, tally: Tally) -> None:
    records = observation.records[key]
    done = [record for record in records if record.status is TaskStatus.COMPLETED]
    if len(done) > 1:
        tally.fail(
            "done-twice",
            label(key),
            expected="one successful attempt",
            observed=f"{len(done)}: {', '.join(record.task_id for record in done)}",
            margin=f"+{len(done) - 1}",
        )
        return
    for record in records if observation.invocations is not None else ():
        calls = sum(call.task_id == record.task_id for call in observation.invocations or ())
        may_miss = record.status in (TaskStatus.TIMED_OUT, TaskStatus.CANCELED, TaskStatus.SKIPPED)
        if calls > 1 or (calls == 0 and record.started_ms is not None and not may_miss):
            tally.fail(
                "wrong-invocations",
                label(key),
                expected=f"the handler called once for task {record.task_id}",
                observed=f"{calls} calls",
                margin=f"{calls - 1:+d}",
                origin="the worker's ledger",
            )
            return
    if done:
        tally.passed()


def timeouts(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G13: nothing ran on beyond its timeouts and a sweep.

    A response timeout counts from the last sign of life, which the server notes as updateTime. In virtual time
    declared work gives none, so that only `timeoutSeconds` is judged there.
    """
    judged = False
    for key in observation.worker_keys:
        definition = observation.task_definition(key)
        for record in observation.records[key]:
            judged = _in_time(observation, record, definition, settings, tally) or judged
    return None if judged else not_applicable("no task has a timeout")


def _in_time(
    observation: Observation,
    record: TaskRecord,
    definition: TaskDefinition | None,
    settings: GateSettings,
    tally: Tally,
) -> bool:
    """Judge one attempt; False if no timeout applies to it, or it has not been started and ended."""
    if record.started_ms is None or record.ended_ms is None:
        return False
    limits: list[tuple[str, int, int]] = []
    if definition is not None and definition.timeout_s > 0 and definition.timeout_policy != "ALERT_ONLY":
        limits.append(("timeoutSeconds", definition.timeout_s, record.started_ms + record.start_delay_ms))
    response_s = record.response_timeout_s or (definition.response_timeout_s if definition else 0)
    if response_s > 0 and observation.time_model is not TimeModel.VIRTUAL:
        alive_ms = record.updated_ms if record.updated_ms is not None else record.started_ms
        limits.append(("responseTimeoutSeconds", response_s, max(record.started_ms, alive_ms)))
    for name, limit_s, since_ms in limits:
        over_ms = record.ended_ms - since_ms - limit_s * SECOND_MS - settings.sweep_ms
        if over_ms > 0:
            tally.fail(
                "timeout-ignored",
                label(record.key),
                expected=f"an end within {limit_s}s and a sweep of {format_ms(settings.sweep_ms)}",
                observed=f"{record.status} after {format_ms(record.ended_ms - since_ms)}",
                margin=format_ms(over_ms),
                origin=f"{name} of task definition {record.def_name}",
            )
            return True
    if limits:
        tally.passed()
    return bool(limits)
