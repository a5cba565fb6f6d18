"""Where `k1n` commands get executions from: files, or a server that is only read; and what they judge them by."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands.given import GivenDefinitions, Required
from pytest_k1n.commands.numbers import above_zero
from pytest_k1n.commands.saved import SUFFIXES, NoExecution, SavedExecution, saved_in
from pytest_k1n.coordination.runfolder import RunFolder, RunState
from pytest_k1n.core.gates.facts import ControlJoin, JoinControl
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.plan import Plan, Template
from pytest_k1n.core.record.correlation import is_of_a_run, is_of_a_test
from pytest_k1n.core.record.invocations import kept
from pytest_k1n.core.record.observation import Invocation, LogLine, Observation, observe
from pytest_k1n.core.timing.capability import Capability, read_capability
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.spans import simulated_work_ms
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.find import find_plan
from pytest_k1n.plan.library import Library
from pytest_k1n.plan.read import load_plan
from pytest_k1n.workers.weather_log import NAME, read_weather

DEFAULT_SPEED = 600.0
"""Of scaled time, as for a run."""
_SCALED_FROM = 2.0
"""By how much simulated work must be shorter than planned before its time counts as scaled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An execution to be judged, and what came with it."""

    observation: Observation
    source: str
    as_of_ms: int
    """Epoch ms: when it was read from a server, or its file was written."""
    capability: Capability | None = None
    """Of the server that a run which kept it used, if that was not its own."""
    control: JoinControl | None = None
    """What a control execution has shown after its batch, in a run that kept it."""
    notes: tuple[str, ...] = ()
    server: str = ""
    """The address that it was read from, if it was."""


def add_subject_arguments(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """Add the arguments that name an execution, or `many`, and what to judge it by."""
    if many:
        parser.add_argument("executions", metavar="FILE|FOLDER|WORKFLOW_ID", nargs="+",
            help="executions saved as JSON (also lists, search results, JSON lines, .gz), a folder of such files, "
                 "or ids on a server")  # fmt: skip
    else:
        parser.add_argument(
            "execution", metavar="FILE|WORKFLOW_ID", help="an execution saved as JSON, or its id on a server"
        )
    parser.add_argument("--server", metavar="URL", help="the Conductor server that knows the id (else K1N_SERVER)")
    parser.add_argument(
        "--plan",
        metavar="FILE",
        help="plan file with bands and estimates (else k1n.toml or plan.toml here, suites/plan.toml)",
    )
    parser.add_argument("--definition", metavar="FILE|FOLDER", action="append",
        help="what should have run; repeatable (else the plan's of that name, else what it carries)")  # fmt: skip
    parser.add_argument("--time", choices=("real", "scaled", "virtual"),
        help="its time model (else that of the run which kept the file, else real)")  # fmt: skip
    parser.add_argument("--speed", type=above_zero, help="with --time scaled: the speed it ran at (default 600)")


def read_subject(arguments: argparse.Namespace) -> Subject:
    """Read the one execution that the arguments name. Raises ValueError, LookupError, OSError, all of one line."""
    with closing(Reader(arguments)) as reader:
        found = list(reader.subjects([arguments.execution]))
    unreadable = next((each for each in found if isinstance(each, NoExecution)), None)
    if unreadable is not None:
        raise ValueError(f"{unreadable.source}: {unreadable.reason}")
    if len(found) != 1:
        raise ValueError(f"{arguments.execution}: holds {len(found)} executions: name one")
    return cast("Subject", found[0])


def is_path(name: str) -> bool:
    """Tell the name of a file or folder from an execution's id."""
    return name.endswith(SUFFIXES) or Path(name).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is known of an execution beside its records."""

    time_model: str | None = None
    speed: float = 1.0
    slots: int | None = None
    logs: Mapping[str, tuple[LogLine, ...]] | None = None
    invocations: tuple[Invocation, ...] | None = None
    weather: Weather | None = None
    capability: Capability | None = None
    control: JoinControl | None = None


class Reader:
    """Reads executions, and knows the plan and the definitions that they are judged by."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._plan = _plan(arguments.plan)
        self._library = Library(self._plan.definitions, self._plan.task_definitions) if self._plan else Library()
        given = GivenDefinitions(arguments.definition) if arguments.definition else None
        self._required = Required(self._plan, self._library, given)

    def subjects(self, names: Sequence[str]) -> Iterator[Subject | NoExecution]:
        """Read what the names stand for. Raises ValueError, LookupError, OSError for a name that stands for nothing."""
        for name in names:
            if not is_path(name):
                yield self._from_server(name)
                continue
            for found in saved_in(Path(name)):
                yield self._from_record(found)

    def close(self) -> None:
        """Close the connection to the server, if there was one."""
        if "_client" in self.__dict__:
            self._client.close()

    def _from_record(self, found: SavedExecution | NoExecution) -> Subject | NoExecution:
        if isinstance(found, NoExecution):
            if found.workflow_id and self._url:
                return self._from_server(found.workflow_id)
            return found
        try:
            execution = wire.execution(cast("Json", found.document))
            as_of_ms = int(found.path.stat().st_mtime * 1000)
            return self._subject(execution, _kept_around(found.path), found.source, as_of_ms)
        except ValueError as error:
            return NoExecution(source=found.source, reason=str(error))

    def _from_server(self, workflow_id: str) -> Subject:
        if not self._url:
            raise ValueError(f"{workflow_id} is no file; to read it from a server say --server URL")
        client = self._client
        try:
            execution = wire.execution(cast("Json", client.execution(workflow_id)))
            logs = {task.task_id: _log(client, task.task_id) for task in execution.tasks if task.is_worker_task}
        except NotFound as error:
            raise LookupError(str(error)) from None
        source = f"{client.url}, execution {workflow_id}"
        subject = self._subject(execution, _Around(logs=logs), source, int(time.time() * 1000))
        children = self._children(execution)
        observation = replace(subject.observation, children=children) if children else subject.observation
        return replace(subject, observation=observation, server=self._url.rstrip("/").removesuffix("/api"))

    def _children(self, execution: Execution) -> dict[str, Execution]:
        """Look at the executions that open SUB_WORKFLOWs wait for; of those that are gone nothing is known."""
        found: dict[str, Execution] = {}
        for child in (each.sub_workflow_id for each in execution.finals.values() if not each.status.is_terminal):
            with suppress(NotFound):
                found |= {child: wire.execution(cast("Json", self._client.execution(child)))} if child else {}
        return found

    @cached_property
    def _url(self) -> str | None:
        return self._arguments.server or os.environ.get("K1N_SERVER")

    @cached_property
    def _client(self) -> Conductor:
        return Conductor(transport_for(self._url or ""))

    def _subject(self, execution: Execution, around: _Around, source: str, as_of_ms: int) -> Subject:
        definition = self._required.of(execution) or execution.definition
        if definition is None:
            raise ValueError(
                f"execution {execution.workflow_id} carries no workflow definition, and no plan has {execution.name}: "
                "name one with --plan or --definition"
            )
        template = self._plan.template_for(execution.name) if self._plan else None
        if self._plan and template:
            template = self._plan.planned(
                template, definition, self._library.known_definition, self._library.task_definitions
            )
        model, speed, notes = self._time(execution, template, around)
        if template and is_of_a_test(execution.correlation_id):
            template = template.without_durations()
            notes = (
                *notes,
                "a test's own execution: bands and estimates of the plan are its batch's, and not asked for",
            )
        observation = observe(
            execution,
            template=template,
            definition=definition,
            time_model=model,
            speed=speed,
            slots=around.slots,
            logs=around.logs,
            invocations=around.invocations,
            task_definitions=self._library.task_definitions,
            weather=around.weather,
        )
        return Subject(
            observation=observation, source=source, as_of_ms=as_of_ms, capability=around.capability,
            control=around.control, notes=(*notes, *self._required.doubts(execution, definition)),
        )  # fmt: skip

    def _time(
        self, execution: Execution, template: Template | None, around: _Around
    ) -> tuple[str, float, tuple[str, ...]]:
        if self._arguments.time == "scaled":
            kept_speed = around.speed if around.time_model == "scaled" else None
            speed = self._arguments.speed or kept_speed or _inferred_speed(execution, template)
            return "scaled", speed or DEFAULT_SPEED, ()
        if self._arguments.time:
            return self._arguments.time, 1.0, ()
        if around.time_model:
            return around.time_model, around.speed, ()
        speed = _inferred_speed(execution, template)
        if speed is None:
            return "real", 1.0, ()
        return "scaled", speed, (f"a run of k1n in scaled time: its simulated work says x{speed:g} (else say --speed)",)


def _inferred_speed(execution: Execution, template: Template | None) -> float | None:
    """Tell from its simulated work how much faster than planned one of our runs was; None where it was not."""
    if template is None or not is_of_a_run(execution.correlation_id) or is_of_a_test(execution.correlation_id):
        return None
    works = [
        (template.estimates_ms[record.ref], work)
        for record in execution.tasks
        if record.ref in template.estimates_ms and (work := simulated_work_ms(record))
    ]
    worked_ms = sum(work for _, work in works)
    if not worked_ms or (ratio := sum(planned for planned, _ in works) / worked_ms) < _SCALED_FROM:
        return None
    is_default = DEFAULT_SPEED / 1.25 < ratio < DEFAULT_SPEED * 1.25
    return DEFAULT_SPEED if is_default else float(f"{ratio:.2g}")


def _kept_around(path: Path) -> _Around:
    """Read what a run that was kept (--k1n-keep) has beside its `executions/ID.json`."""
    if path.resolve().parent.name != "executions":
        return _Around()
    folder = RunFolder(path.resolve().parents[1])
    if not (folder.path / "state.json").is_file():
        return _Around()
    state = folder.state()
    beside = kept(folder.evidence(path.stem))
    weather = None if state.time_model == "virtual" else read_weather(folder.path / NAME, "weather")
    return _Around(
        time_model=state.time_model,
        speed=state.speed,
        slots=state.slots,
        logs=beside.logs,
        invocations=beside.invocations,
        weather=weather,
        capability=read_capability(state.capability),
        control=_kept_control(folder, state, path.stem, weather),
    )


def _kept_control(folder: RunFolder, state: RunState, workflow_id: str, weather: Weather | None) -> JoinControl | None:
    """Read what a kept run's control execution has shown after the batch of an execution."""
    for number in state.quality:
        published = folder.quality(number)
        if published and workflow_id in published["executions"] and published.get("joins"):
            return JoinControl(
                joins=tuple(ControlJoin(Interval(*lag), step_ms) for *lag, step_ms in published["joins"]),
                weather=weather,
            )
    return None


def _plan(named: str | None) -> Plan | None:
    found = find_plan((".",), Path.cwd(), named, None)
    return load_plan(found[0]) if found else None


def _log(client: Conductor, task_id: str) -> tuple[LogLine, ...]:
    return tuple((int(str(line["createdTime"])), str(line["log"])) for line in client.logs(task_id))
