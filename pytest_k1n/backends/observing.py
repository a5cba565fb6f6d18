"""Looking at executions: a snapshot of each whose turn it is; once it has settled, also its tasks' logs and the
worker's ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import cast

from pytest_k1n.backends.opening import Backend
from pytest_k1n.client.errors import ConductorError, ServerUnreachable
from pytest_k1n.coordination.people import People
from pytest_k1n.coordination.runfolder import RunFolder
from pytest_k1n.coordination.watch import RUN_ENDED, Watch
from pytest_k1n.core.model import Execution, Json, TaskStatus, WorkflowStatus
from pytest_k1n.core.record.observation import LogLine, observe
from pytest_k1n.core.timing.nested import amounts_ms, shortened
from pytest_k1n.core.timing.timeline import Timeline
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.runtime.collecting import OnlyYoung

_ENDED = frozenset(each.value for each in WorkflowStatus if each.is_terminal)
_OPEN = frozenset(each.value for each in TaskStatus if not each.is_terminal)
_CANCELLING_S = 0.1


def look(
    watches: Sequence[Watch],
    backend: Backend,
    folder: RunFolder,
    now_ms: Callable[[], int],
    epoch_ms: Callable[[], int],
) -> None:
    """Look at the executions that are due, and give up those that nothing more will come of; `epoch_ms`: real time."""
    with OnlyYoung():  # what is read of them lives as long as the run
        backend.settle()
        trouble = backend.trouble()
        looked_ms = now_ms()
        ledger = _Ledger(backend)
        for watch in watches:
            if looked_ms < watch.next_look_ms:
                continue
            watch.next_look_ms = looked_ms + watch.look_every_ms
            try:
                if watch.wants_decision(looked_ms, epoch_ms()):
                    backend.client.decide(watch.workflow_id)
                document = _read(watch.workflow_id, backend)
            except ServerUnreachable as silence:
                # It has taken the request and says nothing: on a machine with no time for it a server does so for 10 s.
                if trouble or not silence.indeterminate or watch.overdue(now_ms(), epoch_ms()):
                    raise
                continue
            _note_sub_workflows(watch, document, backend)
            is_new = watch.see(document, looked_ms, weather=backend.weather(), slept_ms=backend.slept_ms)
            if is_new and watch.observation is not None:
                folder.write_snapshot(watch.workflow_id, document, watch.observation.execution)
            _attend(watch, backend)
            family = partial(_family, watch, backend)
            reason = None if watch.state.is_settled else trouble or watch.overdue(looked_ms, epoch_ms(), family)
            if reason:
                watch.release(reason)
            if watch.state.is_settled:
                _keep_evidence(watch, backend, folder, ledger)


def _read(workflow_id: str, backend: Backend) -> dict[str, Json]:
    """Read an execution; one that has ended and left a task open a second time, for it is looked at no more.

    Conductor cancels what a TERMINATE leaves open some 20 ms behind the end.
    """
    document = backend.client.execution(workflow_id)
    tasks = document.get("tasks") if document.get("status") in _ENDED else None
    if isinstance(tasks, list) and any(isinstance(each, dict) and each.get("status") in _OPEN for each in tasks):
        time.sleep(_CANCELLING_S)
        document = backend.client.execution(workflow_id)
    return document


def end(watches: Iterable[Watch], backend: Backend, say: Callable[[str], None]) -> None:
    """Give up what still runs, and terminate it on a server that outlives the run: our workers stop now."""
    for watch in watches:
        if not watch.state.is_settled:
            watch.release(RUN_ENDED)
        if watch.state.released and not backend.server["owned"]:
            try:
                backend.client.terminate(watch.workflow_id, "the pytest-k1n run that started it has ended")
            except ConductorError as error:
                say(f"{watch.title} could not be terminated: {error}")


def _note_sub_workflows(watch: Watch, document: Mapping[str, Json], backend: Backend) -> None:
    """Find out by how much the speed has shortened the sub-workflows that have ended since the last look."""
    if backend.time.speed == 1:
        return
    tasks = cast("list[Mapping[str, Json]]", document.get("tasks") or [])
    ended = {
        (task["taskId"], task["endTime"])
        for task in tasks
        if task.get("taskType") == "SUB_WORKFLOW" and task.get("endTime")
    }
    if ended <= {(task_id, each.ended_ms) for task_id, each in watch.nested.items()}:
        return  # nearly always: nothing is parsed twice for it
    slept_ms = backend.slept_ms()

    def laid_out(workflow_id: str) -> Timeline:
        inner = wire.execution(cast("Json", backend.client.execution(workflow_id)))
        nested = amounts_ms(shortened(inner, backend.time.speed, laid_out))
        return observe(
            inner, time_model=backend.time.name, speed=backend.time.speed, slept_ms={**slept_ms, **nested}
        ).timeline

    seen = wire.execution(dict(document))
    watch.nested = shortened(seen, backend.time.speed, laid_out, watch.nested)


def _attend(watch: Watch, backend: Backend) -> None:
    """Have the plan's people answer what a server's execution asks; in process the engine sees to it."""
    if watch.observation is None or watch.template is None or not watch.template.answers or not backend.server["url"]:
        return
    if watch.people is None:
        watch.people = People(backend.client, watch.template.answers, backend.time)
    due_ms = watch.people.attend(list(_with_open_children(watch.observation.execution, backend)))
    if due_ms is not None:
        holders = cast("list[Mapping[str, Json]]", backend.client.clock()["holders"])
        if all(each["kind"] == "person" for each in holders):
            backend.client.move_clock_to(due_ms)


def _family(watch: Watch, backend: Backend) -> list[Execution]:
    """Return an execution and its sub-workflows, at any depth; what cannot be read is left out."""
    found = [watch.observation.execution] if watch.observation is not None else []
    for execution in found:
        for task in execution.tasks:
            if task.sub_workflow_id:
                with suppress(ConductorError):
                    found.append(wire.execution(cast("Json", backend.client.execution(task.sub_workflow_id))))
    return found


def _with_open_children(execution: Execution, backend: Backend) -> Iterator[Execution]:
    """Yield an execution and those of its open sub-workflows, at any depth: people are asked there, too."""
    yield execution
    for task in execution.tasks:
        if task.sub_workflow_id and not task.status.is_terminal:
            child = wire.execution(cast("Json", backend.client.execution(task.sub_workflow_id)))
            yield from _with_open_children(child, backend)


class _Ledger:
    """The workers' ledger by execution, sorted anew only where it has grown: a batch may end all at once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._length = -1
        self._of: dict[object, list[Mapping[str, Json]]] = {}

    def of(self, workflow_id: str) -> list[Mapping[str, Json]] | None:
        """Return the invocations for an execution; None where the workers are not ours."""
        entries = self._backend.invocations()
        if entries is None:
            return None
        if len(entries) != self._length:
            self._length, self._of = len(entries), {}
            for each in entries:
                self._of.setdefault(each.get("workflow_id"), []).append(each)
        return self._of.get(workflow_id, [])


def _keep_evidence(watch: Watch, backend: Backend, folder: RunFolder, ledger: _Ledger) -> None:
    """Complete an observation with what only the server and the workers know: task logs, the ledger."""
    if watch.observation is None:
        return
    logs: dict[str, tuple[LogLine, ...]] = {}
    for task_id in watch.worker_task_ids:
        lines = backend.logs(task_id)
        logs[task_id] = tuple((cast("int", line["createdTime"]), str(line["log"])) for line in lines)
    own = ledger.of(watch.workflow_id)
    watch.complete(logs, own, backend.weather(until_ms=watch.observation.execution.ended_ms or 0))
    evidence = {
        "logs": logs,
        "invocations": own,
        "waited_ms": watch.waited_ms,
        "start_request_ms": watch.start_request,
    }
    folder.write_json(f"evidence/{watch.workflow_id}.json", evidence)
