"""Moving a clock that somebody holds: the engine answers after a minute that time is still on its way."""

import json

import pytest

from pytest_k1n.client.clock import ClockCalls
from pytest_k1n.core.http import HttpResponse


class Held:
    """A transport to an engine whose clock is held."""

    url = "http://127.0.0.1:1"
    holders = ({"kind": "hold", "what": "me"},)

    def send(self, request):
        body = json.dumps({"clock": "virtual", "holders": self.holders}).encode()
        return HttpResponse(status=202 if request.method == "POST" else 200, body=body, content_type="application/json")


def test_time_that_does_not_pass_is_told_with_who_holds_it():
    with pytest.raises(TimeoutError, match=r"7200000ms of virtual time .* holders: .*'what': 'me'"):
        ClockCalls(Held()).advance_clock(7_200_000)
