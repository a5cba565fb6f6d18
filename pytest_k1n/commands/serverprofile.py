"""Profiles of the tasks of an execution on a server, each written as soon as its task has ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pytest_k1n.client.address import is_on_this_machine
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands.profiling import keep
from pytest_k1n.coordination.registration import register
from pytest_k1n.core.baselines.profiles import Profile
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.model import Execution, Json, TaskKey, WorkflowDefinition
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.plan import Plan, Template
from pytest_k1n.core.timing.spans import Span
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.library import Library
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.thread import WorkerThread
from pytest_k1n.workers.worker import Worker

_LOOK_S = 0.1
_ALLOWANCE_S = 60.0
Say = Callable[[str], None]


def run_profiled(
    url: str, template: Template, plan: Plan, *, agents: Path | None, speed: float, into: Path, say: Say
) -> None:
    """Start the template's workflow with `"profile": true`, do its work, write profiles until it ends.

    Raises RegistrationRefused, ConductorError, TimeoutError.
    """
    library = Library(plan.definitions, plan.task_definitions)
    document = library.workflow(template.workflow, template.version)
    definition = wire.workflow_definition(cast("Json", document))
    uid = uuid.uuid4().hex[:8]
    domain = f"k1n-{uid}"
    with closing(Conductor(transport_for(url))) as client:
        policy: RegisterPolicy = "missing" if is_on_this_machine(url) else "never"
        register(client, [document], library.tasks, policy=policy)
        settings = WorkerSettings(
            worker_id=f"{domain}-profile",
            domain=domain,
            speed=speed,
            jitters={"": 0},  # baselines are compared with one another
            estimates_ms={(template.workflow, ref): ms for ref, ms in template.estimates_ms.items()},
        )
        handlers = Handlers(agents=agents, mode="auto" if agents else "simulated")
        with _serving(url, definition, handlers, settings) as worker:
            workflow_id = client.start_once(
                template.workflow,
                version=template.version,
                correlation_id=f"k1n-{uid}/profile",
                input={**template.input, "profile": True},
                task_to_domain={"*": domain},
            )
            worker.launched(workflow_id, template.workflow)
            say(f"execution {workflow_id} on {client.url}, simulated work x{speed:g} shorter")
            longest_ms = template.band_ms[1] if template.band_ms else sum(template.estimates_ms.values())
            within_s = longest_ms * 1.5 / speed / 1000 + _ALLOWANCE_S
            follow(client, workflow_id, definition, speed=speed, within_s=within_s, into=into, say=say)


def follow(
    client: Conductor,
    workflow_id: str,
    definition: WorkflowDefinition,
    *,
    speed: float,
    within_s: float,
    into: Path,
    say: Say,
) -> None:
    """Write a profile of each worker task once it has ended, until the execution has. Raises TimeoutError."""
    written: set[TaskKey] = set()
    deadline = time.monotonic() + within_s
    while True:
        execution = wire.execution(cast("Json", client.execution(workflow_id)))
        for key, profile in _ended(execution, happens_before(definition, execution), speed):
            if key not in written:
                written.add(key)
                say(f"Profile saved: {keep(profile, into)}")
        if execution.is_terminal:
            say(f"execution {workflow_id} {execution.status}: {len(written)} profiles")
            return
        if time.monotonic() > deadline:
            got = f"{len(written)} profiles"
            raise TimeoutError(f"execution {workflow_id} is {execution.status} after {within_s:.0f}s; {got}")
        time.sleep(_LOOK_S)


def _ended(execution: Execution, graph: Graph, speed: float) -> Iterator[tuple[TaskKey, Profile]]:
    for key, span in rebuild(execution, graph, speed=speed).spans.items():
        record = span.attempts[-1].record
        if record.is_worker_task and record.status.is_terminal and span.duration_ms is not None:
            yield key, _profile(execution, span, speed)


def _profile(execution: Execution, span: Span, speed: float) -> Profile:
    record = span.attempts[-1].record
    duration_ms = span.duration_ms or 0
    started, ended = record.started_ms or 0, record.ended_ms or 0
    ref, iteration = span.key
    number = ref.removeprefix("task_")
    name = f"{ref}__{iteration}" if iteration else ref
    return Profile(
        task_id=int(number) if number.isdigit() and not iteration else name,
        start_time=_iso(started),
        end_time=_iso(ended),
        duration_ms=duration_ms,
        duration_sec=duration_ms // 1000,
        exit_code=0 if record.status.is_successful else 1,
        log_file=f"execution {execution.workflow_id}, task {record.task_id}",
        simulated=span.is_simulated,
        speed=speed if span.is_simulated else 1.0,
        wall_ms=ended - started,
    )


@contextmanager
def _serving(
    url: str, definition: WorkflowDefinition, handlers: Handlers, settings: WorkerSettings
) -> Iterator[Worker]:
    with closing(Conductor(transport_for(url), patience_s=0)) as client:
        worker = Worker(client, (definition,), handlers, settings)
        with closing(WorkerThread(worker, name="k1n-profile")):
            yield worker


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
