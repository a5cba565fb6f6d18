"""The handler scripts that ship in ops/agents, run as the worker runs them."""

import os
import subprocess
from pathlib import Path

import pytest

from pytest_k1n.plan.read import load_plan
from pytest_k1n.workers.handler import TaskContext
from pytest_k1n.workers.script import find_scripts, read_result, run_script

ROOT = Path(__file__).parents[2]
AGENTS = ROOT / "ops" / "agents"
NAMES = (
    "security", "buffer", "architecture", "testing", "security", "design", "pattern", "codegen", *("",) * 14
)  # fmt: skip
SCRIPTS = {
    number: f"task-{number}-{name}-handler.sh" if name else f"task-{number}-handler.sh"
    for number, name in enumerate(NAMES, 1)
}
CHECKING = [SCRIPTS[number] for number in (1, 2, 3, 4, 5, 6, 7)]
SIMULATED = [SCRIPTS[number] for number in range(9, 23)]


def run(name, estimate_ms=0, speed=60_000.0):
    context = TaskContext(
        workflow_id="w", workflow_name="W", ref="task_1", iteration=0, task_id="t-1", task_type="task_1", attempt=0,
        input={"project": "k1n"}, estimate_ms=estimate_ms, speed=speed, seed=0, log=print, sleep=lambda ms: None,
    )  # fmt: skip
    return run_script(AGENTS / name, context)


def by_hand(name, **environment):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("K1N_")}
    done = subprocess.run([AGENTS / name, "9"], env=inherited | environment, capture_output=True, text=True, check=True)
    return read_result(name, 0, done.stdout.splitlines(), [], 100_000)


@pytest.fixture
def scanned(tmp_path, monkeypatch):
    for folder in ("workflows", "tasks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workflows" / "w.json").write_text('{"tasks": [{"name": "task_1"}]}')
    (tmp_path / "tasks" / "task_1.json").write_text('{"name": "task_1"}')
    (tmp_path / "test_one.py").write_text("def test_it(): ...\n")
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "p.toml").write_text('template = "t"\n')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "t.py.tmpl").write_text("")
    monkeypatch.setenv("K1N_SCAN", str(tmp_path))
    return tmp_path


def test_each_of_the_22_tasks_has_the_script_that_the_plan_names():
    assert {task: handler.name for task, handler in find_scripts(AGENTS).items()} == {
        f"task_{number}": f"script:{name}" for number, name in SCRIPTS.items()
    }


@pytest.mark.parametrize("name", CHECKING)
def test_a_clean_project_passes_with_an_artifact_a_summary_and_timed_steps(scanned, name):
    outcome = run(name)
    assert outcome.status == "COMPLETED", outcome.reason
    assert isinstance(outcome.output["artifact"], str)
    assert isinstance(outcome.output["summary"], str)
    assert len(outcome.steps) >= 2
    assert not outcome.simulated


@pytest.mark.parametrize("name", CHECKING)
def test_what_is_left_of_an_estimate_is_waited_for_and_admitted_as_simulated(scanned, name):
    outcome = run(name, estimate_ms=600_000)
    assert outcome.simulated
    assert outcome.steps[-1].name == "rest"
    assert sum(step.ms for step in outcome.steps) == pytest.approx(600_000, abs=2_000)
    assert outcome.work_ms == pytest.approx(10, abs=1)  # at most 600 s at a speed of 60,000


@pytest.mark.parametrize("name", SIMULATED)
def test_a_task_without_work_of_its_own_says_that_all_of_it_is_simulated(name):
    outcome = run(name, estimate_ms=600_000)
    assert (outcome.status, outcome.simulated) == ("COMPLETED", True)
    assert str(outcome.output["summary"]).startswith("simulated: ")
    assert sum(step.ms for step in outcome.steps) == 600_000
    assert outcome.work_ms == pytest.approx(10, abs=2)


def test_typed_by_hand_each_task_takes_what_the_plan_estimates(tmp_path):
    planned = {
        template.workflow: template.estimates_ms
        for batch in load_plan(ROOT / "suites" / "plan.toml").batches
        for template in batch.templates
    }
    asked = [(workflow, ref) for workflow, estimates in planned.items() for ref in estimates]
    calls = [f"planned_ms {workflow} {ref}; echo" for workflow, ref in asked]
    script = "\n".join([f'. "{AGENTS / "common.sh"}"', *calls])
    done = subprocess.run(["sh", "-c", script, AGENTS / "task-1-x"], capture_output=True, text=True, check=True)
    told = done.stdout.split()
    assert [int(ms) for ms in told] == [planned[workflow][ref] for workflow, ref in asked]


def test_typed_by_hand_a_handler_needs_nothing_set():
    outcome = by_hand(SCRIPTS[9], K1N_SPEED="60000")
    assert (outcome.work_ms, sum(step.ms for step in outcome.steps)) == (6, 360_000)


def test_code_generation_without_a_python_that_can_do_it_says_what_to_set(monkeypatch):
    monkeypatch.setenv("K1N_PYTHON", "/bin/false")
    outcome = run(SCRIPTS[8])
    assert outcome.status == "FAILED"
    assert outcome.reason.endswith("task 8 needs Python >= 3.11, /bin/false is not: set K1N_PYTHON")


def test_the_plans_sequential_workflow_generates_code_without_any_strategy(tmp_path):
    used = {}
    for workflow in ("K1N_22TASK_COMPLETE", "K1N_22TASK_OPTIMIZED"):
        outcome = by_hand(SCRIPTS[8], K1N_WORKFLOW=workflow, K1N_SPEED="1e9", K1N_STATE=str(tmp_path))
        used[workflow] = outcome.output["strategies"]
    assert used == {"K1N_22TASK_COMPLETE": [], "K1N_22TASK_OPTIMIZED": ["cache", "incremental", "parallel"]}


def test_the_buffer_check_fails_where_little_room_is_left(scanned, monkeypatch):
    monkeypatch.setenv("K1N_LEAST_KB", "999999999999")
    outcome = run(SCRIPTS[2])
    assert outcome.status == "FAILED"
    assert "KB are free" in outcome.reason


def test_the_testing_check_names_a_module_without_a_test(scanned):
    (scanned / "test_two.py").write_text("# def test_later(): ...\n")
    outcome = run(SCRIPTS[4])
    assert (outcome.status, "test_two.py" in outcome.reason) == ("FAILED", True)


def test_the_design_check_names_a_reference_that_is_used_twice(scanned):
    (scanned / "workflows" / "v.json").write_text('{"taskReferenceName": "a"}\n{"taskReferenceName": "a"}\n')
    outcome = run(SCRIPTS[6])
    assert (outcome.status, outcome.reason.endswith("used twice: v.json: a")) == ("FAILED", True)


def test_the_pattern_check_names_a_pattern_without_its_template(scanned):
    (scanned / "templates" / "t.py.tmpl").unlink()
    outcome = run(SCRIPTS[7])
    assert (outcome.status, outcome.reason.endswith("without a template: p.toml: t")) == ("FAILED", True)


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


@pytest.mark.parametrize("name", CHECKING)
def test_a_folder_that_is_not_there_is_said_so(monkeypatch, tmp_path, name):
    monkeypatch.setenv("K1N_SCAN", str(tmp_path / "none"))
    assert "nothing to" in run(name).reason


@pytest.mark.parametrize("name", [SCRIPTS[2], SCRIPTS[9]])
@pytest.mark.parametrize(
    ("setting", "value"),
    [*(("K1N_SPEED", value) for value in ("abc", "-5", "0", "inf", "nan")),
     *(("K1N_ESTIMATE_MS", value) for value in ("abc", "-1", "1 2"))],
)  # fmt: skip
def test_a_setting_that_is_no_number_is_named_and_nothing_is_waited_for(name, setting, value):
    inherited = {key: each for key, each in os.environ.items() if not key.startswith("K1N_")}
    done = subprocess.run(
        [AGENTS / name, "9"], env=inherited | {setting: value}, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{setting} is '{value}': write a number" in done.stderr


def test_a_ref_that_no_json_could_hold_as_it_is_leaves_the_output_one_that_can_be_read():
    outcome = by_hand(SCRIPTS[9], K1N_ESTIMATE_MS="1", K1N_REF='a"b\\c\n')
    assert (outcome.simulated, outcome.output["artifact"]) == (True, "abc-simulated")


def test_an_estimate_may_have_a_fraction():
    assert by_hand(SCRIPTS[9], K1N_ESTIMATE_MS="3.5").status == "COMPLETED"
