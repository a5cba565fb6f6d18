"""What a server refuses is said with task, place and reason."""

import pytest

from k1n_support.lint_examples import SOUND, A, reader, task, workflow
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import BadRequest, ServerFailure
from pytest_k1n.coordination.registration import register
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.transport import InProcessTransport


@pytest.fixture
def client():
    return Conductor(InProcessTransport(Engine()), patience_s=0)


def test_a_refused_definition_is_explained_by_lint(client):
    with pytest.raises(BadRequest, match=r"workflow lint_w: b: reads aa, but no task is called that \[unknown-ref\]"):
        register(client, [workflow(A, reader("b", "${aa.output.x}"))], [], policy="always")


def test_what_the_server_cannot_read_is_named_by_its_task(client):
    with pytest.raises(ServerFailure, match=r"a: must be true or false, not the text 'perhaps' \[wrong-type\]"):
        register(client, [workflow({**A, "optional": "perhaps"})], [], policy="missing")


def test_only_the_first_findings_are_told(client):
    with pytest.raises(BadRequest, match="; and 2 more"):
        register(client, [workflow(*[task("e", "EVENT")] * 3)], [], policy="always")


def test_a_sound_definition_is_registered(client):
    register(client, [SOUND], [], policy="missing")
    assert client.workflow_definition("lint_w")["name"] == "lint_w"
