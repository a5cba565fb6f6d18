"""An engine that was given something without an end still answers everybody else, and stops when it is told to."""

import signal
import threading
from contextlib import closing

import pytest

from pytest_k1n.client import transport_for
from pytest_k1n.core.http import HttpRequest

ENDLESS = "while (true);"
TRICKY = "throw Object.assign(new Error('x'), {toString() { while (true); }})"


def inline(expression):
    inputs = {"evaluatorType": "javascript", "expression": expression}
    return {"name": "i", "taskReferenceName": "i", "type": "INLINE", "inputParameters": inputs}


def started(served, name):
    """Start an execution in a thread of its own, because the answer may take its time; return the thread."""
    thread = threading.Thread(target=lambda: served.ask("POST", f"/api/workflow/{name}", {}))
    thread.start()
    return thread


@pytest.mark.parametrize("expression", [ENDLESS, TRICKY])
def test_others_are_answered_while_a_script_runs_without_an_end(serve, until, expression):
    with serve() as served:
        served.define("endless", inline(expression))
        served.define("other", {"name": "n", "taskReferenceName": "n", "type": "NOOP"})
        thread = started(served, "endless")
        until(lambda: served.ask("GET", "/api/workflow/search?query=workflowType=endless")[1]["totalHits"])
        for _ in range(20):
            assert served.ask("GET", "/health")[0] == 200
            assert served.ask("GET", "/api/metadata/workflow/other")[0] == 200
        assert thread.is_alive()
        _, other = served.ask("POST", "/api/workflow/other", {})  # waits for its turn, and gets it
        thread.join(20)
        assert not thread.is_alive()
        assert served.ask("GET", f"/api/workflow/{other}")[1]["status"] == "COMPLETED"
        (found,) = served.client.search("workflowType = endless")
        assert found["reasonForIncompletion"].endswith("Script not evaluated within 4 seconds, interrupted.'")


def loop(condition="true"):
    body = {"name": "n", "taskReferenceName": "n", "type": "NOOP"}
    return {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopCondition": condition, "loopOver": [body]}


def again():
    inputs = {"startWorkflow": {"name": "again", "version": 1}}
    return {"name": "s", "taskReferenceName": "s", "type": "START_WORKFLOW", "inputParameters": inputs}


@pytest.mark.parametrize(("name", "task"), [("round", loop()), ("again", again())])
def test_others_are_answered_while_a_definition_without_an_end_runs_to_its_limit(serve, until, name, task):
    with serve("--most-at-once", "3000") as served:
        served.define(name, task)
        thread = started(served, name)
        until(lambda: served.ask("GET", f"/api/workflow/search?query=workflowType={name}")[1]["totalHits"])
        answers = 0
        while thread.is_alive():
            assert served.ask("GET", "/health")[0] == 200
            answers += 1
        assert answers > 1
        (failed,) = served.client.search(f"workflowType = {name} AND status = FAILED")
        assert "3000 times at one instant" in failed["reasonForIncompletion"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("name", "task"), [("script", inline(ENDLESS)), ("tricky", inline(TRICKY)), ("round", loop()), ("again", again())]
)
def test_it_stops_whatever_it_is_at(serve, until, name, task, number):
    with serve("--most-at-once", "10000000") as served:
        served.define(name, task)
        thread = started(served, name)
        until(lambda: served.ask("GET", f"/api/workflow/search?query=workflowType={name}")[1]["totalHits"])
        code, said = served.end(number)
        thread.join(20)
        assert (code, said) == (0, "")


@pytest.mark.parametrize(
    "path",
    [f"/api/{search}?freeText=nowhere" for search in ("workflow/search", "tasks/search", "workflow/search-by-tasks")],
)
def test_a_search_over_thousands_lets_others_go_first(serve, path):
    with serve() as served:
        served.define("many", {"name": "n", "taskReferenceName": "n", "type": "NOOP"})
        for _ in range(1500):
            served.client.start("many", input={"text": "x" * 200})
        # More of them than searches: they went between the records of one. On a busy machine not every time.
        assert any(starts_beside_searches(served, path, 5) > 5 for _ in range(10))


def starts_beside_searches(served, path, count):
    """Return how many executions were started, one after the other, during so many searches."""
    ended = threading.Event()

    def search():
        with closing(transport_for(served.url, environ={})) as transport:
            for _ in range(count):
                assert transport.send(HttpRequest("GET", path)).status == 200
        ended.set()

    thread = threading.Thread(target=search)
    thread.start()
    starts = 0
    while not ended.is_set():
        served.client.start("many")
        starts += 1
    thread.join()
    return starts
