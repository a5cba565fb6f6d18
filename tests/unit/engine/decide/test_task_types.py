"""Each task type by example; the expected records were read off Conductor 3.32.1."""

from email.utils import formatdate

import pytest

from k1n_support.live import NotReached
from pytest_k1n.core.definition.waitinput import instant_ms


def test_a_chain_runs_in_order_and_its_output_is_the_last_tasks(bench, make):
    execution = bench.run(make.workflow(*map(make.simple, "abc")))

    assert make.statuses(execution) == dict.fromkeys("abc", "COMPLETED")
    assert execution.state.output == {"of": "c"}
    assert execution.state.ended_ms - execution.state.created_ms == 3000


def test_branches_start_together_and_the_join_waits_for_the_slowest(bench, make):
    tape = {"b": [make.result(work_ms=5000, output={"o": 1})]}
    execution = bench.run(
        make.workflow(*make.fork([make.simple("a")], [make.simple("b")]), make.simple("c")), tape=tape
    )

    join = execution.task("join")
    assert [task.ref for task in execution.state.tasks] == ["fork", "a", "b", "join", "c"]
    assert execution.task("a").started_ms == execution.task("b").started_ms == join.started_ms
    assert join.ended_ms == execution.task("b").ended_ms == execution.task("c").scheduled_ms
    assert join.output == {"a": {"of": "a"}, "b": {"o": 1}}


def test_an_optional_branch_that_fails_leaves_the_join_completed_with_errors(bench, make):
    tape = {"b": [make.result(status="FAILED", reason="boom", output={"o": 1})]}
    branches = make.fork([make.simple("a")], [make.simple("b", optional=True)])
    execution = bench.run(make.workflow(*branches, make.simple("c")), tape=tape)

    assert make.statuses(execution)["b"] == make.statuses(execution)["join"] == "COMPLETED_WITH_ERRORS"
    assert execution.task("join").reason == f"b/{execution.task('b').task_id} completed with errors"
    assert execution.state.status == "COMPLETED"


def test_a_permissive_branch_fails_the_join_only_once_all_have_ended(bench, make):
    tape = {"b": [make.result(status="FAILED", reason="boom", work_ms=0)]}
    branches = make.fork([make.simple("a")], [make.simple("b", permissive=True)])
    execution = bench.run(make.workflow(*branches, make.simple("c")), tape=tape)

    join = execution.task("join")
    assert (join.status, join.reason) == ("FAILED", "boom")
    assert execution.state.reason == f"Task {join.task_id} failed with status: FAILED and reason: 'boom'"
    assert (execution.task("a").status, execution.task("c")) == ("COMPLETED", None)


def test_a_failed_branch_cancels_the_rest_and_the_join_shows_what_had_ended(bench, make):
    tape = {"b": [make.result(status="FAILED", work_ms=2000)], "c": [make.result(work_ms=9000)]}
    branches = make.fork([make.simple("a")], [make.simple("b")], [make.simple("c")])
    execution = bench.run(make.workflow(*branches), tape=tape)

    assert make.statuses(execution) == {
        "fork": "COMPLETED", "a": "COMPLETED", "b": "FAILED", "c": "CANCELED", "join": "CANCELED",
    }  # fmt: skip
    assert execution.state.output == execution.task("join").output == {"a": {"of": "a"}}
    assert execution.state.failed_refs == ("b",)


@pytest.mark.parametrize(
    ("value", "case", "taken"),
    [
        ("x", "x", "a"),
        ("none", "none", "d"),
        (None, "null", "d"),
        (1, "1", "b"),
        (True, "true", "d"),
        (2.0, "2.0", "d"),
    ],
)
def test_a_switch_takes_the_case_its_value_is_written_as(bench, make, value, case, taken):
    cases = {"x": [make.simple("a")], "1": [make.simple("b")], "empty": []}
    execution = bench.run(make.workflow(make.switch(cases, [make.simple("d")]), make.simple("c")), {"case": value})

    assert list(make.statuses(execution)) == ["switch", taken, "c"]
    assert execution.task("switch").output == {"evaluationResult": [case], "selectedCase": case}
    assert execution.task("switch").input == {"on": value, "case": case, "hasChildren": "true"}


def test_an_empty_case_is_a_case(bench, make):
    definition = make.workflow(make.switch({"e": []}, [make.simple("d")]), make.simple("c"))
    execution = bench.run(definition, {"case": "e"})

    assert list(make.statuses(execution)) == ["switch", "c"]
    assert "hasChildren" not in execution.task("switch").input


def test_the_old_decision_takes_the_default_for_an_empty_case(bench, make):
    decision = make.of_type(
        "DECISION", "old", caseValueParam="k", inputParameters={"k": "e"},
        decisionCases={"e": []}, defaultCase=[make.simple("d")],
    )  # fmt: skip
    execution = bench.run(make.workflow(decision))

    assert list(make.statuses(execution)) == ["old", "d"]
    assert execution.task("old").input == {"case": "e", "hasChildren": "true"}


def test_a_loop_goes_through_its_items(bench, make):
    body = [make.simple("a", inputParameters={"item": "${loop.output.loopItem}"}), make.simple("b")]
    execution = bench.run(make.workflow(make.loop(body), make.simple("c")), {"items": ["x", {"y": 1}]})

    assert list(make.statuses(execution)) == ["loop", "a__1", "b__1", "a__2", "b__2", "c"]
    assert [execution.task(f"a__{n}").input["item"] for n in (1, 2)] == ["x", {"y": 1}]
    assert execution.task("loop").output == {
        "iteration": 2, "loopIndex": 1, "loopItem": {"y": 1},
        "1": {"a": {"of": "a__1"}, "b": {"of": "b__1"}}, "2": {"a": {"of": "a__2"}, "b": {"of": "b__2"}},
    }  # fmt: skip


@pytest.mark.parametrize("items", [[], None])
def test_a_loop_over_nothing_completes_at_once(bench, make, items):
    execution = bench.run(make.workflow(make.loop([make.simple("a")]), make.simple("c")), {"items": items})

    assert make.statuses(execution) == {"loop": "COMPLETED", "c": "COMPLETED"}
    assert execution.task("loop").output == {"iteration": 0}


def test_a_loop_forgets_iterations_beyond_keep_last_n(bench, make):
    loop = make.loop([make.simple("a")], inputParameters={"keepLastN": 1})
    execution = bench.run(make.workflow(loop), {"items": [1, 2, 3]})

    assert [(task.ref, task.seq) for task in execution.state.tasks] == [("loop", 1), ("a__3", 4)]
    assert set(execution.task("loop").output) == {"3", "iteration", "loopIndex", "loopItem"}


@pytest.mark.parametrize("optional", [False, True])
def test_a_decision_whose_script_fails_ends_the_execution_and_leaves_no_task(bench, make, optional):
    """So measured on 3.32.1; a SWITCH's is FAILED itself."""
    old = make.of_type(
        "DECISION", "old", caseExpression="nope", inputParameters={"v": 1}, optional=optional,
        decisionCases={"x": [make.simple("b")]},
    )  # fmt: skip
    execution = bench.run(make.workflow(make.simple("a"), old, make.simple("c")))

    assert make.statuses(execution) == {"a": "COMPLETED"}
    assert (execution.state.status, execution.state.reason) == ("FAILED", "Error while evaluating script: nope")


def test_switches_and_forks_work_inside_a_loop(bench, make):
    body = [
        make.switch({"x": [make.simple("a")]}, on="${loop.output.loopItem}"),
        *make.fork([make.simple("b")], [make.simple("c")]),
    ]
    execution = bench.run(make.workflow(make.loop(body), make.simple("d")), {"items": ["x", "q"]})

    assert list(make.statuses(execution)) == [
        "loop", "switch__1", "a__1", "fork__1", "b__1", "c__1", "join__1",
        "switch__2", "fork__2", "b__2", "c__2", "join__2", "d",
    ]  # fmt: skip
    assert execution.task("join__2").input == {"joinOn": ["b", "c"]}
    assert execution.task("join__2").output == {"b__2": {"of": "b__2"}, "c__2": {"of": "c__2"}}


def test_a_permissive_failure_in_a_loop_fails_the_loop(bench, make):
    body = [make.simple("a", permissive=True), make.simple("b")]
    tape = {"a__1": [make.result(status="FAILED", reason="pf")]}
    execution = bench.run(make.workflow(make.loop(body)), {"items": [1, 2]}, tape=tape)

    assert make.statuses(execution) == {"loop": "FAILED", "a__1": "FAILED", "b__1": "CANCELED"}
    assert execution.task("loop").reason == "pf "


def dynamic(make, **fields):
    inputs = {"tasks": "${workflow.input.tasks}", "inputs": "${workflow.input.inputs}"}
    given = {"dynamicForkTasksParam": "tasks", "dynamicForkTasksInputParamName": "inputs", "inputParameters": inputs}
    return [make.of_type("FORK_JOIN_DYNAMIC", "dyn", **{**given, **fields}), make.of_type("JOIN", "join")]


def test_a_dynamic_fork_runs_the_branches_of_its_input(bench, make):
    tasks = [make.simple("a", "x1", inputParameters={"own": "${workflow.input.q}"}), make.simple("b", "x2")]
    execution = bench.run(
        make.workflow(*dynamic(make), make.simple("c")), {"tasks": tasks, "inputs": {"x1": {"p": 1}}, "q": 7}
    )

    assert list(make.statuses(execution)) == ["dyn", "x1", "x2", "join", "c"]
    assert execution.task("x1").input == {"own": 7, "p": 1}
    assert execution.task("join").input == {"joinOn": ["x1", "x2"]}
    assert execution.task("dyn").input["forkedTasks"] == ["x1", "x2"]


def test_a_dynamic_fork_of_nothing_joins_at_once(bench, make):
    execution = bench.run(make.workflow(*dynamic(make), make.simple("c")), {"tasks": [], "inputs": {}})

    assert list(make.statuses(execution)) == ["dyn", "join", "c"]


@pytest.mark.parametrize(
    ("input_", "reason"),
    [
        ({"tasks": "zz", "inputs": {}}, "Cannot deserialize a list of Workflow Tasks from 'zz'"),
        ({"tasks": [{"name": "a", "taskReferenceName": "x"}]}, "expecting a map of K,V  but found null"),
        ({"tasks": [{"name": "a", "taskReferenceName": "x"}], "inputs": {"x": 5}}, "java.lang.Integer cannot be cast"),
    ],
)
def test_a_dynamic_fork_with_unusable_input_fails_the_execution(bench, make, input_, reason):
    execution = bench.run(make.workflow(*dynamic(make)), input_)

    assert (execution.state.status, execution.state.tasks) == ("FAILED", [])
    assert reason in execution.state.reason


def test_one_task_can_be_forked_over_a_list_of_inputs(bench, make):
    inputs = {"forkTaskName": "a", "forkTaskInputs": "${workflow.input.each}"}
    execution = bench.run(make.workflow(*dynamic(make, inputParameters=inputs)), {"each": [{"k": 1}, "s"]})

    assert [task.input for task in execution.state.tasks if task.type == "a"] == [
        {"k": 1, "__index": 0},
        {"input": "s", "__index": 1},
    ]


def test_a_dynamic_task_is_named_by_its_input(bench, make):
    task = make.of_type("DYNAMIC", "dy", dynamicTaskNameParam="n", inputParameters={"n": "${workflow.input.n}"})
    execution = bench.run(make.workflow(task), {"n": "a"})

    assert (execution.task("dy").type, execution.state.status) == ("a", "COMPLETED")
    assert "Cannot map a dynamic task" in bench.run(make.workflow(task), {}).state.reason


def test_a_sub_workflow_hands_its_output_to_its_parent(bench, make):
    bench.register(make.workflow(make.simple("d"), name="child", outputParameters={"o": "${d.output.of}"}))
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child"}, inputParameters={"p": 1})
    execution = bench.run(make.workflow(sub, make.simple("a", inputParameters={"o": "${sub.output.o}"})))

    child = bench.engine.execution(execution.task("sub").sub_id)
    assert (child.input, child.parent_id) == ({"p": 1}, execution.workflow_id)
    assert execution.task("sub").output == {"subWorkflowId": child.workflow_id, "o": "d"}
    assert execution.task("a").input == {"o": "d"}
    assert child.workflow_id[14] == "3"


def test_a_failed_child_fails_its_parent_and_a_failed_parent_ends_its_child(bench, make):
    bench.register(make.workflow(make.simple("d"), name="child"))
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child"})
    failed = bench.run(make.workflow(sub), tape={"d": [make.result(status="FAILED", reason="bad")]})
    assert failed.task("sub").status == failed.state.status == "FAILED"
    assert "Sub workflow child.1/" in failed.task("sub").reason

    other = bench.run(
        make.workflow(*make.fork([sub], [make.simple("a")])),
        tape={"a": [make.result(status="FAILED", reason="no", work_ms=0)]},
    )
    child = bench.engine.execution(other.task("sub").sub_id)
    assert child.status == "TERMINATED"
    assert child.reason == f"Parent workflow has been terminated with reason: {other.state.reason}"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "TERMINATED"])
def test_a_terminate_task_ends_the_execution_at_once(bench, make, status):
    end = make.of_type(
        "TERMINATE", "end", inputParameters={"terminationStatus": status, "workflowOutput": {"o": "${a.output.of}"}}
    )
    tape = {"b": [make.result(work_ms=9000)]}
    execution = bench.run(make.workflow(*make.fork([make.simple("a"), end], [make.simple("b")])), tape=tape)

    assert (execution.state.status, execution.state.output) == (status, {"o": "a"})
    assert execution.state.reason == f"Workflow is {status} by TERMINATE task: {execution.task('end').task_id}"
    assert make.statuses(execution)["b"] == make.statuses(execution)["join"] == "CANCELED"


def test_variables_are_set_and_read(bench, make):
    task = make.of_type("SET_VARIABLE", "set", inputParameters={"v": "${workflow.input.v}"})
    read = make.simple("a", inputParameters={"all": "${workflow.variables}"})
    execution = bench.run(make.workflow(task, read, variables={"init": 1}), {"v": {"q": 1}})

    assert execution.task("a").input == {"all": {"init": 1, "v": {"q": 1}}}


def test_a_wait_lasts_exactly_as_long_as_it_says(bench, make):
    wait = make.of_type("WAIT", "wait", inputParameters={"duration": "1 days 2 hours 3 mins 4 secs"})
    execution = bench.run(make.workflow(wait, make.simple("a")))

    task = execution.task("wait")
    assert task.ended_ms - task.started_ms == ((26 * 60 + 3) * 60 + 4) * 1000
    assert execution.state.status == "COMPLETED"


@pytest.mark.parametrize("zone", ["CET", "cet", "GMT+01:00", "GMT+1:00", "+0100", "Central European Time"])
def test_a_wait_until_a_date_in_a_zone_ends_then(bench, make, zone):
    wait = make.of_type("WAIT", "wait", inputParameters={"until": f"2026-01-02 03:00 {zone}"})
    execution = bench.run(make.workflow(wait))

    assert execution.task("wait").ended_ms - execution.task("wait").started_ms == 26 * 3_600_000


@pytest.mark.parametrize(
    ("until", "day"),
    [
        ("2026-13-01", "2027-01-01"),
        ("2026-2-30", "2026-03-02"),
        (" 2026-1-1 24:00", "2026-01-02"),
        ("2099-0-0", "2098-11-30"),
    ],
)
def test_a_wait_until_a_day_that_is_none_ends_when_java_takes_it_to_be(until, day):
    assert instant_ms(until) == instant_ms(day)


@pytest.mark.parametrize(
    "until", ["2026-01-01 00:00 Europe/Berlin", "2026-01-01 00:00 UTC+1", "2026-01-01 00:00 Z", "2026-01-01 "]
)
def test_a_wait_until_what_java_cannot_read_is_refused(until):
    with pytest.raises(ValueError, match="Unable to parse date"):
        instant_ms(until)


@pytest.mark.parametrize(
    ("inputs", "status"),
    [({"duration": "2 hours"}, "TIMED_OUT"), ({"until": "2026-01-02"}, "TIMED_OUT"), ({}, "COMPLETED")],
)
def test_a_timed_wait_named_as_a_task_definition_is_timed_out_at_its_end(bench, make, inputs, status):
    bench.engine.catalogue.put_task({"name": "wait", "responseTimeoutSeconds": 600, "retryCount": 0}, 0)
    execution = bench.start(make.workflow(make.of_type("WAIT", "wait", inputParameters=inputs)))
    if not inputs:
        execution.complete("wait")
    bench.engine.drain()

    assert execution.task("wait").status == execution.state.status == status


def test_a_timed_wait_named_as_a_task_definition_is_timed_out_by_what_goes_on_beside_it(bench, make):
    bench.engine.catalogue.put_task({"name": "wait", "responseTimeoutSeconds": 600, "retryCount": 0}, 0)
    wait = make.of_type("WAIT", "wait", inputParameters={"duration": "2 hours"})
    execution = bench.start(make.workflow(*make.fork([wait], [make.simple("a")])))

    assert execution.task("wait").status == "TIMED_OUT"
    assert make.statuses(execution)["a"] == "CANCELED"


def test_a_human_task_and_an_endless_wait_end_when_somebody_says_so(bench, make):
    execution = bench.start(make.workflow(make.of_type("HUMAN", "who"), make.of_type("WAIT", "wait"), make.simple("a")))
    execution.advance(10**9)
    execution.complete("who", {"ok": True})
    execution.advance(10**9)
    execution.complete("wait")

    assert execution.task("who").output == {"ok": True}
    assert execution.task("a").status == "SCHEDULED"
    with pytest.raises(NotReached, match="who is not open; it is RUNNING and waits for a SCHEDULED"):
        execution.complete("who")


def test_an_exclusive_join_takes_what_ran_else_its_default(bench, make):
    join = make.of_type("EXCLUSIVE_JOIN", "ej", joinOn=["a", "b"], defaultExclusiveJoinTask=["switch"])
    definition = make.workflow(make.switch({"x": [make.simple("a")], "y": [make.simple("b")]}), join)

    assert bench.run(definition, {"case": "y"}).task("ej").output == {"of": "b"}
    assert bench.run(definition, {"case": "?"}).task("ej").output == {"evaluationResult": ["?"], "selectedCase": "?"}


def test_start_workflow_starts_and_forgets(bench, make):
    bench.register(make.workflow(make.of_type("HUMAN", "who"), name="other"))
    begin = make.of_type(
        "START_WORKFLOW", "st", inputParameters={"startWorkflow": {"name": "other", "input": {"q": 1}}}
    )
    execution = bench.run(make.workflow(begin))

    other = bench.engine.execution(execution.task("st").output["workflowId"])
    assert (execution.state.status, other.status, other.input, other.parent_id) == (
        "COMPLETED",
        "RUNNING",
        {"q": 1},
        None,
    )


@pytest.mark.parametrize(
    ("asked", "domains", "correlation_id"),
    [
        ({}, {"*": "d"}, "order-1"),
        ({"taskToDomain": {}, "correlationId": None}, {"*": "d"}, "order-1"),
        ({"taskToDomain": {"a": "own"}, "correlationId": "own"}, {"a": "own"}, "own"),
    ],
)
def test_what_start_workflow_starts_inherits_domains_and_correlation_id(bench, make, asked, domains, correlation_id):
    """As on Conductor 3.32.1."""
    bench.register(make.workflow(make.of_type("HUMAN", "who"), name="other"))
    begin = make.of_type("START_WORKFLOW", "st", inputParameters={"startWorkflow": {"name": "other", **asked}})
    execution = bench.start(make.workflow(begin), domains={"*": "d"}, correlation_id="order-1")

    other = bench.engine.execution(execution.task("st").output["workflowId"])
    assert (other.domains, other.correlation_id) == (domains, correlation_id)


def test_an_event_goes_to_the_internal_sink(bench, make):
    execution = bench.run(make.workflow(make.of_type("EVENT", "ev", sink="conductor", inputParameters={"z": 1})))

    output = execution.task("ev").output
    assert (output["event_produced"], output["z"], output["workflowType"]) == ("conductor:w:ev", 1, "w")


def test_an_http_task_calls_and_fails_on_anything_but_success(make):
    answers = {"http://ok/x": (200, "OK", {}, b'{"v": 1}'), "http://no/x": (404, "Not Found", {}, b"gone")}
    bench = make.bench(call_http=lambda method, uri, headers, body, timeout_s: answers[uri])

    def request(uri):
        return make.workflow(
            make.of_type("HTTP", "call", inputParameters={"http_request": {"uri": uri, "method": "GET"}})
        )

    assert bench.run(request("http://ok/x")).task("call").output["response"]["body"] == {"v": 1}
    failed = bench.run(request("http://no/x"))
    assert failed.task("call").reason == (
        'Failed to invoke HTTP task due to: java.lang.Exception: 404 Not Found on GET request for "http://no/x": "gone"'
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "No HTTP method specified"),
        (
            {"method": "get"},
            "Failed to invoke HTTP task due to: java.lang.IllegalArgumentException: Invalid HTTP method: get",
        ),
        (
            {"method": "GET"},
            "Failed to invoke HTTP task due to: java.lang.Exception: "
            'I/O error on GET request for "http://127.0.0.1:9/": '
            "Connect to http://127.0.0.1:9 failed: Connection refused",
        ),
    ],
)
def test_an_http_task_that_cannot_call_says_why_in_the_servers_words(bench, make, fields, reason):
    request = {"uri": "http://127.0.0.1:9/", **fields}
    call = make.of_type("HTTP", "call", inputParameters={"http_request": request})

    assert bench.run(make.workflow(call)).task("call").reason == reason


def test_an_http_task_sends_json_without_blanks_and_always_a_content_type(make):
    sent = []

    def call(method, uri, headers, body, timeout_s):
        sent.append((headers["Content-Type"], body))
        return 200, "OK", {}, b""

    bench = make.bench(call_http=call)
    for body in ({"x": ["ü"]}, None):
        request = {"uri": "http://a/", "method": "POST", "body": body}
        bench.run(make.workflow(make.of_type("HTTP", "call", inputParameters={"http_request": request})))
    assert sent == [("application/json", '{"x":["ü"]}'.encode()), ("application/json", None)]


@pytest.mark.parametrize(
    ("given", "timeout_s"),
    [({}, 3), ({"readTimeOut": None}, 0.15), ({"readTimeOut": " "}, 0.15), ({"readTimeOut": 0}, 86400)],
)
def test_an_http_task_waits_briefly_where_its_timeout_leads_nowhere(make, given, timeout_s):
    waited = []

    def call(method, uri, headers, body, timeout_s):
        waited.append(timeout_s)
        return 200, "OK", {}, b""

    request = {"uri": "http://a/", "method": "GET", **given}
    asking = make.of_type("HTTP", "call", inputParameters={"http_request": request})
    make.bench(call_http=call).run(make.workflow(asking))
    assert waited == [timeout_s]


@pytest.mark.parametrize(
    ("status", "headers", "given", "waited_ms"),
    [
        (503, {}, {}, 1_000),
        (429, {}, {"method": "POST"}, 1_000),
        (503, {"retry-after": ["4"]}, {}, 4_000),
        (429, {"Retry-After": ["60"]}, {"readTimeOut": 1000}, 60_000),
        (503, {"Retry-After": ["0"]}, {}, 1_000),
        (503, {"Retry-After": ["-3"]}, {}, 1_000),
        (503, {"Retry-After": ["1.5"]}, {}, 1_000),
        (503, {"Retry-After": ["soon"]}, {}, 1_000),
        (503, {"Retry-After": ["Fri, 02 Jan 1970 00:00:00 GMT"]}, {}, 1_000),
        (503, {"Retry-After": ["4"]}, {"readTimeOut": 999}, None),
        (503, {}, {"readTimeOut": 0}, None),
        (503, {}, {"readTimeOut": None}, None),
        (500, {}, {}, None),
        (502, {}, {}, None),
        (504, {"Retry-After": ["4"]}, {}, None),
    ],
)
def test_a_request_is_repeated_once_where_the_service_is_busy(make, status, headers, given, waited_ms):
    """As measured on Conductor 3.32.1: its HTTP client does, within the same attempt; the second answer counts."""
    sent = []

    def call(method, uri, headers_, body, timeout_s):
        sent.append(bench.engine.now_ms)
        return status, "Busy", headers, b"%d" % len(sent)

    bench = make.bench(call_http=call)
    request = {"uri": "http://a/", "method": "GET", **given}
    execution = bench.run(make.workflow(make.of_type("HTTP", "call", inputParameters={"http_request": request})))

    assert [at - sent[0] for at in sent] == ([0] if waited_ms is None else [0, waited_ms])
    assert execution.task("call").reason.endswith(f'"{len(sent)}"')


def test_a_repeated_request_waits_for_the_date_that_its_answer_names(make):
    sent = []

    def call(*_):
        sent.append(bench.engine.now_ms)
        date = formatdate(bench.engine.now_ms // 1000 + 5, usegmt=True)
        return (503, "Busy", {"Retry-After": [date]}, b"") if len(sent) == 1 else (200, "OK", {}, b"{}")

    bench = make.bench(call_http=call)
    request = {"uri": "http://a/", "method": "GET"}
    execution = bench.run(make.workflow(make.of_type("HTTP", "call", inputParameters={"http_request": request})))

    assert execution.state.status == "COMPLETED"
    assert 4_000 < sent[1] - sent[0] <= 5_000


SYSTEM_NAMED = {
    "HTTP": {"http_request": {"uri": "http://ok/x", "method": "GET"}},
    "EVENT": {"sink": "conductor:x"},
    "START_WORKFLOW": {"startWorkflow": {"name": "other"}},
    "SUB_WORKFLOW": {"subWorkflowName": "other", "subWorkflowVersion": 1},
    "JSON_JQ_TRANSFORM": {"queryExpression": ".a", "a": 3},
}
SHOWN = {"HTTP": "response", "EVENT": "event_produced", "START_WORKFLOW": "workflowId", "SUB_WORKFLOW": "subWorkflowId",
         "JSON_JQ_TRANSFORM": "result"}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEM_NAMED)
@pytest.mark.parametrize("forked", [False, True])
def test_a_simple_task_with_a_system_tasks_name_is_that_task(make, name, forked):
    """As on Conductor 3.32.1: its queue is the system task's; the official docs fork `forkTaskName: HTTP`."""
    bench = make.bench(call_http=lambda *_: (200, "OK", {}, b"{}"))
    bench.register(make.workflow(make.of_type("NOOP", "n"), name="other"))
    inputs = {"forkTaskName": name, "forkTaskInputs": [SYSTEM_NAMED[name]]}
    tasks = dynamic(make, inputParameters=inputs) if forked else [make.of_type("SIMPLE", "x", name=name,
                                                                  inputParameters=SYSTEM_NAMED[name])]  # fmt: skip
    execution = bench.run(make.workflow(*tasks))

    task = execution.task(f"_{name}_0" if forked else "x")
    assert (execution.state.status, task.type, task.status) == ("COMPLETED", name, "COMPLETED")
    assert SHOWN[name] in task.output
    assert task.started_ms == task.scheduled_ms


@pytest.mark.parametrize("name", ["WAIT", "HUMAN"])
def test_a_simple_task_called_wait_begins_and_ends_only_when_somebody_says_so(bench, make, name):
    """As on Conductor 3.32.1, which reads no duration of it."""
    execution = bench.start(
        make.workflow(make.of_type("SIMPLE", "x", name=name, inputParameters={"duration": "1 seconds"}))
    )
    execution.advance(10**6)
    assert (execution.task("x").status, execution.task("x").started_ms) == (
        "IN_PROGRESS",
        execution.task("x").scheduled_ms,
    )
    execution.complete("x")
    assert execution.state.status == "COMPLETED"


def test_an_unknown_type_is_queued_under_its_name(bench, make):
    execution = bench.run(make.workflow(make.of_type("MY_OWN", "mine")))

    assert (execution.task("mine").type, execution.state.status) == ("MY_OWN", "COMPLETED")


@pytest.mark.parametrize(
    ("evaluator", "reason"),
    [
        ("", "Empty 'evaluatorType' in INLINE task's input parameters. A non-empty String value must be provided."),
        ("ecmascript", "Unknown evaluator 'ecmascript' in INLINE task."),
        ("Python", "Unknown evaluator 'Python' in INLINE task."),
        ("python", "task i evaluates Python, which this engine does not simulate"),
    ],
)
def test_an_evaluator_that_is_none_fails_the_task_in_the_servers_words(bench, make, evaluator, reason):
    inputs = {"evaluatorType": "${workflow.variables.by}", "expression": "1"}
    flow = make.workflow(make.of_type("INLINE", "i", inputParameters=inputs), variables={"by": evaluator})
    execution = bench.run(flow)

    assert execution.task("i").reason.startswith(reason)
    assert execution.task("i").status == "FAILED_WITH_TERMINAL_ERROR"


def test_a_request_that_the_server_cannot_read_stays_scheduled(bench, make):
    call = make.of_type("HTTP", "call", inputParameters={"http_request": {"uri": "http://a/", "headers": ["X"]}})

    assert bench.run(make.workflow(call)).task("call").status == "SCHEDULED"
