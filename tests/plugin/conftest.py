"""A small project on the embedded engine: two workflows in two batches, and what a run of it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]
task_definitions = ["tasks"]

[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "first"
workflow = "FIRST"
band = ["5m", "8m"]
estimates = { one = "6m" }

[[batch]]
number = 2
aliases = ["wide"]
[[batch.template]]
id = "02"
slug = "chain"
workflow = "CHAIN"
band = ["8m", "14m"]
estimates = { a = "5m", b = "6m" }
phase = [
  { number = 1, name = "begin", refs = ["a"], band = ["4m", "6m"] },
  { number = 2, name = "end", refs = ["b"], band = ["5m", "7m"] },
]
"""

FIRST_TEST = """
import pytest
from pytest_k1n import completed
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_first(workflow_execution):
    workflow_execution.expect(completed())
"""

CHAIN_TEST = """
import pytest
from pytest_k1n import completed, in_order
pytestmark = [pytest.mark.batch2, pytest.mark.workflow("CHAIN")]

def test_chain(workflow_execution):
    workflow_execution.expect(completed(), in_order("a", "b"))

@pytest.mark.phase1
def test_begin(workflow_phase):
    workflow_phase.expect(in_order("a", "b"))
"""

GATE_TEST = """
import pytest
pytestmark = pytest.mark.gate

def test_quality_gate(quality_gate):
    quality_gate.check()

def test_pass_rate(batch_quality):
    batch_quality.check()
"""


def simple(ref: str, **fields: Any) -> dict[str, Any]:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {}, **fields}


def workflow(name: str, *tasks: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
            "tasks": list(tasks), **fields}  # fmt: skip


def task(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 10, "timeoutSeconds": 0,
            "ownerEmail": "k1n@example.com", **fields}  # fmt: skip


@dataclass
class Outcome:
    """What a run printed and left behind."""

    result: pytest.RunResult
    folder: Path

    @property
    def text(self) -> str:
        return self.result.stdout.str() + self.result.stderr.str()

    @property
    def code(self) -> int:
        return int(self.result.ret)

    @property
    def counts(self) -> dict[str, int]:
        """The closing line's figures, `blocked` and `unknown` included."""
        last = next(line for line in reversed(self.result.stdout.lines) if re.search(r" in \d", line))
        names = {"errors": "error", "warnings": "warning"}
        return {names.get(name, name): int(n) for n, name in re.findall(r"(\d+) ([a-z]+)", last.partition(" in ")[0])}

    def results(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "test-results" / name).read_text())
        return document

    @property
    def verbose(self) -> dict[str, str]:
        """Test -> word, from `-v`: the last word that was printed for it."""
        found = re.findall(r"^(?:\[gw\d+\] .*?% )?([A-Z]+) (\S+)|^(\S+::\S+) ([A-Z]+)", self.text, re.MULTILINE)
        return {name or test: word or verdict for word, name, test, verdict in found}


@dataclass
class Project:
    """A project folder; every method that changes it returns it."""

    pytester: pytest.Pytester
    options: list[str] = field(default_factory=lambda: ["-p", "no:cacheprovider"])

    def plan(self, text: str = PLAN) -> Project:
        (self.pytester.path / "k1n.toml").write_text(text)
        return self

    def definition(self, document: Mapping[str, Any]) -> Project:
        self._json("workflows", document)
        for each in _tasks(document):
            self.task_definition(task(each))
        return self

    def task_definition(self, document: Mapping[str, Any]) -> Project:
        self._json("tasks", document)
        return self

    def test(self, name: str, source: str) -> Project:
        (self.pytester.path / f"test_{name}.py").write_text(source)
        return self

    def file(self, name: str, text: str) -> Project:
        (self.pytester.path / name).write_text(text)
        return self

    def run(self, *arguments: str) -> Outcome:
        """Run pytest in this process: fast, and without xdist."""
        return Outcome(self.pytester.runpytest_inprocess(*self.options, *arguments), self.pytester.path)

    def spawn(self, *arguments: str) -> Outcome:
        """Run pytest in a process of its own: for xdist, signals and crashes."""
        return Outcome(self.pytester.runpytest_subprocess(*self.options, *arguments, timeout=120), self.pytester.path)

    def _json(self, folder: str, document: Mapping[str, Any]) -> None:
        path = self.pytester.path / folder
        path.mkdir(exist_ok=True)
        (path / f"{document['name']}.json").write_text(json.dumps(document))


def _tasks(document: object) -> list[str]:
    if isinstance(document, list):
        return [name for each in document for name in _tasks(each)]
    if isinstance(document, Mapping):
        own = [str(document["name"])] if document.get("type") == "SIMPLE" else []
        return own + [name for each in document.values() for name in _tasks(each)]
    return []


@pytest.fixture(autouse=True)
def _no_hypothesis_in_inner_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its plugin imports all of Hypothesis at the end of each inner run: a third of the time, and no test needs it."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.fixture
def empty_project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("CONDUCTOR_SERVER_URL", "K1N_SERVER", "K1N_PLAN"):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)


@pytest.fixture
def project(empty_project: Project) -> Project:
    """Two batches: FIRST, then CHAIN (a before b)."""
    return (
        empty_project.plan()
        .definition(workflow("FIRST", simple("one")))
        .definition(workflow("CHAIN", simple("a"), simple("b")))
        .test("first", FIRST_TEST)
        .test("second_chain", CHAIN_TEST)
    )


@pytest.fixture
def gated_project(project: Project) -> Project:
    return project.test("gates", GATE_TEST)


@pytest.fixture
def engine_url() -> Iterator[str]:
    """An embedded engine in virtual time, served over HTTP."""
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", "--clock", "virtual"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        match = re.search(r" at (http://\S+), ", process.stdout.readline())
        assert match is not None
        yield match[1]
        process.terminate()
