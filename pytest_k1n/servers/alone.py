"""One execution on an embedded engine of its own, in virtual time: for a test of a user's own, and for a dry run."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.core.definition.eventhandlers import startable_with_events
from pytest_k1n.core.definition.inlining import with_task_definitions
from pytest_k1n.core.model import Json, WorkflowDefinition
from pytest_k1n.core.record.invocations import invocation
from pytest_k1n.core.record.observation import LogLine, Observation, observe
from pytest_k1n.core.standins.answers import Answers
from pytest_k1n.core.standins.replies import Replies
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.dialect import CURRENT
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.problems import Problem
from pytest_k1n.engine.registry.catalogue import Catalogue
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.engine.runtime.httptransport import call_http
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import SCHEDULED, TERMINAL_WORKFLOW
from pytest_k1n.servers.deadline import Deadline, overdue
from pytest_k1n.servers.embedded import WORKER_ID, EmbeddedEngine, answer_nothing
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.servers.refused import explained
from pytest_k1n.servers.repliedhttp import RepliedHttp

Document = Mapping[str, Any]
_KEPT: Final = 64
"""Definitions that are kept compiled."""
WITHIN_MS: Final = 30_000
"""Real time that handlers may take unless a test says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A definition as the engine has taken it, and the metadata around it: nothing of it changes any more."""

    documents: tuple[Document, ...]
    definition: Definition
    catalogue: Catalogue


_PREPARED: OrderedDict[str, _Prepared] = OrderedDict()
"""By all that went into them: tests run the same workflow again and again, and compiling it costs more than running."""


def start_alone(
    definition: Document,
    worker: HandlerWorker,
    *,
    input: Mapping[str, Json],
    children: Sequence[Document] = (),
    task_definitions: Sequence[Document] = (),
    simulates_rest: bool = True,
    correlation_id: str | None = None,
    seed: int = 0,
    answers: Answers | None = None,
    replies: Replies | None = None,
    event_handlers: Sequence[Document] = (),
    is_dry: bool = False,
    within_ms: int = WITHIN_MS,
    conductor: str = CURRENT.conductor,
    broken_off: Callable[[EngineExecution], None] = lambda _begun: None,
) -> EngineExecution:
    """Start an execution; `children` are the definitions that it may start by name. It keeps the input, uncopied.

    `replies` answer its HTTP tasks; `event_handlers` act on what it publishes, and may start children as well.
    A dry one sends no HTTP requests, they are answered by an empty object. Children that the engine refuses are left
    out where no definition names them, and in a dry one: a dynamic fork might start any that is known.
    Handlers of its first tasks are called at once, and may work `within_ms` of real time.

    What it raises itself, as a TimeoutError, breaks the start off: `broken_off` takes the execution as it is then.

    Raises ConductorError if the engine refuses the definition, TypeError or ValueError for what is not JSON,
    TimeoutError.
    """
    brought = startable_with_events(definition, children, event_handlers)
    key = json.dumps([definition, brought, task_definitions, conductor])
    outside = answer_nothing if is_dry else call_http
    embedded = EmbeddedEngine(worker, seed=seed, call_http=outside, conductor=conductor)
    embedded.serve_all(simulates_rest=simulates_rest)
    if answers:
        embedded.answers = lambda _: answers
    if replies:
        embedded.engine.system_runs.reply = RepliedHttp(replies)
    for handler in event_handlers:
        embedded.client.register_event_handler(handler)
    if (prepared := _PREPARED.get(key)) is not None:
        _PREPARED.move_to_end(key)
        own, embedded.engine.catalogue = embedded.engine.catalogue, prepared.catalogue
        try:
            with (
                worker.within(within_ms),
                Deadline(embedded, within_ms),
                _handed_over(embedded, prepared.documents, broken_off),
            ):
                state = embedded.engine.start(prepared.definition, dict(input), correlation_id=correlation_id)
            return EngineExecution(embedded, state.workflow_id, prepared.documents)
        except Problem:
            embedded.engine.catalogue = own  # the way through the client says it in the client's words
    inline = with_task_definitions(definition, task_definitions)
    documents = (inline, *(with_task_definitions(child, task_definitions) for child in brought))
    if task_definitions:
        try:
            embedded.client.register_tasks(task_definitions)
        except ConductorError as error:
            raise explained(error, task_definitions) from None
    surely = startable_with_events(definition, children, event_handlers, is_certain=True)
    certain = {str(child.get("name")) for child in surely}
    for child in documents[1:]:
        try:
            embedded.client.register_workflows([child])
        except ConductorError:
            if not is_dry and str(child.get("name")) in certain:
                raise
    with worker.within(within_ms), Deadline(embedded, within_ms), _handed_over(embedded, documents, broken_off):
        workflow_id = embedded.client.start(
            str(inline.get("name") or ""), definition=inline, input=input, correlation_id=correlation_id
        )
    execution = EngineExecution(embedded, workflow_id, documents)
    _keep(key, documents, execution.state.definition, embedded.engine.catalogue)
    return execution


@contextmanager
def _handed_over(
    embedded: EmbeddedEngine, documents: tuple[Document, ...], broken_off: Callable[[EngineExecution], None]
) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for workflow_id in [*embedded.engine.executions][:1]:
            broken_off(EngineExecution(embedded, workflow_id, documents))
        raise


def _keep(key: str, documents: tuple[Document, ...], definition: Definition, catalogue: Catalogue) -> None:
    _PREPARED[key] = _Prepared(documents=documents, definition=definition, catalogue=catalogue)
    if len(_PREPARED) > _KEPT:
        _PREPARED.popitem(last=False)


@lru_cache(maxsize=32)
def _parsed(definition: Definition) -> WorkflowDefinition:
    """Read a snapshot, once for all executions that were started from it."""
    return wire.workflow_definition(cast("Json", definition.document))


class EngineExecution:
    """One execution on its engine; the clock moves only inside `settle` and `advance`."""

    def __init__(self, embedded: EmbeddedEngine, workflow_id: str, documents: Sequence[Document]) -> None:
        self.workflow_id = workflow_id
        self.documents = documents
        """Its definition, and those that it may start by name."""
        self.embedded = embedded
        self._engine = embedded.engine
        self._seen: tuple[int, Observation] | None = None

    @property
    def state(self) -> ExecutionState:
        """The engine's own record, which changes as time passes."""
        return self._engine.execution(self.workflow_id)

    @property
    def is_terminal(self) -> bool:
        return self.state.status in TERMINAL_WORKFLOW

    @property
    def now_ms(self) -> int:
        """The engine's clock."""
        return self._engine.now_ms

    def executions(self) -> list[ExecutionState]:
        """Return the engine's own records of all executions, this one first."""
        others = [each for each in self._engine.executions.values() if each.workflow_id != self.workflow_id]
        return [self.state, *others]

    def family(self) -> list[Observation]:
        """Return this execution and those that it has led to, as they stand."""
        return [self.newest(), *(self.child(each.workflow_id).newest() for each in self.executions()[1:])]

    def child(self, workflow_id: str) -> EngineExecution:
        """Return another execution of the same engine. Raises Unknown."""
        self._engine.execution(workflow_id)
        return EngineExecution(self.embedded, workflow_id, self.documents)

    def newest(self) -> Observation:
        """Return the execution as it stands; no time passes."""
        moves = self.embedded.moves
        if self._seen is None or self._seen[0] != moves:
            self._seen = moves, self._observe()
        return self._seen[1]

    def _observe(self) -> Observation:
        state = self.state
        calls = [each for each in self.embedded.worker.invocations if each["workflow_id"] == self.workflow_id]
        return observe(
            wire.execution(cast("Json", execution_document(state)), definition=_parsed(state.definition)),
            time_model="virtual",
            logs={task.task_id: _log(task) for task in state.tasks if task.logs},
            invocations=tuple(map(invocation, calls)),
            now_ms=self._engine.now_ms,
        )

    def settle(self, is_reached: Callable[[ExecutionState], bool], within_ms: int) -> bool:
        """Let virtual time pass until something holds, the execution has ended, or nothing more happens by itself.

        Tells whether it has come to hold or ended. Raises TimeoutError after `within_ms` of real time, which names
        what goes on and on.
        """
        state = self.state
        self._let_pass(lambda: is_reached(state) or state.status in TERMINAL_WORKFLOW, within_ms)
        return is_reached(state) or state.status in TERMINAL_WORKFLOW

    def go_on(self, within_ms: int) -> None:
        """Let virtual time pass as far as no caller need act: up to the time limit of a person, or of a worker.

        Raises TimeoutError as `settle` does.
        """
        executions = self._engine.executions.values()
        self._let_pass(
            lambda: self._engine.needs_outside() or all(each.status in TERMINAL_WORKFLOW for each in executions),
            within_ms,
        )

    def settle_all(self, within_ms: int, *, until: Callable[[], bool] = lambda: False) -> None:
        """Let virtual time pass until all executions have ended, something holds, or nothing more happens by itself.

        Raises TimeoutError as `settle` does.
        """
        executions = self._engine.executions.values()
        self._let_pass(lambda: all(each.status in TERMINAL_WORKFLOW for each in executions) or until(), within_ms)

    def advance(self, ms: int, within_ms: int) -> None:
        """Let virtual time pass, with everything that happens in it. Raises TimeoutError as `settle` does."""
        target_ms = self._engine.now_ms + ms
        self._let_pass(lambda: False, within_ms, horizon_ms=target_ms)
        self._engine.advance_to(target_ms)

    def take(self, task: TaskState) -> None:
        """Hand an open task to a worker, which says no more of it."""
        with self.move():
            if task.status == SCHEDULED:
                self._engine.take(task, WORKER_ID)

    def work(self, task: TaskState, status: str, output: Mapping[str, Json], reason: str | None) -> None:
        """End an open task as a worker would, whether or not one has taken it."""
        with self.move():
            if task.status == SCHEDULED:
                self._engine.take(task, WORKER_ID)
            result = TaskResult(status=status, output=dict(output), reason=reason, worker_id=WORKER_ID)
            self._engine.update(task, result)

    @contextmanager
    def move(self, within_ms: int = WITHIN_MS) -> Iterator[None]:
        """Do something to the engine; handlers that this calls may work so much real time."""
        self.embedded.moves += 1
        with self.embedded.worker.within(within_ms):
            yield

    def waits_for(self) -> str:
        """Say what open executions wait for."""
        return self.embedded.waits_for() or "nothing"

    def overdue(self, within_ms: int) -> TimeoutError:
        """Make the error that so much real time is over; it names what goes on and on."""
        return overdue(self.executions(), self._engine.now_ms, within_ms)

    def _let_pass(self, is_reached: Callable[[], bool], within_ms: int, *, horizon_ms: int | None = None) -> None:
        deadline = Deadline(self.embedded, within_ms)

        def is_over() -> bool:
            deadline.look()
            if has_people:
                self.embedded.attend()
            return is_reached()

        has_people = bool(self.embedded.answers(self.state))
        try:
            with self.move(within_ms), deadline:
                self._engine.run_until(is_over, horizon_ms=horizon_ms)
        except Stuck as stuck:
            raise TimeoutError(f"{self.state.definition.name} has not ended: {stuck}") from None


def _log(task: TaskState) -> tuple[LogLine, ...]:
    return tuple((int(str(each["createdTime"])), str(each["log"])) for each in task.logs)
