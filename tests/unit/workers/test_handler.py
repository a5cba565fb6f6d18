"""What comes of a handler: its outcome, its failure, its stop."""

import time

import pytest

from pytest_k1n.workers.handler import Outcome, Stopped, TaskFailed, invoke
from pytest_k1n.workers.simulated import SIMULATED


@pytest.mark.parametrize(
    ("result", "output"),
    [(None, {}), ({"a": 1}, {"a": 1}), (7, {"result": 7}), (Outcome(output={"b": 2}), {"b": 2})],
)
def test_whatever_a_handler_returns_becomes_an_output(result, output, context):
    outcome = invoke(lambda _: result, context()[0])
    assert (outcome.status, dict(outcome.output)) == ("COMPLETED", output)


def test_an_output_that_is_not_json_fails_the_task(context):
    outcome = invoke(lambda _: {"when": object()}, context()[0])
    assert outcome.status == "FAILED"
    assert "not JSON" in outcome.reason


def test_a_handler_can_rule_out_a_retry(context):
    def fail(_):
        raise TaskFailed("bad card", terminal=True)

    outcome = invoke(fail, context()[0])
    assert (outcome.status, outcome.reason) == ("FAILED_WITH_TERMINAL_ERROR", "bad card")


def test_an_order_to_stop_is_no_failure(context):
    def stop(_):
        raise Stopped

    with pytest.raises(Stopped):
        invoke(stop, context()[0])


def test_simulated_work_sleeps_its_estimate_which_the_worker_shortens(context):
    slept = []
    made, lines, _ = context(estimate_ms=390_000, speed=600.0, sleep=slept.append)
    outcome = invoke(SIMULATED.call, made)
    assert outcome.simulated
    assert len(lines) == 1
    assert 386_100 <= slept[0] <= 393_900


def test_what_a_busy_machine_oversleeps_is_not_work_that_was_simulated(context):
    overslept, asked = time.sleep, []

    def sleep(ms):
        asked.append(ms)
        overslept(0.03)

    made, _, _ = context(estimate_ms=600, speed=600.0, sleep=sleep)
    outcome = invoke(SIMULATED.call, made)
    assert outcome.work_ms == round(asked[0] / 600)
