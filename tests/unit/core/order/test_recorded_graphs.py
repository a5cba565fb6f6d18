"""Every history recorded from a real server: it parses, keeps its own order, and its makespan splits exactly."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.consistency.clockstep import clock_step
from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.order.unroll import expected_keys, happens_before, label, unexpected_keys
from pytest_k1n.core.schedule.critical import critical_path
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire

HERE = Path(__file__).parents[1] / "histories"
"""Of conductor-server 3.32.1, one per task type and oddity; pruned of what the core does not read."""
SHARED = Path(__file__).parents[4] / "fixtures" / "histories"
DOCUMENTS = [path for folder in (HERE, SHARED) for path in sorted(folder.rglob("*.json"))]


def executions(document):
    """Find the executions of a recording: the document itself, or those it holds."""
    if isinstance(document, dict) and "workflowId" in document and "tasks" in document:
        return [wire.execution(document)]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [execution for value in inner for execution in executions(value)]


HISTORIES = [
    pytest.param(execution, id=f"{path.stem}-{index}" if index else path.stem)
    for path in DOCUMENTS
    for index, execution in enumerate(executions(json.loads(path.read_text())))
]


def recorded(name):
    return wire.execution(json.loads((HERE / f"{name}.json").read_text()))


def order_of(run):
    return [label(key) for key in critical_path_of(run).tasks]


def critical_path_of(run):
    graph = happens_before(run.definition, run)
    return critical_path(rebuild(run, graph), graph)


@pytest.mark.parametrize("run", HISTORIES)
def test_a_recorded_history_satisfies_its_own_definition(run):
    graph = happens_before(run.definition, run)
    findings = ordering(run, graph)
    overwritten = "which was run again since"  # what it followed is on record no more
    assert [str(finding) for finding in findings.findings if not finding.observed.endswith(overwritten)] == []
    assert clock_step(run) is None
    assert unexpected_keys(graph, run) == ()


@pytest.mark.parametrize("run", HISTORIES)
@pytest.mark.parametrize("speed", [1, 600])
def test_the_makespan_of_a_recorded_history_splits_exactly(run, speed):
    graph = happens_before(run.definition, run)
    timeline = rebuild(run, graph, speed=speed)
    path = critical_path(timeline, graph)
    assert sum(path.by_kind().values()) == path.makespan_ms
    if run.ended_ms is not None:
        assert path.makespan_ms == timeline.end_ms
        assert speed != 1 or path.makespan_ms == run.ended_ms - run.started_ms
        assert schedule(graph, durations(timeline)).span_ms <= path.makespan_ms


def test_a_branch_left_out_of_a_join_goes_on_beside_the_rest():
    run = recorded("partial-join-with-a-retry")
    assert order_of(run) == ["a", "f", "c", "c2", "k", "e"]
    held = [each for each in critical_path_of(run).segments if each.kind == "retry delay"]
    assert [(each.key, each.duration_ms) for each in held] == [(("c", 0), 1000)]


def test_a_join_on_a_switch_does_not_wait_for_the_case_it_took():
    run = recorded("join-on-a-switch")
    graph = happens_before(run.definition, run)
    assert graph.are_concurrent(("c", 0), ("e", 0))
    finals = run.finals
    assert finals["c", 0].scheduled_ms > finals["e", 0].scheduled_ms


def test_an_empty_case_is_taken_and_the_default_case_is_not():
    assert order_of(recorded("empty-case")) == ["s", "e"]


def test_a_join_may_fail_before_the_failed_branch_is_retried():
    run = recorded("join-failed-before-the-retry")
    assert [record.attempt for record in run.records["x", 2]] == [0, 1]
    assert order_of(run)[-2:] == ["x__2", "j__2"], "not the canceled retry"


def test_keep_last_n_leaves_the_last_iterations():
    run = recorded("loop-keeping-last-2")
    graph = happens_before(run.definition, run)
    assert [label(key) for key in graph.keys("w")] == ["w__3", "w__4"]
    assert set(expected_keys(graph, run)) == set(run.finals)


def test_a_terminate_ends_an_execution_that_has_scheduled_more():
    run = recorded("terminate-in-a-branch")
    assert order_of(run)[-1] == "t"
    graph = happens_before(run.definition, run)
    assert ("e", 0) not in expected_keys(graph, run)


def test_of_a_dynamically_forked_switch_only_the_head_of_the_case_ever_runs():
    run = recorded("dynamic-fork-of-operators")
    graph = happens_before(run.definition, run)
    assert graph.predecessors(("dj", 0)) == (("df", 0), ("p", 0), ("dx", 0), ("dl", 0))
    assert set(expected_keys(graph, run)) - set(run.finals) == {("dy", 0)}, "the server drops it: say so"


def test_a_task_skipped_by_hand_is_passed_over():
    run = recorded("skipped-by-hand")
    findings = ordering(run, happens_before(run.definition, run))
    assert findings.verdict is Verdict.PASS
    assert order_of(run) == ["a", "e"]
