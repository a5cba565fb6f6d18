"""The harness itself: what it normalises away, what it must not, and that its cases are reproducible."""

from __future__ import annotations

import json

import pytest

from k1n_parity.cases import PREFIX, Action, Case, Step, case_from
from k1n_parity.compare import Difference, differences
from k1n_parity.corpus import Recording, StaleRecordingError, read, recorded, write
from k1n_parity.driver import DisturbedError, History
from k1n_parity.grammar import generate
from k1n_parity.known import known_differences, unexplained
from k1n_parity.normalise import canonical
from k1n_parity.shrink import shrink
from k1n_parity.sightings import RUNS, Verdict, sightings
from k1n_parity.suites import SUITES
from k1n_parity.tree import Node, unsettled

ROOT = "11111111-1111-4111-8111-111111111111"


def task(ref, status="COMPLETED", **fields):
    defaults = {
        "taskType": f"q7_{ref}",
        "taskId": f"22222222-2222-4222-8222-{abs(hash(ref)) % 10**12:012d}",
        "retryCount": 0,
        "seq": 1,
        "status": status,
        "referenceTaskName": ref,
        "inputData": {},
        "outputData": {},
        "executed": True,
        "startTime": 1_767_225_600_000,
        "endTime": 1_767_225_600_100,
        "workerId": "w",
    }
    return {**defaults, **fields}


def history(*tasks, **fields):
    workflow = {"workflowId": ROOT, "status": "COMPLETED", "endTime": 1, "tasks": list(tasks), **fields}
    return History(prefix="q7_", trace=(), nodes=(Node("root", workflow),))


def test_a_seed_gives_the_same_case_every_time():
    assert [generate(seed).digest() for seed in range(30)] == [generate(seed).digest() for seed in range(30)]


def test_a_case_survives_its_document():
    for seed in range(30):
        case = generate(seed)
        assert case_from(json.loads(json.dumps(case.document()))).digest() == case.digest()


@pytest.mark.parametrize("suite", SUITES)
def test_no_two_cases_of_a_suite_share_a_name(suite):
    names = [case.name for case in SUITES[suite]()]
    assert len(names) == len(set(names))


def test_order_among_records_ids_and_stamps_do_not_show():
    left = history(task("a", seq=1, queueWaitTime=5), task("b", seq=2, startTime=1_767_225_700_000))
    right = history(task("b", seq=1, taskId="33333333-3333-4333-8333-333333333333"), task("a", seq=2, workerId="x"))
    assert list(differences(canonical(left), canonical(right))) == []


def test_an_id_is_named_by_what_it_identifies():
    other = task("a")
    shown = canonical(history(other, task("b", inputData={"from": other["taskId"], "in": ROOT})))
    assert shown["executions"]["root"]["tasks"]["b#0"]["inputData"] == {"from": "<root/a#0>", "in": "<root>"}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FAILED"},
        {"outputData": {"v": 1}},
        {"inputData": {"v": None}},
        {"retryCount": 1},
        {"iteration": 2},
        {"reasonForIncompletion": "x"},
        {"retried": True},
        {"endTime": 0},
        {"taskType": "q7_other"},
        {"pollCount": 2},
    ],
)
def test_what_a_record_says_is_compared(change):
    assert list(differences(canonical(history(task("a"))), canonical(history(task("a", **change)))))


def test_a_whole_number_and_a_float_differ():
    assert list(differences({"v": 1}, {"v": 1.0})) == [Difference("v", 1, 1.0)]


def test_records_out_of_the_definitions_order_show():
    definition = {"tasks": [{"taskReferenceName": "a"}, {"taskReferenceName": "b"}]}
    shown = canonical(history(task("b", seq=1), task("a", seq=2), workflowDefinition=definition))
    assert shown["executions"]["root"]["disorder"] == ["b was scheduled before a"]


def test_a_server_with_work_of_its_own_left_is_not_settled():
    done = task("a")
    join = task("j", "IN_PROGRESS", taskType="JOIN", inputData={"joinOn": ["a"]}, endTime=0)
    node = Node("root", {"workflowId": ROOT, "status": "RUNNING", "tasks": [done, join]})
    assert unsettled(node, {ROOT: node}, 0) == "j#0 can join"
    waiting = Node("root", {"workflowId": ROOT, "status": "RUNNING", "tasks": [task("a", "SCHEDULED"), join]})
    assert unsettled(waiting, {ROOT: waiting}, 0) is None


def test_only_a_difference_that_a_known_one_matches_is_explained(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text('[[difference]]\nid = "x"\npath = "a\\\\|.*"\nleft = "1"\nreason = "r"\nupstream = "u"\n')
    known = known_differences(path)
    explained, other, path_differs = Difference("a|b", 1, 2), Difference("a|b", 3, 2), Difference("c", 1, 2)
    assert unexplained([explained, other, path_differs], "any", known) == [other, path_differs]


def test_a_known_difference_without_its_reason_is_refused(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text('[[difference]]\nid = "x"\npath = "a"\n')
    with pytest.raises(ValueError, match=r"x.*reason"):
        known_differences(path)


def test_a_changed_case_makes_its_recording_stale(tmp_path):
    case = generate(3)
    write(tmp_path / "r.jsonl", [Recording(case.name, case.digest(), {"trace": []}), Recording("seed 4", "old", {})])
    kept = read(tmp_path / "r.jsonl")
    assert recorded(case, kept) == {"trace": []}
    with pytest.raises(StaleRecordingError, match="seed 4 changed"):
        recorded(generate(4), kept)


def seen_in(*histories, most=RUNS, clock=lambda: 0.0):
    """Ask a server that shows these histories in turn; "engine" is the expected one, None a disturbed run."""
    turn = iter(histories)

    def ask():
        history = next(turn)
        if history is None:
            raise DisturbedError("locked")
        return {"shows": history}

    return sightings(ask, lambda history: history["shows"] == "engine", most, clock)


def test_a_first_run_that_shows_what_is_expected_settles_it():
    seen = seen_in("engine")
    assert (seen.verdict, seen.runs) == (Verdict.AGREES, 1)


def test_what_any_run_shows_is_a_race_with_its_count():
    seen = seen_in("a", "b", "a", "engine")
    assert seen.verdict is Verdict.RACE
    assert "seen in 1 of 4 runs, the commonest other in 2" in str(seen)


def test_what_no_run_shows_is_a_divergence():
    seen = seen_in(*["a", "b"] * (RUNS // 2))
    assert (seen.verdict, seen.commonest, seen.runs) == (Verdict.DIVERGES, {"shows": "a"}, RUNS)


def test_nothing_is_decided_by_runs_of_which_no_two_agree_or_that_were_disturbed():
    assert seen_in("a", "b", "c", None, most=4).verdict is Verdict.UNDECIDED
    assert seen_in(None, None, None, most=3).verdict is Verdict.UNDECIDED


def test_a_run_after_a_disturbed_one_counts_for_itself():
    assert seen_in(None, "engine").verdict is Verdict.AGREES
    assert (seen_in("a", most=1) + seen_in("engine")).verdict is Verdict.RACE


def test_a_case_that_stalls_is_not_asked_for_ever():
    hours = iter(range(0, 3600 * 100, 3600))
    assert seen_in("a", "a", "engine", clock=lambda: float(next(hours))).verdict is Verdict.DIVERGES


def test_shrinking_keeps_only_what_the_divergence_needs():
    def diverges(case: Case) -> bool:
        return '"optional": true' in json.dumps(case.document())

    tasks = [
        {"name": f"{PREFIX}a", "taskReferenceName": "a", "type": "SIMPLE", "optional": True, "startDelay": 1},
        {"name": f"{PREFIX}b", "taskReferenceName": "b", "type": "SIMPLE", "inputParameters": {"x": 1}},
    ]
    case = Case(
        name="c",
        workflows=({"name": f"{PREFIX}main", "tasks": tasks}, {"name": "other", "tasks": []}),
        task_definitions=({"name": f"{PREFIX}a", "retryCount": 1},),
        script={"b": (Action(),)},
        steps=(Step(operation="pause"),),
    )
    small = shrink(case, diverges)
    assert small.workflows[0]["tasks"] == [
        {"name": f"{PREFIX}a", "taskReferenceName": "a", "type": "SIMPLE", "optional": True}
    ]
    assert (small.steps, small.script, small.task_definitions, len(small.workflows)) == ((), {}, (), 1)
