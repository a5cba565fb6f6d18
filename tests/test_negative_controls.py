"""Negative controls: each breaks the K1N plan in one way, and the shipped suite must fail in the right test.

On the embedded engine always; on a real Conductor with `K1N_LIVE=1` (marker `live`). The finding must name the ref,
what was expected and what was observed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import read_source

ROOT = Path(__file__).parents[1]
T1, T2, T3, T4, T5 = (
    "test_template_01_single_task.py",
    "test_template_02_dependency_chain.py",
    "test_template_03_parallel_execution.py",
    "test_template_04_full_22task.py",
    "test_template_05_optimized.py",
)
T23 = "test_templates_02_and_03_side_by_side.py"


@dataclass(frozen=True, kw_only=True)
class Control:
    """One way to break the plan, and what must be seen of it."""

    modules: tuple[str, ...]
    fails: tuple[str, ...]
    """Tests that must fail."""
    findings: tuple[str, ...]
    """Patterns, each of which some line must match: code, ref, expected, observed."""
    fault: str = ""
    definition: tuple[str, str] | None = None
    """(file of fixtures/negative, workflow that it replaces)."""
    blocked: int = 0
    passes: tuple[str, ...] = field(default=())
    """Tests that must still pass: the control breaks one thing, not everything."""


CONTROLS = {
    "seven-does-not-wait-for-six": Control(
        modules=(T2,),
        definition=("K1N_TEMPLATE_02.7-does-not-wait-for-6.json", "K1N_TEMPLATE_02"),
        fails=("test_the_chain_runs_in_order_without_premature_starts",),
        findings=(r"started-early: task_7: expected .*task_6.*; observed .*",),
        passes=("test_every_task_completes",),
    ),
    "the-fork-became-a-chain": Control(
        modules=(T3,),
        definition=("K1N_TEMPLATE_03.fork-became-chain.json", "K1N_TEMPLATE_03"),
        fails=("test_the_four_tasks_start_together", "test_all_four_run_at_the_same_time"),
        findings=(
            r"starts-apart: task_7: expected to start within 150 ms of task_4; observed .* later",
            r"wrong-concurrency: .*expected .*4.*; observed .*1",
        ),
        passes=("test_every_task_completes",),
    ),
    "nine-forked-beside-eight": Control(
        modules=(T4,),
        definition=("K1N_22TASK_COMPLETE.9-beside-8.json", "K1N_22TASK_COMPLETE"),
        fails=(
            "test_task_9_waits_for_task_8",
            "test_phase_3_starts_after_phase_2_and_takes_40_to_45_minutes",
            "test_no_task_starts_before_what_it_waits_for",
        ),
        findings=(r"started-early: task_9: expected .*task_8.*; observed .*", r"barrier-crossed: .*task_9"),
        passes=("test_all_22_tasks_complete", "test_phase_1_takes_7_to_10_minutes"),
    ),
    "the-join-waits-for-nothing": Control(
        modules=(T3,),
        definition=("K1N_TEMPLATE_03.join-waits-for-nothing.json", "K1N_TEMPLATE_03"),
        fails=("test_every_task_completes",),
        findings=(
            r"join-on-nothing: all_done: expected to wait for .*task_4, task_5, task_6, task_7; observed its joinOn",
        ),
        passes=("test_the_four_tasks_start_together", "test_it_takes_13_to_20_minutes"),
    ),
    "sixteen-forked-beside-ten": Control(
        modules=(T5,),
        definition=("K1N_22TASK_OPTIMIZED.16-beside-10.json", "K1N_22TASK_OPTIMIZED"),
        fails=("test_all_22_tasks_complete_in_order",),
        findings=(
            r"barrier-crossed: task_16: expected phase 4 .* to start when phase 3 .* has ended; observed task_16",
        ),
        passes=("test_tasks_3_4_and_5_run_side_by_side_and_share_no_data", "test_task_8_takes_less_than_10_minutes"),
    ),
    "a-handler-30-percent-slow": Control(
        modules=(T2,),
        fault="K1N_TEMPLATE_02/task_7:slow=1.3",
        fails=("test_it_takes_25_to_40_minutes",),
        findings=(r"slower-than-estimate: task_7: expected .*; observed 15\.\d min.*, by \+(29|30|31)",),
        passes=("test_the_chain_runs_in_order_without_premature_starts", "test_every_task_completes"),
    ),
    "a-handler-that-fails": Control(
        modules=(T1, T2, T3, T4),
        fault="K1N_TEMPLATE_01/task_1:fail=no disk",
        fails=("test_it_completes",),
        findings=(r"task-failed: task_1: expected COMPLETED; observed FAILED .*no disk",),
        blocked=24,
    ),
    "a-handler-that-hangs-past-its-timeout": Control(
        modules=(T2,),
        fault="K1N_TEMPLATE_02/task_7:hang",
        fails=("test_every_task_completes", "test_it_takes_25_to_40_minutes"),
        findings=(r"task-failed: task_7: expected COMPLETED; observed TIMED_OUT .*responseTimeout",),
        passes=("test_task_6_starts_at_once",),
    ),
    "a-handler-invoked-twice": Control(
        modules=(T1,),
        fault="K1N_TEMPLATE_01/task_1:twice",
        fails=("test_its_handler_ran_exactly_once",),
        findings=(r"wrong-invocations: task_1: expected the handler called exactly once; observed 2 calls",),
        passes=("test_it_completes",),
    ),
    "the-worker-killed-and-not-restarted": Control(
        modules=(T4,),
        fault="K1N_22TASK_COMPLETE/task_10:die",
        fails=("test_all_22_tasks_complete",),
        findings=(
            r"K1N_22TASK_COMPLETE is given up, RUNNING: the worker .*died",
            r"not-run: task_11: .*never scheduled",
        ),
        passes=("test_phase_1_takes_7_to_10_minutes", "test_task_8_starts_37_to_60_minutes_in"),
    ),
    "one-workflow-writes-the-others-data": Control(
        modules=(T2, T3, T23),
        fault="K1N_TEMPLATE_03/task_4:leak=K1N_TEMPLATE_02",
        fails=("test_neither_leaves_a_trace_in_the_other",),
        findings=(r"tainted: task_4: ",),
        passes=("test_they_really_overlap", "test_the_chain_runs_in_order_without_premature_starts"),
    ),
}


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.live)])
def server(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "embedded":
        return ["--k1n-server=embedded"]
    url = request.getfixturevalue("live_server").url
    return [f"--k1n-server={url}", "--k1n-time=scaled", "--k1n-register=always"]


@pytest.mark.parametrize("name", CONTROLS)
def test_the_suite_notices(name: str, server: list[str], tmp_path: Path) -> None:
    control = CONTROLS[name]
    run = run_suite(control, server, tmp_path)
    assert run.returncode == 1, run.stdout
    verdicts = dict(re.findall(r"::(\w+) (PASSED|FAILED|UNKNOWN|BLOCKED|ERROR)", run.stdout))
    for test in control.fails:
        assert verdicts[test] == "FAILED", f"{test}: {verdicts.get(test)}\n{run.stdout}"
    for test in control.passes:
        assert verdicts[test] == "PASSED", f"{test}: {verdicts.get(test)}\n{run.stdout}"
    for pattern in control.findings:
        assert re.search(pattern, run.stdout), f"no line matches {pattern!r}\n{run.stdout}"
    assert len([word for word in verdicts.values() if word == "BLOCKED"]) <= control.blocked
    if control.blocked:
        assert f"{control.blocked} blocked" in run.stdout


def test_every_mutant_of_a_definition_has_a_control_that_notices_it() -> None:
    used = {control.definition[0] for control in CONTROLS.values() if control.definition}
    assert used == {path.name for path in (ROOT / "fixtures" / "negative").glob("*.json")}


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        ("K1N_TEMPLATE_03.join-waits-for-nothing.json", "join-on-nothing"),
        ("K1N_22TASK_OPTIMIZED.16-beside-10.json", "read-too-early"),
    ],
)
def test_lint_finds_what_a_mutant_reads_too_early_or_does_not_wait_for(variant: str, code: str) -> None:
    report = lint([read_source(ROOT / "fixtures" / "negative" / variant, variant)])
    assert code in {found.code for found in report.findings}


def test_a_violation_in_the_middle_is_printed_before_the_end(server: list[str], tmp_path: Path) -> None:
    run = run_suite(CONTROLS["nine-forked-beside-eight"], server, tmp_path)
    lines = [line for line in run.stdout.splitlines() if line.startswith("  k1n K1N_22TASK_COMPLETE at ")]
    early = next(index for index, line in enumerate(lines) if "started-early: task_9" in line)
    end = next(index for index, line in enumerate(lines) if line.endswith(": COMPLETED"))
    assert early < end
    if "--k1n-time=scaled" in server:  # virtual time is over before anybody could look
        at = re.match(r"  k1n K1N_22TASK_COMPLETE at ([\d.]+) min", lines[early])
        assert at
        assert float(at[1]) < 60


def run_suite(control: Control, server: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the suite's modules in a copy of the project, with the control's definition or fault."""
    for folder in ("suites", "fixtures/workflows", "fixtures/tasks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    if control.definition:
        variant, workflow = control.definition
        shutil.copy(ROOT / "fixtures" / "negative" / variant, tmp_path / "fixtures" / "workflows" / f"{workflow}.json")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    arguments = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *server]
    if control.fault:
        arguments.append(f"--k1n-fault={control.fault}")
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("K1N_", "CONDUCTOR_", "PYTEST_"))
    }
    return subprocess.run(
        [*arguments, *(f"suites/{module}" for module in control.modules)],
        cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
