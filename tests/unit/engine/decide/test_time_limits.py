"""Time-out policies, retries and back-off together, against an oracle: one task, whose every attempt goes its own way.

The oracle works out each attempt's end from the limits alone, as the earliest of them. The worker acts a millisecond
after whole seconds, so that it never acts at the very instant at which a limit is reached.
"""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.status import TERMINAL_WORKFLOW

HORIZON_MS = 10_000_000
NEVER = None


@dataclass(frozen=True)
class Way:
    """What the worker does with one attempt: how long it lets it wait and works on it, and what it reports."""

    wait_s: int | None
    work_s: int | None
    status: str


@dataclass(frozen=True)
class Limits:
    retries: int
    logic: str
    delay_s: int
    scale: int
    most_delay_s: int
    policy: str
    response_s: int
    timeout_s: int
    poll_s: int
    total_s: int
    workflow_s: int
    workflow_policy: str

    def task_definition(self):
        return {
            "name": "t", "retryCount": self.retries, "retryLogic": self.logic, "retryDelaySeconds": self.delay_s,
            "backoffScaleFactor": self.scale, "maxRetryDelaySeconds": self.most_delay_s,
            "timeoutPolicy": self.policy, "responseTimeoutSeconds": self.response_s,
            "timeoutSeconds": self.timeout_s, "pollTimeoutSeconds": self.poll_s,
            "totalTimeoutSeconds": self.total_s,
        }  # fmt: skip


def expected(limits, ways):
    """Return (status, end) of the execution and (status, scheduled, started) of each attempt, in ms from the start."""
    attempts, scheduled_ms, delay_s = [], 0, 0
    for number, way in enumerate(ways):
        status, started_ms, at_ms, by_policy = _attempt(limits, way, scheduled_ms, delay_s)
        attempts.append((status, scheduled_ms, started_ms))
        if status in ("SCHEDULED", "IN_PROGRESS"):
            return ("RUNNING", None), attempts
        if status == "CANCELED" or by_policy:
            return ("TIMED_OUT", at_ms), attempts
        if status == "COMPLETED":
            return ("COMPLETED", at_ms), attempts
        is_spent = limits.total_s > 0 and at_ms >= limits.total_s * 1000
        if status == "FAILED_WITH_TERMINAL_ERROR" or number == limits.retries or is_spent:
            return ("TIMED_OUT" if status == "TIMED_OUT" else "FAILED", at_ms), attempts
        scheduled_ms, delay_s = at_ms, _delay_s(limits, number)
    raise AssertionError("more attempts than ways")


def _attempt(limits, way, scheduled_ms, delay_s):
    """Return an attempt's status, start, and end, and whether its end is that of the execution."""
    picked_ms = NEVER if way.wait_s is NEVER else scheduled_ms + (delay_s + way.wait_s) * 1000 + 1
    policy = limits.policy
    ends = []
    if limits.workflow_s and limits.workflow_policy == "TIME_OUT_WF":
        ends.append((limits.workflow_s * 1000, 0, "CANCELED"))
    if policy != "ALERT_ONLY":
        if limits.total_s:
            ends.append((limits.total_s * 1000, 1, "TIMED_OUT"))
        if limits.timeout_s and picked_ms is not NEVER:
            ends.append((picked_ms + (delay_s + limits.timeout_s) * 1000, 2, "TIMED_OUT"))
        poll_ms = scheduled_ms + (2 * delay_s + limits.poll_s) * 1000  # the delay counts twice, as on the server
        if limits.poll_s and (picked_ms is NEVER or poll_ms < picked_ms):
            ends.append((poll_ms, 3, "TIMED_OUT"))
    if picked_ms is not NEVER:
        ends.append((picked_ms + limits.response_s * 1000, 4, "TIMED_OUT"))
        if way.work_s is not NEVER:
            ends.append((picked_ms + way.work_s * 1000 + 1, 5, way.status))
    if not ends:
        return "SCHEDULED", 0, None, False
    at_ms, rank, status = min(ends)
    started_ms = picked_ms if picked_ms is not NEVER and picked_ms < at_ms else 0
    return status, started_ms, at_ms, rank in (1, 2, 3) and policy == "TIME_OUT_WF"


def _delay_s(limits, number):
    delay_s = limits.delay_s
    for _ in range(number if limits.logic == "EXPONENTIAL_BACKOFF" else 0):
        delay_s *= 2
    if limits.logic == "LINEAR_BACKOFF":
        delay_s = sum(limits.delay_s * limits.scale for _ in range(number + 1))
    return min(delay_s, limits.most_delay_s) if limits.most_delay_s else delay_s


def happened(limits, ways):
    """Run it on the engine; return what `expected` returns."""
    engine = Engine()
    engine.catalogue.put_task(limits.task_definition(), engine.now_ms)
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
    definition = {"name": "w", "version": 1, "tasks": [task]}
    definition |= {"timeoutSeconds": limits.workflow_s, "timeoutPolicy": limits.workflow_policy}
    start_ms = engine.now_ms
    execution = engine.start(engine.catalogue.inline(definition), {})
    while execution.status not in TERMINAL_WORKFLOW and engine.now_ms < start_ms + HORIZON_MS:
        _act(engine, execution.tasks[-1], ways, start_ms + HORIZON_MS)
    ended_ms = execution.ended_ms - start_ms if execution.ended_ms else None
    shown = [(each.status, each.scheduled_ms, each.started_ms) for each in execution.tasks]
    return (execution.status, ended_ms), [
        (status, scheduled_ms - start_ms, started_ms - start_ms if started_ms else 0)
        for status, scheduled_ms, started_ms in shown
    ]


def _act(engine, task, ways, horizon_ms):
    """Do what the worker does next with an attempt, unless something else happens to it before."""
    way, status = ways[task.attempt], task.status
    begins = status == "SCHEDULED"
    if begins:
        at_ms = NEVER if way.wait_s is NEVER else task.deliverable_ms + way.wait_s * 1000 + 1
    else:
        at_ms = NEVER if way.work_s is NEVER else task.started_ms + way.work_s * 1000 + 1
    due_ms = horizon_ms if at_ms is NEVER else at_ms
    if engine.run_until(lambda: task.status != status, horizon_ms=due_ms):
        return
    engine.advance_to(due_ms)
    if at_ms is not NEVER and begins:
        assert engine.poll(QueueKey("t"), "w") is task
    elif at_ms is not NEVER:
        engine.update(task, TaskResult(status=way.status))


MOST_ATTEMPTS = 5
SECONDS = st.integers(0, 12)
WAYS = st.builds(
    Way,
    wait_s=st.one_of(st.integers(0, 9), st.integers(0, 9), st.none()),
    work_s=st.one_of(st.integers(0, 9), st.integers(0, 9), st.none()),
    status=st.sampled_from(("FAILED", "FAILED", "COMPLETED", "FAILED_WITH_TERMINAL_ERROR")),
)


@st.composite
def limits_of_tasks(draw):
    timeout_s = draw(SECONDS)
    total_s = draw(st.one_of(st.just(0), st.integers(max(timeout_s, 1), 60)))
    return Limits(
        retries=draw(st.integers(0, MOST_ATTEMPTS - 1)),
        logic=draw(st.sampled_from(("FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"))),
        delay_s=draw(st.integers(0, 5)),
        scale=draw(st.integers(1, 3)),
        most_delay_s=draw(SECONDS),
        policy=draw(st.sampled_from(("RETRY", "TIME_OUT_WF", "ALERT_ONLY"))),
        response_s=draw(st.integers(1, timeout_s or 12)),
        timeout_s=timeout_s,
        poll_s=draw(SECONDS),
        total_s=total_s,
        workflow_s=draw(st.one_of(st.just(0), st.integers(1, 60))),
        workflow_policy=draw(st.sampled_from(("TIME_OUT_WF", "ALERT_ONLY"))),
    )


@given(limits_of_tasks(), st.lists(WAYS, min_size=MOST_ATTEMPTS, max_size=MOST_ATTEMPTS))
def test_each_attempt_ends_at_the_earliest_of_its_limits_and_the_next_one_comes_after_its_delay(limits, ways):
    assert happened(limits, ways) == expected(limits, ways)
