"""What a JOIN waits for and shows; read off recordings of Conductor 3.32.1 (fixtures/conformance)."""

import pytest


def test_a_join_shows_the_output_of_whatever_ends_its_branches(bench, make):
    branches = make.fork(
        [make.switch({"y": [make.simple("z")]}, ref="sw")],
        [*make.fork([make.simple("a")], ref="inner", join="inner_join")],
    )
    execution = bench.run(make.workflow(*branches), {"case": "x"})

    assert execution.task("join").output == {
        "sw": {"evaluationResult": ["x"], "selectedCase": "x"}, "inner_join": {"a": {"of": "a"}},
    }  # fmt: skip


def test_a_forgiven_branch_is_named_by_its_definition(bench, make):
    branches = make.fork([make.simple("a")], [make.simple("b", "ref_of_b", optional=True)])
    execution = bench.run(make.workflow(*branches), tape={"ref_of_b": [make.result(status="FAILED")]})

    assert execution.task("join").reason == f"b/{execution.task('ref_of_b').task_id} completed with errors"


def test_a_failed_join_shows_what_it_had_seen_and_then_outputs_up_to_the_first_failure(bench, make):
    branches = make.fork(*([make.simple(ref, permissive=ref == "b")] for ref in "abcd"))
    tape = {
        "b": [make.result(status="FAILED", output={"o": 1})],
        "d": [make.result(output={"early": True}, work_ms=1)],
    }
    execution = bench.run(make.workflow(*branches), tape=tape)

    assert execution.task("join").output == {"a": {"of": "a"}, "b": {"o": 1}, "d": {"early": True}}


def test_a_join_ends_while_its_execution_is_paused_and_what_follows_waits(bench, make):
    inner = make.fork([make.simple("a")], ref="inner", join="inner_join")
    execution = bench.start(make.workflow(*make.fork(inner, [make.simple("b")]), make.simple("c")))
    execution.complete("b")
    execution.pause()
    execution.complete("a")

    assert make.statuses(execution)["inner_join"] == make.statuses(execution)["join"] == "COMPLETED"
    assert (execution.task("join").ended_ms > 0, execution.task("c")) == (True, None)
    execution.resume()
    assert execution.task("c").status == "SCHEDULED"


@pytest.mark.parametrize(("field", "status"), [({}, "FAILED"), ({"permissive": True}, "IN_PROGRESS")])
def test_in_a_paused_execution_a_join_fails_at_once_unless_the_failure_is_permitted(bench, make, field, status):
    execution = bench.start(make.workflow(*make.fork([make.simple("a", **field)], [make.simple("b")])))
    execution.pause()
    execution.fail("a", "broken")

    assert execution.task("join").status == status
    if status == "FAILED":
        assert execution.task("join").reason == "broken"
        execution.resume()
        assert execution.state.failed_refs == ("a", "join")


def test_a_join_does_not_see_the_terminate_task_that_ends_the_execution(bench, make):
    end = make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": "COMPLETED"})
    execution = bench.start(make.workflow(*make.fork([end])))

    assert make.statuses(execution) == {"fork": "COMPLETED", "end": "COMPLETED", "join": "CANCELED"}


def test_a_fork_shows_its_input(bench, make):
    fork, join = make.fork([make.simple("a")])
    execution = bench.start(make.workflow({**fork, "inputParameters": {"x": "${workflow.input.x}"}}, join), {"x": 7})

    assert execution.task("fork").input == {"x": 7}
