"""`k1n chaos`: the shipped definitions come through seeded faults; a run can be seen again; what was tried adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_k1n.cli import main

ROOT = Path(__file__).parents[2]
CHAIN = str(ROOT / "fixtures/workflows/K1N_TEMPLATE_02.json")
PARALLEL = str(ROOT / "fixtures/workflows/K1N_TEMPLATE_03.json")


def test_200_seeded_faults_leave_a_shipped_workflow_unharmed(capsys: pytest.CaptureFixture[str]) -> None:
    """Longer than others because it is the claim itself; `make chaos` does the same to all 22 tasks."""
    assert main(["chaos", PARALLEL, "--seed", "5", "--takes", "task_4=20s", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["runs"]) == 200
    assert all(run["struck"] and not run["findings"] for run in document["runs"])
    assert document["coverage"]["tried"] == len({(run["fault"], run["ref"], run["phase"]) for run in document["runs"]})


def test_one_run_can_be_seen_again_and_is_the_same_to_the_byte(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", CHAIN, "--seed", "3", "--runs", "6", "--json"]) == 0
    all_runs = json.loads(capsys.readouterr().out)["runs"]
    assert main(["chaos", CHAIN, "--seed", "3", "--run", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == [all_runs[3]]


def test_a_definition_that_loses_its_execution_is_told_with_the_command_that_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = {"name": "a", "retryCount": 0, "responseTimeoutSeconds": 5, "timeoutSeconds": 0, "ownerEmail": "a@b.c"}
    (tmp_path / "tasks.json").write_text(json.dumps([rules]))
    task = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}
    workflow = {"name": "FRAIL", "version": 1, "ownerEmail": "a@b.c", "timeoutSeconds": 0, "tasks": [task]}
    path = tmp_path / "frail.json"
    path.write_text(json.dumps(workflow))
    words = ["--task-definitions", str(tmp_path / "tasks.json"), "--fault", "worker-killed", "--phase", "work"]
    assert main(["chaos", str(path), *words, "--runs", "1"]) == 1
    out = capsys.readouterr().out
    assert f"again: k1n chaos {path} --seed 1 --run 1 --fault worker-killed --phase work" in out
    assert "wrong-status: FRAIL" in out
    assert out.rstrip().endswith("HARMED: 1 of 1 runs")


def test_what_was_tried_is_kept_and_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "tried.json"
    for seed in ("1", "2"):
        assert main(["chaos", CHAIN, "--runs", "3", "--seed", seed, "--coverage", str(kept)]) == 0
    document = json.loads(kept.read_text())
    assert sum(cell["runs"] for cell in document["cells"]) == 6
    out = capsys.readouterr().out
    assert "never tried: " in out
    assert f"tried {document['tried']} of {document['possible']}" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "server-died"], "is no kind of fault: there are worker-killed"),
        (["--fault", "disk-full"], "--fault disk-full: it cannot be committed on the embedded engine"),
        (["--at", "task_99"], "--at task_99: no task of a worker that is reached; there are task_6, task_7, task_8"),
        (["--fault", "work-slow", "--phase", "report"], "work-slow does not strike at report"),
        (["--server", "nowhere"], "is not a server"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", CHAIN, *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
