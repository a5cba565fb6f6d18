"""`k1n report --from SERVER`: many executions of a server, page by page, without changing anything there."""

import json
import uuid

import pytest

from pytest_k1n.cli import main
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands import production
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.transport import InProcessTransport


def definition(name):
    """Ends by itself: well, or with `bad` in its input not."""
    ending = {"name": "no", "taskReferenceName": "no", "type": "TERMINATE",
              "inputParameters": {"terminationStatus": "FAILED", "terminationReason": "out of stock"}}  # fmt: skip
    choice = {"name": "look", "taskReferenceName": "look", "type": "SWITCH", "evaluatorType": "value-param",
              "expression": "on", "inputParameters": {"on": "${workflow.input.bad}"},
              "decisionCases": {"yes": [ending]}}  # fmt: skip
    note = {"name": "note", "taskReferenceName": "note", "type": "SET_VARIABLE", "inputParameters": {"seen": 1}}
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
            "tasks": [note, choice]}  # fmt: skip


class Recording:
    """Passes requests on and remembers their methods."""

    def __init__(self, transport):
        self.transport, self.seen = transport, []

    def send(self, request):
        self.seen.append((request.method, request.path))
        return self.transport.send(request)

    def __getattr__(self, name):
        return getattr(self.transport, name)


@pytest.fixture
def filled(monkeypatch):
    """An engine with seven executions, two of which failed, and pages of three."""
    monkeypatch.setattr(production, "PAGE", 3)
    recording = Recording(InProcessTransport(Engine()))
    client = Conductor(recording)
    fill(client, "mine", 7)
    client.register_workflows([definition("mine_too")])
    client.start("mine_too", version=1)
    recording.seen.clear()
    return client, recording


def fill(client, name, count):
    client.register_workflows([definition(name)])
    for number in range(count):
        client.start(name, version=1, input={"bad": "yes" if number % 3 == 2 else "no"})


def test_the_newest_are_read_page_by_page_and_nothing_is_changed(filled):
    client, recording = filled
    gathered = production.gather(client, "mine", last=5)
    assert len(gathered.executions) == 5
    assert {each.name for each in gathered.executions} == {"mine"}
    assert {method for method, _ in recording.seen} == {"GET"}
    assert sum("search" in path for _, path in recording.seen) == 2


def test_the_text_has_states_spread_and_reasons(filled):
    client, _ = filled
    text = "\n".join(production.text(production.gather(client, "mine", last=100)))
    assert "mine: 7 executions (5 COMPLETED, 2 FAILED)" in text
    assert "2 x no task: out of stock" in text
    assert "makespan" in text


def test_machines_get_every_execution(filled):
    client, _ = filled
    document = production.document(production.gather(client, "mine", last=100))
    assert [each["status"] for each in document["executions"]].count("FAILED") == 2
    assert set(document["makespan"]) == {"p50_ms", "p95_ms"}


def test_an_unknown_workflow_and_a_name_that_search_cannot_say_are_refused(filled):
    client, _ = filled
    with pytest.raises(LookupError, match="no execution of nope"):
        production.gather(client, "nope", last=5)
    with pytest.raises(ValueError, match="quotation mark"):
        production.gather(client, 'a" OR "b', last=5)
    with pytest.raises(ValueError, match="from 1 to 5,000"):
        production.show(client, "mine", last=1_000_000, as_json=False)


@pytest.mark.parametrize("words", [["report"], ["report", "--from", "http://127.0.0.1:9"]])
def test_what_is_missing_is_said_in_a_line(words, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.live
def test_a_real_server_is_summed_up(live_server, capsys):
    client, name = Conductor(transport_for(live_server.url)), f"k1n_many_{uuid.uuid4().hex[:8]}"
    fill(client, name, 4)
    assert main(["report", "--from", live_server.url, "--workflow", name, "--last", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert sorted(each["status"] for each in document["executions"]) == ["COMPLETED", "COMPLETED", "FAILED"]
    client.close()
