"""What would have run at the same time if machine and server had not stood still."""

import pytest

from pytest_k1n.core.expectations import concurrency
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import evaluate, single
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather


def weather(build, *stalls):
    server = tuple(Interval(build.ZERO + start, build.ZERO + end) for start, end in stalls)
    return Weather(server=server, until_ms=build.ZERO + 99_000)


def fork_of_three(build, *stalls):
    """`c` was queued with the others and taken when `a` had ended."""
    return build.observation(
        build.task("a", 1, 301, scheduled=0), build.task("b", 2, 302, scheduled=0),
        build.task("c", 303, 600, scheduled=0), build.task("join", 0, 601, type="JOIN"),
        definition=build.fork(["a"], ["b"], ["c"]), weather=weather(build, *stalls),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stalls", "verdict"),
    [([(3, 160)], Verdict.WARN), ([(3, 150)], Verdict.FAIL), ([(305, 600)], Verdict.FAIL), ([], Verdict.FAIL)],
)
def test_a_concurrency_that_a_standing_server_prevented_is_not_measurable(build, stalls, verdict):
    [finding] = concurrency(3).judge(fork_of_three(build, *stalls)).findings
    assert finding.verdict is verdict
    assert finding.code == ("not-measurable" if verdict is Verdict.WARN else "wrong-concurrency")
    assert finding.observed.startswith("2")
    assert concurrency(4).judge(fork_of_three(build, *stalls)).verdict is Verdict.FAIL
    assert concurrency(1).judge(fork_of_three(build, *stalls)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("stalls", "code"), [([(3, 170)], "not-measurable"), ([(3, 150)], "wrong-concurrency")])
def test_so_is_that_of_branches_with_fewer_slots(build, stalls, code):
    seen = build.observation(
        build.task("a", 1, 301, scheduled=0, name="t"), build.task("b", 303, 600, scheduled=0, name="t"),
        build.task("c", 602, 900, scheduled=0, name="t"), build.task("join", 0, 901, type="JOIN"),
        definition=build.fork(["a"], ["b"], ["c"]), slots=2, weather=weather(build, *stalls),
    )  # fmt: skip
    assert code in [finding.code for finding in evaluate(single(seen)).category("G4").findings]
