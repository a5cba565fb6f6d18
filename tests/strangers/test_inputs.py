"""Expressions and inputs in the shapes that definitions of other teams have; the expected values are the server's."""

import pytest

GIVEN = {
    "a": {"b": [{"c": 7}, {"c": 8}], "d-e": {"x y": "blank"}},
    "none": None,
    "text": "12",
    "number": 12,
    "flag": False,
    "list": [1, "two", None],
    "key": "number",
    "empty": {},
}
SHAPES = [
    ("${workflow.input.a.b[0].c}", 7),
    ("${workflow.input.a.b[1]}", {"c": 8}),
    ("${workflow.input.a.b}", [{"c": 7}, {"c": 8}]),
    ("${workflow.input.a['d-e']['x y']}", "blank"),
    ("${workflow.input.a.b[*].c}", [7, 8]),
    ("${workflow.input.a.b.length()}", 2),
    ("${workflow.input.a.b[9].c}", None),
    ("${workflow.input.none}", None),
    ("${workflow.input.never_given}", None),
    ("${workflow.input.text}", "12"),
    ("${workflow.input.number}", 12),
    ("${workflow.input.flag}", False),
    ("${workflow.input.list}", [1, "two", None]),
    ("n=${workflow.input.number}, t=${workflow.input.text}", "n=12, t=12"),
    ("is ${workflow.input.none}", "is null"),
    ("is ${workflow.input.flag}", "is false"),
    ("$${workflow.input.number}", "${workflow.input.number}"),
    ("cost: $5", "cost: $5"),
    ("${workflow.input.${workflow.input.key}}", 12),
    ({"deep": ["${workflow.input.text}", {"n": "${workflow.input.number}"}]}, {"deep": ["12", {"n": 12}]}),
    ("${workflow.input.empty}", {}),
    ("${workflow.correlationId}", ...),
    ("${nobody.output.x}", ValueError),
    (12, 12),
    (None, None),
    ("", ""),
]  # fmt: skip


def test_a_task_gets_what_its_expressions_mean(conductor, make):
    shapes = {f"s{n}": shape for n, (shape, value) in enumerate(SHAPES) if value is not ValueError}
    execution = conductor.run(make.workflow(make.simple("work", **shapes)), input=GIVEN)
    got = execution.task("work").input
    wanted = {f"s{n}": value for n, (shape, value) in enumerate(SHAPES) if value not in (ValueError, ...)}
    assert {key: got.get(key) for key in wanted} == wanted


def test_defaults_fill_what_an_input_lacks_or_has_null(conductor, make):
    flow = make.workflow(
        make.simple("work", **{key: f"${{workflow.input.{key}}}" for key in ("given", "null", "absent")}),
        inputTemplate={"given": "d1", "null": "d2", "absent": "d3"},
    )
    execution = conductor.run(flow, input={"given": 1, "null": None})
    assert {key: execution.task("work").input.get(key) for key in ("given", "null", "absent")} == {
        "given": 1,
        "null": "d2",
        "absent": "d3",
    }


@pytest.mark.parametrize("expression", ["${first.output.x}", "${second.output.x}"], ids=["itself", "each other"])
def test_refs_that_read_themselves_or_each_other_read_null(conductor, make, expression):
    execution = conductor.run(
        make.workflow(make.simple("first", x=expression), make.simple("second", x="${first.output.x}")),
        handlers={"first": lambda task: {"x": task.input.get("x")}, "second": lambda task: {"x": task.input.get("x")}},
    )
    assert execution.status == "COMPLETED"
    assert execution.task("first").input.get("x") is None


def test_an_input_that_is_not_json_is_refused_before_anything_runs(conductor, make):
    for value in (object(), float("nan")):
        with pytest.raises(ValueError, match="the input is not JSON"):
            conductor.run(make.workflow(make.simple("work")), input={"x": value})
