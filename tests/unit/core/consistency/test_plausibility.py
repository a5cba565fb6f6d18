"""Records that cannot be true are no pass, each kind by a code of its own; `test_mutations` changes every field."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.expectations import completed, follows_definition, judge_all
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.read import load_plan

ROOT = Path(__file__).parents[4]
PLAN = load_plan(ROOT / "suites" / "plan.toml")
TEMPLATE = PLAN.template_for("K1N_TEMPLATE_02")
DEFINITION = wire.workflow_definition(
    json.loads((ROOT / "fixtures" / "workflows" / "K1N_TEMPLATE_02.json").read_text())
)
RECORDED = [
    *sorted((ROOT / "fixtures" / "histories").glob("*.json")),
    *sorted((Path(__file__).parents[1] / "histories").rglob("*.json")),
]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_nothing_that_the_real_server_recorded_is_implausible(path):
    assert implausible(observe(wire.execution(json.loads(path.read_text())))) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"startTime": 0}, "no-start-stamp"),
        ({"endTime": 0}, "no-end-stamp"),
        ({"scheduledTime": 0}, "no-start-stamp"),
        ({"status": "SKIPPED"}, "skipped-unasked"),
        ({"status": "COMPLETED_WITH_ERRORS"}, "not-optional"),
        ({"workflowInstanceId": "another"}, "foreign-record"),
        ({"workflowType": "ANOTHER"}, "foreign-record"),
        ({"taskType": "task_9"}, "foreign-record"),
        ({"iteration": 2, "referenceTaskName": "task_6__2"}, "outside-loop"),
        ({"retryCount": 1}, "attempts-missing"),
        ({"retried": True}, "attempts-missing"),
        ({"seq": 2}, "same-id"),
        ({"status": "IN_PROGRESS"}, "open-task"),
    ],
)
def test_each_kind_of_contradiction_has_a_code_of_its_own(change, code):
    document = json.loads((ROOT / "fixtures" / "histories" / "template-02.json").read_text())
    document["tasks"][0] |= change
    found = judge_all([completed()], observe(wire.execution(document), time_model="scaled", speed=600))
    assert code in {finding.code for finding in found.findings}
    assert found.verdict is not Verdict.PASS


@pytest.mark.parametrize(
    ("limit_s", "scheduled", "doubted"),
    [(2, 20_290, []), (2, 19_700, []), (0, 20_290, ["attempts-missing"]), (60, 20_290, ["attempts-missing"])],
    ids=["behind its end", "before its end", "no limit", "in time"],
)
def test_a_report_may_overtake_the_servers_time_out(build, limit_s, scheduled, doubted):
    """Stamps of a 3.32.1 that was killed and restarted: `left` had a response timeout of two seconds."""
    late = {**build.task("left", 9, 20_167), "responseTimeoutSeconds": limit_s}
    again = build.task("left", 24_227, 24_572, scheduled=scheduled, attempt=1)
    assert [each.code for each in implausible(build.observation(late, again))] == doubted


def test_work_that_never_takes_time_is_doubted_in_real_time_only():
    document = json.loads((ROOT / "fixtures" / "histories" / "template-02.json").read_text())
    for record in document["tasks"]:
        record["startTime"] = record["endTime"]
    execution = wire.execution(document)
    assert [each.code for each in implausible(observe(execution))] == ["no-time-taken"]
    assert implausible(observe(execution, time_model="virtual")) == ()


def test_a_task_that_was_completed_by_the_api_alone_needs_no_start():
    document = json.loads((ROOT / "fixtures" / "histories" / "template-02.json").read_text())
    document["tasks"][0] |= {"startTime": 0, "pollCount": 0, "workerId": None}
    assert implausible(observe(wire.execution(document), time_model="scaled", speed=600)) == ()


def test_a_loop_that_counts_a_trillion_rounds_is_judged_at_once(build):
    body = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}
    loop = {
        "name": "loop",
        "taskReferenceName": "loop",
        "type": "DO_WHILE",
        "loopCondition": "true",
        "loopOver": [body],
    }
    seen = build.observation(
        build.task("loop", 0, 20, type="DO_WHILE", output={"iteration": 10**12}), build.task("a", 0, 10, iteration=1),
        definition={"name": "wf", "version": 1, "tasks": [loop]},
    )  # fmt: skip
    told = [finding for finding in implausible(seen) if finding.code == "round-missing"]
    assert len(told) == 100
    assert told[0].observed == "a has no record of round 2"


def recorded(name):
    return json.loads((ROOT / "fixtures" / "histories" / f"{name}.json").read_text())


def of(document, kind):
    return next(task for task in document["tasks"] if task["taskType"] == kind)


@pytest.mark.parametrize(
    ("name", "kind", "change", "code"),
    [
        ("switch-case", "SWITCH", {"outputData": {}}, "contradiction"),
        ("switch-case", "SWITCH", {"outputData": {"evaluationResult": ["other"]}}, "contradiction"),
        ("switch-case", "SWITCH", {"taskType": "switch"}, "foreign-record"),
        ("do-while-condition", "DO_WHILE", {"iteration": 5}, "contradiction"),
        ("do-while-condition", "DO_WHILE", {"iteration": 1, "outputData": {"iteration": 1}}, "contradiction"),
        ("sub-workflow-parent", "SUB_WORKFLOW", {"subWorkflowId": None}, "contradiction"),
        ("sub-workflow-parent", "SUB_WORKFLOW", {"outputData": {"subWorkflowId": "another"}}, "contradiction"),
        ("sub-workflow-parent", "SUB_WORKFLOW", {"inputData": {"subWorkflowName": "another"}}, "foreign-record"),
        ("wait-signalled", "WAIT", {"taskType": "HUMAN"}, "foreign-record"),
        ("nested-forks", "JOIN", {"taskType": "join"}, "foreign-record"),
        ("nested-forks", "FORK", {"taskType": "FORK_JOIN"}, "foreign-record"),
    ],
)
def test_a_system_task_that_contradicts_itself_or_its_definition_is_doubted(name, kind, change, code):
    document = recorded(name)
    of(document, kind).update(change)
    assert code in {each.code for each in implausible(observe(wire.execution(document)))}


@pytest.mark.parametrize("change", [{"scheduledTime": -2_000}, {"startTime": -2_000, "startDelayInSeconds": 60}])
def test_a_retry_before_the_failure_or_its_delay_is_doubted(change):
    document = recorded("retried")
    again = next(task for task in document["tasks"] if task["retryCount"] == 1)
    again.update({key: again[key] + value if value < 0 else value for key, value in change.items()})
    assert "stamps-out-of-order" in {each.code for each in implausible(observe(wire.execution(document)))}


def test_an_execution_that_is_its_own_parent_or_started_in_1970_is_doubted():
    for change in ({"parentWorkflowId": recorded("retried")["workflowId"]}, {"startTime": 1_763_696, "createTime": 0}):
        seen = observe(wire.execution({**recorded("retried"), **change}))
        assert "contradiction" in {each.code for each in implausible(seen)}


@pytest.mark.parametrize(
    ("name", "kind", "change", "code"),
    [
        ("human", "HUMAN", {"endTime": -3_600_000}, "outside-execution"),
        ("human", "HUMAN", {"startTime": 3_600_000}, "stamps-out-of-order"),
        ("human", "HUMAN", {"status": "COMPLETED_WITH_ERRORS"}, "not-optional"),
        ("human", "HUMAN", {"scheduledTime": None}, "no-start-stamp"),
        ("switch-case", "SWITCH", {"endTime": 3_600_000}, "outside-execution"),
        ("switch-case", "SWITCH", {"status": "COMPLETED_WITH_ERRORS"}, "not-optional"),
        ("sub-workflow-parent", "SUB_WORKFLOW", {"endTime": -3_600_000}, "outside-execution"),
        ("nested-forks", "FORK", {"startTime": 86_400_000}, "outside-execution"),
        ("nested-forks", "JOIN", {"status": "COMPLETED_WITH_ERRORS"}, "not-optional"),
        ("do-while-condition", "DO_WHILE", {"scheduledTime": -3_600_000}, "outside-execution"),
        ("do-while-condition", "DO_WHILE", {"outputData": {}}, "contradiction"),
        ("retried", "rec_a", {"workflowTask": {"name": "rec_b", "taskReferenceName": "b"}}, "foreign-record"),
        ("retried", "rec_a", {"taskDefName": "rec_b"}, "foreign-record"),
        ("retried", "rec_a", {"retriedTaskId": "nowhere"}, "attempts-missing"),
        ("retried", "rec_a", {"seq": -1}, "contradiction"),
    ],
)
def test_what_no_engine_stamps_or_says_is_doubted(name, kind, change, code):
    document = recorded(name)
    task = of(document, kind)
    task.update({key: task[key] + value if key.endswith("Time") and value else value for key, value in change.items()})
    assert code in {each.code for each in implausible(observe(wire.execution(document)))}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"startTime": 0, "createTime": 0}, "no-start-stamp"),
        ({"createTime": 3_600_000}, "stamps-out-of-order"),
        ({"endTime": 3_600_000}, "stamps-out-of-order"),
    ],
)
def test_an_execution_does_not_start_before_it_is_created_or_end_after_its_last_change(change, code):
    document = recorded("retried")
    document.update({key: document[key] + value if value else 0 for key, value in change.items()})
    assert code in {each.code for each in implausible(observe(wire.execution(document)))}


def test_of_the_rounds_that_a_loop_keeps_each_is_there():
    document = json.loads((Path(__file__).parents[1] / "histories" / "loop-keeps-two.json").read_text())
    assert implausible(observe(wire.execution(document))) == ()
    document["tasks"] = [task for task in document["tasks"] if task["referenceTaskName"] != "lo_a_r__4"]
    assert "round-missing" in {each.code for each in implausible(observe(wire.execution(document)))}


@pytest.mark.parametrize("field", ["retried", "workflowInstanceId", "workflowType", "taskDefName", "retriedTaskId"])
def test_a_field_of_another_type_is_no_execution(field):
    document = recorded("retried")
    of(document, "rec_a")[field] = 7
    with pytest.raises(wire.WireError, match=f"{field} must be "):
        wire.execution(document)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "CANCELED", "SKIPPED"])
def test_an_optional_task_that_failed_says_so_and_is_not_skipped_by_itself(status):
    document = recorded("optional-failed")
    next(task for task in document["tasks"] if task["taskType"] == "rec_b" and not task["retried"])["status"] = status
    found = judge_all([completed()], observe(wire.execution(document)))
    assert {"contradiction", "skipped-unasked"} & {each.code for each in found.findings}
    assert found.verdict is Verdict.UNKNOWN


def test_a_task_that_was_retried_by_hand_behind_the_end_of_what_follows_is_not_decided(build):
    """A sub-workflow is run again in its old record, and what follows it stays as it was."""
    documents = build.task("a", 0, 90), build.task("b", 50, 60)
    chain = {"name": "wf", "version": 1, "tasks": [
        {"name": each, "taskReferenceName": each, "type": "SIMPLE"} for each in "ab"
    ]}  # fmt: skip
    seen = build.observation(*documents, definition=chain)
    for retried_ms, verdict in ((None, Verdict.FAIL), (seen.execution.started_ms + 70, Verdict.UNKNOWN)):
        execution = replace(seen.execution, last_retried_ms=retried_ms)
        found = judge_all([follows_definition()], observe(execution, definition=seen.definition))
        assert [each.verdict for each in found.findings if each.code == "started-early"] == [verdict]


def test_a_sub_workflow_that_is_its_parent_is_doubted():
    document = recorded("sub-workflow-parent")
    of(document, "SUB_WORKFLOW").update(subWorkflowId=document["workflowId"], outputData={})
    assert [each.code for each in implausible(observe(wire.execution(document)))] == ["contradiction"]


@pytest.mark.parametrize(
    ("name", "ref", "change", "code"),
    [
        ("join-with-errors", "dj", {"status": "COMPLETED_WITH_ERRORS"}, "not-optional"),
        ("loop-keeping-last-2", "l", {"inputData": {"keepLastN": 0}}, "round-missing"),
        ("loop-keeping-last-2", "l", {"inputData": {"keepLastN": -1}}, "round-missing"),
    ],
)
def test_what_operators_say_of_others_is_on_record(name, ref, change, code):
    path = Path(__file__).parents[1] / "histories" / f"{name}.json"
    document = json.loads(path.read_text())
    next(each for each in document["tasks"] if each["referenceTaskName"] == ref).update(change)
    assert {each.code for each in implausible(observe(wire.execution(document)))} == {code}
