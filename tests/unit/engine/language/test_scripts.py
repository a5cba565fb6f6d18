"""What scripts need and may cost.

Without the `scripts` extra a definition is refused by name, not at the task that is reached; a script without an end is
ended, as on the server (the reasons are those of Conductor 3.32.1).
"""

import json
import sys

import pytest

from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.language.scripts import ScriptError, Scripts
from pytest_k1n.engine.rest.router import Routes

HINT = 'pip install "pytest-k1n[scripts]"'


@pytest.fixture
def no_extra(monkeypatch):
    for library in ("quickjs", "jq"):
        monkeypatch.setitem(sys.modules, library, None)


def scripted(make):
    condition = "$.loop['iteration'] < 2"
    inputs = {"scriptExpression": "return 1", "expression": "1", "queryExpression": "."}
    return {
        "INLINE": make.of_type("INLINE", "r", inputParameters={**inputs, "evaluatorType": "javascript"}),
        "LAMBDA": make.of_type("LAMBDA", "r", inputParameters=inputs),
        "SWITCH": {**make.switch({"x": [make.simple("a")]}, ref="r"), "evaluatorType": "graaljs", "expression": "'x'"},
        "DECISION": make.of_type(
            "DECISION", "r", caseExpression="'x'", inputParameters={}, decisionCases={"x": [make.simple("a")]}
        ),
        "DO_WHILE": {**make.loop([make.simple("a")], ref="r"), "loopCondition": condition},
        "JSON_JQ_TRANSFORM": make.of_type("JSON_JQ_TRANSFORM", "r", inputParameters=inputs),
    }


KINDS = ("INLINE", "LAMBDA", "SWITCH", "DECISION", "DO_WHILE", "JSON_JQ_TRANSFORM")


def register(bench, definition):
    body = json.dumps([definition]).encode()
    return Routes(bench.engine).handle("PUT", "/api/metadata/workflow", {}, body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_is_refused_by_its_tasks_name_where_the_extra_is_missing(bench, make, no_extra, kind):
    refusal = register(bench, make.workflow(scripted(make)[kind]))

    library = "jq" if kind == "JSON_JQ_TRANSFORM" else "JavaScript"
    assert refusal.status == 400
    assert f"task r needs {library}: {HINT}" in refusal.payload["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_extra_it_is_taken(bench, make, kind):
    assert register(bench, make.workflow(scripted(make)[kind])).status == 200


def test_what_needs_no_library_runs_without_the_extra(bench, make, no_extra):
    execution = bench.run(make.workflow(make.loop([make.simple("a")])), {"items": [1, 2]})
    assert make.statuses(execution)["loop"] == "COMPLETED"


def test_a_script_that_came_past_registration_says_what_to_install(no_extra):
    for evaluate in (Scripts().javascript, Scripts().jq):
        with pytest.raises(ScriptError) as error:
            evaluate("1 + 1", {})
        assert HINT in str(error.value)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scripts, "TIME_LIMIT_S", 0.1)
    return "Script not evaluated within 0.1 seconds, interrupted."


def endless(make, kind):
    """Make a task of a kind whose script has no end."""
    task = scripted(make)[kind]
    inputs = {"expression": "while (true) {}", "scriptExpression": "while (true) {}", "queryExpression": "repeat(1)"}
    if "expression" in task:
        return task | {"expression": "while (true) {}"}
    if "loopCondition" in task:
        return {key: value for key, value in task.items() if key != "items"} | {"loopCondition": "while (true) {}"}
    if "caseExpression" in task:
        return task | {"caseExpression": "while (true) {}"}
    return task | {"inputParameters": task["inputParameters"] | inputs}


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_without_an_end_fails_its_task_with_the_servers_reason(bench, make, impatient, kind):
    execution = bench.run(make.workflow(endless(make, kind)))
    task = execution.document()["tasks"][0]
    status = "FAILED_WITH_TERMINAL_ERROR" if kind == "DO_WHILE" else "FAILED"
    said = f"Unable to evaluate condition while (true) {{}}, exception {impatient}" if kind == "DO_WHILE" else impatient
    assert (execution.document()["status"], task["status"]) == ("FAILED", status)
    assert task["reasonForIncompletion"] == said


def test_time_does_not_pass_while_a_script_runs(bench, make, impatient):
    execution = bench.run(make.workflow(endless(make, "INLINE"))).document()
    assert execution["endTime"] == execution["createTime"]


@pytest.mark.parametrize("source", ["({toJSON() { while (true) {} }})", "try { while (true) {} } catch (e) { 1 }"])
def test_no_script_gets_round_its_limit(impatient, source):
    with pytest.raises(ScriptError, match="interrupted"):
        Scripts().javascript(source, {})


@pytest.mark.parametrize("program", ["def f: f; f", "last(repeat(1))", "[range(1e12)]"])
def test_no_jq_program_gets_round_its_limit(impatient, program):
    with pytest.raises(ScriptError, match="interrupted"):
        Scripts().jq(program, {})


def test_a_jq_program_that_wants_too_much_memory_takes_only_its_own_process_with_it():
    with pytest.raises(ScriptError, match="cannot allocate memory"):
        Scripts().jq('("x" * 2000000000) | [range(1)]', {})


@pytest.mark.parametrize(
    ("program", "results"),
    [("range(3)", [0, 1, 2]), ("def twice: . * 2; .a | twice", [42]), ("[limit(2; repeat(1))]", [[1, 1]])],
)
def test_a_program_that_might_not_end_and_does_is_as_good_as_any(program, results):
    assert Scripts().jq(program, {"a": 21}) == results


def test_what_such_a_program_says_of_itself_is_what_any_says():
    with pytest.raises(ScriptError) as error:
        Scripts().jq('error("no") | range(1)', {})
    assert str(error.value) == "no"


@pytest.mark.parametrize(("source", "result"), [("(function () {})", None), ("[1, undefined]", [1, None])])
def test_what_json_cannot_say_is_nothing(source, result):
    assert Scripts().javascript(source, {}) == result


def test_an_object_that_holds_itself_is_an_error_of_its_script():
    with pytest.raises(ScriptError, match="circular"):
        Scripts().javascript("var a = {}; a.a = a; a", {})
