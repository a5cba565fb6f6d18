"""What explains a failure beyond the finding."""

import pytest

from pytest_k1n.core.record.causes import causes
from pytest_k1n.core.wire import wire


def definition(*tasks, **fields):
    return wire.workflow_definition({"name": "wf", "version": 1, "tasks": list(tasks), **fields})


def simple(ref, **inputs):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": inputs}


def test_a_task_that_failed_is_told_once_with_its_attempts_and_what_never_came(build):
    execution = build.execution(
        build.task("a", 0, 10),
        build.task("b", 10, 20, status="FAILED", reason="503", retried=True),
        build.task("b", 30, 40, status="FAILED", reason="504", attempt=1, input={"card": "4111", "amount": None}),
        status="FAILED",
    )
    assert list(causes(execution, definition(simple("a"), simple("b"), simple("c")))) == [
        ("failed", "b FAILED, the last of 2 attempts: 504"), ("given", "b had card, amount (null)"), ("unreached", "c"),
    ]  # fmt: skip
    assert [kind for kind, _ in causes(execution, None)] == ["failed", "given"]


def test_of_what_a_task_was_given_no_value_is_told_and_of_simulated_work_not_even_the_names(build):
    bare = build.execution(build.task("a", 0, 10, status="FAILED", reason="no"), status="FAILED")
    assert ("given", "a had no input") in list(causes(bare, None))
    simulated = build.task("a", 0, 10, status="FAILED", reason="no", output=SIMULATED, input={"card": "4111"})
    told = list(causes(build.execution(simulated, status="FAILED"), None))
    assert [kind for kind, _ in told] == ["failed"]


READ = (
    ("${load.output.row}", None, "b.rows is null: ${load.output.row}, and the output of load has rows, nothing"),
    ("${workflow.input.itm}", None, "b.rows is null: ${workflow.input.itm}, and the workflow's input has item"),
    ("${gone.output.x}", None, "b.rows is null: ${gone.output.x}, and gone never ran"),
    ("${load.output.nothing}", None, None),
    ("${load.output.row}", [1], None),
    ("of ${load.output.row}", None, None),
    ("${load.output.row.deep}", None, None),
)


@pytest.mark.parametrize(("expression", "value", "told"), READ)
def test_an_input_that_came_to_null_is_told_with_what_there_was_to_read(build, expression, value, told):
    execution = build.execution(
        build.task("load", 0, 10, output={"rows": [1], "nothing": None, "_k1n": {}}),
        build.task("b", 10, 20, input={"rows": value}),
        input={"item": "apple"},
    )
    found = list(causes(execution, definition(simple("load"), simple("b", rows=expression))))
    assert found == ([("null", told)] if told else [])


def test_an_output_of_the_workflow_that_is_null_is_told_too(build):
    made = definition(simple("a"), outputParameters={"n": "${a.output.m}"})
    execution = build.execution(build.task("a", 0, 10), output={"n": None})
    assert list(causes(execution, made)) == [("null", "output n is null: ${a.output.m}, and the output of a is empty")]


def test_an_input_whose_source_ended_only_later_is_told_so(build):
    execution = build.execution(
        build.task("b", 0, 10, input={"rows": None}), build.task("load", 10, 20, output={"row": [1]})
    )
    found = list(causes(execution, definition(simple("b", rows="${load.output.row}"), simple("load"))))
    assert found == [("null", "b.rows is null: ${load.output.row}, and load ended only after b had it")]


SIMULATED = {"_k1n": {"simulated": True}}


def test_null_explains_nothing_of_simulated_work_unless_a_value_was_not_as_expected(build):
    made = definition(
        simple("load"), simple("b", rows="${load.output.row}"), outputParameters={"n": "${load.output.m}"}
    )
    records = [
        build.task("load", 0, 10, output=SIMULATED),
        build.task("b", 10, 20, input={"rows": None}, output=SIMULATED),
    ]
    execution = build.execution(*records, output={"n": None})
    assert list(causes(execution, made)) == []
    told = "b.rows is null: ${load.output.row}, and the output of load is empty"
    assert list(causes(execution, made, values={"b"})) == [("null", told)]
    assert [text for _, text in causes(execution, made, values={execution.name})] == [
        "output n is null: ${load.output.m}, and the output of load is empty"
    ]
    really = build.execution(records[0], build.task("b", 10, 20, input={"rows": None}, status="FAILED", reason="None"))
    assert ("null", told) in list(causes(really, made))


def test_an_optional_task_that_ended_badly_is_told_with_its_reason(build):
    late = "responseTimeout: 3600 exceeded for the taskId: 1f46c2e8 with Task Definition: approve"
    execution = build.execution(build.task("ask", 0, 10, type="HUMAN", status="COMPLETED_WITH_ERRORS", reason=late))
    [(kind, text)] = causes(execution, None)
    assert (kind, text.partition(": ")[0]) == ("failed", "ask COMPLETED_WITH_ERRORS")
    assert text.endswith("task definition approve, 3600; it is optional, so the execution went on")


def test_who_gives_no_reason_is_told_by_what_was_put_out(build):
    no = build.task("ask", 0, 10, type="HUMAN", status="FAILED", output={"by": "Mona", "reason": "income"})
    [cause] = causes(build.execution(no, status="FAILED"), None)
    assert cause.text == "ask FAILED: it gave no reason; its output has reason: income"
    other = build.task("ask", 0, 10, type="HUMAN", status="FAILED", output={"by": "Mona", "reason": 7})
    [cause] = causes(build.execution(other, status="FAILED"), None)
    assert cause.text == "ask FAILED: it gave no reason; its output has by, reason"
    silent = build.task("ask", 0, 10, type="HUMAN", status="FAILED")
    [cause] = causes(build.execution(silent, status="FAILED"), None)
    assert cause.text == "ask FAILED: it gave no reason"


def test_a_dynamic_fork_that_was_given_nothing_is_told_by_what_was_put_out_before(build):
    each = {
        "name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "clips",
        "inputParameters": {"clips": "${cut.output.clips}"},
    }  # fmt: skip
    cut = build.task("cut", 0, 10, output={"artifact": "x", "_k1n": {"simulated": True}})
    found = [cause.text for cause in causes(build.execution(cut, status="FAILED"), definition(simple("cut"), each))]
    assert found[0] == (
        "each.clips is null: ${cut.output.clips}, and the output of cut has artifact; its work was simulated: "
        "give cut a handler, or an example of its output"
    )
    done = causes(build.execution(cut, status="COMPLETED"), definition(simple("cut"), each))
    assert not [cause for cause in done if cause.kind == "null"]


def test_a_join_that_failed_by_an_attempt_before_its_retry_is_told_to_be_a_race(build):
    branches = [[simple("a")], [simple("b")]]
    fork = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]}
    first = build.task("a", 0, 10, status="FAILED", reason="503", retried=True)
    failed = build.task("j", 0, 12, type="JOIN", status="FAILED", reason="503")
    again = build.task("a", None, 12, scheduled=10, status="CANCELED", attempt=1)

    def told(*tasks):
        found = causes(build.execution(*tasks, status="FAILED"), definition(fork, join))
        return [cause.text for cause in found if cause.text.startswith("j ")]

    assert told(first, again, failed) == [
        "j FAILED: 503; a was about to be retried: the server's JOIN saw the attempt before, a race of Conductor"
    ]
    assert told(build.task("a", 0, 10, status="FAILED", reason="503"), failed) == ["j FAILED: 503"]
