"""What the engine keeps of an execution: mutable, slotted records; wire documents are made from them on reading."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from operator import attrgetter

from pytest_k1n.engine.definition import Definition, Node, TaskDef
from pytest_k1n.engine.dialect import CURRENT, Dialect
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.status import OPEN_TASK, RUNNING, SCHEDULED, SKIPPED
from pytest_k1n.engine.values import JsonObject

_seq = attrgetter("seq")
MAX_S = 2_147_483_647
"""Conductor's largest whole number of seconds: a WAIT without an end carries it."""


class TaskState:
    """One attempt of one (ref, iteration)."""

    __slots__ = (
        "_task_id",
        "attempt",
        "callback_s",
        "correlation_id",
        "cursor",
        "def_name",
        "deliverable_ms",
        "domain",
        "due_ms",
        "ended_ms",
        "executed",
        "execution",
        "input",
        "iteration",
        "lease_until_ms",
        "logs",
        "name",
        "node",
        "number",
        "output",
        "parent_task_id",
        "poll_count",
        "reason",
        "ref",
        "response_timeout_s",
        "retried",
        "retried_id",
        "scheduled_ms",
        "seq",
        "start_delay_s",
        "started_ms",
        "status",
        "stored_at",
        "sub_id",
        "task_def",
        "ticket",
        "type",
        "updated_ms",
        "worker_id",
    )  # fmt: skip

    def __init__(self, execution: ExecutionState, node: Node, type_: str, ref: str, iteration: int) -> None:
        self.execution = execution
        self.node = node
        self.type = type_
        self.def_name = type_
        self.ref = ref
        self.name = node.name
        self.iteration = iteration
        self.task_def: TaskDef | None = node.task_def
        self.correlation_id: str | None = execution.correlation_id
        execution.next_id += 1
        self.number = execution.next_id
        self._task_id = ""
        self.status: str = SCHEDULED
        self.seq = 0
        self.attempt: int = 0
        self.retried = False
        self.retried_id: str | None = None
        self.executed = False
        self.scheduled_ms: int = 0
        self.started_ms: int = 0
        self.ended_ms: int = 0
        self.updated_ms = 0
        self.start_delay_s = 0
        self.callback_s: int = 0
        self.response_timeout_s = 0
        self.poll_count: int = 0
        self.worker_id: str | None = None
        self.domain: str | None = None
        self.input: JsonObject = {}
        self.output: JsonObject = {}
        self.reason: str | None = None
        self.sub_id: str | None = None
        self.stored_at: str | None = None
        """Where its worker says that its output lies instead."""
        self.parent_task_id: str | None = None
        self.logs: tuple[JsonObject, ...] = ()
        self.deliverable_ms = 0
        """From when on a poll may get it, once it has been queued; what the engine runs by itself never is."""
        self.due_ms = 0
        """When a timed WAIT ends, or 0."""
        self.cursor = 0
        """How many of a JOIN's refs, in order, are known to have ended."""
        self.lease_until_ms = 0
        """Up to when an in-process worker keeps extending its lease; counts as an update."""
        self.ticket = 0
        """Counts queue messages of this task: an older message in a queue is void."""

    @property
    def task_id(self) -> str:
        """Return the id, derived on first use from the seed, the execution and the order of making."""
        if not self._task_id:
            execution = self.execution
            self._task_id = seeded_id(execution.seed, f"{execution.workflow_id}/{self.number}")
        return self._task_id

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_TASK

    @property
    def is_permissive(self) -> bool:
        """Whether its failure lets the others go on."""
        return self.node.permissive and self.execution.dialect.has_permissive

    @property
    def plain_ref(self) -> str:
        """Return the ref without the `__N` of a loop, as the server strips it: at the first `__`."""
        return self.ref.partition("__")[0] if self.iteration else self.ref


class LiveTasks(dict["TaskState", None]):
    """What an evaluation may have to look at, in the order of scheduling, and how much of it lies in each loop."""

    __slots__ = ("_in_loop",)

    def __init__(self, tasks: Iterable[TaskState] = ()) -> None:
        super().__init__(dict.fromkeys(tasks))
        self._in_loop: Counter[Node] | None = None
        if any(task.node.loop is not None for task in self):
            self._in_loop = Counter(task.node.loop for task in self if task.node.loop is not None)

    def add(self, task: TaskState) -> None:
        loop = task.node.loop
        if loop is not None and task not in self:
            self._in_loop = Counter() if self._in_loop is None else self._in_loop
            self._in_loop[loop] += 1
        self[task] = None

    def discard(self, task: TaskState) -> None:
        loop = task.node.loop
        if loop is not None and task in self and self._in_loop is not None:
            self._in_loop[loop] -= 1
        self.pop(task, None)

    def is_any_in(self, loop: Node) -> bool:
        """Tell whether a task of a loop is among them."""
        return self._in_loop is not None and self._in_loop[loop] > 0

    def __iter__(self) -> Iterator[TaskState]:
        return iter(list(self.keys()))  # whoever walks through them may change them


class Attention:
    """Where the next evaluation of an execution has to look, so that it need not look at every open task."""

    __slots__ = ("blocked", "dues", "exclusive", "loops", "ripe", "unseen")

    def __init__(self) -> None:
        self.unseen: list[TaskState] | None = None
        """Live tasks that are new or have changed since they were looked at; None: any may have."""
        self.dues: list[tuple[int, int, TaskState]] = []
        """A heap of (instant, number, task): not before this may a time limit strike that open task."""
        self.loops: dict[Node, TaskState] = {}
        """Open DO_WHILEs by their nodes."""
        self.exclusive: list[TaskState] = []
        """Open EXCLUSIVE_JOINs."""
        self.blocked: dict[str, list[TaskState]] = {}
        """Open JOINs by the ref whose end each waits for next."""
        self.ripe: dict[TaskState, None] = {}
        """Open JOINs that may be able to end."""


AT_REST = Attention()
"""Of all executions that have ended: nothing in them is looked at."""
NOTHING_LIVE = LiveTasks()
"""Of all executions that have ended and left nothing open."""


class ExecutionState:
    """One started workflow."""

    __slots__ = (
        "attempts", "attention", "begins", "correlation_id", "created_ms", "definition", "dialect", "domains",
        "dropped", "ended_ms", "event", "failed_names", "failed_refs", "failed_task_id", "first_variables", "input",
        "lacks_domains", "last_retried_ms", "latest", "live", "next_id", "next_seq", "origin", "output", "parent_id",
        "parent_task_id", "plain", "previous_status", "priority", "reason", "rerun_from", "rounds", "searched", "seed",
        "status", "stored_at", "tasks", "timer_ms", "updated_ms", "variables", "waited_by", "workflow_id",
    )  # fmt: skip

    def __init__(
        self,
        workflow_id: str,
        definition: Definition,
        now_ms: int,
        input_: JsonObject,
        seed: int = 0,
        dialect: Dialect = CURRENT,
    ) -> None:
        self.workflow_id = workflow_id
        self.dialect = dialect
        self.seed = seed
        self.definition = definition
        self.status = RUNNING
        self.previous_status: str | None = None
        self.input = input_
        self.output: JsonObject = {}
        self.variables: JsonObject = dict(definition.variables)
        self.first_variables: JsonObject | None = None
        """What its first evaluation has made of them, which the server writes into the definition; None: nothing."""
        self.created_ms = now_ms
        self.updated_ms = now_ms
        self.ended_ms = 0
        self.last_retried_ms = 0
        self.priority = 0
        self.correlation_id: str | None = None
        self.event: str | None = None
        """What an event handler started it for."""
        self.origin = workflow_id
        """The execution that a request started, and that this one came of: it is counted by that what is endless."""
        self.parent_id: str | None = None
        self.parent_task_id: str | None = None
        self.rerun_from: str | None = None
        self.domains: dict[str, str] = {}
        self.reason: str | None = None
        self.failed_refs: tuple[str, ...] = ()
        self.failed_names: tuple[str, ...] = ()
        self.failed_task_id: str | None = None
        self.tasks: list[TaskState] = []
        """All attempts by seq."""
        self.dropped: tuple[TaskState, ...] = ()
        """What a restart or a rerun has taken out: searches of tasks still find it."""
        self.latest: dict[str, TaskState] = {}
        """By reference name, `__N` included: the last attempt."""
        self.plain = self.latest
        """By plain ref: the last attempt of the last iteration, which is what `${ref...}` means.

        The same as `latest` until a loop begins a round: a server keeps many executions, and few have loops.
        """
        self.rounds: dict[tuple[Node, int], dict[str, TaskState]] = {}
        """By loop and iteration: the last attempts of what ran in it, by ref."""
        self.attempts: dict[str, list[TaskState]] = {}
        """By ref: all attempts of tasks whose attempts have one time limit together."""
        self.live = LiveTasks()
        """What is neither executed nor retried nor skipped."""
        self.attention = Attention()
        self.begins = True
        """It has not been evaluated to the end yet: what breaks, breaks its start."""
        self.lacks_domains = False
        """It is being started by who gave no domains, not even none: the server has a null until it reads it again."""
        self.waited_by: TaskState | None = None
        """The task whose child it is."""
        self.next_seq = 1
        self.next_id = 0
        self.searched: tuple[tuple[object, ...], str] | None = None
        """What a search looks for its text in, and what of the record that was made of."""
        self.stored_at: str | None = None
        """The path of a payload that was never stored here: whoever would change it cannot read it."""
        self.timer_ms = 0
        """The earliest wake-up already asked for, or 0."""

    def add(self, task: TaskState) -> None:
        """Append a new attempt: give it its place in the order and make it the one its ref means."""
        task.seq = self.next_seq
        task.updated_ms = task.scheduled_ms
        self.next_seq += 1
        self.tasks.append(task)
        self._index(task)
        self.live.add(task)
        if self.attention.unseen is not None:
            self.attention.unseen.append(task)

    def _index(self, task: TaskState) -> None:
        if task.iteration and self.plain is self.latest:
            self.plain = dict(self.latest)
        self.latest[task.ref] = task
        if self.plain is not self.latest:
            self.plain[task.plain_ref] = task
        if task.node.loop is not None:
            self.rounds.setdefault((task.node.loop, task.iteration), {})[task.ref] = task
        if task.task_def is not None and task.task_def.total_timeout_s > 0:
            self.attempts.setdefault(task.ref, []).append(task)

    def become(self, status: str) -> None:
        """Change the status, and keep the one before."""
        if status != self.status:
            self.previous_status, self.status = self.status, status

    def has(self, task: TaskState) -> bool:
        """Tell whether a task is one of this execution's; a restart, a rerun and some loops drop tasks."""
        at = bisect_left(self.tasks, task.seq, key=_seq)
        return any(
            found is task for found in takewhile(lambda found: found.seq == task.seq, islice(self.tasks, at, None))
        )

    def cut(self, tasks: list[TaskState]) -> None:
        """Keep these tasks only, for a restart or a rerun; searches still find the others."""
        kept = set(tasks)
        self.dropped += tuple(task for task in self.tasks if task not in kept)
        self.keep(tasks)

    def keep(self, tasks: list[TaskState]) -> None:
        """Replace all tasks, and rebuild what is derived from them."""
        self.tasks = tasks
        self.latest, self.rounds, self.attempts = {}, {}, {}
        self.plain = self.latest
        for task in tasks:
            self._index(task)
        self.refresh_live()
        self.next_seq = max((task.seq for task in tasks), default=0) + 1

    def refresh_live(self) -> None:
        """Find anew what is live; the next evaluation looks at all of it."""
        self.live = LiveTasks(
            task for task in self.tasks if not task.executed and not task.retried and task.status != SKIPPED
        )
        self.attention = Attention()

    def wake(self) -> None:
        """Prepare for evaluations once more."""
        if self.attention is AT_REST:
            self.attention = Attention()
        if self.live is NOTHING_LIVE:
            self.live = LiveTasks()

    def rest(self) -> None:
        """Drop what only evaluations need: it has ended, and may be kept for long."""
        self.attention = AT_REST
        if not self.live:
            self.live = NOTHING_LIVE

    def release(self) -> None:
        """Let go of all tasks, of what is removed: they name it in turn, so that only a collection would free both."""
        self.keep([])
        self.dropped = ()
        self.waited_by = None
        self.rest()
