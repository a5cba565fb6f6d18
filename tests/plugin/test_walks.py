"""How far one thought walks through the package: what ARCHITECTURE.md says of it, and no further."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALKS = ROOT / "benchmarks" / "walks.py"
ROW = re.compile(r"^\| (results|start|plan) \|((?: \d+ \|){5})$", re.MULTILINE)
TOLD = {
    row[1]: [int(each) for each in re.findall(r"\d+", row[2])]
    for row in ROW.finditer((ROOT / "ARCHITECTURE.md").read_text())
}
SLACK = 4
"""Hops that one run makes and another does not: the director's thread and the tests' take turns."""


@pytest.mark.parametrize("walk", ["results", "start", "plan"])
def test_a_walk_is_no_longer_than_it_is_said_to_be(walk, tmp_path):
    """One run of pytest under a profile, three seconds for the longest."""
    command = [sys.executable, str(WALKS), walk]
    environment = {**os.environ, "K1N_RESULTS": str(tmp_path)}
    made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    lines = [line for line in made.stdout.splitlines() if line.startswith(f"{walk}: ")]
    entered, hops, _, files, followed, up = (int(each) for line in lines for each in re.findall(r"\d+", line))
    told = TOLD[walk]
    assert all(now <= then + SLACK for now, then in zip((entered, hops, files, followed), told[:4], strict=True)), lines
    assert up <= told[4], lines
    assert followed > told[3] / 2, "the walk was not traced, or its row is out of date"
