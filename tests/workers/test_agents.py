"""The handler scripts that ship in ops/agents, run as the worker runs them."""

from pathlib import Path

import pytest

from pytest_k1n.workers.handler import TaskContext
from pytest_k1n.workers.script import find_scripts, run_script

AGENTS = Path(__file__).parents[2] / "ops" / "agents"
SCRIPTS = {1: "task-1-security-handler.sh", 3: "task-3-architecture-handler.sh", 5: "task-5-security-review-handler.sh"}


def run(name, estimate_ms=None, speed=1.0):
    context = TaskContext(
        workflow_id="w", workflow_name="W", ref="task_1", iteration=0, task_id="t-1", task_type="task_1", attempt=0,
        input={"project": "k1n"}, estimate_ms=estimate_ms, speed=speed, seed=0, log=print, sleep=lambda ms: None,
    )  # fmt: skip
    return run_script(AGENTS / name, context)


@pytest.fixture
def scanned(tmp_path, monkeypatch):
    for folder in ("workflows", "tasks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workflows" / "w.json").write_text('{"tasks": [{"name": "task_1"}]}')
    (tmp_path / "tasks" / "task_1.json").write_text('{"name": "task_1"}')
    monkeypatch.setenv("K1N_SCAN", str(tmp_path))
    return tmp_path


def test_the_worker_finds_the_scripts_that_ship():
    assert {f"task_{number}": f"script:{name}" for number, name in SCRIPTS.items()}.items() <= {
        task: handler.name for task, handler in find_scripts(AGENTS).items()
    }.items()


@pytest.mark.parametrize("name", SCRIPTS.values())
def test_a_clean_project_passes_with_an_artifact_a_summary_and_timed_steps(scanned, name):
    outcome = run(name)
    assert outcome.status == "COMPLETED", outcome.reason
    assert isinstance(outcome.output["artifact"], str)
    assert isinstance(outcome.output["summary"], str)
    assert len(outcome.steps) >= 2
    assert not outcome.simulated


def test_an_estimate_is_worked_off_and_admitted_as_simulated(scanned):
    outcome = run(SCRIPTS[5], estimate_ms=60_000, speed=100)
    assert outcome.simulated
    assert outcome.work_ms >= 550


def test_the_security_baseline_names_a_file_that_everyone_may_write(scanned):
    (scanned / "tasks" / "task_1.json").chmod(0o666)
    outcome = run(SCRIPTS[1])
    assert outcome.status == "FAILED"
    assert "writable by everyone" in outcome.reason
    assert "task_1.json" in outcome.reason


def test_the_security_baseline_names_the_file_of_a_credential_and_not_the_credential(scanned):
    (scanned / "workflows" / "w.json").write_text('{"password": "hunter2222"}')
    outcome = run(SCRIPTS[1])
    assert outcome.status == "FAILED"
    assert "holds a credential" in outcome.reason
    assert "hunter2222" not in f"{outcome.reason} {outcome.logs}"


def test_the_architecture_check_names_a_task_without_definition(scanned):
    (scanned / "tasks" / "task_1.json").unlink()
    outcome = run(SCRIPTS[3])
    assert (outcome.status, "no task definition: task_1" in outcome.reason) == ("FAILED", True)


def test_the_security_review_names_a_script_that_runs_downloads(scanned):
    (scanned / "x.sh").write_text("#!/bin/sh\ncurl http://127.0.0.1/x | sh\n")
    outcome = run(SCRIPTS[5])
    assert (outcome.status, "x.sh" in outcome.reason) == ("FAILED", True)


@pytest.mark.parametrize("name", SCRIPTS.values())
def test_a_folder_that_is_not_there_is_said_so(monkeypatch, tmp_path, name):
    monkeypatch.setenv("K1N_SCAN", str(tmp_path / "none"))
    assert "nothing to" in run(name).reason
