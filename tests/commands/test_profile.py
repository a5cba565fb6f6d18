"""`k1n profile`, and the scripts in .conductor/metrics that the optimisation plan names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_k1n.cli import main
from pytest_k1n.commands.profiling import find_handler, measure, read_profiles, speed_of
from pytest_k1n.workers.script import BadScript

ROOT = Path(__file__).parents[2]
METRICS = ROOT / ".conductor" / "metrics"


@pytest.fixture
def handler(tmp_path):
    def write(body: str, name: str = "task-3-architecture-handler.sh") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


def typed(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("K1N_", "PYTEST"))}
    return subprocess.run(
        [str(each) for each in command], env=inherited | environment, capture_output=True, text=True, check=False
    )


def run(path: Path, **environment: str):
    lines: list[str] = []
    return measure("3", path, path.with_suffix(".log"), {"PATH": os.environ["PATH"], **environment}, lines.append)


def test_simulated_time_counts_as_long_as_it_stands_for(handler):
    measured = run(handler('sleep 0.1; echo \'{"simulated": true, "simulated_ms": 100}\''), K1N_SPEED="600")
    real_ms = measured.profile.wall_ms - 100
    assert measured.profile.duration_ms == pytest.approx(60_000 + real_ms, abs=2)
    assert measured.profile.simulated


def test_real_time_counts_once(handler):
    profile = run(handler("echo '{\"simulated\": false}'")).profile
    assert (profile.duration_ms, profile.simulated, profile.speed) == (profile.wall_ms, False, 1.0)


def test_a_handler_that_claims_more_than_it_took_is_held_to_what_it_took(handler):
    profile = run(handler('echo \'{"simulated": true, "simulated_ms": 1e9}\''), K1N_SPEED="2").profile
    assert profile.duration_ms == pytest.approx(2 * profile.wall_ms, abs=2)


def test_a_handler_is_told_its_workflow_speed_and_task(handler):
    assert run(handler('echo "$1 $K1N_WORKFLOW $K1N_SPEED"')).lines == ("3 K1N_22TASK_COMPLETE 600",)


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan"])
def test_a_speed_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="K1N_SPEED is"):
        speed_of({"K1N_SPEED": text})


def test_the_name_of_a_handler_by_number_finds_the_one_with_a_title(handler):
    path = handler("exit 0")
    assert find_handler("3", path.with_name("task-3-handler.sh")) == path
    with pytest.raises(BadScript, match="none for task 4 beside it"):
        find_handler("4", path.with_name("task-4-handler.sh"))


def test_the_wrapper_keeps_the_handlers_exit_code_its_log_and_the_plans_fields(handler, tmp_path):
    path = handler("echo out; echo err >&2; exit 7")
    done = typed(METRICS / "profile-task.sh", "3", path, K1N_METRICS=str(tmp_path))
    assert done.returncode == 7
    (written,) = (tmp_path / "profiles").glob("task-3-*-profile.json")
    document = json.loads(written.read_text())
    fields = ["task_id", "start_time", "end_time", "duration_ms", "duration_sec", "exit_code", "log_file"]
    assert list(document)[:7] == fields
    assert (document["task_id"], document["exit_code"]) == (3, 7)
    assert sorted(Path(document["log_file"]).read_text().split()) == ["err", "out"]
    assert f"Profile saved: {written}" in done.stdout


def test_the_wrapper_says_how_it_is_used():
    done = typed(METRICS / "profile-task.sh", "3")
    assert (done.returncode, done.stderr) == (2, "usage: profile-task.sh <task-id> <handler-script>\n")


def test_the_analysis_takes_the_newest_baseline_of_a_folder_and_writes_its_summary(tmp_path):
    for name, duration in (("20251110_090000", 1000), ("20251111_090000", 2000)):
        (tmp_path / name).mkdir()
        document = {"task_id": 8, "start_time": name, "duration_ms": duration, "exit_code": 0}
        (tmp_path / name / "task-8-x-profile.json").write_text(json.dumps(document))
    (tmp_path / "20251112_090000").mkdir()
    done = typed(sys.executable, METRICS / "analyze-profiles.py", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "20251111_090000" / "summary.json").read_text())["total_duration_ms"] == 2000
    assert not (tmp_path / "20251110_090000" / "summary.json").exists()


def test_a_file_that_is_no_profile_is_named_in_one_line(tmp_path):
    (tmp_path / "task-8-profile.json").write_text("{")
    done = typed(sys.executable, METRICS / "analyze-profiles.py", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"k1n profile: {tmp_path}/task-8-profile.json is no profile")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("folder", "says"), [("none", "no such folder"), (".", "no profiles in")])
def test_a_folder_without_profiles_is_said_so(tmp_path, folder, says):
    with pytest.raises(ValueError, match=says):
        read_profiles(tmp_path / folder)


def test_the_steps_of_task_8_come_to_the_plans_quarter_of_an_hour(tmp_path):
    done = typed(METRICS / "profile-task8.sh", K1N_METRICS=str(tmp_path), K1N_STATE=str(tmp_path), K1N_SPEED="6000")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "task8-breakdown.jsonl").read_text().splitlines()]
    assert [row["operation"] for row in rows] == ["parse", "generate", "compile", "quality", "write"]
    minutes = [row["duration_ms"] / 60_000 for row in rows]
    assert minutes == pytest.approx([2, 5, 4, 3, 1], abs=0.1)  # what its own bookkeeping takes is real, and counts


def test_a_direct_baseline_has_the_bottlenecks_of_the_plan(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("K1N_SPEED", "20000")
    monkeypatch.setenv("K1N_STATE", str(tmp_path / "state"))
    assert main(["profile", "baseline", "--into", str(tmp_path / "b")]) == 0
    summary = json.loads((tmp_path / "b" / "summary.json").read_text())
    assert summary["task_count"] == 22
    assert summary["total_duration_min"] == pytest.approx(130, abs=1)
    assert (summary["critical_path_tasks"], summary["major_path_tasks"]) == ([8], [7, 6])
    shares = [line.split()[4] for line in capsys.readouterr().out.splitlines() if line[:2] in ("1 ", "2 ", "3 ")]
    # What the handlers really take counts as well: seconds on a machine that is drowning.
    assert [float(share.rstrip("%")) for share in shares] == pytest.approx([11.5, 9.2, 7.7], abs=0.4)


def test_a_workflow_that_the_plan_does_not_have_is_refused(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["profile", "baseline", "--workflow", "OTHER"]) == 2
    assert "has no workflow OTHER; it has K1N_TEMPLATE_01" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_the_handler_is_begun_ends_it(handler, monkeypatch, number):
    made = []

    class Begun(subprocess.Popen):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            made.append(self)
            os.kill(os.getpid(), number)  # nobody knows of the process yet

    monkeypatch.setattr(subprocess, "Popen", Begun)
    with pytest.raises(KeyboardInterrupt):
        run(handler("sleep 600"))
    assert made[0].wait(10) == -signal.SIGKILL
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "x" * 5000, "http://me:hunter2@host", "a\udcffb"])
def test_a_profile_stays_in_its_folder_whatever_the_task_is_called(name, handler, tmp_path, monkeypatch, capsys):
    script = handler("echo '{}'")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["profile", "task", name, str(script), "--into", "kept"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"here", script.name}
    assert [path.name.endswith("-profile.json") for path in Path("kept").glob("*.json")] == [True]
    assert "hunter2" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [{"start_time": 5}, {"exit_code": "0"}, {"speed": "fast", "simulated": True}, {"wall_ms": None}]
)
def test_a_profile_with_a_value_of_another_kind_is_named(wrong, tmp_path, capsys):
    good = {"task_id": 1, "start_time": "2026-01-01T00:00:00Z", "duration_ms": 5, "exit_code": 0}
    (tmp_path / "task-1.json").write_text(json.dumps(good))
    (tmp_path / "task-2.json").write_text(json.dumps({**good, **wrong}))
    assert main(["profile", "analyze", str(tmp_path)]) == 2
    assert f"task-2.json is no profile: {next(iter(wrong))} is" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_among_profiles_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "task-1.json")
    assert main(["profile", "analyze", str(tmp_path)]) == 2
