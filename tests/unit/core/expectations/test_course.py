"""Attempts, invocations, cases, tasks left out; data in and out; logs."""

import pytest

from pytest_k1n.core.expectations import (
    attempts,
    critical_task,
    independent,
    invoked_once,
    no_errors_in_logs,
    not_scheduled,
    on_critical_path,
    output,
    ran,
    task_input,
    task_output,
    took_branch,
)
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.record.observation import Invocation


def test_attempts_are_counted(build):
    seen = build.observation(build.task("a", 0, 10, status="FAILED", retried=True), build.task("a", 12, 20, attempt=1))
    assert attempts("a", 2).judge(seen).verdict is Verdict.PASS
    [finding] = attempts("a", 1).judge(seen).findings
    assert (finding.code, finding.observed, finding.margin) == ("wrong-attempts", "2 attempts: FAILED, COMPLETED", "+1")


def test_one_attempt_too_many_is_decided_at_once_and_too_few_are_not(build, codes_of):
    live = {"status": "RUNNING"}
    first = build.task("a", 0, 10, status="FAILED", retried=True)
    seen = build.observation(first, build.task("a", 12, attempt=1), **live)
    assert codes_of(attempts("a", 1).judge(seen)) == [("wrong-attempts", "a", "fail")]
    assert codes_of(attempts("a", 3).judge(seen)) == [("pending", "a", "unknown")]


def test_the_ledger_counts_calls_not_attempts(build):
    call = Invocation(task_id="id-a-0-0", ref="a", begin_ms=0, end_ms=5)
    once = build.observation(build.task("a", 0, 10), invocations=(call,))
    assert invoked_once("a").judge(once).verdict is Verdict.PASS
    twice = build.observation(build.task("a", 0, 10), invocations=(call, call))
    [finding] = invoked_once("a").judge(twice).findings
    assert (finding.code, finding.observed) == ("wrong-invocations", "2 calls for 1 attempts")
    never = build.observation(build.task("a", 0, 10), invocations=())
    assert invoked_once("a").judge(never).verdict is Verdict.FAIL
    foreign = build.observation(build.task("a", 0, 10))
    assert invoked_once("a").judge(foreign).findings[0].code == "no-ledger"


def test_a_running_attempt_and_a_running_handler_leave_their_counts_open(build, codes_of):
    live = build.observation(build.task("a", 0), status="RUNNING", invocations=())
    assert codes_of(attempts("a", 1).judge(live)) == [("pending", "a", "unknown")]
    assert codes_of(invoked_once("a").judge(live)) == [("pending", "a", "unknown")]
    call = Invocation(task_id="id-a-0-0", ref="a", begin_ms=0)
    ended = build.observation(
        build.task("a", 0, 10), status="RUNNING", definition=build.chain("a", "b"), invocations=(call,)
    )
    assert (attempts("a", 1).judge(ended).passed, invoked_once("a").judge(ended).passed) == (1, 1)
    given_up = build.observation(build.task("a", 0), status="RUNNING", invocations=(call,), released="deadline")
    assert (attempts("a", 1).judge(given_up).passed, invoked_once("a").judge(given_up).passed) == (1, 1)


@pytest.mark.parametrize(("own", "wanted"), [(None, "pending"), (0, "task-failed")])
def test_a_workflow_task_s_own_retry_count_goes_before_its_definition_s(build, codes_of, own, wanted):
    definition = build.chain("a")
    definition["tasks"][0] |= {"retryCount": own, "taskDefinition": {"name": "a", "retryCount": 1}}
    live = build.observation(build.task("a", 0, 10, status="FAILED"), definition=definition, status="RUNNING")
    assert [code for code, _, _ in codes_of(ran("a").judge(live))] == [wanted]


def test_an_old_decision_says_its_case_otherwise(build):
    definition = {
        "name": "wf",
        "tasks": [{"name": "s", "taskReferenceName": "s", "type": "DECISION", "decisionCases": {"gold": []}}],
    }
    head = build.task("s", 0, 0, type="DECISION", output={"caseOutput": ["gold"]})
    assert took_branch("s", "gold").judge(build.observation(head, definition=definition)).verdict is Verdict.PASS
    blank = build.task("s", 0, 0, type="DECISION", output={"caseOutput": []})
    assert took_branch("s", "gold").judge(build.observation(blank, definition=definition)).verdict is Verdict.FAIL


def switch(build, chosen):
    definition = {
        "name": "wf",
        "tasks": [
            {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "decisionCases": {"gold": [build.simple("g")]},
             "defaultCase": [build.simple("d")]},
        ],
    }  # fmt: skip
    output = {} if chosen is None else {"evaluationResult": [chosen], "selectedCase": chosen}
    status = "IN_PROGRESS" if chosen is None else "COMPLETED"
    head = build.task("s", 0, None if chosen is None else 0, type="SWITCH", output=output, status=status)
    return head, definition


def test_a_switch_took_the_case_it_evaluated_to(build):
    head, definition = switch(build, "gold")
    seen = build.observation(head, build.task("g", 1, 10), definition=definition)
    assert took_branch("s", "gold").judge(seen).verdict is Verdict.PASS
    [finding] = took_branch("s", "default").judge(seen).findings
    assert (finding.code, finding.observed, finding.origin) == ("wrong-branch", "case 'gold'", "cases of s: 'gold'")
    assert took_branch("g", "gold").judge(seen).findings[0].code == "not-a-switch"


def test_a_value_without_a_case_took_the_default(build):
    head, definition = switch(build, "tin")
    seen = build.observation(head, build.task("d", 1, 10), definition=definition)
    assert took_branch("s", "default").judge(seen).verdict is Verdict.PASS
    assert took_branch("s", "gold").judge(seen).findings[0].observed == "the default case: its value was 'tin'"
    assert not_scheduled("g").judge(seen).verdict is Verdict.PASS
    assert not_scheduled("d").judge(seen).findings[0].code == "unwanted-task"


def test_an_open_switch_is_pending(build):
    head, definition = switch(build, None)
    live = build.observation(head, definition=definition, status="RUNNING")
    assert took_branch("s", "gold").judge(live).findings[0].code == "pending"
    assert not_scheduled("g").judge(live).findings[0].code == "pending"


def test_of_a_round_that_never_came_it_is_told_when_the_loop_ended_and_by_which_condition(build):
    loop = {
        "name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": "$.loop['iteration'] < 2",
        "loopOver": [build.simple("a")],
    }  # fmt: skip
    records = (
        build.task("loop", 0, 20, type="DO_WHILE", output={"iteration": 2}),
        build.task("a", 0, 10, iteration=1), build.task("a", 10, 20, iteration=2),
    )  # fmt: skip
    seen = build.observation(*records, definition={"name": "wf", "version": 1, "tasks": [loop]})
    [found] = ran("a__3").judge(seen).findings
    assert found.observed == "never scheduled: loop has ended after 2 rounds; the execution is COMPLETED"
    assert found.origin == "loopCondition of loop: $.loop['iteration'] < 2"


def test_tasks_ran_or_did_not(build, codes_of):
    seen = build.observation(
        build.task("a", 0, 10), build.task("b", 10, 20, status="FAILED", reason="no"),
        definition=build.chain("a", "b", "c"), status="FAILED",
    )  # fmt: skip
    assert codes_of(ran("a", "b", "c").judge(seen)) == [("task-failed", "b", "fail"), ("not-run", "c", "fail")]


def test_data_is_found_by_path_and_compared_as_json(build):
    seen = build.observation(
        build.task("a", 0, 10, input={"order": {"items": [{"price": 3}]}}, output={"ok": True}),
        fields={"output": {"total": 3.0}},
    )
    assert task_input("a", "order.items[0].price", equals=3).judge(seen).verdict is Verdict.PASS
    assert task_input("a", "order.items[0]").judge(seen).verdict is Verdict.PASS
    assert task_output("a", "ok", equals=True).judge(seen).verdict is Verdict.PASS
    assert task_output("a", "ok", equals=1).judge(seen).findings[0].observed == "True"
    assert output("total", equals=3).judge(seen).verdict is Verdict.PASS
    [finding] = output("sum", equals=3).judge(seen).findings
    assert (finding.code, finding.observed) == ("wrong-value", "nothing there; it has total")


def test_a_bad_path_is_refused_when_it_is_written():
    with pytest.raises(ValueError, match="not a path"):
        output("a[b", equals=1)


def test_output_is_pending_while_the_execution_runs(build):
    live = build.observation(build.task("a", 0), status="RUNNING")
    assert output("total").judge(live).findings[0].code == "pending"
    assert task_output("a", "ok").judge(live).findings[0].code == "pending"


def test_independence_is_read_from_the_definition(build):
    definition = build.fork(["a"], ["b"], ["c"])
    definition["tasks"].append(build.simple("x", inputParameters={"v": "${a.output.v}"}))
    branches = definition["tasks"][0]["forkTasks"]
    branches[1][0]["inputParameters"] = {"v": "${workflow.input.v}"}
    branches[2][0]["inputParameters"] = {"v": {"deep": ["${x.output.v}"]}}
    seen = build.observation(build.task("a", 0, 1), definition=definition)
    assert independent("a", "b").judge(seen).passed == 2
    [finding] = independent("a", "b", "c").judge(seen).findings
    assert (finding.code, finding.subject) == ("data-dependency", "c")
    assert finding.observed == "${x.output.v} in input v.deep[0] of c, ${a.output.v} in input v of x"


def test_an_error_line_in_a_log_is_quoted(build):
    tasks = [build.task("a", 0, 10), build.task("b", 10, 20)]
    logs = {"id-a-0-0": ((1, "12:00 INFO no errors"),), "id-b-0-0": ((1, "12:00 ERROR disk full"), (2, "ERROR x"))}
    [finding] = no_errors_in_logs().judge(build.observation(*tasks, logs=logs)).findings
    assert (finding.code, finding.subject) == ("error-in-log", "b")
    assert finding.observed == "'12:00 ERROR disk full' and 1 more"
    assert no_errors_in_logs("a").judge(build.observation(*tasks, logs=logs)).passed == 1
    assert no_errors_in_logs().judge(build.observation(*tasks)).findings[0].code == "no-logs"


def test_the_longest_work_on_the_path_is_the_critical_task(build):
    records = [
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 100), build.task("b", 0, 40),
        build.task("join", 0, 101, type="JOIN"), build.task("c", 101, 130),
    ]  # fmt: skip
    seen = build.observation(*records, definition=build.fork(["a"], ["b"], then=["c"]))
    assert critical_task("a").judge(seen).verdict is Verdict.PASS
    [finding] = critical_task("c").judge(seen).findings
    assert (finding.code, finding.observed, finding.margin) == ("not-critical", "29 ms; a has 100 ms", "71 ms")
    assert on_critical_path("a", "c").judge(seen).passed == 2
    assert on_critical_path("b").judge(seen).verdict is Verdict.FAIL
