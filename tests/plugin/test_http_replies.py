"""HTTP tasks of a user's own executions, answered by the test: nothing is sent, and the work counts as simulated."""

REPLIES = """
import pytest
from pytest_k1n import completed, failed, task_output

RULES = {"name": "ask", "retryCount": 2, "retryDelaySeconds": 1, "ownerEmail": "k1n@example.com"}
ASK = {"name": "ask", "taskReferenceName": "fetch", "type": "HTTP", "taskDefinition": RULES,
       "inputParameters": {"http_request": {"uri": "http://127.0.0.1:9/price", "method": "GET"}}}
PAY = {"name": "pay", "taskReferenceName": "pay", "type": "SIMPLE",
       "inputParameters": {"amount": "${fetch.output.response.body.price}"}}
SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [ASK, PAY]}
"""


def _run(empty_project, body, *args):
    return empty_project.test("replies", REPLIES + body).run(*args)


def test_a_task_is_answered_and_the_next_one_reads_it(empty_project):
    outcome = _run(
        empty_project,
        """
def test_it(conductor):
    paid = []
    execution = conductor.run(SHOP, http={"fetch": {"body": {"price": 3}, "headers": {"X-Id": "a"}}},
                              handlers={"pay": lambda task: paid.append(task.input["amount"])})
    execution.expect(completed(), task_output("fetch", "response.statusCode", equals=200))
    assert paid == [3]
    assert execution.task("fetch").output["response"]["reasonPhrase"] == "OK"
    assert execution.task("fetch").output["response"]["headers"]["X-Id"] == ["a"]
    assert execution.task("fetch").output["_k1n"]["simulated"]
    assert execution.observation.any_simulated
""",
    )
    assert outcome.counts == {"passed": 1}, outcome.text


def test_answers_come_one_after_the_other_and_the_last_one_stays(empty_project):
    outcome = _run(
        empty_project,
        """
def test_retried(conductor):
    execution = conductor.run(SHOP, http={"ask": [{"status": 500, "body": "broken"}, {"body": {"price": 3}}]})
    execution.expect(completed())
    assert [task.status for task in execution.execution.tasks] == ["FAILED", "COMPLETED", "COMPLETED"]

def test_repeated_within_the_attempt(conductor):
    busy = {"status": 503, "body": "busy", "headers": {"Retry-After": "60"}}
    execution = conductor.run(SHOP, http={"ask": [busy, {"body": {"price": 3}}]})
    execution.expect(completed())
    fetch, _ = execution.execution.tasks
    assert (fetch.status, fetch.ended_ms - fetch.started_ms) == ("COMPLETED", 60_000)

def test_given_up(conductor):
    execution = conductor.start(SHOP, http={"fetch": {"status": 404, "body": "no such shop"}})
    execution.expect(failed())
    assert "404 Not Found on GET" in execution.task("fetch").reason
    assert len(execution.execution.tasks) == 3
""",
    )
    assert outcome.counts == {"passed": 3}, outcome.text


def test_what_would_come_to_nothing_is_refused_with_what_to_write(empty_project):
    outcome = _run(
        empty_project,
        """
@pytest.mark.parametrize(("http", "told"), [
    ({"fetch": {"price": 3}}, "unknown key 'price'; known: status, body, headers; .* goes into \\"body\\""),
    ({"fetch": {"status": "200"}}, "fetch.status is '200': a number from 200 to 599"),
    ({"fetch": {"status": 100}}, "fetch.status is 100"),
    (["fetch"], "http: write .*, not .'fetch'"),
    ({1: {}}, "http: write .*, not {1: "),
    ({"fetch": "ok"}, 'write {"status": 200, "body": {...}}'),
    ({"fetch": {"body": {1, 2}}}, "fetch.body is not JSON"),
    ({"fecht": {"body": 1}}, "'fecht' .near: fetch"),
    ({"pay": {"body": 1}}, "pay sends no request: it is a SIMPLE task; give it a handler"),
])
def test_it(conductor, http, told):
    with pytest.raises((ValueError, LookupError), match=told):
        conductor.run(SHOP, http=http)

def test_a_handler(conductor):
    with pytest.raises(LookupError, match=r"no handler is ever asked for 'fetch'.*http=\\{\\"REF\\": "):
        conductor.run(SHOP, http={"fetch": {"body": {}}}, handlers={"fetch": {}})
""",
    )
    assert outcome.counts == {"passed": 10}, outcome.text


def test_orders_of_parallel_tasks_are_tried_with_answers(empty_project):
    outcome = _run(
        empty_project,
        """
SPLIT = {**SHOP, "tasks": [
    {"name": "split", "taskReferenceName": "split", "type": "FORK_JOIN", "forkTasks": [[ASK, PAY], [
        {"name": "pack", "taskReferenceName": "pack", "type": "SIMPLE"}]]},
    {"name": "both", "taskReferenceName": "both", "type": "JOIN", "joinOn": ["pay", "pack"]}]}

def test_it(conductor):
    paid = []
    found = conductor.interleavings(SPLIT, http={"fetch": {"body": {"price": 3}}},
                                    handlers={"pay": lambda task: paid.append(task.input["amount"]),
                                              "pack": lambda task: {}})
    assert found.is_complete and len(found.orders) > 1 and found.outcomes == 1
    assert set(paid) == {3} and len(paid) == len(found.orders)

def test_a_key_of_nothing_is_refused(conductor):
    with pytest.raises(LookupError, match="http: pay sends no request: it is a SIMPLE task"):
        conductor.interleavings(SPLIT, http={"pay": {"body": 1}})
    with pytest.raises(LookupError, match="near: fetch"):
        conductor.interleavings(SPLIT, http={"fetsh": {"body": 1}})
""",
    )
    assert outcome.counts == {"passed": 2}, outcome.text


def test_the_picture_says_that_nothing_was_sent(empty_project):
    outcome = _run(
        empty_project,
        """
def test_it(conductor):
    conductor.run(SHOP, http={"fetch": {"body": {"price": 3}}})
    assert False
""",
    )
    assert "| 0 ms HTTP simulated" in outcome.text
