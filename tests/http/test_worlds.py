"""Several clients at one served engine: each in a world with a clock of its own, and still one server to all others."""

from __future__ import annotations

import contextlib

import pytest

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.client.clock import WORLD, in_world
from pytest_k1n.client.errors import ConductorError, Conflict, NotFound

EPOCH_MS = 1_767_225_600_000
HOUR_MS = 3_600_000


def simple(name):
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE"}


def pause(ref, duration="2 hours"):
    return {"name": ref, "taskReferenceName": ref, "type": "WAIT", "inputParameters": {"duration": duration}}


HUMAN = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
LIMIT = {"timeoutSeconds": 259200, "timeoutPolicy": "TIME_OUT_WF"}


def started(client, *tasks, **fields):
    definition = {"name": "w", "version": 1, "ownerEmail": "x", "tasks": [*tasks], **fields}
    return client.start("w", definition=definition)


@pytest.fixture
def worlds(shared):
    """Open worlds: `worlds("a")` is a client in it, whose clock moves only when that is asked for."""
    clients = {}

    def client_in(name, *, stands=True):
        shared.client.open_world(name, stands=stands)
        clients[name] = Conductor(transport_for(shared.url, headers=in_world(name)))
        return clients[name]

    yield client_in
    for name, client in clients.items():
        with contextlib.suppress(NotFound):
            client.close_world(name)
        client.close()


def test_no_client_moves_the_clock_of_another(shared, worlds):
    one, other = worlds("one"), worlds("other")
    waits = started(other, HUMAN, **LIMIT)
    one.advance_clock(100 * HOUR_MS)
    shared.client.advance_clock(100 * HOUR_MS)
    assert (other.clock()["now"], other.status(waits)) == (EPOCH_MS, "RUNNING")
    other.advance_clock(73 * HOUR_MS)
    assert (one.clock()["now"], other.status(waits)) == (EPOCH_MS + 100 * HOUR_MS, "TIMED_OUT")


def test_time_goes_on_to_what_is_awaited_and_no_further(worlds):
    client = worlds("go")
    id_ = started(client, pause("first"), pause("second", "30 days"))
    assert client.go(id_, "second", within_ms=5_000) == ("reached", EPOCH_MS + 2 * HOUR_MS + 720 * HOUR_MS)
    assert client.clock()["now"] == EPOCH_MS + 2 * HOUR_MS
    assert client.go(id_, None, within_ms=5_000)[0] == "reached"
    assert client.status(id_) == "COMPLETED"


def test_it_is_said_why_time_does_not_go_on(worlds):
    client = worlds("why")
    assert client.go(started(client, HUMAN, **LIMIT), None, within_ms=5_000) == ("limit", EPOCH_MS + 72 * HOUR_MS)
    idle = worlds("idle")
    assert idle.go(started(idle, HUMAN), None, within_ms=5_000) == ("idle", None)
    work = worlds("work")
    id_ = started(work, simple("worlds_work"))
    work.poll("worlds_work", worker_id="slow")
    assert work.go(id_, None, within_ms=50)[0] == "late"


def test_who_names_no_world_finds_executions_of_all_by_id_and_polls_all(shared, worlds):
    client = worlds("found")
    id_ = started(client, simple("worlds_task"), HUMAN)
    assert shared.client.execution(id_)["status"] == "RUNNING"
    assert id_ in [each["workflowId"] for each in shared.client.search("workflowType = w AND status = RUNNING")]
    task = shared.client.poll("worlds_task", worker_id="outside")
    assert task is not None
    assert task["workflowInstanceId"] == id_
    shared.client.update({"workflowInstanceId": id_, "taskId": task["taskId"], "status": "COMPLETED"})
    assert shared.client.update_by_ref(id_, "ask", "COMPLETED", {"by": "ann"})
    assert client.status(id_) == "COMPLETED"


def test_a_long_poll_without_a_world_gets_what_comes_up_in_one(shared, worlds):
    client = worlds("long")
    polled = shared.client.poll_batch("worlds_long", worker_id="outside", timeout_ms=0)
    started(client, simple("worlds_long"))
    polled += shared.client.poll_batch("worlds_long", worker_id="outside", timeout_ms=2_000)
    assert [task["referenceTaskName"] for task in polled] == ["worlds_long"]


def test_a_world_gets_only_what_is_its_own(worlds):
    one, other = worlds("own"), worlds("another")
    id_ = started(one, simple("worlds_own"))
    assert other.poll("worlds_own", worker_id="x") is None
    with pytest.raises(NotFound):
        other.execution(id_)


def test_definitions_and_event_handlers_are_common_to_all(shared, worlds):
    client = worlds("common")
    shared.define("worlds_defined", HUMAN)
    assert client.workflow_definition("worlds_defined")["name"] == "worlds_defined"
    shared.define("worlds_follow", HUMAN)
    handler = {"name": "h-worlds", "event": "conductor:w:worlds_up", "active": True,
               "actions": [{"action": "start_workflow", "start_workflow": {"name": "worlds_follow"}}]}  # fmt: skip
    assert shared.ask("POST", "/api/event", handler)[0] == 200
    started(client, {"name": "up", "taskReferenceName": "up", "type": "EVENT", "sink": "conductor:worlds_up"})
    found = shared.client.search("workflowType = worlds_follow")
    shared.ask("DELETE", "/api/event/h-worlds")
    assert [each["status"] for each in found] == ["RUNNING"]


def test_what_ran_in_a_world_is_found_when_that_is_closed(shared, worlds):
    client = worlds("closed")
    over = started(client, pause("wait"))
    client.go(over, None, within_ms=5_000)
    left = started(client, HUMAN)
    client.close_world("closed")
    assert (shared.client.status(over), shared.client.status(left)) == ("COMPLETED", "TERMINATED")
    with pytest.raises(NotFound, match="No world of the name 'closed'"):
        client.status(over)


def test_a_world_that_does_not_stand_goes_by_itself(shared, worlds, until):
    client = worlds("free", stands=False)
    id_ = started(client, pause("wait", "14 days"))
    until(lambda: client.status(id_) == "COMPLETED")
    assert shared.ask("GET", "/_k1n/worlds")[1]["free"]["now"] == EPOCH_MS + 14 * 24 * HOUR_MS


@pytest.mark.parametrize(
    "wish", [{}, {"name": 3}, {"name": "a/b"}, {"name": "ä"}, {"name": "x" * 101}, {"name": "a", "stands": 1},
             {"name": "a", "more": 1}]
)  # fmt: skip
def test_odd_wishes_are_refused_in_one_line(shared, wish):
    status, answer = shared.ask("POST", "/_k1n/worlds", wish)
    assert status == 400
    assert "write {" in answer["message"]
    assert "\n" not in answer["message"]


@pytest.mark.parametrize(
    "order",
    [{"go": 3}, {"go": "x", "ref": 3}, {"go": "x", "aside": [3]}, {"go": "x", "more": 1}, {"go": "x", "until": 1}],
)
def test_odd_moves_are_refused_in_one_line(shared, order):
    status, answer = shared.ask("POST", "/_k1n/clock", order)
    assert status in (400, 404)
    assert "\n" not in answer["message"]


def test_a_clock_that_moves_by_itself_has_one_world_and_does_not_go(serve):
    with serve("--clock", "real") as served:
        with pytest.raises(ConductorError, match="has one world"):
            served.client.open_world("w", stands=True)
        with pytest.raises(Conflict, match="moves by itself"):
            served.client.go(started(served.client, HUMAN), None, within_ms=50)


def test_the_names_of_methods_and_paths_are_refused_as_elsewhere(shared):
    assert shared.ask("PUT", "/_k1n/worlds", {})[0] == 405
    assert shared.ask("DELETE", "/_k1n/worlds/none")[0] == 404
    assert shared.ask("GET", "/api/workflow/x", headers={WORLD: "none"})[0] == 404
