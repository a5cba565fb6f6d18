import json
import threading
import time
from collections import Counter

import pytest

from pytest_k1n.core.record.invocations import invocation
from pytest_k1n.workers.handler import Outcome, Stopped, TaskFailed
from pytest_k1n.workers.ledger import InvocationLedger, read_ledger
from pytest_k1n.workers.misbehaviour import Fault


def done(_context):
    return {"ok": True}


def completed(stub, workflow_id):
    return lambda: stub.status(workflow_id) == "COMPLETED"


def test_a_chain_that_was_announced_runs_in_order_each_task_once(stub, working, until):
    order = []
    handlers = {ref: lambda context: order.append(context.ref) for ref in "abc"}
    with working(handlers, types=("a", "b", "c")) as it:
        workflow_id = stub.start("W", "a", "b", "c")
        it.worker.launched(workflow_id, "W")
        until(completed(stub, workflow_id))
    assert order == ["a", "b", "c"]
    assert [task["pollCount"] for task in stub.of(workflow_id)] == [1, 1, 1]


def test_an_execution_that_nobody_announced_is_found_by_the_slow_round(stub, working, until):
    with working({"a": done, "b": done}, types=("b", "a")):
        workflow_id = stub.start("W", "a", "b")
        until(completed(stub, workflow_id))


def test_a_backlog_that_nobody_announced_is_worked_off_at_full_speed(stub, working, until):
    """A slow round alone takes a task every 100 ms here."""
    with working({"a": done}, types=("a", "b"), uncertain_round_ms=200, slow_round_ms=200):
        ids = [stub.start("W", "a") for _ in range(100)]
        until(lambda: all(stub.status(workflow_id) == "COMPLETED" for workflow_id in ids), within_s=8)
    assert len([task_type for task_type, _ in stub.polls if task_type == "a"]) < 150


def test_types_of_the_known_definitions_are_served_by_default(stub, working, until):
    with working({"a": done}, stub.definition("W", "a")):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))


def test_the_heads_of_a_fork_work_at_the_same_time(stub, working, until):
    meeting = threading.Barrier(4, timeout=10)
    handlers = {ref: lambda _: {"place": meeting.wait()} for ref in "abcd"} | {"e": done}
    with working(handlers, types=tuple("abcde")) as it:
        workflow_id = stub.start("W", "abcd", "e")
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
    assert not meeting.broken


def test_many_tasks_of_one_type_are_taken_in_few_polls(stub, working, until):
    polls = []
    meeting = threading.Barrier(40, action=lambda: polls.append(len(stub.polls)), timeout=10)
    with working({"t": lambda _: {"place": meeting.wait()}}, types=("t",), slots=100) as it:
        workflow_id = stub.start("W", [f"t_of_{number}" for number in range(40)])
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
    assert polls[0] < 15


@pytest.mark.parametrize(("takes_s", "at_once"), [(0.05, {4, 5, 6}), (0, {1, 2, 3})])
def test_polls_that_take_long_are_made_side_by_side(stub, working, until, takes_s, at_once):
    """All twelve must be in hand before one of them ends: none is polled for by the thread that delivered another."""
    polling, most = Counter(), []
    types = [f"t{number}" for number in range(12)]
    meeting = threading.Barrier(12, action=lambda: most.append(max(polling)), timeout=20)

    def slowly(method, path, query, body, answer=stub.answer):
        if "/poll/" not in path:
            return answer(method, path, query, body)
        with lock:
            polls.append(path)
            polling[len(polls)] += 1
        time.sleep(takes_s)
        with lock:
            polls.remove(path)
        return answer(method, path, query, body)

    polls, lock = [], threading.Lock()
    stub.answer = slowly
    handlers = dict.fromkeys("abcde", done) | dict.fromkeys(types, lambda _: {"place": meeting.wait()})
    with working(handlers, types=tuple(handlers)) as it:
        workflow_id = stub.start("W", *"abcde", types)
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
    assert most[0] in at_once


def test_a_slow_handler_does_not_hold_up_other_tasks(stub, working, until):
    release = threading.Event()
    with working({"slow": lambda _: release.wait(10), "b": done}, types=("slow", "b")):
        stub.start("S", ["slow"])
        until(lambda: any(task["status"] == "IN_PROGRESS" for task in stub.tasks.values()))
        workflow_id = stub.start("W", "b")
        until(completed(stub, workflow_id))
        release.set()


def test_no_more_tasks_of_a_type_are_in_hand_than_there_are_slots(stub, working, until):
    lock, now, most = threading.Lock(), Counter(), Counter()

    def count(context):
        with lock:
            now["a"] += 1
            most["a"] = max(most["a"], now["a"])
        context.sleep(10)
        with lock:
            now["a"] -= 1

    with working({"a": count}, types=("a",), slots=2) as it:
        ids = [stub.start("W", ["a_of_1", "a_of_2", "a_of_3"], ["a"]) for _ in range(2)]
        for workflow_id in ids:
            it.worker.launched(workflow_id)
        until(lambda: all(stub.status(workflow_id) == "COMPLETED" for workflow_id in ids))
    assert most["a"] == 2


def test_every_poll_asks_for_one_task_at_once_in_the_own_domain(stub, working, until):
    with working({"a": done}, types=("a",), domain="run-7"):
        until(lambda: stub.polls)
    expected = {"workerid": "k1n-test-1", "count": "1", "timeout": "0", "domain": "run-7"}
    assert stub.polls[0] == ("a", expected)


def test_types_that_were_not_asked_for_are_never_polled(stub, working, until):
    with working({"a": done}, types=("a",)) as it:
        workflow_id = stub.start("W", "a", "b")
        it.worker.launched(workflow_id)
        until(lambda: len(stub.of(workflow_id)) == 2)
        polled = len(stub.polls)
        until(lambda: len(stub.polls) > polled + 3)
    assert {task_type for task_type, _ in stub.polls} == {"a"}


def test_the_result_says_how_the_work_was_done(stub, working, until):
    with working({}, types=("a",), speed=60_000, estimates_ms={("W", "a"): 60_000}):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    (update,) = stub.updates
    about = update["outputData"]["_k1n"]
    assert about["simulated"] is True
    assert about["handler"] == "simulated"
    assert 1 <= about["work_ms"] <= 1000
    assert about["begin_ms"] <= about["end_ms"]
    assert update["outputData"]["artifact"].startswith("a-")
    assert update["logs"][0]["log"].startswith("simulated")
    assert update["workerId"] == "k1n-test-1"


def test_a_failed_attempt_is_followed_by_the_next_one(stub, working, until):
    def fail_first(context):
        if context.attempt == 0:
            raise TaskFailed("not yet")

    with working({"a": fail_first}, types=("a",)) as it:
        workflow_id = stub.start("W", "a")
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
    assert [(update["status"], update.get("reasonForIncompletion")) for update in stub.updates] == [
        ("FAILED", "not yet"),
        ("COMPLETED", None),
    ]


def test_an_exception_in_a_handler_fails_its_task_and_nothing_else(stub, working, until):
    with working({"a": lambda _: 1 / 0, "b": done}, types=("a", "b")):
        broken, fine = stub.start("X", "a"), stub.start("Y", "b")
        until(lambda: stub.status(broken) == "FAILED")
        until(completed(stub, fine))
    failed = next(update for update in stub.updates if update["status"] == "FAILED")
    assert failed["reasonForIncompletion"] == "ZeroDivisionError: division by zero"
    assert failed["logs"][-1]["log"].startswith("ERROR ")


# The network


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", 503])
def test_a_result_whose_answer_is_lost_is_sent_again_and_takes_effect_once(stub, working, until, tmp_path, fault):
    stub.faults = [("POST /api/tasks$", fault)]
    with working({"a": done, "b": done}, types=("a", "b"), ledger=tmp_path / "ledger"):
        workflow_id = stub.start("W", "a", "b")
        until(completed(stub, workflow_id))
    assert [len(stub.effects(task["taskId"])) for task in stub.of(workflow_id)] == [1, 1]
    assert [entry["status"] for entry in read_ledger(tmp_path / "ledger")] == ["COMPLETED"] * 2
    again = InvocationLedger(tmp_path / "ledger")
    assert again.undelivered() == []
    again.close()


def test_a_task_whose_delivery_got_lost_is_taken_on(stub, working, until, tmp_path):
    stub.faults = [("GET /api/tasks/poll/batch/b$", "lose-task")]
    with working({"a": done, "b": done}, types=("a", "b"), ledger=tmp_path / "ledger") as it:
        workflow_id = stub.start("W", "a", "b")
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
    assert [entry["ref"] for entry in read_ledger(tmp_path / "ledger")] == ["a", "b"]
    assert [task["pollCount"] for task in stub.of(workflow_id)] == [1, 1]


def test_the_ledger_says_how_long_the_poll_that_brought_a_task_was_with_the_server(stub, working, until, tmp_path):
    poll = stub.poll

    def slowly(*about):
        found = poll(*about)
        if found:
            time.sleep(0.15)
        return found

    stub.poll = slowly
    with working({"a": done}, types=("a",), ledger=tmp_path / "ledger"):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    [entry] = read_ledger(tmp_path / "ledger")
    asked_ms, answered_ms = entry["poll_ms"]
    assert answered_ms - asked_ms >= 149
    assert entry["begin_ms"] >= answered_ms
    assert invocation(entry).poll == (asked_ms, answered_ms)


def test_a_task_that_a_killed_worker_had_begun_is_left_to_its_response_timeout(stub, working, until, tmp_path):
    ledger = tmp_path / "ledger"
    with working({"a": done}, types=("a",), ledger=ledger, worker_id="k1n-test-2") as it:
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    task = stub.of(workflow_id)[0]
    stub.workflows[workflow_id]["status"], task["status"] = "RUNNING", "IN_PROGRESS"  # as if it had died before
    with working(
        {"a": done}, types=("a",), ledger=ledger, worker_id="k1n-test-2", tick_ms=1, uncertain_round_ms=5
    ) as it:
        it.worker.launched(workflow_id)
        until(lambda: not it.worker.is_active or len(stub.polls) > 45)
    assert len(read_ledger(ledger)) == 1


def test_an_outage_is_reported_once_and_survived(stub, working, until):
    stub.faults = [("GET /api/tasks/poll", 500)] * 4
    with working({"a": done}, types=("a",)) as it:
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    assert [report.partition(":")[0] for report in it.reports] == ["polling fails", "polling works again"]


def test_after_an_outage_amid_a_wait_what_follows_it_is_polled_again(stub, working, until):
    """Nothing else is left to poll then: a look at the waiting execution may be half a minute away."""
    wait = {"name": "nap", "taskReferenceName": "nap", "type": "WAIT"}
    definition = {"name": "W", "version": 1, "tasks": [wait, stub.simple("a")]}
    stub.workflows["w-1"] = {"workflowId": "w-1", "workflowName": "W", "status": "RUNNING", "createTime": 1,
                             "startTime": 1, "workflowDefinition": definition}  # fmt: skip
    stub.tasks["t-1"] = {"taskId": "t-1", "workflowInstanceId": "w-1", "workflowType": "W", "taskType": "WAIT",
                         "referenceTaskName": "nap", "status": "IN_PROGRESS", "seq": 1}  # fmt: skip
    with working({"a": done}, definition, types=("a",)) as it:
        it.worker.launched("w-1", "W")
        until(lambda: len(stub.polls) > 5)
        stub.faults = [("GET /api/tasks/poll", 500)] * 2
        until(lambda: "polling works again" in it.reports)
        polls = len(stub.polls)
        until(lambda: len(stub.polls) > polls + 5)


def test_a_result_that_the_server_refuses_becomes_a_failure_that_says_so(stub, working, until):
    stub.faults = [("POST /api/tasks$", 400)] * 3
    with working({"a": done}, types=("a",)):
        stub.start("W", "a")
        until(lambda: stub.updates)
    assert stub.updates[0]["status"] == "FAILED"
    assert stub.updates[0]["reasonForIncompletion"] == "the server refused the result: made to fail"


def test_a_result_that_cannot_be_delivered_before_the_end_is_delivered_by_the_next_worker(
    stub, working, until, tmp_path
):
    ledger = tmp_path / "ledger"
    stub.faults = [("POST /api/tasks$", 503)] * 1000
    with working({"a": done}, types=("a",), ledger=ledger, grace_s=0.05):
        workflow_id = stub.start("W", "a")
        until(lambda: len(stub.faults) < 1000)
    assert stub.updates == []
    stub.faults = []
    with working({}, types=("other",), ledger=ledger):
        until(completed(stub, workflow_id))
    assert [entry["ref"] for entry in read_ledger(ledger)] == ["a"]
    assert [json.loads(line)["event"] for line in ledger.read_text().splitlines()][-1] == "delivered"


# Heartbeats


def test_the_lease_of_a_task_in_hand_is_extended_until_it_ends(stub, working, until):
    stub.response_timeout_s = 1
    with working({"a": lambda _: stub.heartbeat_seen.wait(10)}, types=("a",)):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    beat = stub.heartbeats[0]
    assert (beat["status"], beat["extendLease"]) == ("IN_PROGRESS", True)
    assert len(stub.updates) == 1


def test_the_work_on_a_task_that_ended_without_us_is_stopped(stub, working, until):
    stub.response_timeout_s = 1
    stopped = threading.Event()

    def wait(context):
        try:
            context.sleep(60_000)
        except Stopped:
            stopped.set()
            raise

    with working({"a": wait}, types=("a",)) as it:
        workflow_id = stub.start("W", "a")
        until(lambda: it.worker.in_hand)
        stub.end_task(stub.of(workflow_id)[0]["taskId"])
        assert stopped.wait(10)
        until(lambda: it.worker.in_hand == 0)
    assert stub.updates == []


# The end


def test_a_stop_lets_what_is_in_hand_be_finished(stub, working, until):
    began = threading.Event()

    def work(context):
        began.set()
        context.sleep(100)

    with working({"a": work, "b": done}, types=("a", "b")) as it:
        workflow_id = stub.start("W", "a", "b")
        assert began.wait(10)
        it.stop()
    assert [task["status"] for task in stub.of(workflow_id)] == ["COMPLETED", "SCHEDULED"]


def test_what_is_not_finished_within_the_grace_is_handed_back_to_its_queue(stub, working, until):
    with working({"a": lambda context: context.sleep(60_000)}, types=("a",), grace_s=0.05) as it:
        workflow_id = stub.start("W", "a")
        until(lambda: it.worker.in_hand)
        it.stop()
        assert [task["status"] for task in stub.of(workflow_id)] == ["SCHEDULED"]
    assert stub.updates[0]["callbackAfterSeconds"] == 0


# Faults on purpose


def faulty(*specs):
    return tuple(Fault.parse(spec) for spec in specs)


def test_a_hung_task_neither_answers_nor_beats(stub, working, until, tmp_path):
    stub.response_timeout_s = 1
    faults = faulty("W/a:hang")
    with working({"a": done, "b": done}, types=("a", "b"), faults=faults, ledger=tmp_path / "ledger") as it:
        hung = stub.start("W", "a")
        until(lambda: it.worker.in_hand)
        until(lambda: len(stub.polls) > 40)
        fine = stub.start("W", "b")
        until(completed(stub, fine))
    assert stub.heartbeats == []
    assert [task["status"] for task in stub.of(hung)] == ["IN_PROGRESS"]
    assert read_ledger(tmp_path / "ledger")[0]["status"] == "STOPPED"


def test_slow_work_lasts_longer_and_admits_it(stub, working, until):
    handlers = {"a": lambda _: Outcome(work_ms=100, simulated=True)}
    with working(handlers, types=("a",), faults=faulty("W/a:slow=1.3")):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    assert 130 <= stub.updates[0]["outputData"]["_k1n"]["work_ms"] < 1000


def test_a_handler_invoked_twice_shows_twice_in_the_ledger(stub, working, until, tmp_path):
    with working({"a": done}, types=("a",), faults=faulty("*/a:twice"), ledger=tmp_path / "ledger"):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    entries = read_ledger(tmp_path / "ledger")
    assert len(entries) == 2
    assert len({entry["task_id"] for entry in entries}) == 1
    assert len(stub.updates) == 1


def test_one_attempt_can_be_made_to_fail(stub, working, until):
    with working({"a": done}, types=("a",), faults=faulty("W/a#0:fail=no disk")):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    assert [(update["status"], update.get("reasonForIncompletion")) for update in stub.updates] == [
        ("FAILED", "no disk"),
        ("COMPLETED", None),
    ]


def test_a_leak_writes_what_belongs_to_another_workflow(stub, working, until):
    handlers = {"a": lambda _: {"secret": "of A"}, "b": lambda _: {"own": 1}}
    with working(handlers, types=("a", "b"), faults=faulty("B/b:leak=A")):
        first = stub.start("A", "a")
        until(completed(stub, first))
        second = stub.start("B", "b")
        until(completed(stub, second))
    output = stub.of(second)[0]["outputData"]
    assert (output["secret"], output["own"]) == ("of A", 1)


def test_a_fault_of_another_workflow_does_not_concern_this_one(stub, working, until):
    with working({"a": done}, types=("a",), faults=faulty("OTHER/a:terminal")):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))


def test_fast_polling_ends_with_the_execution(stub, working, until):
    with working({"a": done}, types=("a",), uncertain_round_ms=60_000, least_slow_pause_ms=60_000) as it:
        workflow_id = stub.start("W", "a")
        it.worker.launched(workflow_id)
        until(completed(stub, workflow_id))
        until(lambda: not it.worker.is_active, "the worker to be idle")
        polls = len(stub.polls)
        threading.Event().wait(0.1)
        assert len(stub.polls) == polls


def test_what_a_handler_sleeps_is_workflow_time_and_its_output_is_all_its_own(stub, working, until, tmp_path):
    def work(context):
        context.sleep(60_000)
        return {"paid": True}

    with working({"a": work}, types=("a",), speed=60_000, ledger=tmp_path / "ledger"):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    (entry,) = read_ledger(tmp_path / "ledger")
    assert entry["slept_ms"] == 1
    assert stub.updates[0]["outputData"] == {"paid": True}


def test_a_worker_without_a_ledger_tells_what_it_slept_in_the_output(stub, working, until):
    with working({"a": lambda context: context.sleep(60_000)}, types=("a",), speed=60_000, tells_sleep=True):
        workflow_id = stub.start("W", "a")
        until(completed(stub, workflow_id))
    assert stub.updates[0]["outputData"] == {"_k1n": {"slept_ms": 1}}
