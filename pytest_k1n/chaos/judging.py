"""Whether an execution has come through a fault unharmed: nothing lost, nothing done twice, nothing left. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_k1n.core.expectations import completed, follows_definition
from pytest_k1n.core.expectations.expectation import judge_all
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.model import Execution, Json, TaskKey, TaskStatus
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.record.observation import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What is known of one execution after a fault, from the server and from where the work was done."""

    execution: Execution
    effects: Mapping[TaskKey, int]
    """How often the work of a task took effect, counted where it does, not by who reports it."""
    begun: Mapping[str, int] = field(default_factory=dict)
    """Task id -> how often a handler was invoked for that attempt."""
    queued: Mapping[str, int] = field(default_factory=dict)
    """Queue -> messages that are still in it."""
    orphans: Sequence[str] = ()
    """Processes that outlived what they were started for."""
    spared: bool = False
    """Whether worker and server lived on all the time, so that no attempt may be lost that was begun."""
    given_up: str | None = None
    """Why it is not waited for any longer, where it has not ended."""
    document: Json = None
    """The execution as the server answered it, to be looked at afterwards; None where there is no server."""


def damage(evidence: Aftermath) -> tuple[Finding, ...]:
    """Return what a fault has done to an execution; empty if it came through unharmed."""
    observation = observe(evidence.execution, released=evidence.given_up)
    judged = judge_all([completed(), follows_definition()], observation)
    found = [finding for finding in judged.findings if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN)]
    return (*found, *_effects(evidence), *_invocations(evidence), *_attempts(evidence), *_left(evidence))


def _effects(evidence: Aftermath) -> Iterator[Finding]:
    for key, record in evidence.execution.finals.items():
        if not record.is_worker_task:
            continue
        times = evidence.effects.get(key, 0)
        if times > 1:
            yield _single("effect-repeated", label(key), "its work to take effect once", f"{times} times")
        elif not times and record.status is TaskStatus.COMPLETED:
            yield _single("effect-lost", label(key), "the work of a COMPLETED task to have taken effect", "no effect")


def _invocations(evidence: Aftermath) -> Iterator[Finding]:
    names = {record.task_id: label(record.key) for record in evidence.execution.tasks}
    for task_id, times in Counter(evidence.begun).items():
        if times > 1:
            subject = names.get(task_id, task_id)
            yield _single("attempt-repeated", subject, "one attempt begun once", f"{times} times ({task_id})")


def _attempts(evidence: Aftermath) -> Iterator[Finding]:
    for record in evidence.execution.tasks:
        if evidence.spared and record.status is TaskStatus.TIMED_OUT and evidence.begun.get(record.task_id):
            wanted = "an attempt that a living worker had begun to be kept"
            yield _single("attempt-lost", label(record.key), wanted, f"attempt {record.attempt} TIMED_OUT")


def _left(evidence: Aftermath) -> Iterator[Finding]:
    for queue, messages in evidence.queued.items():
        if messages:
            yield _single("left-behind", queue, "an empty queue at the end", f"{messages} messages")
    for orphan in evidence.orphans:
        yield _single("left-behind", orphan, "no process that outlives the run", "it still runs")


def _single(code: str, subject: str, expected: str, observed: str) -> Finding:
    return Finding(code=code, subject=subject, expected=expected, observed=observed)
