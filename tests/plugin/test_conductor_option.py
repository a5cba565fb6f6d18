"""`--k1n-conductor`: on the command line, in an ini file, in the environment; what cannot be is a line and code 4."""

from __future__ import annotations

import pytest

SWITCHED = """
def test_it(conductor):
    switch = {"name": "t", "taskReferenceName": "t", "type": "SWITCH", "evaluatorType": "value-param",
              "expression": "on", "inputParameters": {"on": "a"}, "decisionCases": {"a": []},
              "defaultCase": [{"name": "n", "taskReferenceName": "n", "type": "NOOP"}]}
    execution = conductor.run({"name": "w", "version": 1, "tasks": [switch]})
    assert [task.ref for task in execution.execution.tasks] == ["t", "n"]
"""


@pytest.mark.parametrize("place", ["command line", "ini", "environment"])
def test_a_version_that_is_none_is_refused_wherever_it_stands(project, monkeypatch, place):
    words = []
    if place == "command line":
        words = ["--k1n-conductor=3.9"]
    elif place == "ini":
        project.file("pytest.ini", "[pytest]\nk1n_conductor = 3.9\n")
    else:
        monkeypatch.setenv("K1N_CONDUCTOR", "3.9")
    outcome = project.run("-m", "batch1", *words)
    source = {"command line": "--k1n-conductor", "ini": "ini k1n_conductor", "environment": "K1N_CONDUCTOR"}[place]
    assert outcome.code == 4
    assert f"{source}: '3.9' is no Conductor that can be started from its boot jar: use 3.32.1" in outcome.text
    assert "Traceback" not in outcome.text


def test_the_engine_says_what_it_does_not_behave_as(project):
    outcome = project.run("-m", "batch1", "--k1n-conductor=3.31.2")
    assert outcome.code == 4
    assert "the embedded engine does not behave as '3.31.2': it does as 3.32.1 or 3.15.0" in outcome.text


def test_the_engine_behaves_as_the_older_one(project):
    project.file("test_older.py", SWITCHED)
    older = project.run("test_older.py", "--k1n-conductor=3.15.0")
    assert older.counts == {"passed": 1}
    assert "k1n: server embedded engine as Conductor 3.15.0, virtual time" in older.text
    assert project.run("test_older.py").counts == {"failed": 1}


ANSWERED = """
WAITS = {"name": "w", "version": 1, "tasks": [{"name": ref, "taskReferenceName": ref, "type": "WAIT"} for ref in "ab"]}

def test_it(conductor):
    execution = conductor.start(WAITS)
    execution.signal("a", {"by": "ann"})
    execution.wait_for("b")
    execution.signal({"by": "bob"})
"""


def test_a_signal_that_the_older_one_does_not_have_is_told_and_one_by_its_ref_goes_another_way(project):
    project.file("test_older.py", ANSWERED)
    assert project.run("test_older.py").counts == {"passed": 1}
    older = project.run("test_older.py", "--k1n-conductor=3.15.0")
    assert "RuntimeError: this server has no signal for the first open WAIT (3.32.1 has" in older.text
    assert 'name the one that is meant, as in signal("b", …)' in older.text


LOOPS = """
LOOP = {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopCondition": "$.l['iteration'] < 3",
        "inputParameters": {"keepLastN": 1}, "loopOver": [{"name": "b", "taskReferenceName": "b", "type": "SIMPLE"}]}

def test_it(conductor):
    execution = conductor.run({"name": "w", "version": 1, "tasks": [LOOP]},
                              task_definitions=[{"name": "b", "totalTimeoutSeconds": 600, "retryCount": 0}])
    assert len([task for task in execution.execution.tasks if task.ref == "b"]) == %d
"""


def test_what_the_older_one_does_not_know_of_a_definition_is_a_warning(project):
    project.file("test_older.py", LOOPS % 3)
    older = project.run("test_older.py", "--k1n-conductor=3.15.0", "-W", "default")
    assert older.counts == {"passed": 1, "warning": 2}
    assert "OlderConductor: workflow w: l: 3.15.0 does not know this keepLastN: the tasks of all" in older.text
    assert "OlderConductor: workflow w: b: 3.15.0 does not know this totalTimeoutSeconds: only the" in older.text
    assert project.file("test_older.py", LOOPS % 1).run("test_older.py", "-p", "no:cacheprovider").counts == {
        "passed": 1
    }
