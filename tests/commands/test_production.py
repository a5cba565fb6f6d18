"""`k1n report --from SERVER`: many executions of a server, page by page, without changing anything there."""

import json
import re
import uuid
from html.parser import HTMLParser

import pytest

from pytest_k1n.cli import main
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands import production
from pytest_k1n.core.wire import wire
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
        production.gather(client, "mine", last=1_000_000)


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


class Text(HTMLParser):
    """What a browser would show: the elements, and the text in them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.links = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text.append(data)


def recorded(number, name="order", *, took_ms=1_000, status="COMPLETED", ref="charge", reason=None):
    start = 1_767_225_600_000 + number * 3_600_000
    task = {"taskType": ref, "taskDefName": ref, "referenceTaskName": ref, "status": status, "taskId": f"t{number}",
            "seq": 1, "scheduledTime": start + 5, "startTime": start + 10, "endTime": start + took_ms - 5,
            "reasonForIncompletion": reason}  # fmt: skip
    return wire.execution({
        "workflowId": f"id-{number}", "workflowName": name, "workflowVersion": 1, "status": status,
        "createTime": start, "startTime": start, "endTime": start + took_ms, "tasks": [task],
        "workflowDefinition": {"name": name, "version": 1, "tasks": [{"name": ref, "taskReferenceName": ref}]},
    })  # fmt: skip


def page_of(*executions, name="order"):
    paths = [production._path(each) for each in executions if each.status == "COMPLETED"]
    gathered = production.Production(workflow=name, executions=executions, paths=tuple(paths))
    return production.page(gathered, server="http://ann:secret@conductor.example/api")


def test_the_page_tells_what_was_critical_and_draws_the_slowest():
    bad = recorded(90, status="FAILED", reason="card refused")
    page = page_of(*(recorded(number, took_ms=1_000 + number) for number in range(80)), bad)
    shown = " ".join(" ".join(Text(page).text).split())
    assert "81 executions (80 COMPLETED, 1 FAILED)" in shown
    assert "longest in 80, on the path in 80 of 80" in shown
    assert "charge card refused" in shown
    assert [f"id-{number}" in shown for number in (79, 78, 77, 76, 75)] == [True] * 5
    assert page.count('class="bars"') == production.SLOWEST
    assert 'href="#s1"' in page
    assert "secret" not in page


def test_a_page_of_none_that_completed_says_so():
    shown = " ".join(Text(page_of(recorded(1, status="FAILED", reason="no"))).text)
    assert "None has completed." in shown
    assert "The slowest" not in shown


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\"><svg onload=alert(1)>' onmouseover='x", "\x1b]0;owned\x07", "{{7*7}} {% raw %}",
     "\u202eesrever \ud800 \x00", "x" * 5_000],
    ids=["script", "quotes", "escape", "template", "invisible", "long"],
)  # fmt: skip
def test_hostile_names_are_shown_and_never_obeyed(name):
    good, bad = recorded(1, name, ref=name), recorded(2, name, ref=name, status="FAILED", reason=name)
    page = page_of(good, bad, name=name)
    clean = Text(page_of(recorded(1), recorded(2, status="FAILED", reason="no")))
    seen = Text(page)
    assert seen.tags == clean.tags
    assert all(link.startswith(("#", "data:,")) for link in seen.links)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202e]", page)
    assert "49 " not in " ".join(seen.text)[:200]


def test_the_command_writes_the_page_beside_the_text(filled, tmp_path, capsys):
    client, _ = filled
    target = tmp_path / "new" / "many.html"
    assert production.show(production.gather(client, "mine", last=7), source="x", as_json=True, html=str(target)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["workflow"] == "mine"
    assert "wrote" in err
    assert target.read_text().startswith("<!doctype html>")


def test_html_without_a_server_is_a_mistake(capsys):
    assert main(["report", "run.json", "--html", "x.html"]) == 2
    assert "--output FILE.html" in capsys.readouterr().err


@pytest.fixture
def saved(filled, tmp_path):
    """The same executions, as a team keeps them: files, a list, one of them twice, and what is none."""
    client, _ = filled
    mine = [client.execution(each.workflow_id) for each in production.gather(client, "mine", last=7).executions]
    other = client.execution(production.gather(client, "mine_too", last=1).executions[0].workflow_id)
    (tmp_path / "one.json").write_text(json.dumps(mine[0]))
    (tmp_path / "again.jsonl").write_text("\n".join(map(json.dumps, mine[:3])))
    (tmp_path / "rest.json").write_text(json.dumps({"results": mine[3:]}))
    (tmp_path / "other.json").write_text(json.dumps(other))
    (tmp_path / "definition.json").write_text(json.dumps(definition("mine")))
    return tmp_path


def test_a_folder_of_saved_executions_is_summed_up_as_a_server_is(filled, saved, capsys):
    client, _ = filled
    assert main(["report", "--from", str(saved), "--workflow", "mine"]) == 0
    assert capsys.readouterr().out.splitlines() == list(production.text(production.gather(client, "mine", last=7)))
    assert main(["report", "--from", str(saved), "--workflow", "mine", "--last", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["executions"]) == 2
    assert main(["report", "--from", str(saved / "one.json")]) == 0
    assert capsys.readouterr().out.startswith("mine: 1 execution (1 COMPLETED)")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say which with --workflow:"), (("--workflow", "nope"), "no execution of nope in"),
        (("--workflow", "mine", "--last", "5001"), "is not from 1 to 5,000"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_summed_up_is_told_in_a_line(words, said, saved, capsys):
    assert main(["report", "--from", str(saved), *words]) == 2
    assert said in capsys.readouterr().err
