"""tests/run-parallel-workflow.sh and tests/run-full-optimized-workflow.sh, with handlers that take no time.

Every task is a process of `k1n profile`: that is why these tests take seconds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from k1n_support.processes import is_alive

ROOT = Path(__file__).parents[2]
MINUTES = dict.fromkeys(range(1, 23), 4.5) | {1: 4.2, 2: 4.8, 3: 3.5, 4: 3.5, 5: 3.5, 6: 10, 7: 12, 8: 8}
SPEED = 1e6


class Typed:
    """A script typed in a terminal: what it printed, how it ended."""

    def __init__(self, name: str, agents: Path, metrics: Path, *arguments: str) -> None:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("K1N_", "PYTEST"))}
        given = {"K1N_AGENTS": str(agents), "K1N_METRICS": str(metrics), "K1N_SPEED": f"{SPEED:g}"}
        run = subprocess.run(
            [str(ROOT / "tests" / name), *arguments],
            env=inherited | given, cwd=metrics, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.code, self.out, self.err = run.returncode, run.stdout, run.stderr


@pytest.fixture
def agents(tmp_path):
    """Handlers of all tasks that say how long they take, and take no time."""
    folder = tmp_path / "agents"
    folder.mkdir()
    for task, minutes in MINUTES.items():
        write(folder, task, f'echo \'{{"simulated": true, "simulated_ms": {minutes * 60_000 / SPEED}}}\'', minutes)
    return folder


def write(folder: Path, task: int, body: str, minutes: float) -> None:
    path = folder / f"task-{task}-handler.sh"
    path.write_text(f"#!/bin/sh\nsleep {minutes * 60 / SPEED:.6f}\n{body}\n")
    path.chmod(0o755)


def fails_first(marker: Path) -> str:
    return f"[ -e {marker} ] && echo '{{}}' && exit 0\n: >{marker}; echo collided >&2; exit 4"


def test_three_iterations_side_by_side_are_stable(agents, tmp_path):
    run = Typed("run-parallel-workflow.sh", agents, tmp_path)
    assert run.code == 0, run.err
    assert run.out.count("one after another they take 10.5 min") == 3
    assert run.out.endswith("Parallel workflow stable after 3 runs\n")
    assert len(list((tmp_path / "profiles").glob("task-4-*-profile.json"))) == 3


def test_a_task_that_fails_side_by_side_sends_all_three_back_to_one_after_another(agents, tmp_path):
    write(agents, 4, fails_first(tmp_path / "failed-once"), 0)
    run = Typed("run-parallel-workflow.sh", agents, tmp_path, "1")
    assert run.code == 0, run.err
    assert "Task 4: 0.0 min, exit code 4\n    collided" in run.out
    assert "Parallel execution failed (task 4): falling back to sequential" in run.out
    assert [run.out.count(f"Task {task}:") for task in (3, 4, 5)] == [2, 2, 2]
    assert "1 fall-back(s) to sequential: it is not stable" in run.out


def test_a_task_that_also_fails_alone_fails_the_run(agents, tmp_path):
    write(agents, 5, "exit 3", 0)
    run = Typed("run-parallel-workflow.sh", agents, tmp_path)
    assert run.code == 1
    assert "Task 5: 0.0 min, exit code 3" in run.out
    assert run.err == "Iteration 1 failed, side by side and one after another\n"


@pytest.mark.parametrize("given", ["0", "three", "-1"])
def test_a_number_of_iterations_that_is_none_is_refused(agents, tmp_path, given):
    run = Typed("run-parallel-workflow.sh", agents, tmp_path, given)
    assert (run.code, run.err) == (2, "usage: run-parallel-workflow.sh [ITERATIONS], a number from 1\n")


def test_the_full_workflow_meets_its_target_and_keeps_what_it_said(agents, tmp_path):
    run = Typed("run-full-optimized-workflow.sh", agents, tmp_path)
    assert run.code == 0, run.err
    (log,) = tmp_path.glob("optimized-run-*.log")
    assert run.out == f"{log.read_text()}Log: {log}\n"
    kept = json.loads(log.with_suffix(".json").read_text())
    # 9 + (3.5 + 10 + 12 + 8) + 3 x 4.5 + 2 x 4.5 minutes, and what starting processes side by side really took
    assert kept["total_ms"] == pytest.approx(65 * 60_000, abs=50_000)
    assert (kept["baseline_ms"], kept["fallbacks"], kept["target_met"]) == (7_800_000, 0, True)
    assert "the plan's estimates: no baseline was profiled" in run.out
    assert "TARGET MET: 60 to 90 minutes" in run.out
    assert len(list((tmp_path / "optimized").rglob("*-profile.json"))) == 22


def test_a_missed_target_is_exit_code_1_and_compared_with_the_newest_baseline(agents, tmp_path):
    write(agents, 7, f'echo \'{{"simulated": true, "simulated_ms": {60 * 60_000 / SPEED}}}\'', 60)
    folder = tmp_path / "baselines" / "20261128_120000"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"total_duration_ms": 9_000_000}, indent=2))
    run = Typed("run-full-optimized-workflow.sh", agents, tmp_path)
    assert run.code == 1
    assert "TARGET MISSED: 11" in run.out
    assert f"Baseline:       9000s (150.0m), {folder}/summary.json" in run.out


def test_a_task_that_fails_ends_the_full_workflow(agents, tmp_path):
    write(agents, 2, "echo no room >&2; exit 1", 0)
    run = Typed("run-full-optimized-workflow.sh", agents, tmp_path)
    assert run.code == 1
    assert "Task 2: 0.0 min, exit code 1\n    no room" in run.out
    assert "Phase 2" not in run.out


@pytest.mark.slow  # ten generations of twelve modules, each compiled by a process of its own
def test_task_8_is_measured_with_each_strategy_and_always_makes_the_same(tmp_path):
    environment = {**os.environ, "K1N_METRICS": str(tmp_path)}
    command = [ROOT / ".conductor" / "metrics" / "compare-task8.py", "--speed", "100000"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "1 digest(s) of what came out" in run.stdout
    rows = json.loads((tmp_path / "task8-strategies.json").read_text())["rows"]
    took = {(row["strategies"], row["cache"]): row["duration_ms"] / 60_000 for row in rows}
    assert len(took) == 10
    assert took["none", "cold"] == pytest.approx(15, abs=0.2)
    assert max(took["cache,parallel,incremental", age] for age in ("cold", "warm")) < 10


@pytest.mark.parametrize("name", ["run-parallel-workflow.sh", "run-full-optimized-workflow.sh"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_script_ends_its_tasks_and_leaves_nothing(agents, tmp_path, name, number):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for task in (1, 3, 4, 5):
        write(agents, task, f"echo $$ >{tmp_path}/pid-{task}; sleep 600", 0)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("K1N_", "PYTEST"))}
    given = {"K1N_AGENTS": str(agents), "K1N_METRICS": str(tmp_path), "K1N_SPEED": "1", "TMPDIR": str(scratch)}
    with subprocess.Popen(
        [str(ROOT / "tests" / name)], env=inherited | given, cwd=tmp_path, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as script:  # fmt: skip
        wait_until(lambda: [path for path in tmp_path.glob("pid-*") if path.read_text().strip()])
        pids = [int(path.read_text()) for path in tmp_path.glob("pid-*")]
        script.send_signal(number)
        assert script.wait(30) == 128 + number
    wait_until(lambda: not any(map(is_alive, pids)))
    assert list(scratch.iterdir()) == []


def wait_until(holds, *, within_s=30):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
