"""One pytest run as this process sees it: its role, settings, plan, run folder; kept in `config.stash`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.options import anything_set
from pytest_k1n.plan.find import PlanError, find_plan, shown
from pytest_k1n.run.progress import Progress
from pytest_k1n.servers.folders import new_run_folder

if TYPE_CHECKING:
    from pytest_k1n.coordination.collection import Collection, Item
    from pytest_k1n.coordination.runfolder import RunFolder
    from pytest_k1n.core.plan import Plan
    from pytest_k1n.core.timing.weather import Weather
    from pytest_k1n.options import Option
    from pytest_k1n.plan.library import Library
    from pytest_k1n.settings import Settings

RUN = pytest.StashKey["Run"]()


class Run:
    """What hooks and fixtures share. Heavy parts are made on first use: most runs never use them."""

    def __init__(self, config: pytest.Config, *, uid: str, folder_path: Path, is_node: bool) -> None:
        self.config = config
        self.uid = uid
        self.folder_path = folder_path
        self.is_node = is_node
        self.is_anything_set = anything_set(config.getoption, os.environ, config.getini)
        """Whether any option has been set: where none is, the settings are read when they are first used."""
        self.plan, self.plan_note = _plan(config, self.settings if self.is_anything_set else None)
        """The plan, and why this one was taken. Raises UsageError."""
        self.collection: Collection | None = None
        self.items: dict[str, Item] = {}
        self.current: pytest.Item | None = None
        """The test that is running."""
        self.collected: Mapping[str, int] = {}
        """Batch number -> how many tests of it were there before `-m` and `-k` selected some."""
        self.modules: tuple[str, ...] = ()
        """The test modules in which a test was found."""
        self.misspelt: tuple[str, ...] = ()
        """Lines on marks that `-m` names and nothing has, where it has selected nothing."""

    @cached_property
    def settings(self) -> Settings:
        """All options by their precedence. Raises UsageError."""
        from pytest_k1n.settings import SettingError, resolve

        def cli(option: Option) -> object:
            return self.config.getoption(option.dest)

        def ini(option: Option) -> object:
            value = self.config.getini(option.dest)
            return None if value in ("", []) and option.ini_type in ("string", "args") else value

        try:
            return resolve(cli, os.environ, ini, rootdir=self.config.rootpath)
        except SettingError as error:
            from pytest_k1n.run.mistakes import told

            raise told(error) from None

    @cached_property
    def folder(self) -> RunFolder:
        from pytest_k1n.coordination.runfolder import RunFolder

        return RunFolder(self.folder_path)

    @cached_property
    def progress(self) -> Progress:
        return Progress(self.config, at_once=self.is_parallel and not self.is_node)

    @cached_property
    def library(self) -> Library:
        from pytest_k1n.plan.library import Library

        return Library(self.plan.definitions, self.plan.task_definitions) if self.plan else Library()

    @property
    def estimates_ms(self) -> dict[tuple[str, str], int]:
        """(workflow, ref) -> planned work in workflow time, of every template of the plan and its sub-workflows."""
        if self.plan is None:
            return {}
        templates, known = self.plan.templates, self.plan.estimates_ms
        roots = [
            found
            for each in templates
            if (found := self.library.known_definition(each.workflow, each.version)) is not None
        ]
        if not any(task.type == "SUB_WORKFLOW" for root in roots for task in root.walk()):  # nearly always
            return known
        from pytest_k1n.core.schedule.nested_estimates import with_nested

        return with_nested(known, roots, self.library.known_definition)

    @property
    def jitters(self) -> Mapping[str, float]:
        """Return, by workflow, how much simulated work varies as the plan says."""
        return self.plan.jitters if self.plan else {}

    @property
    def weather(self) -> Weather | None:
        """What the meters have told so far; None where none run."""
        from pytest_k1n.workers.weather_log import NAME, read_weather

        return read_weather(self.folder_path / NAME, self.settings.latency)

    @property
    def is_parallel(self) -> bool:
        """Whether xdist distributes the tests: then a controller has no items of its own."""
        return self.is_node or self.config.pluginmanager.has_plugin("dsession")

    @property
    def has_benchmark(self) -> bool:
        """Whether pytest-benchmark takes part: told by its option, because its name depends on how it was loaded."""
        return self.config.getoption("benchmark_only", None) is not None

    def know(self, collection: Collection) -> None:
        """Take in what was collected."""
        self.collection = collection
        self.items = {item.node_id: item for item in collection.items}


def run_of(config: pytest.Config) -> Run:
    """Read the run that has been made for this process."""
    return config.stash[RUN]


def make_run(config: pytest.Config) -> Run:
    """Read the plan and what options are set. Raises UsageError."""
    told = node_input(config)
    uid = told["uid"] if told else new_uid()
    folder_path = Path(told["folder"]) if told else new_run_folder(uid)
    return Run(config, uid=uid, folder_path=folder_path, is_node=told is not None)


def node_input(config: pytest.Config) -> dict[str, str] | None:
    """Return what the controller told this xdist node; None in a controller or without xdist."""
    workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
    return workerinput.get("k1n") if workerinput is not None else None


def _plan(config: pytest.Config, settings: Settings | None) -> tuple[Plan | None, str]:
    """Find and read the plan file. Raises UsageError with one line per mistake."""
    named = settings.plan if settings else None
    on_ini = settings is not None and settings.plan_source.startswith("ini")
    option, ini = (None, named) if on_ini else (named, None)
    try:
        found = find_plan(config.args, config.rootpath, option, ini, folder=config.invocation_params.dir)
        if found is None:
            return None, "no plan"
        from pytest_k1n.plan.read import load_plan

        path, why = found
        return load_plan(path, shown=shown(path, config.rootpath)), why
    except PlanError as error:
        from pytest_k1n.run.mistakes import told

        raise told(error) from None


def is_listing(config: pytest.Config) -> bool:
    """Whether pytest only shows what it would do: then nothing is started and nothing waited for."""
    return bool(config.option.collectonly or config.getoption("setupplan", False))


def new_uid() -> str:
    """Make the id of a run: eight hex digits, in correlation ids, domains, folder and process names."""
    return uuid.uuid4().hex[:8]
