"""The same seed gives the same history to the byte, and one execution disturbs no other (`make determinism`)."""

import os
import random
import subprocess
import sys

import pytest

from k1n_support.examples import share
from k1n_support.history import digest
from pytest_k1n.engine.runtime.virtualwork import VirtualResult

SEEDS = 1000 if os.environ.get("K1N_LONG") else share(0.6).max_examples


class Random:
    """Fails, is slow, dies: decided by seed, ref and attempt alone."""

    def __init__(self, seed):
        self.seed = seed

    def work(self, task):
        draw = random.Random(f"{self.seed}/{task.execution.definition.name}/{task.ref}/{task.attempt}")
        if draw.random() < 0.1:
            return VirtualResult(work_ms=None)
        status = "FAILED" if draw.random() < 0.2 else "COMPLETED"
        return VirtualResult(status=status, output={"v": draw.randrange(9)}, work_ms=draw.randrange(5000))


def mixed(make):
    body = [make.simple("a", inputParameters={"x": "${loop.output.loopItem}"}), make.simple("b", optional=True)]
    return make.workflow(
        *make.fork([make.simple("c")], [make.simple("d"), make.simple("e")]),
        make.loop(body),
        make.switch({"1": [make.simple("f")]}, [make.simple("g")], on="${c.output.v}"),
    )


def history(make, seed):
    bench = make.bench(seed=seed)
    bench.define(*"abcdefg", retryCount=2, responseTimeoutSeconds=10, backoffJitterMs=3000)
    bench.engine.attach_to_all(Random(seed))
    for _ in range(2):
        bench.start(mixed(make), {"items": [1, 2]})
    bench.engine.drain()
    return bench.engine


@pytest.fixture(scope="module")
def digests(make):
    return [digest(history(make, seed)) for seed in range(SEEDS)]


def test_every_seed_repeats_to_the_byte(make, digests):
    for seed, first in enumerate(digests):
        assert digest(history(make, seed)) == first, f"seed {seed} differs"
    assert len(set(digests)) == SEEDS


SCRIPT = """
import sys
sys.path.insert(0, "tests/support")
from tests.unit.engine import conftest, test_determinism as test
from types import SimpleNamespace
make = SimpleNamespace(**{**vars(conftest), "bench": conftest.Bench})
print(*(test.digest(test.history(make, seed)) for seed in range(int(sys.argv[1]))), sep="\\n")
"""


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_no_history_depends_on_the_process_or_its_hash_seed(digests, hash_seed):
    other = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(SEEDS)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.split() == digests


def test_another_execution_disturbs_neither_ids_nor_delays(make):
    def ids(extra):
        bench = make.bench(seed=3)
        bench.define("a", retryCount=3, backoffJitterMs=5000)
        bench.engine.attach_to_all(make.worker({"a": [make.result(status="FAILED", work_ms=5)] * 2}))
        if extra:
            bench.start(make.workflow(make.simple("b"), name="other"))
        execution = bench.start(make.workflow(make.simple("a")))
        bench.engine.drain()
        return [(task.task_id, task.scheduled_ms, task.started_ms) for task in execution.state.tasks]

    assert ids(extra=False) == ids(extra=True)
