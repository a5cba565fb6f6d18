"""Documents of runs to be reported: of executions recorded from the real server, and of small histories."""

import json
from pathlib import Path

import pytest

from k1n_support.examples import spread
from pytest_k1n.core.expectations import judge_all, planned
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.read import load_plan
from pytest_k1n.report.lone import FoundOf, lone_document

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "fixtures" / "histories", ROOT / "tests" / "unit" / "core" / "histories")
RECORDED = {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.json"))}
PLAN = load_plan(ROOT / "suites" / "plan.toml")


def recorded_document(name):
    run = wire.execution(json.loads(RECORDED[name].read_text()))
    return document_of(run, definition=run.definition)


def document_of(run, *, definition, template=None):
    observation = observe(run, template=template or PLAN.template_for(run.name), definition=definition)
    found = judge_all(planned(observation.template), observation)
    return lone_document([FoundOf(observation, found)], source="a test")


@pytest.fixture(scope="session")
def recorded():
    return recorded_document


@pytest.fixture(scope="session")
def documented():
    """Makes the document of an execution and its definition."""
    return document_of


def pytest_generate_tests(metafunc):
    if "recorded_name" in metafunc.fixturenames:
        metafunc.parametrize("recorded_name", spread(sorted(RECORDED)))


@pytest.fixture(scope="session")
def template_of():
    """Makes a template of the workflow that `define.workflow` defines."""

    def make(**fields):
        return Template(id="99", slug="x", workflow="wf", batch=1, **fields)

    return make
