"""How long the server is given for what it is told, and what is made of its answers."""

import pytest

from pytest_k1n.client.errors import NotConductor
from pytest_k1n.client.executions import Executions
from pytest_k1n.client.metadata import Metadata
from pytest_k1n.client.tasks import Tasks
from pytest_k1n.core.http import TIMEOUT_S, HttpResponse


class Noting:
    """A transport that keeps what it was asked."""

    url = "http://x"

    def __init__(self, answer=b"{}"):
        self.asked, self.answer = [], answer

    def send(self, request):
        self.asked.append(request)
        return HttpResponse(200, self.answer)

    def close(self):
        pass


def test_a_busy_server_has_longer_for_a_whole_plans_definitions_than_for_one_answer():
    transport = Noting()
    Metadata(transport).register_workflows([{"name": "w"}])
    Metadata(transport).register_tasks([{"name": "t"}])
    assert all(each.timeout_s >= 6 * TIMEOUT_S for each in transport.asked)


@pytest.mark.parametrize(
    ("answer", "ask"),
    [
        (b"[" * 100_000, Metadata.workflow_definitions),
        (b"9" * 5000, Metadata.workflow_definitions),
        (b'[{"name": "w"}, 5]', Metadata.workflow_definitions),
        (b'{"results": [{"status": "RUNNING"}]}', lambda calls: Executions(calls._transport).search("x")),
        (b'{"c": [{"workflowId": 5}]}', lambda calls: Executions(calls._transport).correlated("x", "c")),
        (b'[{"log": "x"}]', lambda calls: Tasks(calls._transport).logs("x")),
        (b"[null]", lambda calls: Tasks(calls._transport).poll("x", worker_id="w")),
    ],
)
def test_an_answer_that_no_conductor_gives_is_told_as_that(answer, ask):
    transport = Noting(answer)
    with pytest.raises(NotConductor, match="is not Conductor's API"):
        ask(Metadata(transport))
    assert Metadata(transport).health() is False
