"""The decider against `core.order`, which was written without it: no generated run breaks the definition's order."""

import random

from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.order.unroll import expected_keys, happens_before, unexpected_keys
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.runtime.virtualwork import VirtualResult


class Grammar:
    """Draws a definition; refs are numbered, so that each is unique."""

    def __init__(self, make, draw):
        self.make, self.draw, self.count = make, draw, 0

    def ref(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def tasks(self, depth, in_loop=False):
        made = []
        for _ in range(self.draw.randint(1, 3)):
            made.extend(self.one(depth, in_loop))
        return made

    def one(self, depth, in_loop):
        kind = self.draw.choice(["task"] if depth == 0 else ["task", "task", "fork", "switch", "loop", "wait", "set"])
        make = self.make
        if kind == "fork":
            branches = [self.tasks(depth - 1, in_loop) for _ in range(self.draw.randint(1, 3))]
            return make.fork(*branches, ref=self.ref("fork"), join=self.ref("join"))
        if kind == "switch":
            cases = {"x": self.tasks(depth - 1, in_loop), "y": self.tasks(depth - 1, in_loop)}
            return [make.switch(cases, ref=self.ref("switch"), on=self.draw.choice(["x", "y", "z"]))]
        if kind == "loop" and not in_loop:
            return [make.loop(self.tasks(depth - 1, in_loop=True), ref=self.ref("loop"), items=[1, 2])]
        if kind == "wait":
            return [make.of_type("WAIT", self.ref("wait"), inputParameters={"duration": "3s"})]
        if kind == "set":
            return [make.of_type("SET_VARIABLE", self.ref("set"), inputParameters={"v": 1})]
        return [make.simple("a", self.ref("t"), optional=self.draw.random() < 0.2)]


class Unsteady:
    def __init__(self, draw):
        self.draw = draw

    def work(self, task):
        if self.draw.random() < 0.05:
            return VirtualResult(work_ms=None)
        status = "FAILED" if self.draw.random() < 0.1 else "COMPLETED"
        return VirtualResult(status=status, work_ms=self.draw.randrange(4000))


@share(1.5)
@given(seed=st.integers(0, 10**9))
def test_no_run_breaks_the_definitions_order(make, seed):
    draw = random.Random(seed)
    bench = make.bench(seed=seed)
    bench.define("a", retryCount=2, responseTimeoutSeconds=20, retryDelaySeconds=1)
    bench.engine.attach_to_all(Unsteady(draw), slots=draw.randint(1, 4))
    execution = bench.start(make.workflow(*Grammar(make, draw).tasks(2)))
    bench.engine.drain()

    history = wire.execution(execution.document())
    graph = happens_before(history.definition, history)
    assert history.is_terminal
    assert ordering(history, graph).findings == ()
    assert unexpected_keys(graph, history) == ()
    if history.status == "COMPLETED":
        assert set(expected_keys(graph, history)) <= set(history.finals)
