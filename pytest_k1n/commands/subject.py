"""Where `k1n` commands get an execution from: a file, or a server that is only read."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.client.transport import transport_for
from pytest_k1n.coordination.runfolder import RunFolder
from pytest_k1n.coordination.watch import evidence_from
from pytest_k1n.core import wire
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.observation import Invocation, LogLine, Observation, observe
from pytest_k1n.core.plan import Plan
from pytest_k1n.plan.find import find_plan
from pytest_k1n.plan.library import DefinitionNotFound, Library
from pytest_k1n.plan.read import load_plan

DEFAULT_SPEED = 600.0
"""Of scaled time, as for a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An execution to be judged, and what came with it."""

    observation: Observation
    source: str
    document: Mapping[str, Json]


def add_subject_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name an execution and what to judge it by."""
    parser.add_argument(
        "execution", metavar="FILE|WORKFLOW_ID", help="an execution saved as JSON, or its id on a server"
    )
    parser.add_argument("--server", metavar="URL", help="the Conductor server that knows the id (else K1N_SERVER)")
    parser.add_argument(
        "--plan",
        metavar="FILE",
        help="plan file with bands and estimates (else k1n.toml or plan.toml here, suites/plan.toml)",
    )
    parser.add_argument("--time", choices=("real", "scaled", "virtual"),
        help="its time model (else that of the run which kept the file, else real)")  # fmt: skip
    parser.add_argument("--speed", type=float, help="with --time scaled: the speed it ran at (default 600)")


def read_subject(arguments: argparse.Namespace) -> Subject:
    """Read the execution that the arguments name. Raises ValueError, LookupError, OSError, all of one line."""
    plan = _plan(arguments.plan)
    library = Library(plan.definitions, plan.task_definitions) if plan else Library()
    path = Path(arguments.execution)
    if path.suffix == ".json" or path.exists():
        document, source = _from_file(path), str(path)
        around = _kept_around(path)
    else:
        document, logs, source = _from_server(arguments)
        around = _Around(logs=logs)
    if arguments.time:
        speed = arguments.speed or DEFAULT_SPEED
        around = replace(around, time_model=arguments.time, speed=speed if arguments.time == "scaled" else 1.0)
    execution = wire.execution(cast("Json", document))
    return Subject(observation=_observe(execution, plan, library, around), source=source, document=document)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is known of an execution beside its records."""

    time_model: str = "real"
    speed: float = 1.0
    slots: int | None = None
    logs: Mapping[str, tuple[LogLine, ...]] | None = None
    invocations: tuple[Invocation, ...] | None = None


def _kept_around(path: Path) -> _Around:
    """Read what a run that was kept (--k1n-keep) has beside its `executions/ID.json`."""
    folder = RunFolder(path.resolve().parents[1])
    if path.resolve().parent.name != "executions" or not (folder.path / "state.json").is_file():
        return _Around()
    state = folder.state()
    logs, invocations = evidence_from(folder, path.stem)
    return _Around(
        time_model=state.time_model, speed=state.speed, slots=state.slots, logs=logs, invocations=invocations
    )


def _observe(
    execution: Execution,
    plan: Plan | None,
    library: Library,
    around: _Around,
) -> Observation:
    definition = execution.definition
    if definition is None:
        try:
            definition = library.workflow_definition(execution.name, execution.version)
        except DefinitionNotFound:
            raise ValueError(
                f"execution {execution.workflow_id} carries no workflow definition, and no plan has {execution.name}: "
                "name one with --plan"
            ) from None
    return observe(
        execution,
        template=plan.template_for(execution.name) if plan else None,
        definition=definition,
        time_model=around.time_model,
        speed=around.speed,
        slots=around.slots,
        logs=around.logs,
        invocations=around.invocations,
        task_definitions=library.task_definitions,
    )


def _plan(named: str | None) -> Plan | None:
    found = find_plan((".",), Path.cwd(), named, None)
    return load_plan(found[0]) if found else None


def _from_file(path: Path) -> Mapping[str, Json]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file; for an execution on a server give its id, not a file name"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if isinstance(document, dict) and str(document.get("schema", "")).startswith("k1n-"):
        kept = "runs/RUN/executions/ID.json, kept by --k1n-keep=always"
        raise ValueError(f"{path}: is a {document['schema']} document, not an execution: those are in {kept}")
    if not isinstance(document, dict):
        raise ValueError(f"{path}: an execution is a JSON object, as GET /workflow/ID answers it")  # noqa: TRY004
    return document


def _from_server(
    arguments: argparse.Namespace,
) -> tuple[Mapping[str, Json], Mapping[str, tuple[LogLine, ...]], str]:
    url = arguments.server or os.environ.get("K1N_SERVER")
    if not url:
        raise ValueError(f"{arguments.execution} is no file; to read it from a server say --server URL")
    client = Conductor(transport_for(url))
    try:
        document = client.execution(arguments.execution)
        records = wire.execution(cast("Json", document)).tasks
        logs = {task.task_id: _log(client, task.task_id) for task in records if task.is_worker_task}
    except NotFound as error:
        raise LookupError(str(error)) from None
    finally:
        client.close()
    return document, logs, f"{client.url}, execution {arguments.execution}"


def _log(client: Conductor, task_id: str) -> tuple[LogLine, ...]:
    return tuple((int(str(line["createdTime"])), str(line["log"])) for line in client.logs(task_id))
