"""The steps that an execution waits for, by its graph and its records: whose turn each is, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_k1n.core.model import OPERATOR_TASK_TYPES, TaskKey, TaskRecord, WorkflowStatus
from pytest_k1n.core.order.graph import Edge, label
from pytest_k1n.core.pending.final import failed_for_good, loop_of
from pytest_k1n.core.pending.neverjoined import never_joined
from pytest_k1n.core.pending.nextstep import NextStep, Owner, clock_time
from pytest_k1n.core.pending.overdue import Limit, passed, task_limits, workflow_limits
from pytest_k1n.core.pending.whose_turn import of_system, of_worker
from pytest_k1n.core.record.observation import Observation


def next_steps(observation: Observation, *, now_ms: int | None = None) -> tuple[NextStep, ...]:
    """Return what an execution waits for, in the order of its graph, as of an instant of the server's clock.

    Of one that has ended only what is still open, although its engine should have cancelled it.
    """
    return tuple(_Progress(observation, now_ms if now_ms is not None else observation.now_ms).steps())


def last_ended(observation: Observation, edges: tuple[Edge, ...]) -> TaskRecord | None:
    """Return, of what a task follows, the record that ended last; a fork or a switch only if there is nothing else."""
    records = [record for edge in edges if (record := observation.finals.get(edge.before)) and record.ended_ms]
    work = [record for record in records if record.type not in OPERATOR_TASK_TYPES] or records
    return max(work, key=lambda record: record.ended_ms or 0, default=None)


class _Progress:
    def __init__(self, observation: Observation, now_ms: int | None) -> None:
        self.observation, self.now_ms = observation, now_ms
        self.execution, self.graph, self.finals = observation.execution, observation.graph, observation.finals
        self.is_paused = self.execution.status is WorkflowStatus.PAUSED

    def steps(self) -> Iterator[NextStep]:
        if self.execution.is_terminal:
            yield from self._left_open()
            return
        found = [*self._open(), *self._begun_again(), *self._missing()]
        yield from self._out_of_time()
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

    def _left_open(self) -> Iterator[NextStep]:
        """Say what an execution that failed, timed out or was terminated has left open: its engine cancels all that."""
        if self.execution.status is WorkflowStatus.COMPLETED:  # whose open tasks cannot be: see plausibility
            return
        if all(status.is_terminal for status in set(self.execution.columns.status)):
            return
        for key, record in self.finals.items():
            if not record.status.is_terminal:
                ended = f"{self.execution.status} {clock_time(self.execution.ended_ms)}"
                yield NextStep(
                    subject=label(key),
                    owner=Owner.ENGINE,
                    expected="it to be cancelled with the execution",
                    observed=f"still {record.status}; the execution was {ended}",
                    since_ms=self.execution.ended_ms,
                    record=record,
                )

    def _out_of_time(self) -> Iterator[NextStep]:
        limit = passed(workflow_limits(self.observation), self.now_ms)
        if limit is not None:
            name = self.execution.name
            yield self._late(limit, name, "the execution to be TIMED_OUT", str(self.execution.status), None)

    def _late(self, limit: Limit, subject: str, expected: str, standing: str, record: TaskRecord | None) -> NextStep:
        return NextStep(
            subject=subject,
            owner=Owner.ENGINE,
            expected=expected,
            observed=f"{standing}; {limit.name} passed {clock_time(limit.due_ms)}",
            since_ms=limit.due_ms,
            slack_ms=limit.slack_ms,
            record=record,
        )

    def _open(self) -> Iterator[NextStep]:
        """Say for every task on record that is not done with whose turn it is."""
        for key, record in self.finals.items():
            if record.status.is_terminal:
                if not record.status.is_successful and not self._is_done(key):
                    yield from self._failed(record)
            elif limit := passed(task_limits(self.observation, record), self.now_ms):
                standing = self._turn(record).observed
                ended = "it to end" if not limit.is_failure else "it to be TIMED_OUT"
                yield self._late(limit, label(key), ended, standing, record)
            elif record.type in ("JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"):
                yield from self._of_closing(key, record)
            else:
                yield self._turn(record)

    def _begun_again(self) -> Iterator[NextStep]:
        """Say whose turn it is with an attempt that another one has followed: a rerun schedules also such."""
        for place, status in enumerate(self.execution.columns.status):
            if not status.is_terminal:
                record = self.execution.tasks[place]
                last = self.finals.get(record.key)
                if last is not None and last.attempt != record.attempt:
                    yield self._turn(record)

    def _turn(self, record: TaskRecord) -> NextStep:
        """Say of an open task that does something whose turn it is."""
        if record.is_worker_task:
            return of_worker(record, self.now_ms)
        step = of_system(record, self.observation.children.get(record.sub_workflow_id or ""), self.now_ms)
        return replace(step, since_ms=self._owed_since(step.since_ms))

    def _failed(self, record: TaskRecord) -> Iterator[NextStep]:
        if self.is_paused:
            return
        ended = f"{record.status} {clock_time(record.ended_ms)}, attempt {record.attempt + 1}"
        is_final = failed_for_good(self.observation, record)
        expected, missed = "its retry to be scheduled", "its retry was never scheduled"
        if is_final and self._is_optional(record):
            expected, missed = "it to become COMPLETED_WITH_ERRORS, as it is optional", "that it never did"
        elif is_final:
            expected, missed = "the execution to fail with it", "the execution was never failed"
        yield NextStep(
            subject=label(record.key),
            owner=Owner.ENGINE,
            expected=expected,
            observed=f"{ended}; {missed}",
            since_ms=self._owed_since(record.ended_ms),
            record=record,
        )

    def _of_closing(self, key: TaskKey, record: TaskRecord) -> Iterator[NextStep]:
        """Say of a JOIN what it still waits for; a loop is only worth a word where its body has nothing to do."""
        if key not in self.graph.nodes:
            return
        if in_vain := never_joined(self.observation, record):
            yield in_vain
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
        last = last_ended(self.observation, edges)
        ended = f"{label(last.key)} ended {clock_time(last.ended_ms)}" if last else "nothing is left to wait for"
        is_loop = record.type == "DO_WHILE"
        yield NextStep(
            subject=label(key),
            owner=Owner.RESUME if self.is_paused else Owner.ENGINE,
            expected="its next iteration or its end" if is_loop else "it to end with the last that it joins",
            observed=f"{ended}, {record.type} {label(key)} is still {record.status}",
            since_ms=self._owed_since(last.ended_ms if last else record.scheduled_ms),
            record=record,
        )

    def _missing(self) -> Iterator[NextStep]:
        """Say which tasks should be on record, because all that they follow has ended, and are not."""
        named: set[str] = set()
        for key, task in self.graph.nodes.items():
            if key in self.finals or key in self.graph.undecided or not self._is_ready(key):
                continue
            before = last_ended(self.observation, self.graph.incoming(key))
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
                observed=f"{after} {subject} was never scheduled{_taken(before)}",
                since_ms=self._owed_since(before.ended_ms if before else self.execution.started_ms),
                was_taken=before is not None and before.executed,
            )

    def _unended(self) -> NextStep:
        ended = [record for record in self.finals.values() if record.ended_ms is not None]
        last = max(ended, key=lambda record: record.ended_ms or 0, default=None)
        after = f"{label(last.key)} ended {clock_time(last.ended_ms)}, and nothing follows" if last else "no task"
        return NextStep(
            subject=self.execution.name,
            owner=Owner.ENGINE,
            expected="the execution to end",
            observed=f"{after}; it is still {self.execution.status}{_taken(last)}",
            since_ms=self._owed_since(last.ended_ms if last else self.execution.started_ms),
            was_taken=last is not None and last.executed,
        )

    def _owed_since(self, since_ms: int | None) -> int | None:
        """Return since when a step is owed: not before a person had it retried or resumed."""
        return max(since_ms, self.execution.last_retried_ms or 0) if since_ms is not None else None

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
        goes_on = task is not None and task.permissive and failed_for_good(self.observation, record)
        return record.status.is_successful or goes_on

    def _is_optional(self, record: TaskRecord) -> bool:
        task = self.graph.nodes.get(record.key)
        return task is not None and task.optional

    def _standing(self, key: TaskKey) -> str:
        record = self.finals.get(key)
        return f"{label(key)} ({record.status if record else 'not scheduled'})"


def _taken(before: TaskRecord | None) -> str:
    """Say of what should follow a task that the server has gone on from it already, and will not again."""
    if before is None or not before.executed:
        return ""
    return f"; the server has gone on from {label(before.key)} before, as a rerun leaves it, and will not again"
