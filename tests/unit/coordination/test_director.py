"""What the director makes of an error that ends its run."""

import pytest

from pytest_k1n.client.errors import BadRequest, Denied, ServerUnreachable
from pytest_k1n.coordination.collection import Collection
from pytest_k1n.coordination.director import Director
from pytest_k1n.coordination.runfolder import RunFolder
from pytest_k1n.coordination.setup import Setup
from pytest_k1n.servers.errors import NoAnswer, PortTaken, ServerDied


@pytest.fixture
def director(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.make()
    return Director(Setup(collection=Collection(), plan=None, folder=folder), say=lambda _line: None)


@pytest.mark.parametrize("error", [NoAnswer("nobody"), PortTaken("taken"), ServerDied("dead"), Denied("who?")])
def test_a_server_that_never_served_refuses_the_run(director, error):
    director.publish_error(error)
    assert director.refusal == str(error)


def test_a_server_that_dies_later_does_not(director):
    director.publish(server={"kind": "jar"})
    director.publish_error(ServerDied("dead"))
    assert (director.refusal, director.state.server_error) == ("", "dead")


@pytest.mark.parametrize(
    "error", [BadRequest("bad definition"), ServerUnreachable("gone", indeterminate=True), ZeroDivisionError()]
)
def test_nor_does_any_other_trouble(director, error):
    director.publish_error(error)
    assert director.refusal == ""


def test_nor_does_a_server_that_ended_with_the_run(director):
    director.close()
    director.publish_error(ServerDied("dead"))
    assert director.refusal == ""
