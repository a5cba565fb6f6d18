"""What would have run at the same time if the server had answered at once."""

import pytest

from pytest_k1n.core.expectations import concurrency
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import evaluate, single
from pytest_k1n.core.record.observation import Invocation
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather


def asked(build, ref, start, end):
    """The worker asked for a task from when to when."""
    poll = Interval(build.ZERO + start, build.ZERO + end)
    return Invocation(task_id=f"id-{ref}-0-0", ref=ref, attempt=0, begin_ms=poll.end_ms, end_ms=None, poll=poll)


def fork_of_three(build, asked_ms, policy="weather", stalls=(), **observed):
    """`c` was queued with the others and taken when `a` had ended."""
    server = tuple(Interval(build.ZERO + start, build.ZERO + end) for start, end in stalls)
    return build.observation(
        build.task("a", 1, 301, scheduled=0), build.task("b", 2, 302, scheduled=0),
        build.task("c", 303, 600, scheduled=0), build.task("join", 0, 601, type="JOIN"),
        definition=build.fork(["a"], ["b"], ["c"]),
        weather=Weather(policy=policy, server=server, until_ms=build.ZERO + 99_000),
        invocations=[asked(build, "c", asked_ms, 303), asked(build, "a", 0, 1)], **observed,
    )  # fmt: skip


@pytest.mark.parametrize(("asked_ms", "verdict"), [(150, Verdict.WARN), (-9, Verdict.WARN), (151, Verdict.FAIL)])
def test_a_concurrency_that_late_answers_prevented_is_not_measurable(build, asked_ms, verdict):
    [finding] = concurrency(3).judge(fork_of_three(build, asked_ms)).findings
    assert finding.verdict is verdict
    assert finding.code == ("not-measurable" if verdict is Verdict.WARN else "wrong-concurrency")
    assert finding.observed.startswith("2")
    assert concurrency(4).judge(fork_of_three(build, asked_ms)).verdict is Verdict.FAIL
    assert concurrency(1).judge(fork_of_three(build, asked_ms)).verdict is Verdict.FAIL


def test_a_worker_that_did_not_ask_is_excused_by_no_weather(build):
    assert concurrency(3).judge(fork_of_three(build, 300, stalls=[(0, 303)])).verdict is Verdict.FAIL
    assert concurrency(3).judge(fork_of_three(build, 0, policy="strict")).verdict is Verdict.FAIL


@pytest.mark.parametrize(("asked_ms", "codes"), [(0, ["not-measurable"]), (290, ["wrong-concurrency"])])
def test_so_is_that_of_branches_with_fewer_slots(build, asked_ms, codes):
    seen = build.observation(
        build.task("a", 1, 301, scheduled=0, name="t"), build.task("b", 303, 600, scheduled=0, name="t"),
        build.task("c", 602, 900, scheduled=0, name="t"), build.task("join", 0, 901, type="JOIN"),
        definition=build.fork(["a"], ["b"], ["c"]), slots=2, weather=Weather(until_ms=build.ZERO + 99_000),
        invocations=[asked(build, "b", asked_ms, 303)],
    )  # fmt: skip
    assert [finding.code for finding in evaluate(single(seen)).category("G4").findings] == codes
