"""Both errors of a verdict in their short form: ten healthy runs, five of each fault, on Conductors of its own.

Three minutes of a quiet machine, ten of a busy one, so `K1N_LONG=1` asks for it; `.ci/run` shows its table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.long]

ROOT = Path(__file__).parents[2]
WITHIN_S = 1200.0


def test_healthy_runs_pass_and_faults_are_noticed(tmp_path: Path) -> None:
    log = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.both_ways", "--short", "--column", "short form", "--log", str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = Counter(json.loads(line)["case"] for line in log.read_text(encoding="utf-8").splitlines())
    assert sorted(counts.values()) == [5, 5, 5, 5, 5, 10]
