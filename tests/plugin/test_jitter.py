"""The jitter of simulated work: each execution's own, and the same in every run of the same tests."""

import json

import pytest

REPEATED = """
import json
from pathlib import Path
import pytest
pytestmark = pytest.mark.batch2

def durations(executions):
    return [execution.execution.ended_ms - execution.execution.started_ms for execution in executions]

@pytest.mark.parametrize("name", [
    pytest.param("in_a_row", marks=pytest.mark.workflow("CHAIN", in_a_row=3)),
    pytest.param("at_once", marks=pytest.mark.workflow("CHAIN", at_once=3)),
])
def test_repeated(workflow_executions, name):
    Path(f"{name}.json").write_text(json.dumps(durations(workflow_executions)))

def test_of_its_own(conductor):
    Path("own.json").write_text(json.dumps(durations([conductor.run("CHAIN") for _ in range(3)])))
"""


def durations(outcome):
    assert outcome.code == 0
    return {name: json.loads((outcome.folder / f"{name}.json").read_text()) for name in ("in_a_row", "at_once", "own")}


def with_jitter(project, jitter="1%"):
    plan = (project.pytester.path / "k1n.toml").read_text()
    return project.plan(plan.replace('schema = "k1n-plan/1"', f'schema = "k1n-plan/1"\njitter = "{jitter}"')).test(
        "repeated", REPEATED
    )


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("jitter", [0, 6])
def test_it_is_the_plan_s_in_batches_and_in_executions_of_tests_own(project, engine_url, served, jitter):
    server = (f"--k1n-server={engine_url}",) if served else ()
    took = durations(with_jitter(project, f"{jitter}%").run("-m", "batch2", *server))
    for name, each in took.items():
        planned_ms = (2 if name == "own" else 11) * 60_000  # of its own: a minute a task
        off = max(abs(ms - planned_ms) for ms in each) / planned_ms
        assert (0.0101 < off < 0.0601) if jitter else off < 0.001, (name, each)


def test_executions_of_one_workflow_take_each_a_time_of_its_own(project):
    took = durations(with_jitter(project).run("-m", "batch2"))
    assert [len(set(each)) for each in took.values()] == [3, 3, 3]
    assert not set(took["in_a_row"]) & set(took["at_once"])
    assert all(abs(each - 11 * 60_000) <= 6_600 for name in ("in_a_row", "at_once") for each in took[name])


def test_neither_the_run_nor_its_nodes_change_what_an_execution_takes(project):
    with_jitter(project)
    assert durations(project.run("-m", "batch2")) == durations(project.spawn("-n2", "-m", "batch2"))


def test_another_seed_gives_other_times(project):
    with_jitter(project)
    one, other = (durations(project.run("-m", "batch2", f"--k1n-seed={seed}")) for seed in (1, 2))
    assert all(one[name] != other[name] for name in one)
