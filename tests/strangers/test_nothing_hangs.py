"""What never ends by itself ends with a reason, in real time."""

import time

import pytest


def test_a_loop_whose_condition_never_fails_is_named_with_what_would_end_it(conductor, make):
    loop = {
        "name": "loop",
        "taskReferenceName": "loop",
        "type": "DO_WHILE",
        "loopCondition": "$.first['done'] == true ? false : true",
        "loopOver": [make.simple("first")],
    }
    with pytest.raises(TimeoutError) as error:
        conductor.run(make.workflow(loop), handlers={"first": lambda task: {"done": False}}, within="3s")
    message = str(error.value)
    assert "the loop loop of strangers is in iteration" in message
    assert "$.first['done'] == true ? false : true" in message
    assert '"done": false' in message
    assert "It ends when the condition is false" in message


def test_a_task_that_waits_for_nobody_is_named_at_once(conductor, make):
    wait = {"name": "approve", "taskReferenceName": "approve", "type": "HUMAN"}
    with pytest.raises(TimeoutError, match="approve: no person has answered it"):
        conductor.run(make.workflow(wait), within="500ms")


def test_a_signal_that_nothing_waits_for_is_an_error_as_it_would_be_lost(conductor, make):
    execution = conductor.start(
        make.workflow({"name": "approve", "taskReferenceName": "approve", "type": "HUMAN"}, make.simple("pay"))
    )
    execution.wait_for("approve")
    with pytest.raises(LookupError, match=r"no WAIT is open .* approve \(HUMAN\)"):
        execution.signal({"by": "Ada"})
    execution.complete("approve", {"by": "Ada"})
    execution.complete("pay")
    execution.wait()
    assert execution.task("approve").output["by"] == "Ada"


def test_a_handler_that_blocks_is_named_when_the_time_is_up(conductor, make):
    def stuck(task):
        time.sleep(3)

    began = time.monotonic()
    with pytest.raises(TimeoutError, match="charge"):
        conductor.run(make.workflow(make.simple("charge")), handlers={"charge": stuck}, within="500ms")
    assert time.monotonic() - began < 2.5
