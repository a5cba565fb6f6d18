"""The embedded engine as a process of its own: behind the path of every other server, and what `auto` ends with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

OWN_TEST = """
def test_own(conductor):
    task = {"name": "own", "taskReferenceName": "own", "type": "SIMPLE"}
    definition = {"name": "OWN", "version": 1, "ownerEmail": "x@example.com", "tasks": [task]}
    execution = conductor.run(definition, handlers={"own": lambda task: {"n": 7}})
    assert execution.task("own").output["n"] == 7
"""
URL = r"http://127\.0\.0\.1:\d+"


@contextmanager
def engine(*arguments: str) -> Iterator[str]:
    """Run an engine as somebody else would; gives its URL."""
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        found = re.search(rf" at ({URL})", greeting)
        assert found, greeting
        yield found[1]
    finally:
        process.terminate()
        _, said = process.communicate(timeout=20)
        assert said == ""


@pytest.fixture
def foreign() -> Callable[..., AbstractContextManager[str]]:
    return engine


@pytest.mark.parametrize("time", ["scaled", "real"])
def test_scaled_and_real_time_run_on_an_engine_process(project, time):
    if time == "real":
        text = (project.pytester.path / "k1n.toml").read_text()
        project.plan(re.sub(r'(\d+)m"', r'\g<1>00ms"', text))
    outcome = project.run(f"--k1n-time={time}")

    assert outcome.code == 0, outcome.text
    shown = rf"server   embedded engine, not a Conductor server 3\.32\.1-k1n-embedded {URL}, {time} time"
    assert re.search(shown, outcome.text)
    document = outcome.results("template-02-chain-results.json")
    server = document["server"]
    assert (server["kind"], server["version"], document["time"]["model"]) == ("embedded", "3.32.1-k1n-embedded", time)
    assert {task["simulated"] for task in document["tasks"]} == {True}


def test_a_running_engine_in_virtual_time_is_used_in_virtual_time(project, foreign):
    with foreign() as url:
        outcome = project.run(f"--k1n-server={url}")
        assert outcome.code == 0, outcome.text
        assert f"embedded engine, not a Conductor server 3.32.1-k1n-embedded {url}, virtual time" in outcome.text
        document = outcome.results("template-02-chain-results.json")
        assert (document["server"]["kind"], document["time"]) == ("embedded", {"model": "virtual", "speed": 1})
        assert document["makespan_ms"] == sum(task["duration_ms"] for task in document["tasks"])
        again = project.run(f"--k1n-server={url}", "--k1n-time=virtual")
        assert again.code == 0, again.text


def test_a_run_finds_the_engine_by_the_variable_of_conductors_tools(project, foreign, monkeypatch):
    project.options = ["-p", "no:cacheprovider"]
    with foreign("--clock", "real") as url:
        monkeypatch.setenv("CONDUCTOR_SERVER_URL", f"{url}/api")
        outcome = project.run("--k1n-time=scaled")
    assert outcome.code == 0, outcome.text
    assert f"{url}, scaled time x600" in outcome.text


@pytest.mark.parametrize(
    ("clock", "option", "says"),
    [
        (["--clock", "manual"], [], "a run of batches needs a virtual or real clock; the embedded engine at "),
        (["--clock", "scaled", "--rate", "60"], [], "has a scaled one"),
        (["--clock", "virtual"], ["--k1n-time=scaled"], "--k1n-time=scaled needs a real clock"),
        (["--clock", "real"], ["--k1n-time=virtual"], "--k1n-time=virtual needs a virtual clock"),
    ],
)
def test_an_engine_whose_clock_does_not_suit_is_refused_in_one_line(project, foreign, clock, option, says):
    with foreign(*clock) as url:
        outcome = project.run(f"--k1n-server={url}", *option)
    assert outcome.code != 0
    assert says in outcome.text
    assert "Traceback" not in outcome.text


@pytest.fixture
def nothing_else(project, monkeypatch):
    """A machine without containers and Java."""
    tools = project.pytester.mkdir("tools")
    for name in ("docker", "podman"):
        path = tools / name
        path.write_text("#!/bin/sh\necho no daemon >&2; exit 1\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    project.options = ["--k1n-server=auto", "--k1n-java=nowhere", "-p", "no:cacheprovider"]
    return project


def test_auto_ends_with_the_embedded_engine_in_virtual_time_and_says_why(nothing_else):
    outcome = nothing_else.run()
    assert outcome.code == 0, outcome.text
    assert "k1n: server auto (docker, then jar, then embedded)" in outcome.text
    summary = outcome.text.partition("k1n: workflows on Conductor")[2]
    assert "embedded engine, not a Conductor server pytest-k1n" in summary
    assert "virtual time" in summary
    assert "docker passed over: no container engine answers" in summary
    assert "jar passed over: " in summary
    assert outcome.results("template-02-chain-results.json")["server"]["kind"] == "embedded"


def test_auto_in_scaled_time_ends_with_an_engine_process(nothing_else):
    outcome = nothing_else.run("--k1n-time=scaled", "test_first.py")
    assert outcome.code == 0, outcome.text
    assert re.search(rf"not a Conductor server 3\.32\.1-k1n-embedded {URL}, scaled time x600", outcome.text)
    assert "jar passed over: " in outcome.text.partition("k1n: workflows on Conductor")[2]


def test_auto_in_virtual_time_tries_nothing_that_cannot_do_it(nothing_else):
    outcome = nothing_else.run("--k1n-time=virtual", "test_first.py")
    assert outcome.code == 0, outcome.text
    assert "docker, jar passed over: virtual time needs the embedded engine" in outcome.text


def test_a_test_of_ones_own_runs_on_an_engine_process(project):
    project.test("own", OWN_TEST)
    outcome = project.run("--k1n-time=scaled", "test_own.py", "test_first.py")
    assert outcome.code == 0, outcome.text


ADVANCING_TEST = """
import pytest

def asking(**fields):
    task = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
    about = {"name": "ASKING", "version": 1, "schemaVersion": 2, "ownerEmail": "x@example.com"}
    return {**about, "tasks": [task], **fields}

def test_a_deadline_comes_when_its_time_has_passed(conductor):
    execution = conductor.start(asking(timeoutSeconds=7200, timeoutPolicy="TIME_OUT_WF"))
    execution.wait_for("ask")
    execution.advance("1h")
    assert execution.status == "RUNNING"
    execution.advance("1h")
    execution.wait()
    assert execution.status == "TIMED_OUT"
    assert execution.execution.ended_ms - execution.execution.started_ms == 7_200_000

def test_time_is_real(conductor):
    with pytest.raises(RuntimeError, match="needs virtual time: the clock is real: it moves by itself"):
        conductor.start(asking()).advance("1h")
"""


@pytest.mark.parametrize("clock", [None, "virtual"])
def test_a_test_moves_the_clock_of_an_engine_wherever_it_runs(project, foreign, clock):
    project.test("advancing", ADVANCING_TEST)
    chosen = ("test_advancing.py", "-k", "deadline")
    if clock is None:
        outcome = project.run(*chosen)
    else:
        with foreign("--clock", clock) as url:
            outcome = project.run(*chosen, f"--k1n-server={url}")
    assert outcome.counts == {"passed": 1, "deselected": 1}, outcome.text


def test_a_clock_that_runs_by_itself_is_not_moved(project, foreign):
    project.test("advancing", ADVANCING_TEST)
    with foreign("--clock", "real") as url:
        outcome = project.run("test_advancing.py", "-k", "real", "--k1n-time=scaled", f"--k1n-server={url}")
    assert outcome.counts == {"passed": 1, "deselected": 1}, outcome.text


LIMITS = """
from pytest_k1n import completed, not_scheduled, task_within, timed_out

def task(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}

DAYS = {"name": "ask", "ownerEmail": "x@example.com", "retryCount": 0, "timeoutSeconds": 259200,
        "responseTimeoutSeconds": 259200, "timeoutPolicy": "TIME_OUT_WF"}
HUMAN = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN", "taskDefinition": DAYS}
FLOW = {"name": "limits", "version": 1, "ownerEmail": "x@example.com", "tasks": [task("first"), HUMAN, task("last")]}

def charge(task):
    task.sleep(90_000)
    return {"paid": True}

def test_runs_out(conductor):
    execution = conductor.start(FLOW, handlers={"first": charge})
    execution.advance("71h")
    assert execution.status == "RUNNING"
    execution.advance("2h")
    execution.expect(timed_out(), not_scheduled("last"))

def test_is_answered_in_time(conductor):
    execution = conductor.start(FLOW, handlers={"first": charge})
    execution.wait_for("approve")
    execution.advance("71h")
    execution.complete("approve", {"by": "ann"})
    execution.complete("last")
    execution.expect(completed(), task_within("first", "89s", "91s"))
    assert execution.task("first").output == {"paid": True}

def test_nobody_answers_a_run(conductor):
    conductor.run(FLOW, handlers={"first": charge}).expect(timed_out())
"""


def test_time_limits_and_declared_work_are_the_same_in_process_and_at_a_url(empty_project, foreign):
    empty_project.test("limits", LIMITS)
    assert empty_project.run().counts == {"passed": 3}
    with foreign() as url:
        outcome = empty_project.run(f"--k1n-server={url}")
    assert outcome.counts == {"passed": 3}, outcome.text


def test_what_handlers_sleep_is_shortened_in_scaled_time_and_judged_in_workflow_time(empty_project, foreign):
    source = LIMITS.replace("HUMAN, ", "")
    empty_project.test("scaled", source[: source.index("def test_runs_out")] + SCALED)
    with foreign("--clock", "real") as url:
        outcome = empty_project.run(f"--k1n-server={url}")
    assert outcome.counts == {"passed": 1}, outcome.text


SCALED = """
def test_sleep(conductor):
    execution = conductor.run(FLOW, handlers={"first": charge}, takes={"last": "12m"})
    execution.expect(completed(), task_within("first", "89s", "92s"), task_within("last", "11m", "13m"))
    assert execution.task("first").output == {"paid": True}
"""
