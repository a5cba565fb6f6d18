"""`k1n run`: a dry run of a definition."""

import json
import socket

import pytest

from pytest_k1n.cli import main


def simple(name, **inputs):
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE", "inputParameters": inputs}


def http(ref, uri):
    request = {"uri": uri, "method": "POST", "body": {"secret": 1}}
    return {"name": ref, "taskReferenceName": ref, "type": "HTTP", "inputParameters": {"http_request": request}}


def switch(ref, on, cases, default=()):
    return {
        "name": ref, "taskReferenceName": ref, "type": "SWITCH", "evaluatorType": "value-param", "expression": "on",
        "inputParameters": {"on": on}, "decisionCases": cases, "defaultCase": list(default),
    }  # fmt: skip


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save(*tasks, name="order", file="order.json", **fields):
        document = {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "me@example.com", "tasks": [*tasks]}
        (tmp_path / file).write_text(json.dumps({**document, **fields}))
        return file

    return save


@pytest.fixture
def run(capsys):
    def run(*words):
        code = main(["run", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def ran(run):
    def ran(*words):
        code, out, _ = run(*words, "--json")
        return code, json.loads(out)

    return ran


def tasks(document, execution=0):
    return {each["ref"]: each for each in document["executions"][execution]["tasks"]}


def test_the_text_has_bars_path_inputs_outputs_and_what_was_simulated(saved, run):
    charge, pack = (
        simple("charge", amount="${workflow.input.amount}"),
        simple("pack", receipt="${charge.output.receipt}"),
    )
    file = saved(charge, pack, outputParameters={"parcel": "${pack.output.parcel}"})
    code, out, _ = run(file, "--takes", "pack=12m")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "order version 1, dry run of order.json"
    assert "nothing outside this machine was touched" in lines[1]
    assert lines[2] == "  state    COMPLETED, 13.0 min"
    assert "  critical path  charge 1.0 min -> pack 12.0 min" in lines
    assert '  asked  pack: {"receipt": "charge.receipt"} -> {"parcel": "pack.parcel"}' in lines
    assert "  simulated  work of charge, pack" in lines
    assert "  not given  amount: read from the input, and null" in lines
    assert lines[-1] == 'output  {"parcel": "pack.parcel"}'


def test_nothing_outside_is_touched_and_what_would_have_been_is_named(saved, ran, monkeypatch):
    def connect(*_):
        raise AssertionError("a dry run has opened a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    event = {"name": "tell", "taskReferenceName": "tell", "type": "EVENT", "sink": "sqs:orders"}
    code, document = ran(
        saved(http("get", "http://192.0.2.1/x"), event, simple("last", body="${get.output.response.body.id}"))
    )
    assert code == 0
    assert document["simulated_outside"] == [
        {"ref": "get", "type": "HTTP", "what": "POST http://192.0.2.1/x"},
        {"ref": "tell", "type": "EVENT", "what": "published to sqs:orders"},
    ]
    assert tasks(document)["last"]["input"] == {"body": "get.response.body.id"}


def test_http_tasks_that_come_up_while_it_runs_are_not_sent_either(saved, ran, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a dry run has opened a connection"))
    fork = {
        "name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
        "dynamicForkTasksInputParamName": "inputs",
        "inputParameters": {"tasks": [http("late", "http://192.0.2.1/")], "inputs": {"late": {"http_request": {
            "uri": "http://192.0.2.1/", "method": "GET"}}}},
    }  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    code, document = ran(saved(fork, join))
    assert (code, tasks(document)["late"]["status"]) == (0, "COMPLETED")


def test_handlers_come_from_the_current_folder(saved, ran, tmp_path):
    (tmp_path / "shop_of_run.py").write_text("def charge(amount):\n    return {'receipt': amount * 2}\n")
    file = saved(simple("charge", amount="${workflow.input.amount}"))
    for words in (["--handlers", "shop_of_run"], ["--handler", "charge=shop_of_run:charge"]):
        code, document = ran(file, "--input", '{"amount": 21}', *words)
        assert code == 0
        assert tasks(document)["charge"]["output"] == {"receipt": 42}
        assert tasks(document)["charge"]["simulated"] is False


def test_a_failure_can_be_planted_and_runs_into_the_retries(saved, ran):
    rules = {"name": "charge", "retryCount": 2, "retryDelaySeconds": 10, "ownerEmail": "me@example.com"}
    file = saved({**simple("charge"), "taskDefinition": rules})
    code, document = ran(file, "--fail", "charge=2")
    attempts = [each["status"] for each in document["executions"][0]["tasks"]]
    assert (code, attempts) == (0, ["FAILED", "FAILED", "COMPLETED"])
    code, document = ran(file, "--fail", "charge")
    assert (code, document["status"]) == (1, "FAILED")
    assert document["executions"][0]["reason"].endswith("'failed by --fail'")


def test_a_run_that_fails_on_a_made_up_output_says_how_to_give_a_real_one(saved, run):
    query = {"value": "${look.output.items}", "queryExpression": ".value | map(.id)"}
    each = {"name": "each", "taskReferenceName": "each", "type": "JSON_JQ_TRANSFORM", "inputParameters": query}
    file = saved(simple("look"), each)
    code, out, _ = run(file)
    assert code == 1
    assert "  hint  what simulated tasks answer is made up: --output REF=JSON" in out
    assert run(file, "--output", 'look={"items": [{"id": 1}]}')[0] == 0


def test_an_example_of_an_output_decides_the_path(saved, ran):
    file = saved(simple("look"), switch("by", "${look.output.kind}", {"card": [simple("charge")]}, [simple("invoice")]))
    assert "charge" in tasks(ran(file, "--output", 'look={"kind": "card"}')[1])
    assert "invoice" in tasks(ran(file)[1])


def test_what_waits_for_somebody_is_answered_after_its_time(saved, ran):
    wait = {"name": "approve", "taskReferenceName": "approve", "type": "HUMAN"}
    file = saved(wait, simple("ship", by="${approve.output.by}"))
    code, document = ran(file, "--takes", "approve=2h", "--output", 'approve={"by": "Ada"}')
    assert (code, document["answered"]) == (0, ["approve"])
    assert tasks(document)["approve"]["end_ms"] == 2 * 3_600_000
    assert tasks(document)["ship"]["input"] == {"by": "Ada"}


def test_an_answer_comes_before_the_workflow_runs_out_of_its_time(saved, ran):
    wait = {"name": "approve", "taskReferenceName": "approve", "type": "HUMAN"}
    file = saved(wait, timeoutSeconds=3600, timeoutPolicy="TIME_OUT_WF")
    assert ran(file)[1]["status"] == "COMPLETED"
    assert ran(file, "--takes", "approve=2h")[1]["status"] == "TIMED_OUT"


def test_a_neighbour_that_cannot_be_run_is_no_concern_of_a_definition_that_does_not_start_it(saved, ran):
    saved({"name": "f", "taskReferenceName": "f", "type": "FORK"}, name="broken", file="broken.json")
    late = {"name": "any", "taskReferenceName": "any", "type": "DYNAMIC", "dynamicTaskNameParam": "what",
            "inputParameters": {"what": "pack"}}  # fmt: skip
    assert ran(saved(late))[0] == 0


def test_what_only_describes_definitions_beside_it_is_none(saved, run, tmp_path):
    fields = {"name": {"type": "string"}, "version": {"type": "integer"}, "tasks": {"type": "array"}}
    (tmp_path / "api-docs.json").write_text(json.dumps({"schemas": {"WorkflowDef": {"properties": fields}}}))
    odd = {"name": "odd", "version": {}, "tasks": [simple("a")]}
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    assert run(saved(simple("charge")))[0] == 0


def test_sub_workflows_come_from_the_files_beside_it_and_one_that_is_nowhere_is_simulated(saved, ran):
    saved(simple("inner"), name="child", file="child.json")
    by_name = {"type": "SUB_WORKFLOW"}
    file = saved(
        {"name": "a", "taskReferenceName": "a", **by_name, "subWorkflowParam": {"name": "child"}},
        {"name": "b", "taskReferenceName": "b", **by_name, "subWorkflowParam": {"name": "nowhere"}},
    )
    code, document = ran(file)
    assert code == 0
    assert tasks(document, 1)["inner"]["status"] == "COMPLETED"
    assert [each["ref"] for each in document["simulated_outside"]] == ["b"]


def test_a_loop_without_end_is_named_with_what_would_end_it(saved, run):
    loop = {
        "name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": "$.poll['done'] != true",
        "loopOver": [simple("poll")],
    }  # fmt: skip
    code, _, err = run(saved(loop), "--within", "500ms")
    assert code == 2
    assert "the loop loop of order is in iteration" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.json"], "nowhere.json: cannot be read"),
        (["order.json", "--input", "[1"], "--input [1: neither a JSON object nor a file"),
        (["order.json", "--input", "order.json", "--fail", "charge=x"], "write --fail REF, or --fail REF=2"),
        (["order.json", "--takes", "charge"], "write --takes R=12m"),
        (["order.json", "--takes", "chrage=2m"], "nothing of order is called chrage"),
        (["order.json", "--fail", "chrage"], "nothing of order is called chrage"),
        (["order.json", "--handlers", "no_such_module_here"], "no_such_module_here cannot be imported"),
        (["order.json", "--name", "other"], "no workflow other; it has order"),
        (["bad.json"], "task f is a FORK"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(saved, run, words, message):
    saved(simple("charge"))
    saved({"name": "f", "taskReferenceName": "f", "type": "FORK"}, file="bad.json")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_neighbour_that_no_server_can_read_is_no_concern_of_a_definition_that_names_its_children_late(saved, ran):
    pinned = {"name": "x", "version": "${workflow.input.version}"}
    saved({**simple("s"), "type": "SUB_WORKFLOW", "subWorkflowParam": pinned}, name="broken", file="broken.json")
    late = {"name": "x", "taskReferenceName": "x", "type": "DYNAMIC", "dynamicTaskNameParam": "n"}
    code, document = ran(saved({**late, "inputParameters": {"n": "charge"}}))
    assert (code, document["executions"][0]["status"]) == (0, "COMPLETED")


@pytest.mark.parametrize("words", [(), ("--input", '{"n": 2}')], ids=["its own", "given"])
def test_a_request_to_start_is_run_with_its_input(tmp_path, monkeypatch, ran, words):
    monkeypatch.chdir(tmp_path)
    definition = {"name": "order", "version": 1, "schemaVersion": 2, "tasks": [simple("a", n="${workflow.input.n}")]}
    request = {"name": "order", "version": 1, "workflowDef": definition, "input": {"n": 1}, "correlationId": "c"}
    (tmp_path / "request.json").write_text(json.dumps(request))
    code, document = ran("request.json", *words)
    assert (code, tasks(document)["a"]["input"]) == (0, {"n": 2 if words else 1})


@pytest.mark.parametrize(
    "wrap", [lambda each: {"result": each}, lambda each: [{"workflowDef": each}]], ids=["answer", "requests"]
)
def test_a_definition_is_found_in_what_it_is_wrapped_in(tmp_path, monkeypatch, ran, wrap):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer.json").write_text(json.dumps(wrap({"name": "order", "version": 1, "tasks": [simple("a")]})))
    code, document = ran("answer.json")
    assert (code, list(tasks(document))) == (0, ["a"])


@pytest.mark.parametrize("words", [("--fail", "inner"), ("--output", "inner_ref={}"), ("--takes", "inner_ref=3m")])
def test_a_task_of_a_child_that_was_not_started_may_be_named(saved, ran, words):
    saved({**simple("inner"), "taskReferenceName": "inner_ref"}, name="kid", file="kid.json")
    child = {**simple("c"), "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "kid", "version": 1}}
    assert ran(saved(switch("on", "${workflow.input.on}", {"x": [child]})), *words)[0] == 0


def test_a_name_that_nothing_has_is_told_with_what_is_near(saved, run):
    code, _, err = run(saved(simple("charge")), "--fail", "chrage")
    assert (code, err) == (2, "k1n run: nothing of order is called chrage (did you mean charge?)\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"a": ' + "[" * 2000 + "]" * 2000 + "}", "is nested more than 1000 levels deep"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": ' + "9" * 5000 + "}", "has a number of too many digits"),
        ('{"a": 1,}', "is not JSON: "),
    ],
    ids=["deep", "nan", "digits", "comma"],
)
def test_an_input_that_cannot_be_read_is_one_line(saved, run, given, said):
    code, _, err = run(saved(simple("charge")), "--input", given)
    assert (code, err.count("\n"), said in err) == (2, 1, True)


def test_a_loop_that_asks_people_for_ever_is_given_up_in_time(tmp_path, capsys):
    """Each answer takes a handful of events: the clock is looked at between the answers as well."""
    asked = {"name": "ask", "taskReferenceName": "ask", "type": "WAIT"}
    loop = {
        "name": "again", "taskReferenceName": "again", "type": "DO_WHILE", "loopOver": [asked],
        "loopCondition": 'if("${workflow.variables.cart}"!="checkout") { true; } else { false; }',
    }  # fmt: skip
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"name": "cart", "version": 1, "ownerEmail": "a@b.c", "tasks": [loop]}))
    assert main(["run", str(path), "--within", "1s"]) == 2
    said = capsys.readouterr().err
    assert "has not ended within 1s of real time" in said
    assert "again" in said


@pytest.mark.parametrize(
    "task",
    [
        {"type": "EVENT", "sink": None},
        {"type": "HTTP", "inputParameters": {}},
        {"type": "SUB_WORKFLOW"},
        {"type": "SWITCH", "evaluatorType": "value-param", "expression": "k", "defaultCase": None,
         "decisionCases": {"x": [{"name": "a", "taskReferenceName": "a"}]}},
    ],
    ids=["an event without a sink", "a request without an address", "a child without a name", "a null"],
)  # fmt: skip
def test_what_a_server_refuses_is_not_simulated(tmp_path, capsys, task):
    path = tmp_path / "w.json"
    path.write_text(json.dumps({
        "name": "w", "version": 1, "ownerEmail": "a@b.c", "tasks": [{"name": "t", "taskReferenceName": "t", **task}],
    }))  # fmt: skip
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("request_", "words", "said"),
    [
        ({"uri": "http://a.example/x", "method": "get"}, (), "Invalid HTTP method: get"),
        ({"uri": None, "method": "GET"}, (), "Missing HTTP URI"),
        ({"uri": "a.example/x", "method": "GET"}, (), "Target host is not specified"),
        ({"uri": "$${workflow.input.base}/x", "method": "GET"}, (), "to expand 'workflow.input.base'"),
        ({"uri": "ftp://a.example/x", "method": "GET"}, (), "Unroutable protocol scheme"),
        ({"uri": "http://a.example", "method": "GET", "contentType": "json"}, (), "does not contain '/'"),
        ({"uri": "http://a.example", "method": "GET", "headers": ["X"]}, (), "headers must be an object"),
        ({"uri": "${workflow.input.base}/x", "method": "GET"}, ("--input", '{"base": null}'), "Target host is not"),
        ({"uri": "${workflow.input.base}", "method": "GET"}, ("--input", '{"base": ""}'), "Target host is not"),
        ({"uri": "${first.output.url}", "method": "GET"}, ("--output", 'first={"url": "x"}'), "Target host is not"),
    ],
)  # fmt: skip
def test_a_request_that_no_server_would_send_fails_as_it_would_there(saved, ran, request_, words, said):
    call = {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {"http_request": request_}}
    code, document = ran(saved(simple("first"), call), *words)
    assert (code, document["status"]) == (1, "FAILED")
    assert said in tasks(document)["call"]["reason"]


@pytest.mark.parametrize(
    ("uri", "warned"),
    [
        ("${workflow.input.base}/x", {"call": 'I/O error on GET request for "/null/x": Target host is not specified'}),
        ("http://${workflow.input.host}/x", {"call": 'I/O error on GET request for "http://null/x": null: Name or '
                                                     "service not known"}),
        ("${first.output.url}", {}),
        ("http://a.example/${workflow.input.id}", {}),
    ],
)  # fmt: skip
def test_a_request_that_lacks_what_was_not_given_is_a_warning_and_one_of_made_up_values_is_none(
    saved, ran, uri, warned
):
    request = {"uri": uri, "method": "GET"}
    call = {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": {"http_request": request}}
    code, document = ran(saved(simple("first"), call))
    assert (code, document["requests_in_doubt"]) == (0, warned)


def test_what_was_not_done_is_counted_by_kind_and_what_a_client_would_complete_is_answered(saved, run):
    def system(ref, kind, **fields):
        return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}

    calls = [http("one", "http://a.example/x"), {**http("two", "http://a.example/x"), "asyncComplete": True}]
    python = {"evaluatorType": "python", "expression": "return 1"}
    code, out, _ = run(
        saved(
            *calls, system("told", "EVENT", sink="sqs:queue"), system("inside", "EVENT", sink="conductor:x",
                                                                     asyncComplete=True),
            system("snake", "INLINE", inputParameters=python), simple("last", v="${snake.output.result}"),
        ),
        "--output", 'snake={"result": 1}',
    )  # fmt: skip
    assert code == 0
    assert "  not done   HTTP 2, EVENT (sqs) 1, INLINE 1: their answers are simulated" in out
    assert "two: HTTP, POST http://a.example/x, completed by a client (asyncComplete)" in out
    assert "snake: INLINE, a Python script, which only a real server evaluates" in out
    assert "answered   inside: they wait for a caller" in out
    assert 'asked  last: {"v": 1}' in out


@pytest.mark.parametrize("fields", [{"timeoutSeconds": 30, "timeoutPolicy": "TIME_OUT_WF"}, {}])
def test_made_up_work_keeps_the_time_limits_it_is_under(saved, ran, fields):
    rules = {"name": "first", "timeoutSeconds": 20, "responseTimeoutSeconds": 10, "ownerEmail": "a@b.c"}
    code, document = ran(saved({**simple("first"), "taskDefinition": rules}, simple("second"), **fields))
    first = tasks(document)["first"]
    assert (code, first["end_ms"] - first["start_ms"]) == (0, 7_500 if fields else 10_000)


def test_a_time_limit_that_is_said_to_be_missed_is_missed(saved, ran):
    rules = {"name": "first", "timeoutSeconds": 20, "responseTimeoutSeconds": 10, "ownerEmail": "a@b.c"}
    code, document = ran(saved({**simple("first"), "taskDefinition": rules}), "--takes", "first=1m")
    assert (code, document["status"]) == (1, "TIMED_OUT")


def test_http_tasks_that_are_all_called_http_as_go_s_builder_writes_them_are_simulated(saved, ran):
    code, document = ran(saved(*({**http(ref, "http://a.example/x"), "name": "HTTP"} for ref in ("one", "two"))))
    assert (code, document["status"], list(tasks(document))) == (0, "COMPLETED", ["one", "two"])


def test_http_tasks_that_a_dynamic_fork_names_are_not_sent_and_end(saved, ran):
    """The official docs fork `forkTaskName: HTTP`, whose tasks are SIMPLE ones with that name."""
    request = {"http_request": {"uri": "http://127.0.0.1:9/x", "method": "GET"}}
    fork = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC",
            "inputParameters": {"forkTaskName": "HTTP", "forkTaskInputs": [request]}}  # fmt: skip
    code, document = ran(saved(fork, {"name": "all", "taskReferenceName": "all", "type": "JOIN"}))
    assert (code, document["status"], list(tasks(document))) == (0, "COMPLETED", ["each", "_HTTP_0", "all"])


def test_a_simple_task_called_http_is_simulated_and_listed(saved, ran):
    code, document = ran(saved({**http("ask", "http://127.0.0.1:9/x"), "name": "HTTP", "type": "SIMPLE"}))
    assert (code, [each["type"] for each in document["simulated_outside"]]) == (0, ["HTTP"])


def test_a_workflow_that_is_started_and_not_at_hand_is_simulated_as_a_sub_workflow_is(saved, ran):
    start = {"name": "go", "taskReferenceName": "go", "type": "START_WORKFLOW",
             "inputParameters": {"startWorkflow": {"name": "elsewhere", "version": 1, "input": {}}}}  # fmt: skip
    code, document = ran(saved(start))
    assert (code, document["status"]) == (0, "COMPLETED")
    assert [each["what"] for each in document["simulated_outside"]] == [
        "the workflow elsewhere, whose definition is not at hand"
    ]


def test_of_several_definitions_in_a_file_the_first_runs_and_the_others_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    several = [{"name": name, "version": 1, "tasks": [simple("a")]} for name in ("one", "two", "three")]
    (tmp_path / "several.json").write_text(json.dumps(several))
    assert main(["run", "several.json"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("one version 1")
    assert said.err == "k1n run: several.json has two and 1 more as well: --name says which to run\n"
    assert main(["run", "several.json", "--name", "two"]) == 0
    assert capsys.readouterr().err == ""


def test_a_start_with_null_for_an_input_fails_as_on_the_server(saved, ran):
    start = {"name": "go", "taskReferenceName": "go", "type": "START_WORKFLOW",
             "inputParameters": {"startWorkflow": {"name": "kid", "input": "${workflow.input.none}"}}}  # fmt: skip
    saved(simple("inner"), name="kid", file="kid.json")
    code, document = ran(saved(start))
    assert (code, tasks(document)["go"]["reason"]) == (1, "NULL input passed when starting workflow")


def test_files_around_a_definition_that_names_its_children_late_are_spoken_of_only_where_they_have_run(saved, ran):
    saved({"name": "h", "taskReferenceName": "h", "type": "HTTP", "inputParameters": {"uri": "https://e.example/x"}},
          name="beside", file="beside.json")  # fmt: skip
    saved({"name": "s", "taskReferenceName": "s", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "order"}},
          name="around", file="around.json")  # fmt: skip
    fork = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "t",
            "dynamicForkTasksInputParamName": "i",
            "inputParameters": {"t": "${split.output.tasks}", "i": "${split.output.inputs}"}}  # fmt: skip
    file = saved(simple("split"), fork, {"name": "all", "taskReferenceName": "all", "type": "JOIN"})
    assert ran(file)[1]["simulated_outside"] == []
    asked = {"tasks": [{"name": "n", "taskReferenceName": "n", "type": "SUB_WORKFLOW",
                        "subWorkflowParam": {"name": "beside", "version": 1}}], "inputs": {}}  # fmt: skip
    assert [each["ref"] for each in ran(file, "--output", f"split={json.dumps(asked)}")[1]["simulated_outside"]] == [
        "h"
    ]


def test_a_name_that_only_a_dynamic_fork_would_bring_is_a_warning_where_it_was_not_reached(saved, run):
    fork = {
        "name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "clips",
        "dynamicForkTasksInputParamName": "given", "inputParameters": {"clips": "${cut.output.clips}", "given": {}},
    }  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    words = ("--fail", "cut", "--takes", "make_clip=4m")
    code, out, err = run(saved(simple("cut"), fork, join), *words)
    assert code == 1
    assert "state    FAILED" in out
    assert "nothing that ran is called make_clip: it may be what each would bring, which did not run" in err


def test_a_task_definition_that_is_refused_is_named(saved, run, tmp_path):
    rules = [{"name": "fine"}, {"name": "charge", "responseTimeoutSeconds": 0}]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    code, _, err = run(saved(simple("charge")), "--task-definitions", "rules.json")
    assert code == 2
    assert "task charge: responseTimeoutSeconds: 0 should be minimum 1 second" in err


def test_a_file_that_is_not_there_is_told_with_the_one_that_is_near(saved, run):
    saved(simple("charge"))
    assert 'did you mean "order.json"?' in run("ordr.json")[2]
