"""What the worker knows of the executions that are under way, and so which task types it should poll fast.

It learns of an execution from a hint or from a task that it polled, fetches the definition snapshot once, and then
follows its own polls and updates. What those cannot tell (operators, other workers, timeouts, the end) it looks up
after the execution has been quiet for a while, ever more rarely the longer the quiet lasts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus, WorkflowDefinition
from pytest_k1n.workers.directed import predict

FIRST_LOOK_S = 0.25
UNCERTAIN_LOOK_S = 0.05
LOOKS_SHARE = 0.1
"""How much of the time may be spent on looks at executions that hide what is ready next, all together."""
LONGEST_QUIET_S = 30.0


@dataclass(slots=True, kw_only=True)
class _Tracked:
    definition: WorkflowDefinition | None
    has_snapshot: bool = False
    records: dict[TaskKey, TaskRecord] = field(default_factory=dict)
    """The latest attempt of each task; of a loop's body the last two iterations."""
    latest: dict[str, TaskRecord] = field(default_factory=dict)
    types: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    hides: bool = False
    is_certain: bool = False
    quiet_s: float = FIRST_LOOK_S
    look_at: float = 0.0
    in_hand: dict[str, TaskRecord] = field(default_factory=dict)
    """By task id."""
    strays: set[str] = field(default_factory=set)
    """Tasks delivered to this worker, as the last look saw them, that never arrived here."""

    def take(self, record: TaskRecord) -> bool:
        """Keep a record if it is news: a later attempt, or another status that does not undo what we know."""
        latest = self.latest.get(record.ref)
        if latest is not None and latest.seq > record.seq and latest.iteration > record.iteration + 1:
            return False
        known = self.records.get(record.key)
        if known is not None:
            if known.seq > record.seq:
                return False
            if known.task_id == record.task_id and (known.status.is_terminal or known.status is record.status):
                return False
        self.records[record.key] = record
        if latest is None or latest.seq <= record.seq:
            self.latest[record.ref] = record
            self.records.pop((record.ref, record.iteration - 2), None)
        return True


class Tracker:
    """The executions under way. Thread-safe; never talks to the server itself."""

    def __init__(
        self,
        definitions: Iterable[WorkflowDefinition] = (),
        *,
        worker_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._definitions: dict[str, WorkflowDefinition] = {}
        for definition in definitions:
            known = self._definitions.get(definition.name)
            if known is None or definition.version >= known.version:
                self._definitions[definition.name] = definition
        self._worker_id = worker_id
        self._clock = clock
        self._tracked: dict[str, _Tracked] = {}
        self._lock = threading.Lock()
        self._types: tuple[str, ...] = ()
        self._later: tuple[str, ...] = ()
        self._is_certain = False

    @property
    def is_active(self) -> bool:
        return bool(self._tracked)

    @property
    def types(self) -> tuple[str, ...]:
        """The task types that can be ready next in any execution, in a stable order."""
        return self._types

    @property
    def later(self) -> tuple[str, ...]:
        """The task types that are ready as soon as a wait, a person or a sub-workflow has ended, in a stable order."""
        return self._later

    def launched(self, workflow_id: str, name: str | None = None) -> None:
        """Take note of an execution; until its snapshot is fetched, the definition known by that name serves."""
        with self._lock:
            if workflow_id not in self._tracked:
                self._track(workflow_id, name)
                self._predict(self._tracked[workflow_id])

    def polled(self, record: TaskRecord, workflow_id: str, workflow_name: str | None) -> None:
        """Take note of a task that came to us, as the server delivered it: in progress."""
        with self._lock:
            tracked = self._tracked.get(workflow_id) or self._track(workflow_id, workflow_name)
            tracked.in_hand[record.task_id] = record
            self._note(tracked, record)

    @property
    def is_certain(self) -> bool:
        """Whether there are executions, and the directed types are all that can be ready in them."""
        return self._is_certain

    def updated(self, task_id: str, workflow_id: str, status: TaskStatus) -> tuple[str, ...]:
        """Take note of a task that left our hands; returns the types that can be ready next in its execution.

        The status is not terminal if the task was handed back or its result is spooled.
        """
        with self._lock:
            if (tracked := self._tracked.get(workflow_id)) is None:
                return ()
            if (record := tracked.in_hand.pop(task_id, None)) is not None:
                self._note(tracked, replace(record, status=status))
            return tuple(sorted(tracked.types))

    def due(self) -> list[str]:
        """Return the executions that should be looked up now."""
        now = self._clock()
        with self._lock:
            return [workflow_id for workflow_id, tracked in self._tracked.items() if tracked.look_at <= now]

    def looked(self, execution: Execution, took_s: float = 0.0) -> list[TaskRecord]:
        """Take in an execution as the server has it; return tasks delivered to us that never arrived.

        `took_s` is what the look has cost. Such a task is reported from the second look on: at the first one it may
        still be on its way.
        """
        with self._lock:
            if (tracked := self._tracked.get(execution.workflow_id)) is None:
                return []
            if execution.is_terminal:
                self._forget(execution.workflow_id)
                return []
            tracked.definition = execution.definition or tracked.definition
            tracked.has_snapshot = True
            changed = [record for record in execution.tasks if tracked.take(record)]
            tracked.quiet_s = FIRST_LOOK_S if changed else min(tracked.quiet_s * 2, LONGEST_QUIET_S)
            self._predict(tracked)
            self._schedule(tracked, took_s)
            missing = {
                record.task_id: record
                for record in execution.tasks
                if record.status is TaskStatus.IN_PROGRESS
                and record.worker_id == self._worker_id
                and record.is_worker_task
                and record.task_id not in tracked.in_hand
            }
            found = [record for task_id, record in missing.items() if task_id in tracked.strays]
            tracked.strays = set(missing)
            return found

    def gone(self, workflow_id: str) -> None:
        """Forget an execution that the server does not know (any more)."""
        with self._lock:
            self._forget(workflow_id)

    def unreachable(self, workflow_id: str) -> None:
        """Look again a little later."""
        with self._lock:
            if (tracked := self._tracked.get(workflow_id)) is not None:
                tracked.quiet_s = min(tracked.quiet_s * 2, LONGEST_QUIET_S)
                self._schedule(tracked)

    def remembered(self, workflow_id: str) -> int:
        """Return how many records of an execution are kept."""
        with self._lock:
            return len(self._tracked[workflow_id].records)

    def _track(self, workflow_id: str, name: str | None) -> _Tracked:
        tracked = _Tracked(definition=self._definitions.get(name or ""), look_at=self._clock())
        self._tracked[workflow_id] = tracked
        return tracked

    def _forget(self, workflow_id: str) -> None:
        self._tracked.pop(workflow_id, None)
        self._collect()

    def _note(self, tracked: _Tracked, record: TaskRecord) -> None:
        tracked.take(record)
        tracked.quiet_s = FIRST_LOOK_S
        self._predict(tracked)
        if tracked.has_snapshot:
            self._schedule(tracked)

    def _predict(self, tracked: _Tracked) -> None:
        if tracked.definition is not None:
            prediction = predict(tracked.definition, tracked.records.values())
            tracked.types, tracked.later = prediction.types, prediction.later
            tracked.hides, tracked.is_certain = prediction.hides, prediction.is_certain
        self._collect()

    def _collect(self) -> None:
        found = dict.fromkeys(name for tracked in self._tracked.values() for name in sorted(tracked.types))
        self._types = tuple(found)
        later = (name for tracked in self._tracked.values() for name in sorted(tracked.later))
        self._later = tuple(dict.fromkeys(name for name in later if name not in found))
        self._is_certain = bool(self._tracked) and all(tracked.is_certain for tracked in self._tracked.values())

    def _schedule(self, tracked: _Tracked, took_s: float = 0.0) -> None:
        """Look soon where the definition does not say what comes, or where nothing seems to be left to come.

        What hides is looked at soon again and again, as long as all of such looks together do not take too much.
        """
        quiet_s = tracked.quiet_s
        is_over = not tracked.types and not tracked.in_hand
        if quiet_s == FIRST_LOOK_S and (is_over or not tracked.is_certain):
            quiet_s = UNCERTAIN_LOOK_S
        if tracked.hides:
            hiding = sum(each.hides for each in self._tracked.values())
            quiet_s = min(quiet_s, max(UNCERTAIN_LOOK_S, took_s * hiding / LOOKS_SHARE))
        tracked.look_at = self._clock() + quiet_s
