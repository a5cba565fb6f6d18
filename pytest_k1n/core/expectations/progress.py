"""What an execution that has not ended waits for: a worker, a signal, time; or the engine, which then has stalled.

Conductor decides again whenever a task ends, within milliseconds. What it missed, because a process died or a queue
lost a message, its sweeper is to find: it looks at each execution every 30 s by default, on SQL up to 2 min late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pytest_k1n.core.expectations.final import failed_for_good, loop_of
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.graph import Edge, label
from pytest_k1n.core.model import OPERATOR_TASK_TYPES, TaskKey, TaskRecord, WorkflowStatus
from pytest_k1n.core.observation import Observation
from pytest_k1n.core.units import SECOND_MS

ENGINE_GRACE_MS = 180_000
"""How long the engine may owe a step before that is a stall: a sweep that comes as late as it can, and a minute."""
_SIGNALLED = frozenset({"WAIT", "HUMAN"})


class Owner(StrEnum):
    """Whose turn it is."""

    WORKER = "worker"
    SIGNAL = "signal"
    TIME = "time"
    CHILD = "sub-workflow"
    BRANCHES = "branches"
    RESUME = "resume"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """Something that has to happen before an execution can go on."""

    subject: str
    """The task, as the server names it, or the workflow."""
    owner: Owner
    expected: str
    observed: str
    since_ms: int | None = None
    """Epoch ms, by the server's clock; None where no stamp tells."""

    def is_overdue(self, now_ms: int) -> bool:
        """Whether the engine has owed this for longer than a healthy one can."""
        return self.owner is Owner.ENGINE and self.since_ms is not None and now_ms - self.since_ms > ENGINE_GRACE_MS


def next_steps(observation: Observation) -> tuple[NextStep, ...]:
    """Return what an execution waits for, in the order of its graph; nothing for one that has ended."""
    if observation.execution.is_terminal:
        return ()
    return tuple(_Progress(observation).steps())


def progress(observation: Observation, *, now_ms: int | None) -> Findings:
    """Judge how an open execution stands, as of an instant of the server's clock.

    A step that the engine owes is `stalled`: a failure if it is overdue, else unknown; each other one is `waiting`.
    """
    return Findings(
        tuple(
            _finding(step, Verdict.FAIL if now_ms is not None and step.is_overdue(now_ms) else Verdict.UNKNOWN)
            for step in next_steps(observation)
        )
    )


def stalls(observation: Observation) -> Iterator[Finding]:
    """Yield what the engine has failed to do: overdue by its clock, or when waiting has ended."""
    for step in next_steps(observation):
        if step.owner is not Owner.ENGINE:
            continue
        if observation.is_settled or (observation.now_ms is not None and step.is_overdue(observation.now_ms)):
            yield _finding(step, Verdict.FAIL)


def never_scheduled(observation: Observation, key: TaskKey) -> str:
    """Say of a task that is not on record after what it should have followed."""
    before = _last_ended(observation, observation.graph.incoming(key)) if key in observation.graph.nodes else None
    if before is None:
        return "never scheduled"
    return f"{label(before.key)} ended {clock_time(before.ended_ms)}, its successor {label(key)} was never scheduled"


def clock_time(epoch_ms: int | None) -> str:
    """Show the time of day of an instant, UTC: `14:02:11`."""
    if epoch_ms is None:
        return "at an unknown time"
    return datetime.fromtimestamp(epoch_ms / SECOND_MS, UTC).strftime("%H:%M:%S")


def _finding(step: NextStep, verdict: Verdict) -> Finding:
    is_stalled = step.owner is Owner.ENGINE
    return Finding(
        code="stalled" if is_stalled else "waiting",
        subject=step.subject,
        expected=step.expected,
        observed=step.observed,
        origin="what the definition has next" if is_stalled else "",
        verdict=verdict,
    )


class _Progress:
    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.execution, self.graph, self.finals = observation.execution, observation.graph, observation.finals
        self.is_paused = self.execution.status is WorkflowStatus.PAUSED

    def steps(self) -> Iterator[NextStep]:
        found = [*self._open(), *self._missing()]
        if self.is_paused:
            yield NextStep(
                subject=self.execution.name,
                owner=Owner.RESUME,
                expected="it to be resumed",
                observed="PAUSED: nothing new is scheduled meanwhile",
            )
        elif not found:
            found = [self._unended()]
        yield from found

    def _open(self) -> Iterator[NextStep]:
        """Say for every task on record that is not done with whose turn it is."""
        for key, record in self.finals.items():
            if record.status.is_terminal:
                if not record.status.is_successful and not self._is_done(key):
                    yield from self._failed(record)
            elif record.is_worker_task:
                yield self._of_worker(record)
            elif record.type in ("JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"):
                yield from self._of_closing(key, record)
            else:
                yield self._of_system(record)

    def _failed(self, record: TaskRecord) -> Iterator[NextStep]:
        if self.is_paused:
            return
        ended = f"{record.status} {clock_time(record.ended_ms)}, attempt {record.attempt + 1}"
        is_final = failed_for_good(self.observation, record)
        yield NextStep(
            subject=label(record.key),
            owner=Owner.ENGINE,
            expected="the execution to fail with it" if is_final else "its retry to be scheduled",
            observed=f"{ended}; {'the execution was never failed' if is_final else 'its retry was never scheduled'}",
            since_ms=record.ended_ms,
        )

    def _of_worker(self, record: TaskRecord) -> NextStep:
        if record.started_ms is not None:
            by = f" with worker {record.worker_id}" if record.worker_id else ""
            limit = f", response timeout {record.response_timeout_s}s" if record.response_timeout_s else ""
            return NextStep(
                subject=label(record.key),
                owner=Owner.WORKER,
                expected="its worker to report its end",
                observed=f"{record.status}{by} since {clock_time(record.started_ms)}{limit}",
                since_ms=record.started_ms,
            )
        domain = f" in domain {record.domain}" if record.domain else ""
        attempt = f", attempt {record.attempt + 1}" if record.attempt else ""
        if record.start_delay_ms and record.scheduled_ms is not None:
            ready_ms = record.scheduled_ms + record.start_delay_ms
            delay = "retry delay" if record.attempt else "start delay"
            held = f", held back until {clock_time(ready_ms)} ({delay} {record.start_delay_ms // SECOND_MS}s)"
        else:
            held = ""
        return NextStep(
            subject=label(record.key),
            owner=Owner.WORKER,
            expected=f"a worker that polls {record.type}{domain} to take it",
            observed=f"{record.status} since {clock_time(record.scheduled_ms)}{attempt}{held}",
            since_ms=record.scheduled_ms,
        )

    def _of_closing(self, key: TaskKey, record: TaskRecord) -> Iterator[NextStep]:
        """Say of a JOIN what it still waits for; a loop is only worth a word where its body has nothing to do."""
        if key not in self.graph.nodes:
            return
        edges = self.graph.incoming(key)
        lacking = [edge.before for edge in edges if not self._is_done(edge.before)]
        if lacking and (record.type != "EXCLUSIVE_JOIN" or not self._is_ready(key)):
            if record.type != "DO_WHILE":
                yield NextStep(
                    subject=label(key),
                    owner=Owner.BRANCHES,
                    expected="what it joins to end",
                    observed=f"{record.type} waits for {', '.join(map(self._standing, lacking))}",
                    since_ms=record.scheduled_ms,
                )
            return
        last = _last_ended(self.observation, edges)
        ended = f"{label(last.key)} ended {clock_time(last.ended_ms)}" if last else "nothing is left to wait for"
        is_loop = record.type == "DO_WHILE"
        yield NextStep(
            subject=label(key),
            owner=Owner.RESUME if self.is_paused else Owner.ENGINE,
            expected="its next iteration or its end" if is_loop else "it to end with the last that it joins",
            observed=f"{ended}, {record.type} {label(key)} is still {record.status}",
            since_ms=last.ended_ms if last else record.scheduled_ms,
        )

    def _of_system(self, record: TaskRecord) -> NextStep:
        since = f"{record.status} since {clock_time(record.started_ms or record.scheduled_ms)}"
        owner, expected = Owner.ENGINE, "the server to run it"
        until = record.input.get("until") or record.input.get("duration") if record.type == "WAIT" else None
        raw = record.workflow_task.raw if record.workflow_task else {}
        if until:
            owner, expected = Owner.TIME, f"its time to pass: {until}"
        elif record.type in _SIGNALLED or raw.get("asyncComplete") is True:
            owner, expected = Owner.SIGNAL, "a signal or an update that ends it"
        elif record.type == "SUB_WORKFLOW" and record.sub_workflow_id:
            owner, expected = Owner.CHILD, f"execution {record.sub_workflow_id} to end"
        return NextStep(
            subject=label(record.key),
            owner=owner,
            expected=expected,
            observed=f"{record.type} {since}",
            since_ms=record.started_ms or record.scheduled_ms,
        )

    def _missing(self) -> Iterator[NextStep]:
        """Say which tasks should be on record, because all that they follow has ended, and are not."""
        named: set[str] = set()
        for key, task in self.graph.nodes.items():
            if key in self.finals or key in self.graph.undecided or not self._is_ready(key):
                continue
            before = _last_ended(self.observation, self.graph.incoming(key))
            subject = label(key)
            loop = loop_of(self.observation.definition.tasks, key[0])
            if loop is not None and (loop, 0) not in self.finals and loop != task.ref:
                subject = loop
            if subject in named:
                continue
            named.add(subject)
            after = (
                f"{label(before.key)} ended {clock_time(before.ended_ms)}, its successor"
                if before
                else "the first task"
            )
            yield NextStep(
                subject=subject,
                owner=Owner.RESUME if self.is_paused else Owner.ENGINE,
                expected="it to be scheduled",
                observed=f"{after} {subject} was never scheduled",
                since_ms=before.ended_ms if before else self.execution.started_ms,
            )

    def _unended(self) -> NextStep:
        ended = [record for record in self.finals.values() if record.ended_ms is not None]
        last = max(ended, key=lambda record: record.ended_ms or 0, default=None)
        after = f"{label(last.key)} ended {clock_time(last.ended_ms)}, and nothing follows" if last else "no task"
        return NextStep(
            subject=self.execution.name,
            owner=Owner.ENGINE,
            expected="the execution to end",
            observed=f"{after}; it is still {self.execution.status}",
            since_ms=last.ended_ms if last else self.execution.started_ms,
        )

    def _is_ready(self, key: TaskKey) -> bool:
        """Whether all that a task must follow has ended; a JOIN is scheduled with its fork, and then waits."""
        edges = self.graph.incoming(key)
        if self.graph.nodes[key].type in ("JOIN", "EXCLUSIVE_JOIN") and key not in self.finals:
            edges = edges[:1]
        groups: dict[int, bool] = {}
        for edge in edges:
            done = self._is_done(edge.before)
            if not edge.group and not done:
                return False
            groups[edge.group] = groups.get(edge.group, False) or done
        return all(groups.values())

    def _is_done(self, key: TaskKey) -> bool:
        record = self.finals.get(key)
        if record is None or not record.status.is_terminal:
            return False
        task = self.graph.nodes.get(key)
        return record.status.is_successful or (task is not None and task.optional)

    def _standing(self, key: TaskKey) -> str:
        record = self.finals.get(key)
        return f"{label(key)} ({record.status if record else 'not scheduled'})"


def _last_ended(observation: Observation, edges: tuple[Edge, ...]) -> TaskRecord | None:
    """Return, of what a task follows, the record that ended last; a fork or a switch only if there is nothing else."""
    records = [record for edge in edges if (record := observation.finals.get(edge.before)) and record.ended_ms]
    work = [record for record in records if record.type not in OPERATOR_TASK_TYPES] or records
    return max(work, key=lambda record: record.ended_ms or 0, default=None)
