"""Virtual time shared with workers outside: it jumps when nobody is about to act. The wall is made of ints."""

import gc
import heapq
import itertools
import json
from collections import Counter

import pytest

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.request import Waiting
from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.clock import EPOCH_MS, ElasticClock, ManualClock, real_clock
from pytest_k1n.engine.runtime.guards import Guards
from pytest_k1n.engine.serving.moves import Arrival, ClockMove
from pytest_k1n.engine.serving.pacing import SETTLE_MS, Pacer
from pytest_k1n.engine.serving.quiescence import (
    CONNECTED_MS,
    FULL_AFTER_MS,
    HOLD_MS,
    PATIENCE_MS,
    PROMISE_MS,
    Quiescence,
)
from pytest_k1n.engine.state import ExecutionState, TaskState

HOUR_MS = 3_600_000
MANY_STEPS = 1000


class Wall:
    """Real time, as far as a test lets it pass."""

    def __init__(self):
        self.now_ms, self._timers, self._order = 0, [], itertools.count()

    def call_later(self, in_s, call):
        timer = Timer(call)
        heapq.heappush(self._timers, (self.now_ms + in_s * 1000, next(self._order), timer))
        return timer

    def passes(self, ms):
        until_ms = self.now_ms + ms
        while self._timers and self._timers[0][0] <= until_ms:
            at_ms, _, timer = heapq.heappop(self._timers)
            self.now_ms = max(self.now_ms, int(at_ms))
            if not timer.is_cancelled:
                timer.call()
        self.now_ms = until_ms


class Timer:
    def __init__(self, call):
        self.call, self.is_cancelled = call, False

    def cancel(self):
        self.is_cancelled = True


class Served:
    """What `serving.app` does with a request, without the HTTP."""

    def __init__(self, make, *, clock=None, stands=False, **settings):
        self.wall, self.make = Wall(), make
        self.engine = Engine(clock=clock or ElasticClock(wall_ms=lambda: self.wall.now_ms), **settings)
        self.quiescence = Quiescence(self.engine, wall_ms=lambda: self.wall.now_ms)
        self.pacer = Pacer(
            self.engine,
            self.quiescence,
            call_later=self.wall.call_later,
            wall_ms=lambda: self.wall.now_ms,
            stands=stands,
        )
        self.engine.on_poll = self.quiescence.polled
        self.engine.worked_ms = self.quiescence.worked_ms
        self.routes = Routes(self.engine)
        definitions = [
            {"name": name, "retryCount": 0, "responseTimeoutSeconds": 10, "ownerEmail": "x"} for name in "abc"
        ]
        self.ask("POST", "/metadata/taskdefs", definitions)

    def ask(self, method, path, body=None, headers=None, **query):
        self.pacer.catch_up()
        raw = None if body is None else json.dumps(body).encode()
        query = {name: [str(value)] for name, value in query.items()}
        answer = self.routes.begin(method, path, query, raw, headers or {})
        if method != "GET":
            self.quiescence.acted()
        self.pacer.changed()
        return answer.otherwise() if isinstance(answer, Waiting) else answer

    def start(self, *tasks, **fields):
        document = self.make.workflow(*tasks, ownerEmail="x", **fields)
        return self.ask("POST", "/workflow", {"name": document["name"], "workflowDef": document}).payload

    def poll(self, type_, worker="w"):
        found = self.ask("GET", f"/tasks/poll/batch/{type_}", workerid=worker, timeout=0).payload
        return found[0] if found else None

    def report(self, task, *, virtual_ms=None, status="COMPLETED"):
        result = {name: task[name] for name in ("taskId", "workflowInstanceId")}
        headers = {} if virtual_ms is None else {"x-k1n-virtual-ms": str(virtual_ms)}
        return self.ask("POST", "/tasks", {**result, "status": status}, headers)

    def execution(self, workflow_id):
        return self.engine.executions[workflow_id]

    @property
    def elapsed_ms(self):
        self.pacer.catch_up()
        return self.engine.now_ms - EPOCH_MS

    @property
    def holders(self):
        return [(str(holder.hold), holder.what) for holder in self.pacer.holders()]


@pytest.fixture
def served(make):
    return Served(make)


def test_what_has_ended_and_was_removed_is_kept_by_nothing_also_on_a_clock_that_asks_for_no_holders(
    make, monkeypatch, collector_of_this_test
):
    monkeypatch.setattr("pytest_k1n.engine.serving.quiescence.FEW", 100)
    monkeypatch.setattr("pytest_k1n.engine.runtime.deadlines.MOST_VOID", 100)
    monkeypatch.setattr("pytest_k1n.engine.runtime.queues.UNSIFTED", 100)
    served = Served(make, clock=real_clock())
    for number in range(300):
        workflow_id = served.start(make.simple("a"))
        served.report(served.poll("a", worker=f"w{number}"))
        served.ask("DELETE", f"/workflow/{workflow_id}/remove", archiveWorkflow="false")
    gc.collect()
    alive = Counter(type(each) for each in gc.get_objects())
    assert (alive[ExecutionState] < 200, alive[TaskState] < 200) == (True, True), alive.most_common(5)


def wait_for(make, ref, duration="1h"):
    return make.of_type("WAIT", ref, inputParameters={"duration": duration})


def test_declared_work_of_hours_takes_no_real_time(served, make):
    workflow_id = served.start(make.simple("a"), make.simple("b"))
    for type_ in "ab":
        assert served.report(served.poll(type_), virtual_ms=2 * HOUR_MS).status == 202
        served.wall.passes(SETTLE_MS)

    state = served.execution(workflow_id)
    assert (state.status, state.ended_ms - state.created_ms) == ("COMPLETED", 4 * HOUR_MS)
    assert served.wall.now_ms == 2 * SETTLE_MS


def test_declared_work_counts_from_the_start_of_its_task(served, make):
    workflow_id = served.start(make.simple("a"))
    task = served.poll("a")
    served.wall.passes(700)  # nobody knew yet that it would be declared
    served.report(task, virtual_ms=60_000)
    served.wall.passes(SETTLE_MS)

    record = served.execution(workflow_id).tasks[0]
    assert record.ended_ms - record.started_ms == 60_000


def test_a_declaration_may_be_repeated_and_corrected_until_it_counts(served, make):
    workflow_id = served.start(make.simple("a"))
    task = served.poll("a")
    served.report(task, virtual_ms=60_000)
    served.report(task, virtual_ms=60_000)
    served.report(task, virtual_ms=HOUR_MS, status="FAILED")
    served.wall.passes(SETTLE_MS)

    state = served.execution(workflow_id)
    assert (state.status, state.ended_ms - state.created_ms) == ("FAILED", HOUR_MS)


def test_time_stands_for_a_worker_that_declares_its_work(served, make):
    served.quiescence.expect_declarations("w")
    workflow_id = served.start(make.simple("a"), wait_for(make, "wait"))
    task = served.poll("a")
    served.wall.passes(300)
    assert served.elapsed_ms == 0
    assert served.holders == [("promise", f"worker w is about to say how long a ({task['taskId']}) of w takes")]
    served.report(task, virtual_ms=60_000)
    served.wall.passes(100)
    assert served.execution(workflow_id).tasks[0].ended_ms - EPOCH_MS == 60_000


def test_what_a_declaring_worker_really_did_takes_as_long_as_it_took(served, make):
    served.quiescence.expect_declarations("w")
    workflow_id = served.start(make.simple("a"))
    task = served.poll("a")
    served.wall.passes(300)
    served.report(task)
    served.wall.passes(100)
    state = served.execution(workflow_id)
    assert (state.status, state.ended_ms - state.created_ms) == ("COMPLETED", 300)


def test_a_worker_that_does_not_declare_what_it_promised_really_works(served, make):
    served.quiescence.expect_declarations("w")
    workflow_id = served.start(*make.fork([make.simple("a")], [wait_for(make, "wait", "1s")]))
    task = served.poll("a")
    served.wall.passes(PROMISE_MS + 2000)
    assert served.elapsed_ms == PROMISE_MS + 2000
    served.report(task)
    record = served.execution(workflow_id).latest
    assert record["a"].ended_ms - record["a"].started_ms == PROMISE_MS + 2000
    assert record["wait"].ended_ms - EPOCH_MS == 1000


def test_time_runs_with_the_wall_while_undeclared_work_is_in_hand(served, make):
    served.start(make.simple("a"))
    served.wall.passes(5000)
    assert served.elapsed_ms == 0

    task = served.poll("a")
    served.wall.passes(3000)
    assert served.elapsed_ms == 3000
    assert served.holders == [("work", f"a ({task['taskId']}) of w is with worker w and has no declared duration")]

    served.report(task)
    served.wall.passes(5000)
    assert (served.elapsed_ms, served.holders) == (3000, [])


def test_undeclared_work_is_missed_when_its_response_timeout_has_really_passed(served, make):
    workflow_id = served.start(make.simple("a"))
    served.poll("a")
    served.wall.passes(9_900)
    assert served.execution(workflow_id).tasks[0].status == "IN_PROGRESS"
    served.wall.passes(200)
    assert served.execution(workflow_id).tasks[0].status == "TIMED_OUT"


def test_declared_work_needs_no_heartbeats(served, make):
    workflow_id = served.start(make.simple("a"))
    served.report(served.poll("a"), virtual_ms=HOUR_MS)
    served.wall.passes(SETTLE_MS)
    assert served.execution(workflow_id).status == "COMPLETED"


def test_time_stands_while_a_worker_is_about_to_take_a_task(served, make):
    served.poll("b")  # it is there
    served.start(*make.fork([make.simple("a")], [make.simple("b")]))
    served.report(served.poll("a", "other"), virtual_ms=HOUR_MS)
    served.wall.passes(1000)
    assert served.elapsed_ms == 0
    assert [kind for kind, _ in served.holders] == ["queue"]

    assert served.report(served.poll("b"), virtual_ms=60_000).status == 202
    served.wall.passes(SETTLE_MS)
    assert served.elapsed_ms == HOUR_MS


def test_a_worker_that_has_gone_holds_nothing(served, make):
    served.poll("b")
    workflow_id = served.start(*make.fork([wait_for(make, "wait")], [make.simple("b")]))
    served.wall.passes(CONNECTED_MS - 100)
    assert served.elapsed_ms == 0
    served.wall.passes(300)
    assert (served.elapsed_ms, served.execution(workflow_id).status) == (HOUR_MS, "RUNNING")


def test_a_worker_without_a_free_slot_waits_for_its_own_work_to_end(served, make):
    served.start(*make.fork([make.simple("a", "a1")], [make.simple("a", "a2")]))
    served.report(served.poll("a"), virtual_ms=HOUR_MS)
    served.wall.passes(FULL_AFTER_MS - 20)
    assert served.elapsed_ms == 0
    served.wall.passes(100)
    assert served.elapsed_ms == HOUR_MS


def test_who_acts_is_given_time_to_go_on(served, make):
    served.start(wait_for(make, "wait"))
    served.wall.passes(SETTLE_MS - 1)
    served.start(make.simple("a"))
    served.wall.passes(SETTLE_MS - 1)
    assert served.elapsed_ms == 0
    served.wall.passes(1)
    assert served.elapsed_ms == HOUR_MS


def test_a_task_that_no_worker_polls_holds_only_its_own_timeouts(served, make):
    waiting = served.start(make.simple("a"), timeoutSeconds=3600 + 120, timeoutPolicy="TIME_OUT_WF")
    served.start(wait_for(make, "wait"), name="other")
    served.wall.passes(1000)

    elapsed_ms = served.elapsed_ms
    assert HOUR_MS <= elapsed_ms < HOUR_MS + 1000
    assert served.execution(waiting).status == "RUNNING"
    task_id = served.execution(waiting).tasks[0].task_id
    assert served.holders == [("person", f"a ({task_id}) of w waits for a worker")]
    served.wall.passes(60_000)
    assert served.execution(waiting).status == "RUNNING"
    served.wall.passes(60_000 + 2 * PATIENCE_MS)
    assert served.execution(waiting).status == "TIMED_OUT"


@pytest.mark.parametrize("kind", ["HUMAN", "WAIT"])
def test_what_waits_for_a_person_is_not_timed_out_by_a_jump(served, make, kind):
    child = make.workflow(make.of_type(kind, "ask"), name="child", ownerEmail="x")
    sub = make.of_type(
        "SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child", "version": 1, "workflowDefinition": child}
    )
    workflow_id = served.start(sub, timeoutSeconds=3600, timeoutPolicy="TIME_OUT_WF")
    served.wall.passes(2000)

    assert served.execution(workflow_id).status == "RUNNING"
    assert [kind for kind, _ in served.holders] == ["person"]


@pytest.mark.parametrize("delivery", ["reported without a poll", "polled and failed", "handed back"])
def test_a_task_that_comes_back_after_a_delay_holds_the_clock_once_it_waits_for_a_worker(served, make, delivery):
    served.ask("POST", "/metadata/taskdefs", [{"name": "a", "retryCount": 3, "retryDelaySeconds": 60}])
    workflow_id = served.start(make.simple("a"), timeoutSeconds=600, timeoutPolicy="TIME_OUT_WF")
    if delivery == "reported without a poll":
        served.ask("POST", f"/tasks/{workflow_id}/a/FAILED", {})
    elif delivery == "polled and failed":
        served.report(served.poll("a"), status="FAILED")
        served.wall.passes(CONNECTED_MS)
    else:
        task = served.poll("a")
        result = {name: task[name] for name in ("taskId", "workflowInstanceId")}
        served.ask("POST", "/tasks", {**result, "status": "IN_PROGRESS", "callbackAfterSeconds": 60})
        served.wall.passes(CONNECTED_MS)
    served.wall.passes(PATIENCE_MS - SETTLE_MS)

    execution = served.execution(workflow_id)
    assert (execution.status, next(iter(execution.live)).status) == ("RUNNING", "SCHEDULED")
    assert 60_000 <= served.elapsed_ms < 120_000
    assert served.poll("a")["taskId"] == next(iter(execution.live)).task_id


def test_a_dynamic_task_that_waits_for_a_worker_holds_the_clock(served, make):
    task = make.of_type("DYNAMIC", "d", dynamicTaskNameParam="what", inputParameters={"what": "a"})
    workflow_id = served.start(task, timeoutSeconds=600, timeoutPolicy="TIME_OUT_WF")
    served.wall.passes(PATIENCE_MS - SETTLE_MS)
    assert served.execution(workflow_id).status == "RUNNING"
    assert served.holders[0][1].endswith("waits for a worker")


def test_an_event_that_a_client_has_to_complete_holds_the_clock(served, make):
    task = make.of_type("EVENT", "e", sink="conductor", asyncComplete=True)
    workflow_id = served.start(task, timeoutSeconds=600, timeoutPolicy="TIME_OUT_WF")
    served.wall.passes(PATIENCE_MS - SETTLE_MS)
    assert served.execution(workflow_id).status == "RUNNING"
    assert served.holders[0][1].endswith("waits to be completed")


def test_a_paused_execution_is_not_timed_out_by_a_jump(served, make):
    workflow_id = served.start(make.simple("a"), timeoutSeconds=3600, timeoutPolicy="TIME_OUT_WF")
    served.ask("PUT", f"/workflow/{workflow_id}/pause")
    served.wall.passes(2000)
    assert served.holders == [("person", f"w {workflow_id} is paused")]
    assert served.execution(workflow_id).status == "PAUSED"


def test_a_clock_that_is_held_by_a_name_stands_until_it_is_released(served, make):
    served.quiescence.take_hold("launching")
    served.start(wait_for(make, "wait"))
    served.wall.passes(HOLD_MS // 2)
    assert (served.elapsed_ms, served.holders) == (0, [("name", "launching")])

    assert served.quiescence.release("launching")
    served.pacer.changed()
    served.wall.passes(SETTLE_MS)
    assert served.elapsed_ms == HOUR_MS
    assert not served.quiescence.release("launching")


def test_a_hold_that_nobody_renews_ends(served, make):
    served.quiescence.take_hold("launching")
    served.start(wait_for(make, "wait"))
    served.wall.passes(HOLD_MS + 100)
    assert served.elapsed_ms == HOUR_MS


def test_a_request_that_is_still_being_read_holds_the_clock(served, make):
    served.start(wait_for(make, "wait"))
    number = served.quiescence.request_begins("POST /api/workflow")
    served.wall.passes(1000)
    assert (served.elapsed_ms, served.holders) == (0, [("request", "POST /api/workflow is being read")])
    served.quiescence.request_ends(number)
    served.wall.passes(100)
    assert served.elapsed_ms == HOUR_MS


def test_an_outgoing_call_takes_real_time(served, make):
    jobs = []
    served.engine.system_runs.offload = lambda work, done: jobs.append((served.quiescence.call_begins(), done))
    request = {"http_request": {"uri": "http://127.0.0.1:9/x", "method": "GET"}}
    workflow_id = served.start(make.of_type("HTTP", "call", inputParameters=request))
    served.wall.passes(2500)
    assert served.holders == [("call", "a HTTP task waits for its answer")]

    number, done = jobs[0]
    served.quiescence.call_ends(number)
    served.pacer.catch_up()
    done((200, "OK", {}, b"{}"))
    state = served.execution(workflow_id)
    assert (state.status, state.ended_ms - state.created_ms) == ("COMPLETED", 2500)


def test_an_answer_for_a_task_that_was_canceled_meanwhile_is_dropped(served, make):
    jobs = []
    served.engine.system_runs.offload = lambda work, done: jobs.append(done)
    request = {"http_request": {"uri": "http://127.0.0.1:9/x", "method": "GET"}}
    workflow_id = served.start(make.of_type("HTTP", "call", inputParameters=request))
    served.ask("DELETE", f"/workflow/{workflow_id}")
    jobs[0]((200, "OK", {}, b"{}"))
    assert served.execution(workflow_id).tasks[0].status == "CANCELED"


def test_a_move_on_request_passes_over_work_in_hand(served, make):
    workflow_id = served.start(make.simple("a"))
    served.poll("a")
    served.pacer.move(ClockMove(until_ms=EPOCH_MS + 11_000))
    served.wall.passes(0)
    assert served.execution(workflow_id).tasks[0].status == "TIMED_OUT"
    assert (served.elapsed_ms, served.pacer.is_moving) == (11_000, False)


def test_workers_get_what_comes_up_during_a_move(served, make):
    served.poll("a")
    workflow_id = served.start(wait_for(make, "wait"), make.simple("a"))
    served.pacer.move(ClockMove(until_ms=EPOCH_MS + 3 * HOUR_MS))
    served.wall.passes(100)
    assert served.elapsed_ms == HOUR_MS
    served.report(served.poll("a"), virtual_ms=60_000)
    served.wall.passes(100)
    assert (served.elapsed_ms, served.execution(workflow_id).ended_ms - EPOCH_MS) == (3 * HOUR_MS, HOUR_MS + 60_000)


def test_a_manual_clock_moves_only_on_request(make):
    served = Served(make, clock=ManualClock())
    workflow_id = served.start(wait_for(make, "wait"))
    served.wall.passes(HOUR_MS)
    assert served.elapsed_ms == 0

    served.pacer.move(ClockMove(until_ms=EPOCH_MS + HOUR_MS - 1))
    served.wall.passes(SETTLE_MS)
    assert (served.elapsed_ms, served.execution(workflow_id).status) == (HOUR_MS - 1, "RUNNING")
    served.pacer.move(ClockMove(until_ms=EPOCH_MS + HOUR_MS))
    served.wall.passes(SETTLE_MS)
    assert served.execution(workflow_id).status == "COMPLETED"


@pytest.fixture
def standing(make):
    return Served(make, stands=True)


def go(served, ref, workflow_id, **fields):
    execution = served.execution(workflow_id)
    move = ClockMove(is_reached=lambda: ref in execution.latest or execution.status != "RUNNING", **fields)
    served.pacer.move(move)
    served.wall.passes(0)
    return served.pacer.arrival if not served.pacer.is_moving else None


def test_a_clock_that_stands_stays_where_a_move_has_brought_it(standing, make):
    workflow_id = standing.start(wait_for(make, "first"), wait_for(make, "second"))
    standing.wall.passes(HOUR_MS)
    assert standing.elapsed_ms == 0
    assert (go(standing, "second", workflow_id), standing.elapsed_ms) == (Arrival.REACHED, HOUR_MS)
    standing.wall.passes(HOUR_MS)
    assert (standing.elapsed_ms, standing.execution(workflow_id).latest["second"].status) == (HOUR_MS, "IN_PROGRESS")


def test_a_clock_that_stands_does_so_while_somebody_works(standing, make):
    standing.start(make.simple("a"))
    standing.poll("a")
    standing.wall.passes(HOUR_MS)
    assert standing.elapsed_ms == 0


def test_a_move_goes_at_the_walls_pace_while_somebody_works_and_not_for_who_asks(standing, make):
    workflow_id = standing.start(make.simple("a"), make.simple("b"))
    task = standing.poll("a")
    assert go(standing, "b", workflow_id) is None
    standing.wall.passes(2_000)
    assert standing.elapsed_ms == 2_000
    assert go(standing, "b", workflow_id, aside=[task["taskId"]]) is Arrival.REACHED
    assert standing.execution(workflow_id).latest["a"].status == "TIMED_OUT"


def test_a_move_ends_before_the_limit_of_a_person_and_at_the_instant_asked_for(standing, make):
    limit = {"timeoutSeconds": 7200, "timeoutPolicy": "TIME_OUT_WF"}
    workflow_id = standing.start(make.of_type("HUMAN", "ask"), make.simple("a"), **limit)
    assert (go(standing, "a", workflow_id), standing.elapsed_ms) == (Arrival.LIMIT, 0)
    arrival = go(standing, "a", workflow_id, until_ms=EPOCH_MS + HOUR_MS)
    assert (arrival, standing.elapsed_ms) == (Arrival.INSTANT, HOUR_MS)


def test_a_move_ends_where_a_task_comes_up_that_no_worker_polls(standing, make):
    branches = ([wait_for(make, "wait"), make.simple("a")], [wait_for(make, "long", "3h")])
    workflow_id = standing.start(*make.fork(*branches), make.simple("b"))
    assert (go(standing, "b", workflow_id), standing.elapsed_ms) == (Arrival.TASK, HOUR_MS)
    seen = [task.task_id for _, task in standing.engine.deliverable()]
    assert (go(standing, "b", workflow_id, seen=seen), standing.elapsed_ms) == (Arrival.IDLE, 3 * HOUR_MS)


def test_who_gives_up_a_move_gives_up_no_other(standing, make):
    workflow_id = standing.start(make.simple("a"), make.simple("b"))
    standing.poll("a")
    given_up = ClockMove(is_reached=lambda: False)
    standing.pacer.move(given_up)
    assert go(standing, "b", workflow_id) is None
    standing.pacer.give_up(given_up)
    assert standing.pacer.is_moving


def test_time_that_runs_away_is_stopped_and_says_who_was_waiting(make):
    served = Served(make, guards=Guards(max_horizon_ms=10 * HOUR_MS))
    workflow_id = served.start(wait_for(make, "wait", "20h"))
    served.wall.passes(100)
    assert served.elapsed_ms == 0
    assert served.pacer.stuck == (
        f"virtual time ran over 10 h 0 min; waiting: w {workflow_id} RUNNING: wait IN_PROGRESS"
    )


def test_what_lies_too_far_ahead_keeps_no_other_execution_from_going_on(make):
    served = Served(make, guards=Guards(max_horizon_ms=10 * HOUR_MS))
    served.start(wait_for(make, "wait", "20h"))
    served.wall.passes(100)
    near = served.start(wait_for(make, "wait", "2h"), name="near")
    served.wall.passes(SETTLE_MS + 100)
    assert served.elapsed_ms == 2 * HOUR_MS
    assert served.engine.execution(near).status == "COMPLETED"
    assert served.pacer.stuck is not None
    served.start(wait_for(make, "wait", "7h"), name="later")
    served.wall.passes(SETTLE_MS + 100)
    assert served.elapsed_ms == 9 * HOUR_MS


def test_a_thousand_events_in_a_row_take_no_more_real_time_than_one(served, make):
    for n in range(MANY_STEPS):
        served.start(wait_for(make, "wait", f"{n + 1}s"), name=f"w{n}")
    served.wall.passes(SETTLE_MS)
    assert served.elapsed_ms == MANY_STEPS * 1000
