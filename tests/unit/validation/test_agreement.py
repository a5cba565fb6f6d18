"""A document that says two things of one: what no run writes."""

import pytest

from pytest_k1n.validation.agreement import of_results, of_run

RESULTS = {"verdict": "pass", "gates": {"verdict": "warn"}, "started_ms": 1000, "ended_ms": 4000, "makespan_ms": 3000}
RUN = {
    "verdict": "pass",
    "batches": [{"verdict": "pass"}, {"verdict": "blocked"}],
    "tests": [{"outcome": "passed", "node_id": "t::a"}],
}


@pytest.mark.parametrize(
    "sound",
    [
        {},
        {"gates": None},
        {"verdict": "fail", "gates": {"verdict": "fail"}},
        {"ended_ms": None, "makespan_ms": None},
        {"started_ms": None, "ended_ms": None, "makespan_ms": None},
    ],
)
def test_results_that_agree_with_themselves(sound):
    assert list(of_results(RESULTS | sound)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"gates": {"verdict": "fail"}}, "$.verdict: pass, and gates.verdict is fail"),
        ({"gates": {"verdict": "unknown"}}, "$.verdict: pass, and gates.verdict is unknown"),
        ({"ended_ms": 0}, "$.ended_ms: before started_ms"),
        ({"makespan_ms": 10}, "$.makespan_ms: 10, and from started_ms to ended_ms it is 3000"),
    ],
)
def test_results_that_contradict_themselves(changed, said):
    assert [str(each) for each in of_results(RESULTS | changed)] == [said]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"verdict": "fail", "batches": [{"verdict": "fail"}]}, []),
        ({"batches": [{"verdict": "fail"}]}, ["$.verdict: pass, and batches[0].verdict is fail"]),
        (
            {"tests": [*RUN["tests"], {"outcome": "failed", "node_id": "t::b"}]},
            ["$.verdict: pass, and tests[1].outcome is failed: t::b"],
        ),
    ],
)
def test_a_run_that_passed_has_nothing_that_failed(changed, said):
    assert [str(each) for each in of_run(RUN | changed)] == said
