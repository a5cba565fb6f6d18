"""Running K1N_QUALITY_GATES on a server, with a worker of its own that serves the probes and nothing else."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands.probes import WORKFLOW, handlers, task_documents, workflow_document
from pytest_k1n.coordination.registration import register
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.gates import PROBES, GateSettings
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.wire import wire
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.thread import WorkerThread
from pytest_k1n.workers.worker import Worker

WITHIN_S = 60.0
"""Eighteen short tasks take well under a second; a busy server may sweep late."""
_LOOK_S = 0.05


def run_probes(
    url: str,
    workflow_id: str,
    *,
    read: Callable[[str], Observation],
    settings: GateSettings,
    policy: RegisterPolicy,
    within_s: float = WITHIN_S,
) -> Execution:
    """Judge an execution by an execution of K1N_QUALITY_GATES, and return that one; it stays on the server.

    Raises RegistrationRefused, ConductorError; TimeoutError if it does not end in time, having ended it.
    """
    uid = uuid.uuid4().hex[:8]
    domain = f"k1n-{uid}"
    client = Conductor(transport_for(url))
    try:
        register(client, [workflow_document()], task_documents(), policy=policy)
        with _serving(url, domain, read, settings) as worker:
            started = client.start_once(
                WORKFLOW,
                version=1,
                correlation_id=f"k1n-{uid}-gates",
                input={"workflow_id": workflow_id},
                task_to_domain={"*": domain},
            )
            worker.launched(started, WORKFLOW)
            return _ended(client, started, within_s)
    finally:
        client.close()


@contextmanager
def _serving(url: str, domain: str, read: Callable[[str], Observation], settings: GateSettings) -> Iterator[Worker]:
    definition = wire.workflow_definition(cast("Json", workflow_document()))
    with closing(Conductor(transport_for(url), patience_s=0)) as client:
        worker = Worker(
            client,
            (definition,),
            Handlers(handlers(read, settings)),
            WorkerSettings(worker_id=f"{domain}-gates", domain=domain, types=tuple(PROBES), slots=1),
        )
        with closing(WorkerThread(worker, name="k1n-gates")):
            yield worker


def _ended(client: Conductor, workflow_id: str, within_s: float) -> Execution:
    deadline = time.monotonic() + within_s
    while True:
        execution = wire.execution(cast("Json", client.execution(workflow_id)))
        if execution.is_terminal:
            return execution
        if time.monotonic() > deadline:
            break
        time.sleep(_LOOK_S)
    open_ = ", ".join(task.ref for task in execution.tasks if not task.status.is_terminal)
    error = TimeoutError(f"{WORKFLOW} {workflow_id} did not end within {within_s:g}s; open: {open_}")
    try:
        client.terminate(workflow_id, "k1n gates gave it up")
    except ConductorError as reason:
        error.add_note(f"and it could not be ended: {reason}")
    raise error
