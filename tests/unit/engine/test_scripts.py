"""What scripts need: without the `scripts` extra a definition is refused by name, not at the task that is reached."""

import json
import sys

import pytest

from pytest_k1n.engine.routes import Routes
from pytest_k1n.engine.scripts import ScriptError, Scripts

HINT = "pip install 'pytest-k1n[scripts]'"


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
