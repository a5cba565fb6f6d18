"""Columns say what records say: they are read from the wire and made from records, and checks look at nothing else."""

import copy
import json
import pickle
import weakref
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.columns import Columns, Records
from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.consistency.plausibility import _defined, _in_doubt, _loops, _place, _stamps
from pytest_k1n.core.expectations import judge_all, planned
from pytest_k1n.core.model import WorkflowTask, _columns
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.schedule.critical import critical_path
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire
from pytest_k1n.core.wire.records import _NAMES, _UNUSED

ROOT = Path(__file__).parents[3]
RECORDED = [json.loads(path.read_text()) for path in sorted((ROOT / "fixtures" / "histories").glob("*.json"))]
STRANGE = st.sampled_from(
    [None, 0, 1, 2, -1, True, 1.5, "", "x", "other", "task_7", "SIMPLE", "JOIN", "DO_WHILE", "COMPLETED", "SKIPPED",
     "FAILED", "IN_PROGRESS", "COMPLETED_WITH_ERRORS", [], {}, {"_k1n": {"simulated": True}}, 1 << 45]
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, 99), st.sampled_from([*_NAMES, *_UNUSED]), STRANGE), max_size=4)


def changed(document, changes):
    """A recorded execution with some fields of its records set to something else, or (None) left out."""
    document = copy.deepcopy(document)
    for number, name, value in changes:
        record = document["tasks"][number % len(document["tasks"])]
        if value is None:
            record.pop(name, None)
        else:
            record[name] = value
    return document


def records_one_by_one(document):
    """What reading record by record makes of an execution, or its complaint."""
    try:
        definition = wire.workflow_definition(document["workflowDefinition"])
        where = f"execution {document['workflowId']}"
        made = [wire._task_record(each, where, definition.by_ref) for each in document["tasks"]]
    except wire.WireError as error:
        return str(error)
    return tuple(sorted(made, key=lambda record: record.seq))


def records_in_columns(document):
    try:
        return wire.execution(document).tasks
    except wire.WireError as error:
        return str(error)


def fields(columns):
    names = Columns.__dataclass_fields__
    return {name: list(getattr(columns, name)) for name in names}


@given(st.sampled_from(RECORDED), CHANGES)
def test_records_are_the_same_read_in_columns_or_one_by_one(document, changes):
    document = changed(document, changes)
    found, expected = records_in_columns(document), records_one_by_one(document)
    if isinstance(expected, str):
        assert found == expected
    else:
        assert tuple(found) == expected
        assert fields(wire.execution(document).columns) == fields(_columns(expected))


@given(st.sampled_from(RECORDED), CHANGES)
def test_records_that_are_not_in_doubt_break_no_rule(document, changes):
    try:
        observation = observe(wire.execution(changed(document, changes)))
    except wire.WireError:
        return
    execution, as_run = observation.execution, observation.as_run
    doubted, loops = _in_doubt(execution, as_run), _loops(as_run.definition)
    for place, record in enumerate(execution.tasks):
        task = as_run.graph.nodes.get(record.key) or _defined(as_run, record.key)
        if [*_stamps(record, execution), *_place(record, task, loops)]:
            assert place in doubted


@given(st.sampled_from(RECORDED), CHANGES)
def test_columns_of_the_wire_and_of_records_are_judged_alike(document, changes):
    try:
        execution = wire.execution(changed(document, changes))
    except wire.WireError:
        return
    made = replace(execution, tasks=tuple(execution.tasks))
    assert made == execution
    assert judge_all(planned(None), observe(made)) == judge_all(planned(None), observe(execution))


def test_a_sound_execution_is_judged_without_a_record_being_made(monkeypatch):
    def refuse(self, place):
        raise AssertionError(f"record {place} was made")

    document = next(each for each in RECORDED if each["status"] == "COMPLETED" and plain(each))
    execution = wire.execution(document)
    monkeypatch.setattr(Records, "__getitem__", refuse)
    assert not judge_all(planned(None), observe(execution)).findings


def test_the_order_path_and_slack_of_forks_are_told_without_a_record_being_made(monkeypatch):
    def refuse(self, place):
        raise AssertionError(f"record {place} was made")

    document = json.loads((ROOT / "fixtures" / "histories" / "nested-forks.json").read_text())
    execution = wire.execution(document)
    graph = happens_before(execution.definition, execution)
    monkeypatch.setattr(Records, "__getitem__", refuse)
    assert not ordering(execution, graph).findings
    timeline = rebuild(execution, graph)
    path = critical_path(timeline, graph, quantum_ms=60_000)  # no wait is long enough to ask whom it is owed to
    assert path.makespan_ms == timeline.end_ms
    assert schedule(graph, durations(timeline)).slack


def plain(document):
    return {each["taskType"] for each in document["tasks"]}.isdisjoint({"SWITCH", "DO_WHILE", "FORK", "SUB_WORKFLOW"})


def test_what_is_not_in_the_order_of_seq_is_put_in_it():
    document = changed(next(each for each in RECORDED if len(each["tasks"]) > 2), [])
    document["tasks"].reverse()
    execution = wire.execution(document)
    assert list(execution.columns.seq) == [record.seq for record in execution.tasks] == sorted(execution.columns.seq)


def test_later_looks_at_the_same_records_are_equal():
    document = RECORDED[0]
    assert wire.execution(document) == wire.execution(copy.deepcopy(document))
    assert wire.execution(document) != wire.execution(changed(document, [(0, "pollCount", 77)]))
    assert wire.execution(document) == wire.execution(changed(document, [(0, "queueWaitTime", 77)]))


def test_looks_between_which_a_task_has_ended_differ_without_a_record_being_made(monkeypatch):
    def refuse(self, place):
        raise AssertionError(f"record {place} was made")

    before, after = wire.execution(RECORDED[0]), wire.execution(changed(RECORDED[0], [(0, "endTime", 1 << 45)]))
    monkeypatch.setattr(Records, "__getitem__", refuse)
    assert before != after


def test_a_plain_task_is_one_that_has_nothing_else():
    document = {"name": "a", "taskReferenceName": "r", "type": "SIMPLE", "inputParameters": {"n": 1}}
    plain = wire.workflow_tasks([document], "here")[0]
    assert plain == WorkflowTask(ref="r", name="a", type="SIMPLE", inputs={"n": 1})
    assert plain.__dict__.keys() == WorkflowTask.__dataclass_fields__.keys()
    assert (plain.raw, plain.cases, plain.branches) == (document, {}, ())


def test_an_execution_that_was_read_can_be_pickled_as_values_can():
    read = wire.execution(RECORDED[0])
    again = pickle.loads(pickle.dumps(read))
    assert again == read
    assert fields(again.columns) == fields(read.columns)


def test_records_that_have_all_been_made_let_go_of_the_document():
    document = copy.deepcopy(RECORDED[0])
    seen, again = wire.execution(document).tasks, wire.execution(document).tasks
    assert [*seen][-1] is seen[-1]
    assert seen._documents is None
    assert seen == again
    document["tasks"][-1]["status"] = "FAILED"
    assert seen != wire.execution(document).tasks


def test_a_graph_that_outlives_an_execution_does_not_keep_its_records():
    document = next(each for each in RECORDED if each["workflowName"] == "K1N_TEMPLATE_02")
    execution = wire.execution(document)
    graph = happens_before(wire.workflow_definition(document["workflowDefinition"]), execution)
    assert graph.origins is not None
    kept = weakref.ref(execution.tasks)
    del execution
    assert kept() is None


def test_what_a_join_names_is_found_by_its_own_name_first_then_as_a_round():
    names = [("a", 0), ("work", 2), ("b__3", 0), ("b", 3)]
    records = [
        {"taskId": f"{ref}-{number}", "referenceTaskName": f"{ref}__{number}" if number else ref, "seq": place,
         "iteration": number, "taskType": "SIMPLE", "status": "COMPLETED"}
        for place, (ref, number) in enumerate(names, start=1)
    ]  # fmt: skip
    columns = wire.execution({"workflowId": "w", "workflowName": "w", "status": "RUNNING", "tasks": records}).columns
    assert columns.keys[:2] == names[:2]
    assert [columns.place_of(name) for name in ("a", "work__2", "work__1", "nobody")] == [0, 1, None, None]


def test_an_execution_of_a_definition_without_tasks_is_read_with_it():
    snapshot = {"name": "inner", "version": 1, "tasks": []}
    record = {"workflowId": "w", "status": "COMPLETED", "tasks": [], "workflowDefinition": snapshot}
    assert observe(wire.execution(record)).definition.name == "inner"
