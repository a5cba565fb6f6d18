"""What-if answers against the embedded engine: the same change made for real gives the same makespan, to the ms."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.report.advice import model_of
from pytest_k1n.report.execution_document import JudgedExecution, execution_document

REFS = "abcdefgh"


def ran(make, document, works, *, slots=1_000_000):
    bench = make.bench()
    bench.define(*REFS)
    tape = {ref: [make.result(output={}, work_ms=ms)] for ref, ms in works.items()}
    execution = wire.execution(bench.run(document, tape=tape, slots=slots).document())
    assert execution.status == "COMPLETED"
    observation = observe(execution, time_model="virtual")
    return execution_document(JudgedExecution(observation=observation, title="x", verdict="pass"))


def chain(make, refs):
    return [make.simple(ref) for ref in refs]


@share(0.6)
@given(seed=st.integers(0, 2**32 - 1))
def test_other_durations_are_predicted_to_the_ms(make, seed):
    rng = random.Random(seed)
    works = {ref: rng.randrange(1, 100_000) for ref in REFS}
    document = make.workflow(
        make.simple("a"), *make.fork(chain(make, "bc"), chain(make, "d"), chain(make, "efg")), make.simple("h")
    )
    model = model_of(ran(make, document, works))
    changed = dict(works)
    for ref in rng.sample(REFS, 3):
        changed[ref] = rng.randrange(1, 100_000)
        model = model.with_duration(ref, changed[ref])
    assert model.makespan_ms() == ran(make, document, changed)["makespan_ms"]


@pytest.mark.parametrize("refs", ["bc", "bcd", "abcdefgh"])
def test_a_chain_that_becomes_a_fork_is_predicted_to_the_ms(make, refs):
    works = {ref: 1000 * (3 + index * 7 % 5) + index for index, ref in enumerate(REFS)}
    before = make.workflow(*chain(make, REFS))
    first = REFS.index(refs[0])
    branches = [[make.simple(ref)] for ref in refs]
    after = make.workflow(
        *chain(make, REFS[:first]), *make.fork(*branches), *chain(make, REFS[first + len(refs) :])
    )  # fmt: skip
    predicted = model_of(ran(make, before, works)).side_by_side(list(refs)).makespan_ms()
    assert predicted == ran(make, after, works)["makespan_ms"]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_fewer_workers_are_predicted_to_the_ms(make, slots):
    works = {ref: [7_000, 3_000, 9_000, 4_000, 2_000, 8_000, 5_000, 1_000][index] for index, ref in enumerate(REFS)}
    branches = [[make.simple("a", ref)] for ref in REFS]
    document = make.workflow(*make.fork(*branches))
    model = model_of(ran(make, document, works))
    assert model.makespan_ms({"a": slots}) == ran(make, document, works, slots=slots)["makespan_ms"]


def test_a_task_left_out_is_predicted_to_the_ms(make):
    works = dict.fromkeys(REFS, 5_000)
    model = model_of(ran(make, make.workflow(*chain(make, "abc")), works)).without("b")
    assert model.makespan_ms() == ran(make, make.workflow(*chain(make, "ac")), works)["makespan_ms"]
