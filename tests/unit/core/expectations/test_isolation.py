"""Executions beside each other."""

from pytest_k1n.core.expectations import finishes_before, isolated_from
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.model import TaskDefinition


def named(build, name, *tasks, **observed):
    fields = {"workflowId": f"id-of-{name}", "workflowName": name, **observed.pop("fields", {})}
    renamed = [{**task, "taskId": f"{name}-{task['taskId']}"} for task in tasks]
    return build.observation(*renamed, fields=fields, **observed)


def test_executions_that_share_nothing_are_isolated(build):
    first = named(build, "first", build.task("a", 0, 10, output={"artifact": "first-artifact"}))
    second = named(build, "second", build.task("b", 0, 10, output={"artifact": "second-artifact"}))
    findings = isolated_from(second).judge(first)
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 2)


def test_another_one_s_id_in_an_output_is_found_inside_a_text(build):
    first = named(build, "first", build.task("a", 0, 10))
    second = named(build, "second", build.task("b", 0, 10, output={"file": "/tmp/id-of-first/x"}))
    [finding] = isolated_from(second).judge(first).findings
    assert (finding.code, finding.subject, finding.origin) == ("tainted", "b", "workflow id of first")
    assert "outputData.file" in finding.observed


def test_another_one_s_data_in_an_input_is_found(build):
    first = named(build, "first", build.task("a", 0, 10, output={"artifact": "first-artifact"}))
    second = named(build, "second", build.task("b", 0, 10, input={"pattern": "first-artifact"}))
    [finding] = isolated_from(first).judge(second).findings
    assert (finding.subject, finding.origin) == ("b", "data of a of first")


def test_a_handler_that_repeats_itself_taints_nothing(build):
    first = named(build, "first", build.task("a", 0, 10, output={"artifact": "same-artifact"}))
    second = named(
        build, "second", build.task("a", 0, 10, output={"artifact": "same-artifact"}),
        build.task("b", 10, 20, input={"from": "same-artifact"}),
    )  # fmt: skip
    assert isolated_from(second).judge(first).verdict is Verdict.PASS


def test_a_value_both_were_given_taints_nothing(build):
    given = {"fields": {"input": {"project": "k1n-project"}}}
    first = named(build, "first", build.task("a", 0, 10, output={"project": "k1n-project"}), **given)
    second = named(build, "second", build.task("b", 0, 10, input={"project": "k1n-project"}), **given)
    assert isolated_from(second).judge(first).verdict is Verdict.PASS


def test_data_that_another_task_writes_is_found_in_an_output(build):
    first = named(build, "first", build.task("a", 0, 10, output={"artifact": "artifact-1"}))
    second = named(build, "second", build.task("b", 0, 10, output={"artifact": "artifact-1"}))
    found = isolated_from(second).judge(first)
    assert {(f.subject, f.origin) for f in found.findings} == {
        ("a", "data of b of second"), ("b", "data of a of first"),
    }  # fmt: skip


def test_one_correlation_id_for_both_is_a_taint(build):
    shared = {"fields": {"correlationId": "run-1/first"}}
    first = named(build, "first", build.task("a", 0, 10), **shared)
    second = named(build, "second", build.task("b", 0, 10), **shared)
    assert {f.observed for f in isolated_from(second).judge(first).findings} == {"correlationId is 'run-1/first'"}


def test_a_worker_may_not_run_more_than_its_slots(build):
    first = named(build, "first", build.task("a", 0, 10), slots=1)
    beside = named(build, "second", build.task("a", 5, 15), slots=1)
    [finding] = isolated_from(beside).judge(first).findings
    assert (finding.code, finding.subject, finding.observed) == ("overrun", "a on w1", "2")
    enough = named(build, "first", build.task("a", 0, 10), slots=2)
    assert isolated_from(beside).judge(enough).verdict is Verdict.PASS


def test_a_limit_of_the_definition_holds_over_both(build):
    limited = {"task_definitions": {"a": TaskDefinition(name="a", concurrent_exec_limit=1)}}
    first = named(build, "first", build.task("a", 0, 10), **limited)
    beside = named(build, "second", build.task("a", 5, 15, worker="w2"), **limited)
    [finding] = isolated_from(beside).judge(first).findings
    assert (finding.code, finding.origin) == ("overrun", "concurrentExecLimit of a")


def test_nothing_is_isolated_from_itself(build):
    first = named(build, "first", build.task("a", 0, 10))
    assert isolated_from(first).judge(first).findings[0].code == "same-execution"


def test_a_child_shares_its_parent_s_data_by_design(build):
    parent = named(build, "parent", build.task("a", 0, 10, output={"artifact": "parent-artifact"}))
    child = named(
        build, "child", build.task("b", 0, 10, input={"from": "parent-artifact"}),
        fields={"parentWorkflowId": "id-of-parent"},
    )  # fmt: skip
    findings = isolated_from(parent).judge(child)
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 0)
    assert "child and parent are parent and child: they share data by design" in findings.notes


def test_an_end_is_compared_on_the_server_s_clock(build):
    first = named(build, "first", build.task("a", 0, 10))
    second = named(build, "second", build.task("b", 0, 20))
    assert finishes_before(second).judge(first).verdict is Verdict.PASS
    [finding] = finishes_before(first).judge(second).findings
    assert (finding.code, finding.margin) == ("ended-late", "10 ms")


def test_to_finish_before_is_decided_by_the_first_end(build):
    ended = named(build, "ended", build.task("a", 0, 10))
    running = named(build, "running", build.task("b", 0), status="RUNNING")
    assert finishes_before(running).judge(ended).verdict is Verdict.PASS
    assert finishes_before(ended).judge(running).verdict is Verdict.FAIL
    assert finishes_before(running).judge(running).verdict is Verdict.UNKNOWN


def test_isolation_stays_open_while_either_runs(build):
    ended = named(build, "ended", build.task("a", 0, 10))
    running = named(build, "running", build.task("b", 0), status="RUNNING")
    for first, second in ((ended, running), (running, ended)):
        assert isolated_from(first).judge(second).findings[-1].code == "pending"


def test_who_ends_first_is_not_known_of_two_that_never_ended(build):
    lost = {"status": "RUNNING", "released": "deadline passed"}
    first = named(build, "first", build.task("a", 0), **lost)
    second = named(build, "second", build.task("b", 0), **lost)
    running = named(build, "third", build.task("b", 0), status="RUNNING")
    assert finishes_before(second).judge(first).findings[0].code == "no-stamp"
    assert finishes_before(running).judge(first).findings[0].code == "pending"
    assert finishes_before(first).judge(running).findings[0].code == "pending"


def test_to_end_at_the_same_instant_is_not_before(build):
    first = named(build, "first", build.task("a", 0, 10))
    second = named(build, "second", build.task("b", 0, 10))
    findings = finishes_before(second).judge(first)
    assert (findings.findings[0].code, findings.notes) == ("ended-late", ())


def test_no_limit_is_no_limit_and_what_still_runs_is_left_out(build):
    free = {"task_definitions": {"a": TaskDefinition(name="a", concurrent_exec_limit=0)}}
    beside = named(build, "second", build.task("a", 5, 15, worker="w2"), **free)
    assert isolated_from(beside).judge(named(build, "first", build.task("a", 0, 10), **free)).failed == 0
    limited = {"task_definitions": {"a": TaskDefinition(name="a", concurrent_exec_limit=1)}}
    open_one = named(build, "third", build.task("a", 5, worker="w2"), status="RUNNING", **limited)
    assert isolated_from(open_one).judge(named(build, "first", build.task("a", 0, 10), **limited)).failed == 0


def test_opposite_ends_in_workflow_time_are_mentioned(build):
    scaled = {"time_model": "scaled", "speed": 600}
    short = named(build, "short", build.task("a", 0, 10, simulated=True), **scaled)
    real = named(build, "real", build.task("b", 0, 20), **scaled)
    findings = finishes_before(real).judge(short)
    assert findings.verdict is Verdict.PASS
    assert findings.notes == ("in workflow time short and real end in the opposite order",)
