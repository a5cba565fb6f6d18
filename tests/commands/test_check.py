"""`k1n check` on executions that somebody else ran: stuck ones, wrapped ones, whole folders of them."""

import copy
import gzip
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from k1n_support.orders import PLAN as ORDER
from k1n_support.orders import ZERO, simple
from pytest_k1n.cli import main

HOUR_S = 3_600
PLAN = f"""{ORDER}band = ["25m", "35m"]
estimate = "30m"
estimates = {{ reserve = "10m", charge = "10m", ship = "10m" }}
"""
REFS = ("reserve", "charge", "ship")


def definition(*tasks, version=1):
    return {"name": "order", "version": version, "schemaVersion": 2, "tasks": list(tasks or map(simple, REFS))}


def record(ref, start, end, **fields):
    return {
        "referenceTaskName": ref, "taskType": ref, "taskDefName": ref, "taskId": f"id-{ref}", "status": "COMPLETED",
        "retryCount": 0, "iteration": 0, "scheduledTime": ZERO + start, "startTime": ZERO + start,
        "endTime": ZERO + end, "updateTime": ZERO + end, "workerId": "w1", "inputData": {}, "outputData": {}, **fields,
    }  # fmt: skip


def execution(*tasks, status="COMPLETED", ran=None, **fields):
    end = max(task["endTime"] for task in tasks)
    return {
        "workflowId": "wf-1", "workflowName": "order", "workflowVersion": 1, "status": status, "startTime": ZERO,
        "endTime": end if status == "COMPLETED" else 0, "workflowDefinition": ran or definition(),
        "tasks": [{"seq": seq, **task} for seq, task in enumerate(tasks, start=1)], **fields,
    }  # fmt: skip


def good(**fields):
    return execution(*(record(ref, 100 * n, 100 * n + 90) for n, ref in enumerate(REFS)), **fields)


def stuck():
    return execution(record("reserve", 0, 90), record("charge", 100, 7_000), status="RUNNING")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("K1N_SERVER", raising=False)
    return tmp_path


@pytest.fixture
def saved(folder):
    """Save something as JSON, an hour after it happened."""

    def save(document, name="execution.json"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
        os.utime(path, (ZERO / 1000 + HOUR_S,) * 2)
        return str(path)

    return save


def check(*argv):
    return main(["check", *argv])


def as_json(capsys, *argv):
    check(*argv, "--json")
    return json.loads(capsys.readouterr().out)


def test_what_was_skipped_on_purpose_is_said_on_the_command_line(saved, capsys):
    document = good()
    document["tasks"][1]["status"] = "SKIPPED"
    path = saved(document)
    assert check(path) == 1
    assert "unknown skipped-unasked: charge" in capsys.readouterr().out
    assert check(path, "--skipped", "ship") == 1
    assert check(path, path, "--skipped", "charge", "--skipped", "ship") == 0
    assert check(path, "--skipped", "charge") == 0


def test_a_stuck_execution_names_the_missing_step(saved, capsys):
    assert check(saved(stuck())) == 1
    said = capsys.readouterr().out
    assert (
        "fail    stalled: ship: expected it to be scheduled; observed charge ended 03:44:50, its successor ship" in said
    )
    assert "pending" not in said
    assert said.splitlines()[-1].startswith("FAIL: ")


def test_an_execution_just_stepped_out_of_a_task_may_still_go_on(saved, capsys):
    path = saved(stuck())
    os.utime(path, (ZERO / 1000 + 8,) * 2)
    assert check(path) == 1
    said = capsys.readouterr().out
    assert "unknown stalled: ship" in said
    assert said.splitlines()[-1].startswith("UNKNOWN (the engine owes it a step, not for long yet)")


def test_an_execution_that_waits_for_a_worker_says_for_which(saved, capsys):
    waiting = record("charge", 100, 0, status="SCHEDULED", startTime=0, endTime=0)
    assert check(saved(execution(record("reserve", 0, 90), waiting, status="RUNNING"))) == 1
    said = capsys.readouterr().out
    assert "unknown waiting: charge: expected a worker that polls charge to take it; observed SCHEDULED since" in said
    assert "nothing is wrong so far" in said


@pytest.mark.parametrize(
    ("given", "code"), [({"n": 7, "note": "7 {k=v}"}, 0), ({"n": 8, "note": "7 {k=v}"}, 1), ({"n": 7}, 1)]
)
def test_a_value_that_is_not_what_its_expression_leads_to_is_doubted(saved, capsys, given, code):
    reading = {"n": "${reserve.output.n}", "note": "${reserve.output.n} ${workflow.input.map}"}
    ran = definition(simple("reserve"), simple("charge", inputParameters=reading), simple("ship"))
    document = good(ran=ran, input={"map": {"k": "v"}})
    document["tasks"][0]["outputData"], document["tasks"][1]["inputData"] = {"n": 7}, given
    assert check(saved(document)) == code
    said = capsys.readouterr().out
    assert ("unknown lineage-broken: charge: expected " in said) is bool(code)
    assert ("of charge: the record is not true, or somebody gave other values by hand" in said) is bool(code)


def test_no_finding_is_shown_twice(saved, capsys):
    tasks = [record("reserve", 0, 90), record("charge", 50, 150), record("ship", 160, 170)]
    found = as_json(capsys, saved(execution(*tasks)))["findings"]
    assert [(each["code"], each["subject"]) for each in found] == [("started-early", "charge")]


def test_a_definition_that_is_not_the_one_given_is_a_finding_with_the_difference(saved, capsys):
    required = saved(definition(), "definition.json")
    ran = definition(simple("reserve"), simple("ship"), simple("charge", optional=True))
    tasks = [record("reserve", 0, 90), record("ship", 100, 110), record("charge", 120, 130)]
    path = saved(execution(*tasks, ran=ran))
    assert check(path) == 0
    capsys.readouterr()
    assert check(path, "--definition", required) == 1
    said = capsys.readouterr().out
    assert "other-definition: order" in said
    assert "/tasks: planned [reserve, charge, ship], ran [reserve, ship, charge]" in said
    assert "/tasks/1/optional: planned nothing, ran True" in said
    assert "started-early: ship: expected scheduled after charge ended; observed scheduled 30 ms before" in said


def test_the_plans_definition_of_the_same_version_is_what_should_have_run(folder, saved, capsys):
    saved(definition(), "definitions/order.json")
    (folder / "k1n.toml").write_text(PLAN)
    assert check(saved(good(ran=definition(simple("reserve"), simple("charge"))))) == 1
    assert "other-definition" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrap",
    [
        lambda each: {"result": each},
        lambda each: {"workflow": each},
        lambda each: [each],
        lambda each: {"totalHits": 1, "results": [each]},
        lambda each: {"status": 200, "body": {"data": {"executions": [each]}}},
        lambda each: {"data": {"viewer": {"workflows": {"edges": [{"node": each}]}}}},
    ],
    ids=["result", "workflow", "list", "search", "response", "graph"],
)
def test_an_execution_is_found_in_what_lies_around_it(saved, capsys, wrap):
    assert as_json(capsys, saved(wrap(good())))["workflow"]["workflow_id"] == "wf-1"


def test_files_may_be_compressed_or_hold_a_document_a_line(folder, capsys):
    lines = "\n".join(json.dumps(good(workflowId=f"wf-{n}")) for n in range(3))
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "b.json").write_bytes(gzip.compress(("\ufeff" + json.dumps(good(workflowId="wf-3"))).encode()))
    found = as_json(capsys, "a.jsonl.gz", "b.json")
    assert [each["workflow"]["workflow_id"] for each in found["executions"]] == ["wf-0", "wf-1", "wf-2", "wf-3"]
    assert found["executions"][1]["source"] == "a.jsonl.gz:2"


def test_a_folder_is_a_row_an_execution_with_totals_and_the_worst_finding(folder, saved, capsys):
    saved(good(), "runs/a.json")
    saved(stuck(), "runs/b.json")
    saved({"name": "package"}, "runs/package.json")
    assert check("runs") == 1
    head, first, second, left_out, totals = capsys.readouterr().out.splitlines()
    assert head.split() == ["verdict", "workflow", "execution", "state", "makespan", "from", "worst", "finding"]
    assert first.split() == ["PASS", "order:1", "wf-1", "COMPLETED", "290", "ms", "runs/a.json"]
    assert "stalled: ship" in second
    assert left_out == "left out: runs/package.json, no executions"
    assert totals == "2 executions: 1 pass, 1 fail"


def test_what_cannot_be_read_is_named_and_never_exit_0(folder, saved, capsys):
    saved(good(), "runs/a.json")
    (folder / "runs/b.json").write_text('{"workflowId": "wf-2", "tasks": [')
    saved({"workflowId": "wf-3", "status": "COMPLETED"}, "runs/c.json")
    saved(good(status="ODD"), "runs/d.json")
    saved(good() | {"tasks": []}, "runs/e.json")
    assert check("runs") == 2
    said = capsys.readouterr().out
    assert "unreadable  runs/b.json: not JSON" in said
    assert "unreadable  runs/c.json: execution wf-3 without its tasks, as searches answer: give --server URL" in said
    assert "unreadable  runs/d.json: execution wf-1: status 'ODD' is none of" in said
    assert "unreadable  runs/e.json: execution wf-1 without its tasks" in said
    assert "1 executions: 1 pass, 4 unreadable" in said


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", "null", "1", '"text"', "[[[[[[]]]]]]", "\x00"])
def test_a_file_that_holds_no_execution_is_one_line_and_exit_2(folder, capsys, content):
    (folder / "a.json").write_text(content)
    assert check("a.json") == 2
    error = capsys.readouterr().err
    assert error.startswith("k1n check: a.json: ")
    assert error.count("\n") == 1


def test_a_definition_is_told_to_be_one(folder, capsys):
    (folder / "order.json").write_text(json.dumps([definition(simple("reserve"))]))
    assert check("order.json") == 2
    assert capsys.readouterr().err == (
        "k1n check: order.json: is a workflow definition, not an execution: k1n lint and k1n run are for those\n"
    )


def test_an_empty_folder_is_nothing_judged(folder, capsys):
    (folder / "runs").mkdir()
    assert check("runs") == 2
    assert "holds no file that ends in .json" in capsys.readouterr().out


def test_over_many_executions_it_tells_what_was_critical_how_often_and_where_the_time_went(saved, capsys):
    slow = [0, 0, 0, 0, 500]
    for number, more in enumerate(slow):
        tasks = [record("reserve", 0, 90), record("charge", 100, 200 + more)]
        tasks.append(record("ship", 210 + more, 360 + more, startTime=ZERO + 260 + more))
        saved(execution(*tasks, workflowId=f"wf-{number}"), f"runs/{number}.json")
    found = as_json(capsys, "runs")["bottlenecks"]["order"]
    assert (found["executions"], found["makespan"]) == (5, {"p50_ms": 360, "p95_ms": 860})
    assert found["segments"]["queue"] == {"p50_ms": 50, "p95_ms": 50}
    assert [(task["ref"], task["critical"], task["on_path"]) for task in found["tasks"]] == [
        ("charge", 5, 5), ("ship", 0, 5), ("reserve", 0, 5),
    ]  # fmt: skip
    check("runs")
    assert "  charge: critical in 5 of 5, on the path in 5, work there 100 ms/600 ms" in capsys.readouterr().out


def scaled(correlation_id, work_ms=100):
    """Ten minutes of work a task, done in 1 s: 600 times faster; the plan allows 25 to 35 minutes."""
    simulated = {"_k1n": {"simulated": True, "work_ms": work_ms}}
    tasks = [
        record(ref, (work_ms + 10) * n, (work_ms + 10) * n + work_ms + 2, outputData=copy.copy(simulated))
        for n, ref in enumerate(REFS)
    ]
    return execution(*tasks, correlationId=correlation_id)


@pytest.fixture
def minutes_plan(folder, saved):
    saved(definition(), "definitions/order.json")
    (folder / "k1n.toml").write_text(PLAN)


@pytest.mark.parametrize(("work_ms", "speed"), [(1_000, "600"), (1_050, "600"), (100, "6000")])
def test_a_scaled_run_of_ours_is_recognised_by_its_correlation_id_and_its_work(
    minutes_plan, saved, capsys, work_ms, speed
):
    path = saved(scaled("k1n-3ffc6c63/order/1.0.abcdef", work_ms))
    assert check(path) == 0, capsys.readouterr().out
    assert f"a run of k1n in scaled time: its simulated work says x{speed}" in capsys.readouterr().out


def test_an_execution_of_somebody_elses_is_judged_in_real_time(minutes_plan, saved, capsys):
    assert check(saved(scaled("order-4711", 1_000))) == 1
    assert "outside-band" in capsys.readouterr().out


def test_what_the_command_line_says_of_time_outranks_what_the_work_says(minutes_plan, saved, capsys):
    assert check(saved(scaled("k1n-3ffc6c63/order/1.0.abcdef", 1_000)), "--time", "real") == 1


def parent_and_child(child_status="COMPLETED"):
    sub = {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child"}}
    waiting = record("sub", 0, 0, taskType="SUB_WORKFLOW", status="IN_PROGRESS", endTime=0, subWorkflowId="wf-child")
    parent = execution(waiting, status="RUNNING", ran=definition(sub))
    ran = {"name": "child", "version": 1, "tasks": [simple("work")]}
    child = execution(record("work", 10, 500, taskType="work"), status=child_status, ran=ran, workflowId="wf-child",
                      workflowName="child", parentWorkflowId="wf-1")  # fmt: skip
    return parent, child


@pytest.mark.parametrize("child_first", [False, True])
def test_a_parent_whose_sub_workflow_ended_in_another_document_has_stalled(saved, capsys, child_first):
    parent, child = parent_and_child()
    found = as_json(capsys, saved([child, parent] if child_first else [parent, child]))
    said = {each["workflow"]["name"]: each for each in found["executions"]}["order"]
    assert said["verdict"] == "fail"
    assert [(each["code"], each["subject"]) for each in said["findings"]] == [("stalled", "sub")]
    assert said["findings"][0]["observed"].startswith(
        "execution wf-child COMPLETED 03:44:43, SUB_WORKFLOW sub is still"
    )
    assert said["next"] == ['curl -X PUT "$K1N_SERVER/api/workflow/decide/wf-1"']


def test_a_parent_alone_says_how_to_look_at_its_sub_workflow(saved, capsys):
    parent, _ = parent_and_child()
    assert check(saved(parent)) == 1
    said = capsys.readouterr().out
    assert "waiting: sub: expected execution wf-child to end" in said
    assert '  next     k1n check wf-child --server "$K1N_SERVER"\n' in said


def test_on_a_server_the_sub_workflow_is_looked_at_and_the_server_is_in_what_there_is_to_type(folder, capsys):
    parent, child = parent_and_child()
    documents = {"/api/workflow/wf-1": parent, "/api/workflow/wf-child": child}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(documents.get(self.path.partition("?")[0], [])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *ignored):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert check("wf-1", "--server", url) == 1
        server.shutdown()
    said = capsys.readouterr().out
    assert "fail    stalled: sub: expected it to end with its sub-workflow" in said
    assert f'  next     curl -X PUT "{url}/api/workflow/decide/wf-1"\n' in said


@pytest.mark.parametrize("command", ["check", "gates"])
def test_an_id_from_outside_forges_no_line_of_its_own(folder, capsys, command):
    (folder / "e.json").write_text(json.dumps(good(workflowId="wf-1\nPASS: 3 checks passed")))
    main([command, "e.json"])
    shown = capsys.readouterr().out
    assert r"wf-1\nPASS: 3 checks passed" in shown
    assert "PASS: 3 checks passed" not in shown.splitlines()


def test_an_id_without_end_is_cut(folder, capsys):
    (folder / "e.json").write_text(json.dumps(good(workflowId="x" * 100_000)))
    main(["check", "e.json"])
    assert max(map(len, capsys.readouterr().out.splitlines())) < 1_000


def test_a_tests_own_execution_is_not_held_against_the_plan_of_the_batch(minutes_plan, saved, capsys):
    # Its tasks took what the test said, or a minute: neither its speed nor its band follows from the plan's estimates.
    own = scaled("k1n-3ffc6c63-133-19/004571.1", 1_000)
    assert check(saved(own)) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "a test's own execution: bands and estimates of the plan are its batch's" in said
    assert "its simulated work says" not in said


def test_scaled_time_without_a_speed_is_as_fast_as_its_simulated_work_says(minutes_plan, saved, capsys):
    own = saved(scaled("k1n-3ffc6c63/order/1.0.abcdef", 100))
    assert check(own, "--time", "scaled") == 0, capsys.readouterr().out
    assert check(own, "--time", "scaled", "--speed", "600") == 1
