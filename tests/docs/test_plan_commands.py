"""The optimisation plan's commands, typed in a fresh clone as the page has them: each leaves what it promises."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "optimise.md"
ROW = re.compile(r"^\| [1-5] \| `(?P<typed>.+?)`(?P<note>[^|]*) \| (?P<leaves>.*)\|$", re.MULTILINE)
ROWS = [match.groupdict() for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def test_the_table_has_every_script_that_the_plan_names() -> None:
    typed = " ".join(row["typed"] for row in ROWS)
    for name in (
        "profile-task.sh", "profile-task8.sh", "analyze-profiles.py", "task-8-codegen-handler.sh",
        "task-3-architecture-handler.sh", "task-4-testing-handler.sh", "task-5-security-handler.sh",
        "run-parallel-workflow.sh", "run-full-optimized-workflow.sh", "validate_conductor_resilience.sh",
    ):  # fmt: skip
        assert name in typed


@pytest.mark.slow
def test_each_command_works_in_a_fresh_clone_and_leaves_its_files(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("K1N_", "PYTEST"))}
    environment["PATH"] = f"{ROOT / '.venv/bin'}:{environment['PATH']}"
    for row in ROWS:
        if row["note"]:  # needs Java, or results of a run
            continue
        typed = row["typed"].replace("\\|", "|").replace("NOW", "20251110_090000")
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", typed], cwd=clone, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{typed}: {done.stdout}{done.stderr}"
        for pattern in re.findall(r"`([^`]+)`", row["leaves"]):
            assert list(clone.glob(pattern)), f"{typed} did not leave {pattern}"
    status = subprocess.run(["git", "status", "--short"], cwd=clone, capture_output=True, text=True, check=True).stdout
    assert status == ""
