"""What an error says of the request that it is about."""

from pytest_k1n.client.errors import BadRequest

ASKED = {"method": "POST", "path": "/api/workflow?x=1", "status": 400}


def test_the_request_is_named_where_a_server_can_be_looked_at():
    error = BadRequest("no", url="http://localhost:8080", **ASKED)
    assert str(error) == "no (http://localhost:8080, POST /api/workflow -> 400)"


def test_an_engine_in_the_process_has_no_request_to_show():
    assert str(BadRequest("no", url="embedded://engine", **ASKED)) == "no"
