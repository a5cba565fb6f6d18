"""The same seed gives the same history to the byte, and one execution disturbs no other."""

import os
import random
import subprocess
import sys

from pytest_k1n.engine.history import canonical_history, digest
from pytest_k1n.engine.virtualwork import VirtualResult

SEEDS = 1000 if os.environ.get("K1N_LONG") else 60


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


def test_every_seed_repeats_to_the_byte(make):
    digests = set()
    for seed in range(SEEDS):
        first, second = history(make, seed), history(make, seed)
        assert canonical_history(first) == canonical_history(second), f"seed {seed} differs"
        digests.add(digest(first))
    assert len(digests) == SEEDS


SCRIPT = """
from tests.unit.engine import conftest, test_engine_determinism as test
from types import SimpleNamespace
make = SimpleNamespace(**{**vars(conftest), "bench": conftest.Bench})
print(test.digest(test.history(make, 7)))
"""


def test_the_history_does_not_depend_on_the_hash_seed(make):
    seen = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert seen == {digest(history(make, 7))}


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
