"""`k1n init`: what it writes passes, shows a finding when the order is broken, and never overwrites."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pytest_k1n.cli import main
from pytest_k1n.client.api import Conductor
from pytest_k1n.commands.material import Material, Recorded, from_server
from pytest_k1n.commands.rehearsal import Rehearsal, rehearse
from pytest_k1n.commands.scaffold import band_of, files
from pytest_k1n.commands.writing import duration
from pytest_k1n.core.http import HttpRequest, HttpResponse
from pytest_k1n.core.units import MINUTE_MS, duration_ms
from pytest_k1n.plan.read import load_plan
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.registry import Handlers

Document = dict[str, Any]
WRITTEN = ["k1n.toml", "tasks/order.json", "test_order.py", "workflows/order.json"]


def simple(ref: str, **fields: Any) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {}, **fields}


def workflow(name: str, *tasks: Mapping[str, Any], **fields: Any) -> Document:
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
            "tasks": list(tasks), **fields}  # fmt: skip


def task(name: str) -> Document:
    return {"name": name, "retryCount": 0, "responseTimeoutSeconds": 3600, "timeoutSeconds": 0,
            "ownerEmail": "k1n@example.com"}  # fmt: skip


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDUCTOR_SERVER_URL", "K1N_SERVER", "K1N_PLAN", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


class HttpStub:
    """Something that listens, and remembers what was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        paths = self.paths

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                paths.append(self.path)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def http_stub() -> Iterator[HttpStub]:
    stub = HttpStub()
    thread = Thread(target=stub.server.serve_forever, args=(0.01,))
    thread.start()
    yield stub
    stub.server.shutdown()
    thread.join()
    stub.server.server_close()


@pytest.fixture
def server() -> Callable[..., EmbeddedEngine]:
    """Make a server that knows some definitions and has run the first of them with real (not simulated) work."""

    def make(*definitions: Document, minutes: tuple[float, ...] = ()) -> EmbeddedEngine:
        each_takes = iter(minutes)
        now = [0.0]

        def work(context: Any) -> Document:
            context.sleep(now[0] * MINUTE_MS)
            return {}

        names = sorted(set(_types(list(definitions))))
        embedded = EmbeddedEngine(HandlerWorker(Handlers(dict.fromkeys(names, work))))
        if names:
            embedded.client.register_tasks([task(name) for name in names])
        for each in definitions:
            embedded.client.register_workflows([each])
        embedded.serve(names)
        for took in each_takes:
            now[0] = took
            embedded.client.start(definitions[0]["name"], input={"card": "4711"})
            embedded.drain()
        return embedded

    return make


def _types(document: object) -> Iterator[str]:
    if isinstance(document, list):
        for each in document:
            yield from _types(each)
    elif isinstance(document, dict):
        if document.get("type") == "SIMPLE":
            yield str(document["name"])
        for each in document.values():
            yield from _types(each)


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write(folder: Path, material: Material) -> None:
    for name, text in files(material, rehearse(material)).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_example_passes_as_it_is_written(pytester, capsys):
    assert main(["init"]) == 0
    assert written(pytester.path) == WRITTEN
    said = capsys.readouterr().out
    assert "  wrote test_order.py\n" in said
    assert "  pytest  " in said
    assert "cd " not in said
    pytester.runpytest_inprocess().assert_outcomes(passed=5)


def test_the_example_s_files_are_valid(tmp_path, capsys):
    assert main(["init", str(tmp_path / "new")]) == 0
    assert f"  cd {tmp_path / 'new'}\n" in capsys.readouterr().out
    assert main(["validate", *(str(tmp_path / "new" / name) for name in ("k1n.toml", "workflows/order.json"))]) == 0
    capsys.readouterr()
    assert main(["lint", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.startswith("nothing found in 1 workflow")


def test_a_broken_order_is_a_finding_that_explains_itself(pytester):
    main(["init"])
    path = pytester.path / "workflows/order.json"
    document = json.loads(path.read_text())
    document["tasks"][2]["joinOn"].remove("pack")
    path.write_text(json.dumps(document))
    result = pytester.runpytest_inprocess("-k", "chain")
    result.assert_outcomes(failed=1, deselected=4)
    result.stdout.fnmatch_lines([
        "*fail    started-early: ship: expected to start when pack has ended; observed started before pack ended, "
        "by 2.0 min (nothing in the definition makes ship wait for pack: it waits for both, which joins receipt)",
    ])  # fmt: skip


@pytest.mark.parametrize("existing", WRITTEN)
def test_nothing_is_written_where_one_of_the_files_exists(tmp_path, capsys, existing):
    (tmp_path / existing).parent.mkdir(exist_ok=True)
    (tmp_path / existing).write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert f"{existing} exist in {tmp_path} already, nothing was written" in capsys.readouterr().err
    assert written(tmp_path) == [existing]
    assert (tmp_path / existing).read_text() == "mine"


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "conftest.py").write_text("mine")
    assert main(["init", str(tmp_path)]) == 0
    assert written(tmp_path) == ["conftest.py", *WRITTEN]


def test_bands_and_estimates_come_from_recorded_runs(server, pytester):
    client = server(workflow("pay", simple("a"), simple("b"), inputParameters=["card"]), minutes=(2, 3, 4)).client
    material = from_server(client, "pay", runs=20)
    write(pytester.path, material)
    template = load_plan(pytester.path / "k1n.toml").batches[0].templates[0]
    assert dict(template.estimates_ms) == {"a": 3 * MINUTE_MS, "b": 3 * MINUTE_MS}
    assert template.band_ms == (3 * MINUTE_MS, 10 * MINUTE_MS)
    assert material.recorded.makespans_ms == (8 * MINUTE_MS, 6 * MINUTE_MS, 4 * MINUTE_MS)
    assert 'on_estimate(tolerance="35%")' in (pytester.path / "test_pay.py").read_text()
    pytester.runpytest_inprocess().assert_outcomes(passed=3)


def test_no_recorded_input_is_copied(server, tmp_path):
    client = server(workflow("pay", simple("a"), inputParameters=["card"]), minutes=(2,)).client
    write(tmp_path, from_server(client, "pay", runs=20))
    text = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "4711" not in text
    assert 'input = { card = "example" }' in text


def test_only_so_many_runs_are_read(server):
    client = server(workflow("pay", simple("a")), minutes=(2, 3, 4)).client
    assert len(from_server(client, "pay", runs=2).recorded.makespans_ms) == 2
    assert from_server(client, "pay", runs=0).recorded == Recorded()


def test_simulated_runs_prove_nothing(server):
    embedded = server(workflow("pay", simple("a")))
    embedded.worker = HandlerWorker(Handlers())
    embedded.engine.attach(["a"], embedded.worker, slots=9, worker_id="simulating")
    embedded.client.start("pay")
    embedded.drain()
    material = from_server(embedded.client, "pay", runs=20)
    assert material.recorded == Recorded()


def test_sub_workflows_come_along(server, pytester):
    child = workflow("child", simple("inner"))
    parent = workflow("parent", simple("a"), {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
                                              "subWorkflowParam": {"name": "child", "version": 1}})  # fmt: skip
    write(pytester.path, from_server(server(parent, child).client, "parent", runs=20))
    assert written(pytester.path) == [
        "k1n.toml", "tasks/parent.json", "test_parent.py", "workflows/child.json", "workflows/parent.json",
    ]  # fmt: skip
    assert '1m"  # a guess: nothing was recorded' in (pytester.path / "k1n.toml").read_text()
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize(("minutes", "is_asked"), [(5, True), (0.2, False)])
def test_estimates_that_the_rehearsal_does_not_keep_are_not_asked_for(server, pytester, minutes, is_asked):
    child = workflow("child", simple("inner"))
    parent = workflow("parent", simple("a"), {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
                                              "subWorkflowParam": {"name": "child", "version": 1}})  # fmt: skip
    write(pytester.path, from_server(server(parent, child, minutes=(minutes,)).client, "parent", runs=20))
    template = load_plan(pytester.path / "k1n.toml").batches[0].templates[0]
    assert template.estimates_ms["sub"] == minutes * MINUTE_MS
    assert ("on_estimate(" in (pytester.path / "test_parent.py").read_text()) is is_asked
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_workflow_that_asks_is_answered_by_its_plan(server, pytester):
    asks = {"name": "approve", "taskReferenceName": "approve", "type": "HUMAN", "inputParameters": {}}
    material = from_server(server(workflow("claim", simple("a"), asks, simple("b"))).client, "claim", runs=20)
    assert rehearse(material).answered_ms == {"approve": 60 * MINUTE_MS}
    write(pytester.path, material)
    assert load_plan(pytester.path / "k1n.toml").templates[0].answers["approve"].after_ms == 60 * MINUTE_MS
    pytester.runpytest_inprocess().assert_outcomes(passed=3)


def test_an_answer_comes_before_the_time_limit_and_in_sub_workflows_too(pytester):
    ask = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN"}
    timed = {"name": "pause", "taskReferenceName": "pause", "type": "WAIT", "inputParameters": {"duration": "1 minute"}}
    sent = {"name": "sent", "taskReferenceName": "sent", "type": "WAIT", "inputParameters": {}}
    child = workflow("child", ask, timeoutSeconds=600, timeoutPolicy="TIME_OUT_WF")
    parent = workflow("parent", timed, sent, {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
                                              "subWorkflowParam": {"name": "child"}})  # fmt: skip
    limited = {**task("sent"), "timeoutSeconds": 1200, "responseTimeoutSeconds": 600}
    material = Material(workflows=(parent, child), tasks=(limited,), estimates_ms={},
                        recorded=Recorded(), source="", input={})  # fmt: skip
    assert material.answered_after_ms() == {"sent": 10 * MINUTE_MS, "approve": 5 * MINUTE_MS}
    assert rehearse(material).trouble is None
    write(pytester.path, material)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_what_cannot_be_rehearsed_is_said_and_noted_in_the_test(server, tmp_path, capsys, monkeypatch):
    lonely = workflow("lonely", {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
                                 "subWorkflowParam": {"name": "elsewhere"}})  # fmt: skip
    embedded = server(lonely)
    monkeypatch.setattr("pytest_k1n.client.transport.transport_for", lambda _: embedded.client._transport)
    assert main(["init", "--server=http://x", "--workflow=lonely", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "a rehearsal on the embedded engine did not complete: " in said
    assert "elsewhere" in said
    assert "# A rehearsal on the embedded engine did not complete: " in (tmp_path / "test_lonely.py").read_text()


@pytest.mark.parametrize("name", ['../../x"; import os #', "/../../../y", "..z", "\\"])
def test_hostile_names_stay_in_their_folder_and_in_their_strings(tmp_path, name):
    material = Material(workflows=(workflow(name, simple('a"b')),), tasks=(task('a"b'),), estimates_ms={'a"b': 5},
                        recorded=Recorded(), source="", input={'k"': 'v"'})  # fmt: skip
    write(tmp_path / "a" / "b", material)
    assert {path.parts[: len(tmp_path.parts) + 2] for path in tmp_path.rglob("*") if path.is_file()} == {
        (*tmp_path.parts, "a", "b")
    }
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    for path in tmp_path.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
    template = load_plan(tmp_path / "a/b/k1n.toml").batches[0].templates[0]
    assert (template.workflow, dict(template.estimates_ms), dict(template.input)) == (name, {'a"b': 5}, {'k"': 'v"'})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workflow=pay"], "say --server URL"),
        (["--server=http://x"], "say --workflow NAME; embedded: has pay"),
        (["--server=http://x", "--workflow=nope"], "has no workflow nope; it has pay"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(server, tmp_path, capsys, monkeypatch, arguments, said):
    embedded = server(workflow("pay", simple("a")))
    monkeypatch.setattr("pytest_k1n.client.transport.transport_for", lambda _: embedded.client._transport)
    monkeypatch.setattr(Conductor, "url", "embedded:", raising=False)
    assert main(["init", *arguments, str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert written(tmp_path) == []


def test_a_count_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["init", "--from-runs=some"])
    assert "'some' is not a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("ms", [1, 412, 1_000, 1_500, 59_680, 60_000, 390_000, 7_800_000, 10_800_000, 90_061_001])
def test_durations_are_written_as_they_are_read(ms):
    assert duration_ms(duration(ms)) == ms


def test_without_runs_and_rehearsal_there_is_no_band():
    material = Material(workflows=(workflow("empty", {"name": "s", "taskReferenceName": "s", "type": "SUB_WORKFLOW",
                                                      "subWorkflowParam": {"name": "gone"}}),),
                        tasks=(), estimates_ms={}, recorded=Recorded(), source="", input={})  # fmt: skip
    rehearsal = rehearse(material)
    assert rehearsal.trouble
    assert band_of(material, rehearsal) is None


def test_a_definition_file_becomes_a_project_with_what_it_starts_and_its_people(pytester, capsys):
    refund = workflow("refund", simple("give_back"))
    limited = {**task("ask"), "timeoutSeconds": 86_400, "timeoutPolicy": "TIME_OUT_WF"}
    ask = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN", "taskDefinition": limited}
    order = workflow("shop", simple("charge"), ask, simple("ship"), inputParameters=["sku"], failureWorkflow="refund")
    for name, document in (("shop.json", order), ("undo.json", refund), ("other.json", {"no": "workflow"})):
        (pytester.path / name).write_text(json.dumps(document))
    assert main(["init", "project", "--from", "shop.json"]) == 0
    assert "k1n.toml answers approve" in capsys.readouterr().out
    project = pytester.path / "project"
    assert sorted(path.name for path in (project / "workflows").iterdir()) == ["refund.json", "shop.json"]
    plan = load_plan(project / "k1n.toml")
    assert (plan.templates[0].workflow, plan.templates[0].input) == ("shop", {"sku": "example"})
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "nowhere.json"], "nowhere.json"),
        (["--from", "shop.json", "--workflow", "shp"], "shop.json has no workflow shp; it has shop"),
        (["--from", "shop.json", "--server", "http://127.0.0.1:1"], "the workflow comes from one of them"),
    ],
)
def test_a_file_without_the_workflow_is_told_in_one_line(pytester, capsys, arguments, says):
    (pytester.path / "shop.json").write_text(json.dumps(workflow("shop", simple("charge"))))
    assert main(["init", "project", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (pytester.path / "project").exists()


def _beside(folder, **documents):
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))


def _workflow(*tasks, name="flow"):
    return {"name": name, "version": 1, "ownerEmail": "a@b.c", "tasks": list(tasks)}


def _task(ref, kind="SIMPLE", **fields):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


def test_task_definitions_that_lie_beside_are_taken_and_the_others_written(tmp_path, capsys):
    given = {"name": "pay", "retryCount": 7, "timeoutSeconds": 60, "responseTimeoutSeconds": 10, "ownerEmail": "a@b.c"}
    _beside(tmp_path, flow=_workflow(_task("pay"), _task("pack")), rules=[given], package={"name": "pack"})

    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "flow.json")]) == 0

    assert "took the task definitions of pay from beside it" in capsys.readouterr().out
    written = json.loads((tmp_path / "new/tasks/flow.json").read_text())
    assert [(each["name"], each["retryCount"]) for each in written] == [("pay", 7), ("pack", 1)]


def test_the_estimate_of_a_sub_workflow_is_no_guess(tmp_path):
    child = _task("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 1})
    _beside(tmp_path, flow=_workflow(child), kid=_workflow(_task("inner"), name="kid"))

    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "flow.json")]) == 0

    line = next(each for each in (tmp_path / "new/k1n.toml").read_text().splitlines() if each.startswith("sub ="))
    assert line.endswith("# a sub-workflow: what its own tasks took in a rehearsal")


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (_workflow(_task("a"), _task("a")), "a server refuses it: flow: taskReferenceName: a should be unique"),
        (_workflow(_task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "flow", "version": 1})), "flow has no end:"),
        (
            _workflow(_task("s", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "flow", "input": {}}})),
            "flow has no end: executions have started executions of flow",
        ),
        (_workflow(_task("a"), name="half\ud800"), r"half of a character \('\\ud800'\) behind 'workflow = \"half'"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_project_is_one_line_and_leaves_nothing_behind(tmp_path, capsys, definition, said):
    _beside(tmp_path, flow=definition)

    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "flow.json")]) == 2

    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_place_of_the_folder_says_what_to_type(pytester, capsys):
    (pytester.path / "order.json").write_text("{}")
    assert main(["init", "order.json"]) == 2
    assert "order.json is a file: say --from order.json" in capsys.readouterr().err


def _http(ref: str, uri: str) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": "HTTP",
            "inputParameters": {"http_request": {"uri": uri, "method": "POST", "body": {"o": "1"}}}}  # fmt: skip


def test_neither_the_rehearsal_nor_what_is_written_sends_a_request_unasked(pytester, capsys, http_stub):
    note = simple("note", inputParameters={"total": "${charge.output.response.body.total}"})
    _beside(pytester.path, pay=workflow("pay", _http("charge", f"{http_stub.url}/charge"), note))
    assert main(["init", "project", "--from", "pay.json"]) == 0
    assert (
        "charge would send real HTTP requests: the test says what they are answered, by http="
        in capsys.readouterr().out
    )
    test = pytester.path / "project/test_pay.py"
    assert f"#   charge: POST {http_stub.url}/charge" in test.read_text()
    assert 'http = {"charge": {"body": {"total": "charge.response.body.total"}}}' in test.read_text()
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=1)
    assert http_stub.paths == []
    test.write_text(test.read_text().replace(", http=http", ""))
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=1)
    assert http_stub.paths == ["/charge"]


def _switch(expression: str) -> Document:
    refused = {"name": "t", "taskReferenceName": "t", "type": "TERMINATE",
               "inputParameters": {"terminationStatus": "FAILED"}}  # fmt: skip
    return _task("s", "SWITCH", evaluatorType="value-param", expression="k", inputParameters={"k": expression},
                 decisionCases={"big": [_task("b")]}, defaultCase=[refused])  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "in_plan"),
    [
        (_workflow(_task("pick", "DYNAMIC", dynamicTaskNameParam="w", inputParameters={"w": "${workflow.input.which}"}),
                   _task("b")), 'input = { which = "b" }'),
        (_workflow(_switch("${workflow.input.kind}")), 'input = { kind = "big" }'),
        (_workflow(_task("q", "JSON_JQ_TRANSFORM", inputParameters={
            "items": "${workflow.input.items}", "queryExpression": ".items | map(.price)"})), "input = { items = [] }"),
        (_workflow(_task("f", "HTTP", inputParameters={"uri": "${workflow.input.url}", "method": "GET"})),
         'input = { url = "http://localhost/example" }'),
        ({**_workflow(_task("a")), "timeoutSeconds": 60, "timeoutPolicy": "TIME_OUT_WF"}, 'a = "30s"'),
        (_workflow(_task("s", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "kid", "version": 1}})), ""),
    ],
    ids=["dynamic", "switch", "jq", "uri", "time-limit", "start-workflow"],
)  # fmt: skip
def test_what_is_written_passes_as_it_is_written(pytester, definition, in_plan):
    if "jq" in str(definition).lower():
        pytest.importorskip("jq")
    _beside(pytester.path, flow=definition, kid=workflow("kid", simple("k")))
    assert main(["init", "project", "--from", "flow.json"]) == 0
    assert in_plan in (pytester.path / "project/k1n.toml").read_text()
    outcomes = pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").parseoutcomes()
    assert outcomes.keys() == {"passed"}


def _split_and_fork() -> list[Document]:
    fork = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "t",
            "dynamicForkTasksInputParamName": "i",
            "inputParameters": {"t": "${split.output.tasks}", "i": "${split.output.inputs}"}}  # fmt: skip
    return [simple("split"), fork, {"name": "all", "taskReferenceName": "all", "type": "JOIN"}]


def test_a_dynamic_fork_gets_the_least_that_it_can_begin_with_and_none_of_the_files_around(pytester, capsys):
    script = {"name": "h", "taskReferenceName": "h", "type": "INLINE",
              "inputParameters": {"evaluatorType": "javascript", "expression": "1"}}  # fmt: skip
    _beside(pytester.path, d=workflow("d", *_split_and_fork(), inputParameters=["k"]),
            b=workflow("b", _http("h", "http://127.0.0.1:9")), c=workflow("c", script))  # fmt: skip
    assert main(["init", "project", "--from", "d.json"]) == 0
    assert "the test answers for split: made up" in capsys.readouterr().out
    assert [path.name for path in (pytester.path / "project/workflows").iterdir()] == ["d.json"]
    text = (pytester.path / "project/test_d.py").read_text()
    assert 'handlers = {"split": {"tasks": [], "inputs": {}}}' in text
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=1)


@pytest.mark.parametrize("declared", [["tasks", "inputs"], []])
@pytest.mark.parametrize("path", ["{}", "plan.{}"])
def test_a_dynamic_fork_that_the_input_feeds_begins_with_the_least_as_written(pytester, declared, path):
    tasks, inputs = (f"${{workflow.input.{path.format(name)}}}" for name in ("tasks", "inputs"))
    fork = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "t",
            "dynamicForkTasksInputParamName": "i", "inputParameters": {"t": tasks, "i": inputs}}  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    _beside(pytester.path, pay=workflow("pay", fork, join, _task("after"), inputParameters=declared))
    assert main(["init", "project", "--from", "pay.json"]) == 0
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").parseoutcomes()
    assert set(outcome) == {"passed"}, outcome


def test_the_reason_of_a_failed_rehearsal_is_whole_and_nothing_of_that_run_is_written(tmp_path, capsys):
    child = workflow("pay", simple("charge"))
    sub = {"name": "pay", "taskReferenceName": "pay", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "pay"}}
    bad = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "t",
           "dynamicForkTasksInputParamName": "i",
           "inputParameters": {"t": "${workflow.variables.tasks}", "i": "${workflow.variables.inputs}"}}  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    _beside(tmp_path, pay=child, flow=workflow("flow", simple("validate"), simple("reserve"), sub, bad, join))
    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "flow.json")]) == 0
    said = re.search("did not complete: (.*)", capsys.readouterr().out)
    assert said
    text = (tmp_path / "new/test_flow.py").read_text()
    assert " ".join(said[1].split()) in " ".join(text.replace("    # ", "").split())
    assert "in_order" not in text
    assert '"0ms"' not in (tmp_path / "new/k1n.toml").read_text()


def test_what_takes_no_time_has_no_band_and_asks_for_none(pytester):
    still = {"name": "v", "taskReferenceName": "v", "type": "SET_VARIABLE", "inputParameters": {"a": 1}}
    _beside(pytester.path, still=workflow("still", still))
    assert main(["init", "project", "--from", "still.json"]) == 0
    assert "band" not in (pytester.path / "project/k1n.toml").read_text().replace("band, ", "")
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=1)


def test_a_missing_extra_is_what_the_terminal_speaks_of(tmp_path, capsys, monkeypatch):
    trouble = 'it needs JavaScript: pip install "pytest-k1n[scripts]"'
    monkeypatch.setattr("pytest_k1n.commands.init.rehearse", lambda _: Rehearsal(trouble=trouble))
    _beside(tmp_path, flow=workflow("flow", simple("a")))
    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "flow.json")]) == 0
    said = capsys.readouterr().out
    assert "so the tests fail until that is installed" in said
    assert "another input" not in said
    assert trouble in " ".join((tmp_path / "new/test_flow.py").read_text().replace("    # ", "").split())


@pytest.mark.parametrize("tasks", ["tasks", "workflows/tasks"])
def test_a_folder_of_task_definitions_around_the_file_is_read(tmp_path, tasks):
    (tmp_path / "workflows").mkdir()
    (tmp_path / tasks).mkdir()
    _beside(tmp_path / "workflows", flow=workflow("flow", simple("a")))
    (tmp_path / tasks / "all.json").write_text(json.dumps([{**task("a"), "retryCount": 2}]))
    assert main(["init", str(tmp_path / "new"), "--from", str(tmp_path / "workflows/flow.json")]) == 0
    assert json.loads((tmp_path / "new/tasks/flow.json").read_text())[0]["retryCount"] == 2


def test_a_definition_that_the_plans_folder_holds_already_is_not_written_again(pytester, capsys):
    (pytester.path / "workflows").mkdir()
    _beside(pytester.path / "workflows", mine=workflow("order", simple("charge")))
    assert main(["init", "--from", "workflows/mine.json"]) == 0
    assert "takes workflows/mine.json as it is" in capsys.readouterr().out
    assert written(pytester.path) == ["k1n.toml", "tasks/order.json", "test_order.py", "workflows/mine.json"]
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_definition_that_the_plans_folder_holds_otherwise_is_told_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "workflows").mkdir()
    _beside(tmp_path / "workflows", mine=workflow("order", simple("charge")))
    _beside(tmp_path, other=workflow("order", simple("charge"), simple("ship")))
    assert main(["init", "--from", str(tmp_path / "other.json"), str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert re.search(r"mine\.json defines order otherwise than .*other\.json: choose another FOLDER", said)
    assert written(tmp_path) == ["other.json", "workflows/mine.json"]


def test_a_folder_of_definitions_leads_to_the_one_that_starts_the_others(pytester, capsys):
    folder = pytester.path / "conductor"
    folder.mkdir()
    sub = _task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 1})
    _beside(folder, parent=_workflow(sub, name="parent"), kid=workflow("kid", simple("k")))
    assert main(["init", "project", "--from", "conductor"]) == 0
    assert "parent version 1, from conductor/parent.json" in capsys.readouterr().out.replace(f"{pytester.path}/", "")
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "project").assert_outcomes(passed=2)
    _beside(folder, other=workflow("other", simple("o")))
    assert main(["init", "second", "--from", "conductor"]) != 0
    assert (
        "conductor has the workflows kid, other, parent: say which one with --workflow NAME" in capsys.readouterr().err
    )
    assert main(["init", "second", "--from", "conductor", "--workflow", "kid"]) == 0


@pytest.mark.parametrize("answer", [b"{}", b'{"name": null, "tasks": []}', b'{"name": "x", "tasks": 5}'])
def test_a_definition_that_is_none_is_told_with_its_server(answer: bytes) -> None:
    class Answering:
        url = "http://one"

        def send(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(200, answer)

        def close(self) -> None:
            pass

    with pytest.raises(ValueError, match="what http://one answers for workflow x is no definition: "):
        from_server(Conductor(Answering()), "x", runs=0)
