"""Limits of the gates, each to the millisecond, and what they leave out on purpose."""

import pytest

from pytest_k1n.core.concurrency.taint import Index
from pytest_k1n.core.gates import BatchObservation, CategoryVerdict, GateSettings, category, judge, single
from pytest_k1n.core.record.paths import equal, shown

PASS, FAIL = CategoryVerdict.PASS, CategoryVerdict.FAIL
NOT_APPLICABLE = CategoryVerdict.NOT_APPLICABLE


def gate(gate_id, observed, **settings):
    return judge(category(gate_id), single(observed), GateSettings(**settings))


@pytest.mark.parametrize(
    ("start", "end", "is_alone"), [(0, 50, True), (0, 51, False), (149, 200, False), (150, 200, True)]
)
def test_executions_that_only_touch_are_not_beside_each_other(build, start, end, is_alone):
    mine = build.observation(build.task("a", 50, 150), start=50)
    other = build.observation(build.task("b", start, end), start=start, fields={"workflowId": "wf-2"})
    assert BatchObservation(observations={"mine": mine, "other": other}).is_alone("mine") is is_alone


def test_an_execution_that_runs_on_is_beside_whatever_starts_later(build):
    mine = build.observation(build.task("a", 50), start=50, status="RUNNING")
    other = build.observation(build.task("b", 500), start=500, status="RUNNING", fields={"workflowId": "wf-2"})
    batch = BatchObservation(observations={"mine": mine, "other": other})
    assert not batch.is_alone("mine")
    assert not batch.is_alone("other")


def retried(build, gap, **definition):
    made = build.chain("a")
    made["tasks"][0]["taskDefinition"] = {"name": "a", "retryCount": 1, "retryDelaySeconds": 1, **definition}
    first = build.task("a", 0, 10, status="FAILED", reason="boom", retried=True)
    return build.observation(first, build.task("a", 10 + gap, gap + 15, attempt=1), definition=made)


@pytest.mark.parametrize(("gap", "verdict"), [(998, FAIL), (999, PASS), (31_000, PASS), (31_001, FAIL)])
def test_a_retry_may_be_one_ms_early_and_one_sweep_late(build, gap, verdict):
    assert gate("G11", retried(build, gap)).verdict is verdict


def test_a_retry_s_backoff_is_told_by_its_logic(build):
    doubled = {"retryLogic": "EXPONENTIAL_BACKOFF", "retryDelaySeconds": 2}
    assert gate("G11", retried(build, 1999, **doubled)).verdict is PASS
    assert gate("G11", retried(build, 1998, **doubled)).verdict is FAIL
    jitter = {"backoffJitterMs": 500}
    assert gate("G11", retried(build, 31_500, **jitter)).verdict is PASS


def test_an_attempt_that_was_not_started_yet_leaves_its_gap_unknown(build):
    made = build.chain("a")
    made["tasks"][0]["taskDefinition"] = {"name": "a", "retryCount": 1, "retryDelaySeconds": 1}
    first = build.task("a", 0, 10, status="FAILED", reason="boom", retried=True)
    live = build.observation(first, build.task("a", scheduled=12, attempt=1), definition=made, status="RUNNING")
    assert [each.finding.code for each in gate("G11", live).located] == ["no-stamp"]


def test_only_tasks_that_ended_are_held_to_their_timeouts(build):
    made = build.chain("a", "b")
    made["tasks"][0]["taskDefinition"] = {"name": "a", "responseTimeoutSeconds": 1}
    live = build.observation(build.task("a", 0), definition=made, status="RUNNING")
    assert gate("G13", live).verdict is NOT_APPLICABLE
    then = build.observation(build.task("a", 0, 10), build.task("b", 10, 20), definition=made)
    assert (gate("G13", then).verdict, gate("G13", then).passed) == (PASS, 1)


def test_a_fork_of_one_branch_has_nothing_to_run_beside(build):
    records = [
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 500), build.task("join", 0, 501, type="JOIN"),
    ]  # fmt: skip
    seen = build.observation(*records, definition=build.fork(["a"]))
    assert gate("G4", seen).verdict is NOT_APPLICABLE


@pytest.mark.parametrize(("length", "verdict"), [(150, NOT_APPLICABLE), (151, FAIL)])
def test_a_task_must_meet_its_neighbour_only_if_it_outlasts_the_spread_of_starts(build, length, verdict):
    records = [
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 400),
        build.task("b", 1000, 1000 + length, scheduled=0), build.task("join", 0, 1200, type="JOIN"),
    ]  # fmt: skip
    assert gate("G4", build.observation(*records, definition=build.fork(["a"], ["b"]))).verdict is verdict


def test_as_many_slots_as_branches_let_every_pair_meet(build):
    records = [
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 200, name="same"),
        build.task("b", 0, 200, name="same"), build.task("join", 0, 201, type="JOIN"),
    ]  # fmt: skip
    result = gate("G4", build.observation(*records, definition=build.fork(["a"], ["b"]), slots=2))
    assert (result.verdict, result.passed) == (PASS, 1)


def test_the_output_of_a_failed_attempt_need_not_be_valid(build):
    made = build.chain("a")
    made["tasks"][0]["taskDefinition"] = {"name": "a", "outputSchema": {"name": "o", "data": {"out": 1}}}
    failed = build.observation(build.task("a", 0, 10, status="FAILED"), definition=made, status="FAILED")
    assert gate("G14", failed, validate=lambda schema, document: ["no"]).verdict is NOT_APPLICABLE
    done = build.observation(build.task("a", 0, 10), definition=made)
    [located] = gate("G14", done, validate=lambda schema, document: ["v is required", "w is required"]).located
    assert located.finding.observed == "'v is required' and 1 more"
    assert located.finding.origin == "schema of the task definition"


def test_logs_are_asked_only_of_what_a_worker_ended(build):
    logs = {"id-a-0-0": ((build.ZERO + 4_000, "started"),)}
    early = build.observation(build.task("a", 5_000, 9_000), logs=logs)
    assert gate("G16", early).verdict is PASS
    too_early = build.observation(build.task("a", 5_001, 9_000), logs=logs)
    assert gate("G16", too_early).verdict is FAIL
    cancelled = build.observation(build.task("a", 0, 10, status="CANCELED"), logs={}, status="TERMINATED")
    assert gate("G16", cancelled).verdict is NOT_APPLICABLE
    waiting = build.observation(build.task("w", 0, 10, type="WAIT"), logs={})
    assert gate("G16", waiting).verdict is NOT_APPLICABLE


def reading(build, status="COMPLETED", tasks=(), **fields):
    definition = build.chain("a", outputParameters={"v": "${a.output.v}"})
    return build.observation(
        build.task("a", 0, 10, output={"v": 1}), *tasks, definition=definition, status=status,
        fields={"output": {"v": 2}, **fields},
    )  # fmt: skip


def test_the_output_is_traced_only_where_the_definition_made_it(build):
    assert gate("G15", reading(build)).verdict is FAIL
    assert gate("G15", reading(build, status="FAILED")).verdict is NOT_APPLICABLE
    stopped = reading(build, tasks=[build.task("stop", 10, 10, type="TERMINATE")])
    assert gate("G15", stopped).verdict is NOT_APPLICABLE


def taint_of(build, mine, theirs, *, of=None, **fields):
    of = {"workflowId": "workflow-1", "workflowName": "first"} | (of or {})
    first = build.execution(build.task("a", 0, 10, output=theirs, task_id="1"), **of)
    mine = build.task("b", 0, 10, input=mine, task_id="2")
    second = build.execution(mine, **({"workflowId": "workflow-2", "workflowName": "other"} | fields))
    return [
        (taint.path, taint.source)
        for taint in Index([first, second]).taints(second, second.definition).get(first.workflow_id, ())
    ]


def test_short_texts_and_numbers_prove_nothing(build):
    assert taint_of(build, {"v": "1234567"}, {"v": "1234567"}) == []
    assert taint_of(build, {"v": 12345678}, {"v": 12345678}) == []
    assert taint_of(build, {"v": "12345678"}, {"v": "12345678"}) == [("inputData.v", "data of a")]


def test_variables_leave_traces_too(build):
    owned = {"variables": {"token": "secret42", "n": "seven77", "m": 12345678}}
    assert taint_of(build, {"v": "secret42"}, {}, of=owned) == [("inputData.v", "data of variables")]
    assert taint_of(build, {"v": "seven77"}, {}, of=owned) == []


def test_an_id_that_was_handed_in_is_no_taint(build):
    assert taint_of(build, {"parent": "/workflow-1"}, {}) == [("inputData.parent", "workflow id")]
    assert taint_of(build, {"parent": "workflow-1"}, {}, input={"parent": "workflow-1"}) == []


def test_a_short_correlation_id_is_not_looked_for_inside_texts(build):
    short = {"correlationId": "7"}
    assert taint_of(build, {"v": "77 things"}, {}, of=short) == []
    assert taint_of(build, {}, {}, of=short, correlationId="7") == [("correlationId", "correlation id")]


def test_json_equality_never_mixes_kinds():
    assert not equal({"a": 1}, [1])
    assert not equal([1], {"a": 1})
    assert not equal("a", ["a"])
    assert shown("x" * 8, 10) == "'xxxxxxxx'"
