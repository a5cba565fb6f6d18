import pytest

from pytest_k1n.client.errors import NotFound, ServerFailure, ServerUnreachable, StartedTwice, error_for
from pytest_k1n.client.executions import Executions
from pytest_k1n.client.retry import Backoff, retried
from pytest_k1n.core.http import HttpResponse


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, pause):
        self.slept.append(pause)
        self.now += pause


def unreachable(*, indeterminate=True):
    return ServerUnreachable("cannot be reached: reset", indeterminate=indeterminate)


def failing(*errors, result="done"):
    left = list(errors)

    def call():
        if left:
            raise left.pop(0)
        return result

    return call


def test_pauses_grow_up_to_their_limit():
    time = Time()
    backoff = Backoff(first_s=1, factor=2, limit_s=3)
    call = failing(*[unreachable() for _ in range(4)])
    assert retried(call, within_s=60, backoff=backoff, clock=time, sleep=time.sleep) == "done"
    assert time.slept == [1, 2, 3, 3]


def test_the_last_error_is_raised_once_the_time_is_used_up():
    time = Time()
    with pytest.raises(ServerUnreachable):
        retried(failing(*[unreachable() for _ in range(99)]), within_s=1, clock=time, sleep=time.sleep)
    assert time.now < 1


def test_what_failed_for_good_is_not_repeated():
    time = Time()
    with pytest.raises(NotFound):
        retried(failing(NotFound("no")), within_s=60, clock=time, sleep=time.sleep)
    assert time.slept == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (500, b'{"message": "x", "retryable": true}', ServerFailure, True),
        (500, b'{"message": "x", "retryable": false}', ServerFailure, False),
        (503, b"<html>busy</html>", ServerFailure, True),
        (429, b"", ServerFailure, True),
        (404, b"[]", NotFound, None),
    ],
)
def test_errors_follow_the_status_and_what_the_server_says(status, body, kind, retryable):
    error = error_for(status, body, method="GET", path="/api/x?token=1", url="http://h")
    assert type(error) is kind
    assert getattr(error, "is_retryable", None) is retryable
    assert "token" not in str(error)


class Scripted:
    """A transport that plays answers; an exception among them is raised."""

    url = "http://stub"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def send(self, request):
        self.asked.append(f"{request.method} {request.path.partition('?')[0]}")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        pass


FOUND = HttpResponse(200, b'{"c": [{"workflowId": "w-1"}]}')
NONE = HttpResponse(200, b"{}")
STARTED = HttpResponse(200, b"w-2", "text/plain")


def start_once(*answers, within_s=20.0):
    time, transport = Time(), Scripted(*answers)
    calls = Executions(transport, patience_s=0)
    started = calls.start_once("W", correlation_id="c", within_s=within_s, clock=time, sleep=time.sleep)
    return started, [request for request in transport.asked if request == "POST /api/workflow"]


def test_a_start_that_arrived_though_its_answer_was_lost_is_found_not_repeated():
    assert start_once(unreachable(), NONE, FOUND) == ("w-1", ["POST /api/workflow"])


def test_a_start_that_never_arrived_is_made_again_once_the_server_says_there_is_none():
    started, posts = start_once(unreachable(), *[NONE] * 6, STARTED)
    assert (started, len(posts)) == ("w-2", 2)


def test_silence_about_the_correlation_id_is_no_leave_to_start_again():
    time, transport = Time(), Scripted(unreachable())
    with pytest.raises(ServerUnreachable):
        Executions(transport, patience_s=0).start_once("W", correlation_id="c", clock=time, sleep=time.sleep)
    assert transport.asked.count("POST /api/workflow") == 1
    assert time.now >= 20


def test_a_refused_connection_is_simply_tried_again():
    assert start_once(unreachable(indeterminate=False), STARTED)[0] == "w-2"


def test_two_executions_of_one_start_are_reported():
    two = HttpResponse(200, b'{"c": [{"workflowId": "w-1"}, {"workflowId": "w-2"}]}')
    with pytest.raises(StartedTwice, match="w-1, w-2"):
        start_once(unreachable(), two)
