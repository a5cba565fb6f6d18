"""Happens-before in one sweep: named pairs, by how much, why; against brute force over all pairs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_k1n.core.concurrency.interference import worker_concurrency
from pytest_k1n.core.consistency.clockstep import clock_step
from pytest_k1n.core.consistency.ordering import _along_edges, _begin, _over_alternatives, _stamps, ordering, violations
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.order.unroll import expected_keys, happens_before
from pytest_k1n.core.schedule.critical import critical_path
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 25)


def judge(definition, run):
    return ordering(run, happens_before(definition, run))


def test_equal_stamps_are_in_order(define, execution, task):
    findings = judge(define.workflow("a", "b"), execution(task("a", 0, 10), task("b", 10, 20)))
    assert findings.verdict is Verdict.PASS
    assert findings.passed == 1


def test_one_ms_too_early_is_a_violation_that_says_why(define, execution, task):
    run = execution(task("task_6", 0, 10), task("task_7", 9, 20), task("task_8", 20, 30))
    findings = judge(define.workflow("task_6", "task_7", "task_8"), run)
    (finding,) = findings.findings
    assert str(finding) == (
        "fail    started-early: task_7: expected scheduled after task_6 ended; "
        "observed scheduled 1 ms before task_6 ended, by 1 ms (definition edge task_6 -> task_7)"
    )
    assert findings.passed == 1


def test_a_loop_that_was_skipped_beforehand_waits_for_nothing(define, execution, task):
    definition = define.workflow("a", define.loop("l", "b"), "c")
    skipped = task("l", None, 86, scheduled=86, status="SKIPPED", type="l")
    run = execution(task("a", 100, 183), skipped, task("c", 250, 347))
    assert [each for each in judge(definition, run).findings if each.subject == "l"] == []


RESPONSE = "responseTimeout: 1 exceeded for the taskId: a0 with Task Definition: a"
TASK = "Task timed out after 1 seconds. Timeout configured as 1 seconds. Timeout policy configured to RETRY"
POLL = "Task poll timed out after 1 seconds. Poll timeout configured as 1 seconds. Timeout policy: RETRY"


@pytest.mark.parametrize(
    ("reason", "status", "scheduled"),
    [
        (RESPONSE, "COMPLETED_WITH_ERRORS", 1024), (TASK, "COMPLETED_WITH_ERRORS", 1024), (RESPONSE, "TIMED_OUT", 1010),
        (POLL, "COMPLETED_WITH_ERRORS", 1002),
    ],
)  # fmt: skip
def test_what_follows_a_time_out_is_scheduled_before_its_end_is_stamped(
    define, execution, task, reason, status, scheduled
):
    definition = define.workflow("a", "b", "c")
    late = task("a", 10, 1028, scheduled=2, status=status, reason=reason)
    late = replace(late, updated_ms=late.started_ms)
    run = execution(late, task("b", 1080, 1113, scheduled=scheduled), task("c", 1114, 1120))
    assert judge(definition, run).findings == ()
    earlier = execution(late, task("b", 1080, 1113, scheduled=1001), task("c", 1114, 1120))
    assert judge(definition, earlier).failed == 1
    of_worker = execution(replace(late, reason="no card"), *run.tasks[1:])
    assert judge(definition, of_worker).failed == 1


def test_a_recorded_optional_task_that_timed_out_is_in_order():
    path = Path(__file__).parents[1] / "histories" / "at_the_end" / "optional-timed-out.json"
    run = wire.execution(json.loads(path.read_text()))
    assert run.finals["u", 0].scheduled_ms < run.finals["t", 0].ended_ms
    assert ordering(run, happens_before(run.definition, run)).findings == ()


def test_what_follows_a_time_out_found_much_later_waits_for_that(define, execution, task):
    late = task("a", 10, 90_000, status="TIMED_OUT", reason=RESPONSE)
    late = replace(late, updated_ms=late.started_ms)
    for scheduled, failed in ((89_500, 0), (80_000, 1)):
        run = execution(late, task("b", 90_010, 90_020, scheduled=scheduled))
        assert judge(define.workflow("a", "b"), run).failed == failed


def test_no_stamp_is_later_than_a_task_that_bears_none(define, execution, task):
    run = execution(task("a", 0, 1 << 80), task("b"))
    assert run.finals["b", 0].scheduled_ms is None
    assert judge(define.workflow("a", "b"), run).findings == ()


def test_it_is_the_scheduling_that_must_wait_not_only_the_start(define, execution, task):
    run = execution(task("a", 0, 10), task("b", 15, 20, scheduled=8))
    assert judge(define.workflow("a", "b"), run).failed == 1


def test_something_that_never_ended_or_never_was_is_a_violation(define, execution, task):
    definition = define.workflow("a", "b")
    (finding,) = judge(definition, execution(task("a", 0), task("b", 10, 20))).findings
    assert finding.observed == "scheduled, while a has not ended"
    (finding,) = judge(definition, execution(task("b", 10, 20))).findings
    assert finding.observed == "scheduled, while a was never scheduled"


def test_a_missing_stamp_is_unknown(define, execution, task):
    lost = replace(task("a", 0, 10), ended_ms=None)
    findings = judge(define.workflow("a", "b"), execution(lost, task("b", 10, 20)))
    assert findings.verdict is Verdict.UNKNOWN
    assert findings.passed == 0


def test_a_skipped_task_binds_nothing(define, execution, task):
    skipped = task("b", scheduled=None, status="SKIPPED")
    run = execution(task("a", 0, 10), skipped, task("c", 10, 20))
    assert judge(define.workflow("a", "b", "c"), run).verdict is Verdict.PASS
    early = execution(task("a", 0, 10), skipped, task("c", 9, 20))
    (finding,) = judge(define.workflow("a", "b", "c"), early).findings
    assert (finding.subject, finding.origin) == ("c", "a -> c through b")


def test_a_task_skipped_before_its_turn_is_no_step_of_the_clock(define, execution, task):
    skipped = task("b", None, 4, scheduled=5, status="SKIPPED")
    run = execution(skipped, task("a", 0, 10), task("c", 10, 20))
    assert clock_step(run) is None
    assert judge(define.workflow("a", "b", "c"), run).verdict is Verdict.PASS


def test_the_last_attempt_must_have_ended_before_the_first_of_the_next(define, execution, task):
    first = task("a", 0, 10, status="FAILED", retried=True)
    run = execution(first, task("b", 15, 30), task("a", 11, 20, attempt=1))
    (finding,) = judge(define.workflow("a", "b"), run).findings
    assert finding.margin == "5 ms"


def test_a_switch_may_end_after_its_case_was_scheduled(define, execution, task):
    definition = define.workflow("a", define.switch("s", {"x": "b"}))
    run = execution(task("a", 0, 10), task("s", 10, 13, type="SWITCH", output={"selectedCase": "x"}), task("b", 11, 20))
    assert judge(definition, run).verdict is Verdict.PASS
    early = execution(task("a", 0, 10), task("s", 9, 13, type="SWITCH", output={"selectedCase": "x"}), task("b", 9, 20))
    (finding,) = judge(definition, early).findings
    assert finding.origin == "a -> b through s"


def test_a_join_opens_at_the_fork_and_must_end_after_its_branches(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"), "c")

    def run(join_end, next_scheduled, **join):
        return execution(
            task("f", 0, 0, type="FORK"),
            task("a", 0, 10),
            task("b", 0, 20),
            task("j", 0, join_end, type="JOIN", **join),
            task("c", next_scheduled, 40),
            end=50,
        )

    assert judge(definition, run(20, 20)).verdict is Verdict.PASS
    (finding,) = judge(definition, run(15, 20)).findings
    assert (finding.code, finding.subject, finding.margin) == ("ended-early", "j", "5 ms")
    assert finding.origin == "j waits for b"
    (finding,) = judge(definition, run(1025, 22)).findings
    assert (finding.code, finding.subject, finding.margin) == ("started-early", "c", "1.00 s")
    assert judge(definition, run(60, 22)).failed == 0, "a second look writes a JOIN's end over"
    (finding,) = judge(definition, run(60, 18)).findings
    assert (finding.code, finding.subject) == ("started-early", "c"), "the branch had not ended"
    assert judge(definition, run(15, 20, status="CANCELED")).failed == 0, "a canceled JOIN stopped waiting"


def test_a_join_of_a_running_execution_may_have_been_looked_at_before_as_long_as_its_end_may_still_say_so(
    define, execution, task
):
    definition = define.workflow(define.fork("f", "a"), define.join("j", "a"), "c", "d")

    def early(*, scheduled, latest, is_running=True):
        looking = {"status": "IN_PROGRESS"} if is_running else {}
        run = execution(
            task("f", 0, 0, type="FORK"),
            task("a", 0, 20),
            task("j", scheduled, None if is_running else 900, type="JOIN", **looking),
            task("c", 22, 30),
            task("d", 30, latest),
            status="RUNNING" if is_running else "COMPLETED",
        )
        return [finding.subject for finding in judge(definition, run).findings if finding.code == "started-early"]

    assert early(scheduled=0, latest=1000) == []
    assert early(scheduled=0, latest=1030) == ["c"], "by now its end is too late for that"
    assert early(scheduled=23, latest=1000) == ["c"], "it had not been scheduled"
    assert early(scheduled=23, latest=1000, is_running=False) == ["c"]
    assert early(scheduled=0, latest=1000, is_running=False) == []


def test_a_chain_that_became_a_fork_names_every_early_task_once(define, execution, task):
    run = execution(*(task(f"t{n}", 0, 10 + n) for n in range(4)))
    findings = judge(define.workflow("t0", "t1", "t2", "t3"), run).findings
    assert [finding.origin for finding in findings] == [
        "definition edge t0 -> t1",
        "definition edge t1 -> t2",
        "definition edge t2 -> t3",
    ]


def test_stamps_of_one_attempt_must_not_run_backwards(define, execution, task):
    (finding,) = judge(define.workflow("a"), execution(task("a", 5, 3, scheduled=0))).findings
    assert (finding.code, finding.expected, finding.margin) == ("stamps-out-of-order", "start <= end", "2 ms")


def test_system_tasks_may_be_stamped_started_before_they_were_scheduled(define, execution, task):
    run = execution(task("w", 1, 5, scheduled=2, type="WAIT"))
    assert judge(define.workflow(define.task("w", type="WAIT")), run).findings == ()


def test_a_clock_that_steps_back_makes_violations_unknown(define, execution, task):
    run = execution(task("a", 100, 110), task("b", 50, 60))
    assert clock_step(run) == "b (seq 2) is stamped 50 ms before a (seq 1)"
    findings = judge(define.workflow("a", "b"), run)
    assert findings.verdict is Verdict.UNKNOWN
    assert "stepped back" in findings.notes[0]


def test_workers_are_counted_over_all_executions_and_attempts(execution, task, epoch):
    first = execution(
        task("x", 0, 10, status="FAILED", retried=True), task("x", 12, 20, attempt=1), task("y", 0, 30, worker="w2")
    )
    second = execution(task("x", 5, 15), task("y", 10), task("l", 0, 99, type="JOIN"), workflow_id="wf-2")
    found = worker_concurrency([first, second])
    assert {key: peak.level for key, peak in found.items()} == {
        ("x", "worker-1"): 2,
        ("y", "w2"): 1,
        ("y", "worker-1"): 1,
    }
    assert found["x", "worker-1"].at_ms == epoch + 5
    assert worker_concurrency([second], now_ms=epoch + 11)["y", "worker-1"].level == 1


@given(seed=seeds, size=sizes)
def test_no_legal_history_violates_its_graph(history, seed, size):
    run = history(seed, size)
    findings = judge(run.definition, run.execution)
    assert findings.findings == ()
    assert clock_step(run.execution) is None


@given(seed=seeds, size=sizes)
@example(seed=0, size=25)
def test_the_sweep_finds_what_brute_force_finds(history, seed, size):
    run = history(seed, size, stops=False, violate=0.4)
    graph = happens_before(run.definition, run.execution)
    steering = {key for key, task in graph.nodes.items() if task.type in ("FORK_JOIN", "SWITCH")}
    closing = {key for key, task in graph.nodes.items() if task.type in ("JOIN", "DO_WHILE")}
    finals = run.execution.finals
    firsts = {key: run.execution.records[key][0] for key in finals}

    def begin(after):
        return finals[after].ended_ms if after in closing else firsts[after].scheduled_ms

    broken = {
        (before, after)
        for after, befores in run.causes.items()
        for before in befores
        if not {before, after} & steering and begin(after) < finals[before].ended_ms
    }

    def is_second_look(before, after):
        waited = not any((each, after) in broken for each in run.causes[before])
        return graph.nodes[before].type == "JOIN" and waited and finals[before].scheduled_ms <= begin(after)

    broken = {pair for pair in broken if not is_second_look(*pair)}
    found = violations(run.execution, graph)
    assert {violation.after for violation in found} == {after for _, after in broken}
    assert {(violation.before, violation.after) for violation in found} <= broken
    for after in {after for _, after in broken}:
        early = {before for before, other in broken if other == after}
        nearest = {one for one in early if not any(graph.is_before(one, two) for two in early)}
        assert {violation.before for violation in found if violation.after == after} == nearest


@given(seed=seeds, size=st.integers(1, 40))
def test_along_the_edges_the_same_is_found_as_with_sets_of_ancestors(history, seed, size):
    run = history(seed, size, violate=0.4)
    graph = happens_before(run.definition, run.execution)
    assume(graph.behind_alternatives.isdisjoint(run.execution.records))
    assert tuple(_along_edges(graph, run.execution, _stamps(graph, run.execution))) == _over_alternatives(
        graph, run.execution
    )


@given(seed=seeds, size=st.integers(1, 40))
def test_the_requirements_that_were_kept_are_the_edges_among_tasks_with_a_stamp_to_compare(history, seed, size):
    run = history(seed, size, violate=0.4)
    graph = happens_before(run.definition, run.execution)
    broken = {(each.before, each.after) for each in violations(run.execution, graph)}
    records = run.execution.records
    held = [
        edge
        for edge in graph.comparable.edges
        if edge.after in records
        and edge[:2] not in broken
        and _begin(graph.nodes[edge.after].type, records[edge.after])
    ]
    assert ordering(run.execution, graph).passed == len(held)


def test_a_finished_execution_is_judged_without_a_set_of_ancestors_for_every_task(history):
    run = history(7, 40)
    graph = happens_before(run.definition, run.execution)
    assert not graph.behind_alternatives
    ordering(run.execution, graph)
    expected_keys(graph, run.execution)
    critical_path(rebuild(run.execution, graph), graph)
    assert "ancestors" not in vars(graph)
    assert "comparable" not in vars(graph)


def test_a_join_that_took_a_failed_attempt_for_the_last_is_told_as_that(build):
    """As 3.32.1 did of an optional task at a load of 36, in two runs of three."""
    definition = build.fork(["a"], ["b"])
    definition["tasks"][0]["forkTasks"][0][0] |= {"optional": True, "taskDefinition": {"name": "a", "retryCount": 1}}
    seen = build.observation(
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 10, status="FAILED", retried=True),
        build.task("b", 0, 5), build.task("join", 0, 12, type="JOIN"),
        build.task("a", 15, 20, attempt=1, status="COMPLETED_WITH_ERRORS"),
        definition=definition,
    )  # fmt: skip
    (found,) = (each for each in ordering(seen.execution, seen.graph).findings if each.subject == "join")
    assert (found.code, found.verdict) == ("ended-early", Verdict.FAIL)
    assert found.observed == (
        "ended 8 ms before a ended, behind its attempt 1, before the next: Conductor's JOINs race so"
    )
