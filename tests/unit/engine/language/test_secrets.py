"""Who gets a secret's value, and who what is written; as Conductor 3.32.1 was seen to do it."""

import pytest

from pytest_k1n.engine.language import secrets

NAMED = {"s": "${workflow.secrets.x}", "t": "p-${workflow.secrets.x}-q", "l": [{"k": "${workflow.secrets.y}"}], "n": 1}


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setenv("CONDUCTOR_SECRET_x", "hush")
    monkeypatch.delenv("CONDUCTOR_SECRET_y", raising=False)


def test_secrets_are_put_in_wherever_a_value_names_them_and_what_is_not_there_is_null(known):
    assert secrets.revealed(NAMED) == {"s": "hush", "t": "p-hush-q", "l": [{"k": None}], "n": 1}
    assert secrets.revealed("a${workflow.secrets.y}b") == "ab"


def test_a_value_that_names_no_secret_is_returned_itself():
    value = {"a": ["${workflow.input.x}", 1]}
    assert secrets.revealed(value) is value


def test_a_script_works_with_the_value_and_the_record_keeps_what_is_written(known, bench, make):
    inputs = {"evaluatorType": "graaljs", "expression": "[$.s, $.given]", "s": NAMED["s"]}
    task = make.of_type("INLINE", "i", inputParameters=inputs | {"given": "${workflow.input.literal}"})
    execution = bench.start(make.workflow(task), {"literal": "${workflow.secrets.x}"})

    assert execution.task("i").output == {"result": ["hush", "hush"]}
    assert execution.task("i").input["s"] == "${workflow.secrets.x}"


def test_a_variable_holds_the_value_and_a_switch_sees_what_is_written(known, bench, make):
    setting = make.of_type("SET_VARIABLE", "v", inputParameters={"v": NAMED["s"]})
    execution = bench.start(make.workflow(setting, make.switch({"hush": []}, on=NAMED["s"])), {})

    assert execution.state.variables == {"v": "hush"}
    assert execution.task("switch").output["selectedCase"] == NAMED["s"]
