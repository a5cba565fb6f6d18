"""The engine: executions, queues and time behind one lock-free, single-threaded interface.

Everything that happens (a start, a poll, an update, the end of work, a deadline) goes through one ordered agenda, so
the same calls with the same seed give the same history to the byte. Time is the clock's; a virtual one jumps to the
next event, but only inside `run_until`, `advance` and `drain`, never behind a caller's back.

Latency is *ideal*: what the real server does with a delay of its own (queues, JOIN evaluation, sub-workflow pick-up,
sweeps) happens at the very instant it becomes possible.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

from pytest_k1n.engine.decide import ending
from pytest_k1n.engine.decide.context import Context, Effects
from pytest_k1n.engine.decide.decider import decide
from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.dialect import CURRENT, Dialect
from pytest_k1n.engine.language.scripts import Scripts
from pytest_k1n.engine.problems import Unknown
from pytest_k1n.engine.registry.catalogue import Catalogue
from pytest_k1n.engine.runtime import children, failureworkflows, httpcalls, httptransport, taskresults
from pytest_k1n.engine.runtime.agenda import FINISH, Agenda
from pytest_k1n.engine.runtime.beginning import Beginning
from pytest_k1n.engine.runtime.clock import Clock, VirtualClock
from pytest_k1n.engine.runtime.deadlines import Deadlines
from pytest_k1n.engine.runtime.dispatcher import Dispatcher
from pytest_k1n.engine.runtime.events import EventHandlers
from pytest_k1n.engine.runtime.guards import Guards
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.systemruns import SystemRuns
from pytest_k1n.engine.runtime.taskindex import TaskIndex
from pytest_k1n.engine.runtime.tasklogs import TaskLogs
from pytest_k1n.engine.runtime.taskresults import TaskResult, demand_payloads
from pytest_k1n.engine.runtime.virtualwork import UNLIMITED, VirtualWorker
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import FAILED, OPEN_TASK, TERMINAL_WORKFLOW, TERMINATED
from pytest_k1n.engine.values import JsonObject

MOST_ARCHIVED = 1_000


class Engine(Beginning):
    """An embedded Conductor. Not thread-safe: a served one takes its requests in turns (`serving.turns`)."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        guards: Guards | None = None,
        call_http: httpcalls.HttpCaller = httptransport.call_http,
        dialect: Dialect = CURRENT,
    ) -> None:
        self.dialect = dialect
        self.clock = clock or VirtualClock()
        self.now_ms = self.clock.now_ms()
        self.seed = seed
        self.catalogue = Catalogue(unknown_limits=dialect.unknown_limits)
        self.executions: dict[str, ExecutionState] = {}
        self.archived: deque[ExecutionState] = deque(maxlen=MOST_ARCHIVED)
        """What was removed and can still be found by a search, the latest ones."""
        self.polls: dict[QueueKey, JsonObject] = {}
        self.guards = guards or Guards()
        self.on_poll: Callable[[QueueKey, str | None, TaskState | None], None] | None = None
        """Called after each poll with the worker's id and what it got."""
        self.worked_ms: Callable[[TaskState], int | None] = lambda _task: None
        """Tells how long a worker really worked on a task while the clock stood for it."""
        self.declared: dict[str, TaskResult] = {}
        """Task id -> a report that counts only at an instant to come."""
        self._agenda = Agenda()
        self.scripts = Scripts()
        self._deadlines = Deadlines(self, self._agenda)
        self.dispatcher = Dispatcher(self, self._agenda, self._deadlines)
        self.event_handlers = EventHandlers(self, self._agenda, self.scripts)
        self.system_runs = SystemRuns(self, self._agenda, call_http, self.dispatcher.note, self.event_handlers.publish)
        self._tell_parent = partial(children.tell_parent, self)
        self._terminate_child = partial(children.terminate, self)
        self._started: dict[str, int] = {}
        self.storage_places = count()
        """Numbers what a client wants to store elsewhere."""
        self._index = TaskIndex(self.executions)
        self.logs = TaskLogs(self.task, self.archived)

    def forget(self, execution: ExecutionState) -> None:
        """Remove an execution, with all that is kept of it."""
        del self.executions[execution.workflow_id]
        self._index.forget(execution)
        self._deadlines.forget(execution)

    def adopt(self, other: Engine) -> None:
        """Take over the executions of another engine, all of which have ended."""
        self.executions.update(other.executions)
        for execution in other.executions.values():
            self._index.note(execution)
        self.archived.extend(other.archived)
        self.logs.adopt(other.logs)

    def execution(self, workflow_id: str) -> ExecutionState:
        """Find an execution. Raises Unknown."""
        execution = self.executions.get(workflow_id)
        if execution is None:
            raise Unknown(f"No such workflow found by id: {workflow_id}")
        return execution

    def changeable(self, workflow_id: str) -> ExecutionState:
        """Find an execution that can be changed. Raises Unknown; Illegal where a payload lies elsewhere."""
        execution = self.execution(workflow_id)
        demand_payloads(execution)
        return execution

    def task(self, task_id: str, *, of: ExecutionState | None = None) -> TaskState | None:
        """Find a task by its id, among those of one execution or of all."""
        task = self._index.find(task_id)
        return task if task is None or of is None or task.execution is of else None

    def context(self) -> Context:
        """Open an evaluation at this instant; hand it to `carry_out` afterwards."""
        return Context(
            self.now_ms, self.seed, self.catalogue, self.scripts, Effects(), self._last_poll_ms, self.guards.again,
            dialect=self.dialect,
        )  # fmt: skip

    def _last_poll_ms(self, type_: str, domain: str) -> int | None:
        poll = self.polls.get(QueueKey(type_, domain))
        return None if poll is None else int(poll["lastPollTime"])

    def decide(self, execution: ExecutionState, changed: Iterable[TaskState] | None = None) -> None:
        """Evaluate an execution and carry out what that asks for.

        `changed` is all that has changed since its last evaluation; None: anything may have.
        """
        if execution.stored_at is not None:
            return  # nobody can read what that payload is, the server neither
        context = self.context()
        try:
            decide(context, execution, changed)
        except RecursionError:
            reason = "its data lie deeper in each other than this engine can follow"
            ending.terminate(context, execution, FAILED, reason, None)
        self.carry_out(context, execution)

    def carry_out(self, context: Context, execution: ExecutionState) -> None:
        """Do what an evaluation left to be done outside its execution; what follows from that is on the agenda."""
        effects = context.effects
        if effects:
            self.guards.idle_jumps = 0
            for task in effects.unqueued:
                task.ticket += 1
            for task in effects.queued:
                if not self.system_runs.take(task):
                    self.dispatcher.push(task, self.now_ms)
            for ended, failed_task_id in effects.started_failures:
                failureworkflows.start(self, ended, failed_task_id)
            for child in effects.terminated:
                self._agenda.soon(self._terminate_child, child)
            for ended in effects.ended:
                self._deadlines.forget(ended)
                ended.rest()
                if ended.parent_id is not None:
                    self._agenda.soon(self._tell_parent, ended)
        self._index.note(execution)
        self._deadlines.note(execution)

    def poll(self, key: QueueKey, worker_id: str | None) -> TaskState | None:
        """Deliver the next task of a queue, or None."""
        now_ms = self.now_ms
        self.polls[key] = {
            "queueName": key.type, "domain": key.domain, "workerId": worker_id, "lastPollTime": now_ms,
        }  # fmt: skip
        task = self.dispatcher.next(key, worker_id, now_ms)
        if task is not None:
            self._index.add(task)
            self._deadlines.note_task(task)
        if self.on_poll is not None:
            self.on_poll(key, worker_id, task)
        return task

    def take(self, task: TaskState, worker_id: str = "test") -> None:
        """Deliver one particular task that is scheduled, out of its turn and before it is due."""
        self.dispatcher.take(task, worker_id)

    def update(self, task: TaskState, report: TaskResult) -> None:
        """Take a worker's report; ignored, as on the server, once the task or its execution has ended."""
        execution = task.execution
        if task.status not in OPEN_TASK or execution.status in TERMINAL_WORKFLOW or execution.stored_at is not None:
            return
        self.guards.idle_jumps = 0
        if self.declared:  # an id is made when it is first asked for
            self.declared.pop(task.task_id, None)
        if taskresults.record(report, task, self.now_ms):
            self.dispatcher.push(task, self.now_ms)
        self.decide(execution, (task,))
        self._agenda.settle()
        if task.task_def is not None and task.task_def.concurrent_limit > 0:
            self.dispatcher.wake(QueueKey(task.type, task.domain))

    def report(self, task: TaskState, report: TaskResult, *, at_ms: int | None = None) -> None:
        """Take a worker's report; with `at_ms` it counts at that instant, and until then the task stays in progress.

        A second report takes the first one's place, so that a worker may repeat what it is not sure to have said.
        """
        if at_ms is None or at_ms <= self.now_ms:
            self.update(task, report)
        elif task.status in OPEN_TASK and task.execution.status not in TERMINAL_WORKFLOW:
            self.declared[task.task_id] = report
            task.lease_until_ms = at_ms
            self._deadlines.note_task(task)
            self._agenda.at(at_ms, FINISH, self._report_declared, (task, report))

    def _report_declared(self, due: tuple[TaskState, TaskResult]) -> None:
        task, report = due
        if self.declared.get(task.task_id) is report:
            self.report(task, report)
            self.declared.pop(task.task_id, None)

    def extend_lease(self, task: TaskState) -> None:
        """Note that a worker is still at it."""
        if task.status in OPEN_TASK:
            task.updated_ms = self.now_ms
            self._deadlines.note_task(task)

    def requeue(self, task: TaskState) -> None:
        """Make a task that waits for a callback deliverable now."""
        task.callback_s = 0
        self.dispatcher.push(task, self.now_ms)
        self._agenda.settle()

    def push_again(self, tasks: Iterable[TaskState]) -> None:
        """Queue open tasks once more, each due when its callback is over, whether a worker has it or not."""
        for task in tasks:
            self.dispatcher.push(task, self.now_ms)
        self._agenda.settle()

    def attach(
        self,
        types: Iterable[str],
        worker: VirtualWorker,
        *,
        slots: int = UNLIMITED,
        worker_id: str = "embedded",
        domain: str | None = None,
    ) -> None:
        """Have a worker take the tasks of some types, at most `slots` of each type at a time."""
        self.dispatcher.workforce.attach([QueueKey(type_, domain) for type_ in types], worker, worker_id, slots)
        self._agenda.settle()

    def attach_to_all(
        self,
        worker: VirtualWorker,
        *,
        slots: int = UNLIMITED,
        worker_id: str = "embedded",
        wants: Callable[[TaskState], bool] | None = None,
    ) -> None:
        """Have a worker take the tasks of every type and domain that no other worker is attached to.

        Those that it does not want stay in their queues.
        """
        self.dispatcher.workforce.attach_to_all(self.dispatcher.queues.known(), worker, worker_id, slots, wants)
        self._agenda.settle()

    def detach_all(self) -> None:
        """Have no worker any more: what they have in hand they still report, what is queued stays there."""
        self.dispatcher.workforce.detach_all()

    def deliverable(self) -> list[tuple[QueueKey, TaskState]]:
        """Return the tasks that a poll would get now, the first of each queue."""
        return self.dispatcher.deliverable(self.now_ms)

    def find(self, name: str, version: int | None) -> Definition:
        """Return the snapshot to start from. Raises Unknown, or MissingChild."""
        definition = self.catalogue.workflow(name, version)
        if definition is None:
            shown = "null" if version is None else version
            raise Unknown(f"No such workflow defined. name={name}, version={shown}")
        return definition

    def terminate(self, execution: ExecutionState, reason: str | None) -> None:
        """End an execution on request; no failureWorkflow starts."""
        context = self.context()
        ending.terminate(context, execution, TERMINATED, reason, None, by_request=True)
        self.carry_out(context, execution)
