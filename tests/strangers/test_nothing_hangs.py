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


ROUND_AND_ROUND = {
    "nothing in it": ("true", {"type": "NOOP"}),
    "a condition in JavaScript": ("$.loop['iteration'] > 0", {"type": "NOOP"}),
    "a script in it": ("1", {"type": "INLINE", "inputParameters": {"evaluatorType": "javascript", "expression": "1"}}),
    "an event in it": ("true", {"type": "EVENT", "sink": "conductor:x"}),
    "a wait in it": ("true", {"type": "WAIT", "inputParameters": {"duration": "1 s"}}),
}


@pytest.mark.virtual  # a real server goes on with these until an operator ends them
@pytest.mark.parametrize(("condition", "body"), ROUND_AND_ROUND.values(), ids=ROUND_AND_ROUND)
def test_a_loop_without_work_ends_when_the_time_is_up_not_after_ten_thousand_rounds(conductor, make, condition, body):
    step = {"name": "step", "taskReferenceName": "step", **body}
    loop = {"name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": condition}
    with pytest.raises(TimeoutError, match=r"within 0\.2s of real time.*the loop loop of strangers is in iteration"):
        conductor.run(make.workflow({**loop, "loopOver": [step]}), within="200ms")


@pytest.mark.virtual  # on a real server the script itself ends after its four seconds
def test_a_script_without_end_is_ended_when_the_time_is_up(conductor, make):
    script = {"evaluatorType": "javascript", "expression": "while (true) {}"}
    inline = {"name": "spin", "taskReferenceName": "spin", "type": "INLINE", "inputParameters": script}
    with pytest.raises(TimeoutError, match=r"within 0\.3s of real time.*spin"):
        conductor.run(make.workflow(inline), within="300ms")
