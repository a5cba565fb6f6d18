"""The plugin as every run of pytest has it: options, marks, fixtures, and hooks that notice who needs more.

Start-up costs next to nothing until a feature is used: only light modules are imported here, and what
does the work is registered by the first thing that asks for it: a plan, an option, a test.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from pytest_k1n.factories import (  # fixtures by name: pytest finds them in this module
    batch_execution,
    batch_quality,
    conductor,
    conductor_noproc,
    conductor_proc,
    executions_alone,
    quality_gate,
    workflow_benchmark,
    workflow_execution,
    workflow_executions,
    workflow_phase,
)
from pytest_k1n.features import STATIC_MARKERS, is_ours
from pytest_k1n.options import INI_ONLY, OPTIONS, anything_set
from pytest_k1n.planpath import is_plan_near

__all__ = [
    "batch_execution",
    "batch_quality",
    "conductor",
    "conductor_noproc",
    "conductor_proc",
    "executions_alone",
    "quality_gate",
    "workflow_benchmark",
    "workflow_execution",
    "workflow_executions",
    "workflow_phase",
]


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
    """Register the markers; where a plan or an option is there, take part from the start."""
    for line in STATIC_MARKERS:
        config.addinivalue_line("markers", line)
    if anything_set(config.getoption, os.environ, config.getini) or is_plan_near(
        config.args, config.rootpath, config.invocation_params.dir
    ):
        from pytest_k1n.collecting import run_of

        run_of(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a quality-gate test into one per batch and category."""
    if "quality_gate" in metafunc.fixturenames or "batch_quality" in metafunc.fixturenames:
        from pytest_k1n.collecting import run_of
        from pytest_k1n.quality import parametrize

        parametrize(metafunc, run_of(metafunc.config).plan)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take part where a test of ours is; have a benchmark of a workflow measured by the workflow's clock."""
    if any(is_ours(item) for item in items):
        from pytest_k1n.collecting import run_of

        run_of(config)
    measured = [item for item in items if "workflow_benchmark" in getattr(item, "fixturenames", ())]
    if measured:
        from pytest_k1n.benchmarking import prepare
        from pytest_k1n.collecting import run_of

        if run_of(config).has_benchmark:
            for item in measured:
                prepare(item)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist node which run it belongs to."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.xdist import tell_node

    tell_node(run_of(node.config), node)
