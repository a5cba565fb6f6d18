"""What `${...}` turns into; every expected value was read off Conductor 3.32.1 (task inputs of one execution)."""

import pytest

from pytest_k1n.engine.language import jsonpath

INPUT = {
    "n": 5, "s": "str", "m": {"x": {"deep": 1}, "y": 2, "q": 9}, "k": "y", "l": [1, 2, 3],
    "o": [{"v": 1, "n": "one", "q": 7}, {"v": 2, "n": "two"}], "b": True, "f": 1.5, "nul": None, "k2": "m", "one": 1,
}  # fmt: skip

AS_ON_THE_SERVER = {
    "${workflow.input.n}": 5,
    "x-${workflow.input.n}-y": "x-5-y",
    "${workflow.input.n}${workflow.input.s}": "5str",
    "${workflow.input.missing}": None,
    "q${workflow.input.missing}q": "qnullq",
    "<${workflow.input.nul}>": "<null>",
    "$${workflow.input.n}": "${workflow.input.n}",
    "a$${workflow.input.n}b ${workflow.input.n}": "a${workflow.input.n}b 5",
    "${workflow.input.m.${workflow.input.k}}": 2,
    "${workflow.input.${workflow.input.k2}.x}": {"deep": 1},
    "${workflow.input.l[0]}": 1,
    "${workflow.input.l[-1]}": 3,
    "${workflow.input.l[${workflow.input.one}]}": 2,
    "${workflow.input.l[0:2]}": [1, 2],
    "${workflow.input.l[*]}": [1, 2, 3],
    "${workflow.input..q}": [9, 7],
    "${workflow.input.o[?(@.v>1)]}": [{"v": 2, "n": "two"}],
    "${workflow.input.o[?(@.v==1)].n}": ["one"],
    "${workflow.input.l.length()}": 3,
    "${workflow.input.l.min()}": 1.0,
    "${workflow.input.m.keys()}": ["x", "y", "q"],
    "${workflow.input['k']}": "y",
    "${workflow.input['k','s']}": {"k": "y", "s": "str"},
    "o=${workflow.input.m} l=${workflow.input.l} b=${workflow.input.b} f=${workflow.input.f}": (
        "o={x={deep=1}, y=2, q=9} l=[1, 2, 3] b=true f=1.5"
    ),
    "${workflow.workflowType}": "w",
    "${workflow.version}": 1,
    "${workflow.status}": "RUNNING",
    "${workflow.correlationId}": "cid",
    "${workflow.schemaVersion}": 2,
    "${workflow.parentWorkflowId}": None,
    "${workflow.priority}": None,
    "${workflow.bogus.deeper}": None,
    "${workflow.secrets.N}": "${workflow.secrets.N}",
    "${workflow.variables}": {},
    "${a.input.z}": 3,
    "${a.status}": "COMPLETED",
    "${a.taskType}": "a",
    "${a.retryCount}": 0,
    "${a.referenceTaskName}": "a",
    "${a.output}": {"r": 1},
    "${a.pollCount}": 1,
    "${a.seq}": None,
    "${a.inputData}": None,
    "${c.output.x}": None,
    "${b.output.x}": None,
    "costs $5": "costs $5",
    "${workflow.input.n}5": "55",
}


@pytest.mark.parametrize("expression", AS_ON_THE_SERVER)
def test_an_expression_has_the_servers_value(bench, make, expression):
    execution = bench.start(
        make.workflow(
            make.simple("a", inputParameters={"z": 3}),
            make.simple("b", inputParameters={"it": expression}),
            make.simple("c"),
        ),
        INPUT,
        correlation_id="cid",
    )
    execution.complete("a", {"r": 1})

    assert execution.task("b").input == {"it": AS_ON_THE_SERVER[expression]}


def test_expressions_nest_in_lists_and_objects_and_keep_what_is_constant(bench, make):
    template = {"list": ["${workflow.input.n}", {"deep": "${workflow.input.s}"}, 1, None], "k": [1, {"z": "z"}]}
    execution = bench.start(make.workflow(make.simple("a", inputParameters=template)), INPUT)

    assert execution.task("a").input == {"list": [5, {"deep": "str"}, 1, None], "k": [1, {"z": "z"}]}


def test_an_input_template_fills_missing_and_null_keys_and_is_literal_where_it_resolves_to_null(bench, make):
    bench.define("t", inputTemplate={"p": 1, "q": "${workflow.input.n}", "z": "t"})
    definition = make.workflow(make.simple("t", inputParameters={"z": None, "y": "${workflow.input.none}"}))

    assert bench.start(definition, {"n": 2}).task("t").input == {"p": 1, "q": 2, "y": None, "z": "t"}
    assert bench.start(definition, {}).task("t").input == {"p": 1, "q": "${workflow.input.n}", "y": None, "z": "t"}


def test_a_workflow_template_fills_missing_keys_except_of_an_empty_input(bench, make):
    definition = make.workflow(make.simple("a"), inputTemplate={"default": 1, "n": "no"})

    assert bench.start(definition, {"n": 2}).state.input == {"default": 1, "n": 2}
    assert bench.start(definition, {}).state.input == {}


def test_a_plain_ref_means_the_latest_iteration(bench, make):
    body = [make.simple("a", inputParameters={"before": "${a.output.of}"})]
    execution = bench.run(
        make.workflow(make.loop(body), make.simple("b", inputParameters={"last": "${a.output.of}"})),
        {"items": [1, 2]},
    )

    assert execution.task("a__1").input == {"before": None}
    assert execution.task("a__2").input == {"before": "a__1"}
    assert execution.task("b").input == {"last": "a__2"}


SLOW = "${workflow.input.l[?(@.a =~ /(a+)+$/)].a}"


@pytest.mark.parametrize(
    "make_definition",
    [
        lambda make: make.workflow(make.simple("a", inputParameters={"x": SLOW})),
        lambda make: make.workflow(make.of_type("NOOP", "n"), outputParameters={"x": SLOW}),
        lambda make: make.workflow(make.loop([make.simple("a")], items=SLOW)),
    ],
    ids=["an input", "an output", "a loop's items"],
)
def test_a_pattern_that_matches_for_too_long_fails_what_it_is_for_and_no_request(
    bench, make, monkeypatch, make_definition
):
    monkeypatch.setattr(jsonpath, "MATCH_LIMIT_S", 0.05)
    execution = bench.start(make_definition(make), {"l": [{"a": "a" * 40 + "!"}]})

    assert execution.state.status == "FAILED"
    assert "takes more than" in execution.state.reason


DOUBLED = {
    "a list": lambda before: [before, before],
    "an object": lambda before: {"a": before, "b": [before]},
    "a text": lambda before: f"{before}{before}",
    "a longer text": lambda before: f"x {before} {before}",
}


@pytest.mark.parametrize("double", DOUBLED.values(), ids=DOUBLED.keys())
def test_variables_that_double_again_and_again_end_at_the_servers_limit(bench, make, double):
    doubled = double("${workflow.variables.v}")
    steps = [make.of_type("SET_VARIABLE", f"s{n}", inputParameters={"v": doubled}) for n in range(100)]
    execution = bench.start(make.workflow(*steps, variables={"v": "x" * 1000}), {})

    last = execution.state.tasks[-1]
    assert (execution.state.status, last.status) == ("FAILED", "FAILED_WITH_TERMINAL_ERROR")
    assert "is greater than the permissible limit: 256 kilobytes" in last.reason
    assert len(execution.state.tasks) < 12


@pytest.mark.parametrize("double", DOUBLED.values(), ids=DOUBLED.keys())
def test_inputs_that_double_again_and_again_end_before_they_take_all_memory(bench, make, double):
    steps = [
        make.of_type("SWITCH", f"s{n}", evaluatorType="value-param", expression="none", decisionCases={"x": []},
                     inputParameters={"v": double(f"${{s{n - 1}.input.v}}" if n else "x" * 1000)})
        for n in range(100)
    ]  # fmt: skip
    execution = bench.start(make.workflow(*steps), {})

    assert execution.state.status == "FAILED"
    assert "is greater than the permissible limit: 10485760 bytes" in execution.state.reason
    assert len(execution.state.tasks) < 16
