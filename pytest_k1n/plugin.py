"""The plugin as every run of pytest has it: options, marks, fixtures, and hooks that notice which runs need more.

Start-up costs next to nothing until a feature is used: only light modules are imported here. What does the work is
registered by the first thing that asks for it: an option, or a test.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.fixtures.definitions import (  # fixtures by name: pytest finds them in this module
    _k1n_struck_server,
    batch_execution,
    batch_quality,
    conductor,
    conductor_module,
    conductor_noproc,
    conductor_proc,
    conductor_session,
    executions_alone,
    quality_gate,
    struck_execution,
    workflow_benchmark,
    workflow_execution,
    workflow_executions,
    workflow_phase,
)
from pytest_k1n.options import INI_ONLY, OPTIONS, anything_set
from pytest_k1n.plan.find import plans_near, shown
from pytest_k1n.run.ours import STATIC_MARKERS, concerns_us
from pytest_k1n.run.plain_imports import import_plainly

if TYPE_CHECKING:
    from pytest_k1n.run.run import Run

__all__ = [
    "_k1n_struck_server",
    "batch_execution",
    "batch_quality",
    "conductor",
    "conductor_module",
    "conductor_noproc",
    "conductor_proc",
    "conductor_session",
    "executions_alone",
    "quality_gate",
    "struck_execution",
    "workflow_benchmark",
    "workflow_execution",
    "workflow_executions",
    "workflow_phase",
]


PLAN_MARKERS = pytest.StashKey[frozenset[str]]()
"""Names of the marks that need the plan, while the plan itself has not been read."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option table, for the command line and for ini files."""
    group = parser.getgroup("k1n", "Conductor workflows (pytest-k1n)")
    for option in OPTIONS:
        shared = {"dest": option.dest, "default": None, "help": option.help}
        if option.ini_type == "bool":
            group.addoption(option.flag, action="store_const", const=True, **shared)
        elif option.ini_type == "args":
            group.addoption(option.flag, action="append", metavar=option.metavar, **shared)
        else:
            group.addoption(option.flag, metavar=option.metavar or "|".join(option.choices), **shared)
        parser.addini(option.dest, option.help, type=option.ini_type, default=None)  # type: ignore[arg-type]
    for option in INI_ONLY:
        parser.addini(option.dest, option.help, type=option.ini_type, default=None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; where an option is set, or xdist takes part, so does this plugin from the start."""
    config.add_cleanup(import_plainly())
    for line in STATIC_MARKERS:
        config.addinivalue_line("markers", line)
    plans = plans_near(config.args, config.rootpath, config.invocation_params.dir)
    is_needed = anything_set(config.getoption, os.environ, config.getini) or len(plans) > 1
    if plans and not is_needed and config.getoption("dist", "no") == "no":  # xdist's controller collects nothing
        from pytest_k1n.plan.markers import read_markers

        (path,) = plans
        markers = read_markers(path, shown(path, config.rootpath))
        if markers is not None:
            config.stash[PLAN_MARKERS] = frozenset({"batch", *markers})
            _register(config, markers)
            return
    if plans or is_needed:
        from pytest_k1n.hooks.collection import plan_markers, take_notice

        _register(config, plan_markers(take_notice(config)))


def _register(config: pytest.Config, markers: Mapping[str, str]) -> None:
    for name, meaning in markers.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.fixture(scope="session")
def _k1n_run(request: pytest.FixtureRequest) -> Run:
    """Return the run, for the fixtures above; made here where a test has asked for one of them by `getfixturevalue`."""
    from pytest_k1n.hooks.collection import take_notice

    return take_notice(request.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a quality-gate test into one per batch and category."""
    if "quality_gate" in metafunc.fixturenames or "batch_quality" in metafunc.fixturenames:
        from pytest_k1n.fixtures.quality import parametrize
        from pytest_k1n.hooks.collection import take_notice

        with suppress(pytest.UsageError):  # said once, in one line, when everything has been collected
            parametrize(metafunc, take_notice(metafunc.config).plan)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: sees what was there before -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Take part where a test of workflows is collected: prepare its items before and after selection."""
    marks = config.stash.get(PLAN_MARKERS, frozenset())
    if not any(concerns_us(item, marks) for item in items):
        return (yield)
    from pytest_k1n.hooks.collection import around_selection

    with around_selection(config, items):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist node which run it belongs to."""
    from pytest_k1n.hooks.collection import take_notice
    from pytest_k1n.run.xdist import tell_node

    tell_node(take_notice(node.config), node)
