"""P21, P22: what `conductor.run` costs in a test, in CPU time of whole processes, beside what others' users pay.

- P21: tasks per CPU-second of a test that runs a chain with a handler for each task and reads its status, in a loop,
  at 22 and at 300 tasks; "slope" is the cost of a task at 300 over that at 22. Peers, measured once on such a machine:
  Temporal's Java test server 133 tasks per CPU-second, AWS's durable runner 225. It was 196 and 16 here, when every
  event read the whole execution again.
- P22: what the first `conductor.run` of a process adds to an empty test: mostly imports. Peers: AWS 0.58 s, Temporal
  3.4, Zeebe 8.6; it was 0.49 here.
- "1,000 tests": tests of five tasks each, over as many empty ones, in seconds of CPU.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row, row

ROUNDS = 7
CHAIN = """
import json, time

def chain(length):
    tasks = [{"name": f"t{n}", "taskReferenceName": f"t{n}", "type": "SIMPLE"} for n in range(length)]
    return {"name": f"chain_{length}", "version": 1, "ownerEmail": "me@example.com", "tasks": tasks}

def handlers(length):
    return {f"t{n}": (lambda task: {"v": 1}) for n in range(length)}
"""
LOOP = """
def test_it(conductor):
    found = {}
    for length in (22, 300):
        definition, given = chain(length), handlers(length)
        assert conductor.run(definition, handlers=given).status == "COMPLETED"
        times = []
        for _ in range(5):
            began = time.process_time()
            for _ in range(900 // length):
                assert conductor.run(definition, handlers=given).status == "COMPLETED"
            times.append((time.process_time() - began) / (900 // length) / length)
        found[length] = min(times)
    with open("found.json", "w") as file:
        json.dump(found, file)
"""
FIRST = """
def test_it(conductor):
    assert conductor.run(chain(1), handlers=handlers(1)).status == "COMPLETED"
"""
MANY = """
import pytest

@pytest.mark.parametrize("n", range(1000))
def test_it(conductor, n):
    assert conductor.run(chain(5), handlers=handlers(5)).status == "COMPLETED"
"""
MANY_EMPTY = """
import pytest

@pytest.mark.parametrize("n", range(1000))
def test_it(n):
    pass
"""
EMPTY = "def test_it():\n    pass\n"


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="k1n-run-") as name:
        folder = Path(name)
        cpu_s(folder, CHAIN + LOOP)
        found = json.loads((folder / "found.json").read_text())
        for length, peer, was in (("22", "Temporal's Java test server", 133), ("300", "AWS's durable runner", 225)):
            value = 1 / found[length]
            yield row(f"P21 {length} tasks", value, "tasks/CPU-s", limit=5000, at_least=True, peer=peer, peer_value=was)
        yield row("P21 slope", found["300"] / found["22"], "300 / 22", limit=1.05)
        first = [cpu_s(folder, CHAIN + FIRST) - cpu_s(folder, EMPTY) for _ in range(ROUNDS)]
        yield row("P22 first run", statistics.median(first), "CPU-s", limit=0.15, peer="AWS", peer_value=0.58)
        many = [cpu_s(folder, CHAIN + MANY) - cpu_s(folder, MANY_EMPTY) for _ in range(3)]
        yield row("P22 1,000 tests", statistics.median(many), "CPU-s", limit=3)


def cpu_s(folder: Path, source: str) -> float:
    """Return the CPU time of a pytest run of one module, with this plugin alone."""
    (folder / "test_it.py").write_text(source)
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": str(folder / "cache")}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_k1n.plugin"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
