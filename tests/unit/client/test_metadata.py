"""How long the server is given for what it is told."""

from pytest_k1n.client.metadata import Metadata
from pytest_k1n.core.http import TIMEOUT_S, HttpResponse


class Noting:
    """A transport that keeps what it was asked."""

    url = "http://x"

    def __init__(self):
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        return HttpResponse(200, b"{}", {})

    def close(self):
        pass


def test_a_busy_server_has_longer_for_a_whole_plans_definitions_than_for_one_answer():
    transport = Noting()
    Metadata(transport).register_workflows([{"name": "w"}])
    Metadata(transport).register_tasks([{"name": "t"}])
    assert all(each.timeout_s >= 6 * TIMEOUT_S for each in transport.asked)
