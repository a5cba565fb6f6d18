"""Whose turn it is in an execution that has not ended, and when the engine has stalled."""

import pytest

from pytest_k1n.core.expectations import completed, follows_definition, judge_all
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.pending.nextstep import ENGINE_GRACE_MS, Owner
from pytest_k1n.core.pending.stalled import progress
from pytest_k1n.core.pending.steps import next_steps
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

DAY_MS = 86_400_000


def running(build, *tasks, definition=None, **fields):
    return build.observation(*tasks, definition=definition, status=fields.pop("status", "RUNNING"), **fields)


def steps(observation):
    return [(step.subject, str(step.owner)) for step in next_steps(observation)]


def said(observation):
    (step,) = next_steps(observation)
    return step.observed


def of(kind, ref, **fields):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


def workflow(*tasks):
    return {"name": "wf", "version": 1, "tasks": list(tasks)}


def test_a_successor_that_was_never_scheduled_is_named_with_what_it_follows(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"))
    assert steps(seen) == [("b", "engine")]
    assert said(seen) == "a ended 22:13:20, its successor b was never scheduled"


def test_the_first_task_that_was_never_scheduled_follows_nothing(build):
    seen = running(build, definition=build.chain("a", "b"))
    assert said(seen) == "the first task a was never scheduled"


def test_an_attempt_that_a_rerun_has_scheduled_again_waits_for_a_worker(build):
    again = build.task("a", 20, None, status="SCHEDULED", retried=True)
    seen = running(build, again, build.task("a", 0, 10, attempt=1), definition=build.chain("a"))
    assert steps(seen) == [("a", "worker")]


def test_the_engine_has_stalled_once_it_owes_a_step_for_longer_than_a_late_sweep(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"))
    ended = build.ZERO + 10
    for age, verdict in ((ENGINE_GRACE_MS, Verdict.UNKNOWN), (ENGINE_GRACE_MS + 1, Verdict.FAIL)):
        (finding,) = progress(seen, now_ms=ended + age).findings
        assert (finding.code, finding.subject, finding.verdict) == ("stalled", "b", verdict)


@pytest.mark.parametrize(("now", "verdict"), [(None, "unknown"), (1_000, "unknown"), (DAY_MS, "fail")])
def test_a_batch_and_a_test_see_the_stall_through_the_definition_they_follow(build, now, verdict):
    now_ms = None if now is None else build.ZERO + now
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"), now_ms=now_ms)
    judged = follows_definition().judge(seen)
    assert str(judged.verdict) == verdict
    assert [f.code for f in judged.findings if f.verdict is Verdict.FAIL] == ["stalled"] * (verdict == "fail")


def test_where_waiting_has_ended_what_the_engine_owes_has_stalled(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"), released="deadline")
    assert "stalled" in [finding.code for finding in follows_definition().judge(seen).findings]


def test_a_completed_execution_without_a_successor_says_after_what_it_is_missing(build):
    seen = build.observation(build.task("a", 0, 10), definition=build.chain("a", "b"))
    (finding,) = completed().judge(seen).findings
    assert finding.observed == "a ended 22:13:20, its successor b was never scheduled"


def test_an_open_task_waits_for_a_worker_of_its_type_and_domain(build):
    seen = running(build, {**build.task("a", scheduled=5, name="charge"), "domain": "eu"})
    (step,) = next_steps(seen)
    assert (step.owner, step.expected) == (Owner.WORKER, "a worker that polls charge in domain eu to take it")
    (finding,) = progress(seen, now_ms=build.ZERO + DAY_MS).findings
    assert (finding.code, finding.verdict) == ("waiting", Verdict.UNKNOWN)


def test_a_task_in_progress_waits_for_its_worker(build):
    seen = running(build, {**build.task("a", 5, worker="w7"), "responseTimeoutSeconds": 30})
    assert said(seen) == "IN_PROGRESS with worker w7 since 22:13:20, response timeout 30s"


def test_a_retry_is_held_back_by_its_delay(build):
    first = build.task("a", 0, 10, status="FAILED", retried=True)
    seen = running(build, first, build.task("a", scheduled=20, attempt=1, delay_s=60))
    assert said(seen) == "SCHEDULED since 22:13:20, attempt 2, held back until 22:14:20 (retry delay 60s)"


def test_a_retry_of_the_servers_own_task_is_times_until_its_delay_has_passed_and_then_the_engines(build):
    """Conductor 3.32.1 holds back a HTTP task that is tried again as it does a worker's."""
    definition = workflow(of("HTTP", "ask"))
    tasks = build.task("ask", 0, 10, type="HTTP", status="FAILED", retried=True), build.task(
        "ask", scheduled=10, type="HTTP", attempt=1, delay_s=600)  # fmt: skip
    late_ms = 610_010 + ENGINE_GRACE_MS

    def at(ms):
        (finding,) = progress(running(build, *tasks, definition=definition), now_ms=build.ZERO + ms).findings
        return finding.code, finding.verdict, finding.expected

    assert at(599_000) == ("waiting", Verdict.UNKNOWN, "its retry delay to pass")
    assert at(late_ms - 20_000) == ("stalled", Verdict.UNKNOWN, "the server to run it")
    assert at(late_ms) == ("stalled", Verdict.FAIL, "the server to run it")


def test_a_failed_attempt_without_its_retry_is_the_engines(build):
    definition = workflow(of("SIMPLE", "a", retryCount=2))
    seen = running(build, build.task("a", 0, 10, status="FAILED"), definition=definition)
    assert steps(seen) == [("a", "engine")]
    assert said(seen) == "FAILED 22:13:20, attempt 1; its retry was never scheduled"


def test_a_failure_for_good_that_did_not_fail_the_execution_is_the_engines(build):
    definition = workflow(of("SIMPLE", "a", retryCount=0), of("SIMPLE", "b"))
    seen = running(build, build.task("a", 0, 10, status="FAILED"), definition=definition)
    assert said(seen).endswith("the execution was never failed")


def test_a_join_waits_for_its_branches_and_says_which(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    seen = running(
        build,
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 10), build.task("b", scheduled=0),
        build.task("join", 0, type="JOIN"), definition=definition,
    )  # fmt: skip
    assert steps(seen) == [("b", "worker"), ("join", "branches")]
    assert next_steps(seen)[1].observed == "JOIN waits for b (SCHEDULED)"


def test_a_join_whose_branches_have_all_ended_is_the_engines(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    seen = running(
        build,
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 10), build.task("b", 0, 3_000),
        build.task("join", 0, type="JOIN"), definition=definition,
    )  # fmt: skip
    assert steps(seen) == [("join", "engine")]
    assert said(seen) == "b ended 22:13:23, JOIN join is still IN_PROGRESS"


def joined(build, *tasks, names, join="join", body=()):
    """Observe a fork of two branches, `a` and a SWITCH with `b` in a case, all of which has ended but the JOIN."""
    way = of("SWITCH", "way", evaluatorType="value-param", expression="k", decisionCases={"x": [build.simple("b")]})
    fork = of("FORK_JOIN", "fork", forkTasks=[[build.simple("a"), *body], [way]])
    return running(
        build,
        build.task("fork", 0, 0, type="FORK"),
        build.task("way", 0, 0, type="SWITCH", output={"evaluationResult": ["y"], "selectedCase": "y"}),
        build.task("a", 0, 10), *tasks, build.task(join, 0, type="JOIN", input={"joinOn": names}),
        definition=workflow(fork, of("JOIN", "join", joinOn=names), build.simple("c")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a", "b"], "b (no path that was taken leads there)"),
        (["a", "nobody"], "nobody (no task is called that)"),
        (["a", "join"], "join (itself)"),
        (["a", "c"], "c (which only comes after it)"),
        (["nobody", "b"], "nobody (no task is called that), b (no path that was taken leads there)"),
    ],
)
def test_a_join_of_what_never_comes_waits_for_ever(build, names, why):
    seen = joined(build, names=names)
    assert steps(seen) == [("join", "nobody")]
    assert said(seen) == f"JOIN waits for {why}"
    (finding,) = progress(seen, now_ms=seen.execution.started_ms + 20).findings
    assert (finding.code, finding.verdict) == ("waits-for-ever", Verdict.FAIL)


def test_a_join_outside_of_a_loop_does_not_find_the_loops_tasks_by_their_plain_name(build):
    loop = of("DO_WHILE", "loop", loopCondition="$.loop['iteration'] < 1", loopOver=[build.simple("d")])
    ended = build.task("loop", 0, 20, type="DO_WHILE", output={"iteration": 1}), build.task("d", 0, 20, iteration=1)
    seen = joined(build, *ended, names=["a", "d"], body=[loop])
    assert said(seen) == "JOIN waits for d (in its loop it is called d__1, d__2, ...)"
    assert steps(joined(build, *ended, names=["a", "d__1"], body=[loop])) == [("join", "engine")]
    late = joined(build, *ended, names=["a", "d__2"], body=[loop])
    assert said(late) == "JOIN waits for d__2 (its loop had ended before that round)"


def test_a_join_in_a_loop_finds_only_tasks_of_its_round(build):
    """Conductor 3.32.1 notes the plain names, and looks for a__1."""
    body = [of("FORK_JOIN", "fork", forkTasks=[[build.simple("b")]]), of("JOIN", "join", joinOn=["a", "b"])]
    loop = of("DO_WHILE", "loop", loopCondition="$.loop['iteration'] < 1", loopOver=body)
    seen = running(
        build,
        build.task("a", 0, 10), build.task("loop", 10, type="DO_WHILE", output={"iteration": 1}),
        build.task("fork", 10, 10, type="FORK", iteration=1), build.task("b", 10, 20, iteration=1),
        build.task("join", 10, type="JOIN", iteration=1, input={"joinOn": ["a", "b"]}),
        definition=workflow(build.simple("a"), loop),
    )  # fmt: skip
    assert said(seen) == "JOIN waits for a (outside of its loop: in here it would be called a__1)"


def test_a_join_may_still_get_what_a_dynamic_fork_has_yet_to_bring_along(build):
    dynamic = of("FORK_JOIN_DYNAMIC", "each", dynamicForkTasksParam="t", dynamicForkTasksInputParamName="i")
    seen = joined(build, names=["a", "s1"], body=[dynamic, of("JOIN", "all")])
    assert ("join", "nobody") not in steps(seen)


def test_a_fork_without_its_branches_names_each_of_them_and_the_join(build):
    seen = running(build, build.task("fork", 0, 0, type="FORK"), definition=build.fork(["a"], ["b"]))
    assert steps(seen) == [("a", "engine"), ("b", "engine"), ("join", "engine")]


def test_a_loop_between_two_iterations_is_the_engines(build):
    definition = workflow(of("DO_WHILE", "loop", loopOver=[of("SIMPLE", "x")]), of("SIMPLE", "after"))
    loop = {**build.task("loop", 0, type="DO_WHILE"), "iteration": 2}
    seen = running(
        build, loop, build.task("x", 0, 10, iteration=1), build.task("x", 10, 20, iteration=2), definition=definition
    )
    assert steps(seen) == [("loop", "engine")]
    assert said(seen) == "x__2 ended 22:13:20, DO_WHILE loop is still IN_PROGRESS"


def test_a_loop_whose_body_is_open_says_nothing_of_its_own(build):
    definition = workflow(of("DO_WHILE", "loop", loopOver=[of("SIMPLE", "x")]))
    loop = build.task("loop", 0, type="DO_WHILE")
    seen = running(build, loop, build.task("x", scheduled=0, iteration=1), definition=definition)
    assert steps(seen) == [("x__1", "worker")]


def test_a_loop_that_never_began_is_named_itself(build):
    definition = workflow(of("SIMPLE", "a"), of("DO_WHILE", "loop", loopOver=[of("SIMPLE", "x")]))
    seen = running(build, build.task("a", 0, 10), definition=definition)
    assert steps(seen) == [("loop", "engine")]


@pytest.mark.parametrize(
    ("kind", "fields", "owner", "expected"),
    [
        ("HUMAN", {}, "signal", "a signal or an update that ends it"),
        ("WAIT", {}, "signal", "a signal or an update that ends it"),
        ("WAIT", {"inputData": {"duration": "2 hours"}}, "time", "its time to pass: 2 hours"),
        ("SUB_WORKFLOW", {"subWorkflowId": "child-1"}, "sub-workflow", "execution child-1 to end"),
        ("INLINE", {}, "engine", "the server to run it"),
    ],
)
def test_a_system_task_waits_for_what_its_type_waits_for(build, kind, fields, owner, expected):
    seen = running(build, {**build.task("s", 0, type=kind), **fields}, definition=workflow(of(kind, "s")))
    (step,) = next_steps(seen)
    assert (str(step.owner), step.expected) == (owner, expected)


def test_a_paused_execution_waits_to_be_resumed_and_stalls_in_nothing(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"), status="PAUSED")
    assert steps(seen) == [("wf", "resume"), ("b", "resume")]
    assert progress(seen, now_ms=build.ZERO + DAY_MS).failed == 0


def test_an_execution_whose_tasks_have_all_ended_was_never_ended(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a"))
    assert steps(seen) == [("wf", "engine")]
    assert said(seen) == "a ended 22:13:20, and nothing follows; it is still RUNNING"


def test_an_ended_execution_waits_for_nothing(build):
    assert next_steps(build.observation(build.task("a", 0, 10))) == ()


def test_the_tasks_of_a_case_that_was_not_taken_are_not_missing(build):
    cases = {"x": [of("SIMPLE", "bx")], "y": [of("SIMPLE", "by")]}
    definition = workflow(of("SWITCH", "s", decisionCases=cases, defaultCase=[]), of("SIMPLE", "after"))
    taken = build.task("s", 0, 0, type="SWITCH", output={"selectedCase": "y", "evaluationResult": ["y"]})
    assert steps(running(build, taken, definition=definition)) == [("by", "engine")]
    other = build.task("s", 0, 0, type="SWITCH", output={"selectedCase": "z", "evaluationResult": ["z"]})
    assert steps(running(build, other, definition=definition)) == [("after", "engine")]


def test_a_definition_that_is_not_the_required_one_is_a_finding_and_order_is_judged_by_both(build):
    required = wire.workflow_definition(build.chain("a", "b", "c"))
    ran = workflow(of("SIMPLE", "a"), of("SIMPLE", "c"), of("SIMPLE", "b"))
    made = build.execution(build.task("a", 0, 10), build.task("c", 10, 20), build.task("b", 15, 30), definition=ran)
    judged = judge_all([follows_definition()], observe(made, definition=required))
    assert [(f.code, f.subject) for f in judged.findings] == [
        ("started-early", "c"),
        ("started-early", "b"),
        ("other-definition", "wf"),
    ]
    by_plan, by_what_ran, other = judged.findings
    assert "definition edge b -> c" in by_plan.origin
    assert by_what_ran.origin == "definition edge c -> b, in the definition that it ran"
    assert "/tasks: planned [a, b, c], ran [a, c, b]" in other.observed


def test_another_version_than_the_required_one_is_a_finding(build):
    required = wire.workflow_definition(build.chain("a", version=2))
    judged = follows_definition().judge(observe(build.execution(build.task("a", 0, 10)), definition=required))
    (finding,) = judged.findings
    assert (finding.code, finding.expected, finding.observed) == ("other-definition", "version 2", "version 1 ran")
