"""What expressions, templates and variables make of inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FAIL,
    FINAL,
    case,
    definitions,
    simple,
    step,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Action, Case

DEFS = definitions("abcd")


def inputs() -> Iterator[Case]:
    yield from _inputs()


def _inputs() -> Iterator[Case]:
    given = {
        "a": 1,
        "b": "t",
        "l": [1, {"x": 2}],
        "m": {"k": {"z": [9]}},
        "n": None,
        "e": "",
        "t": "${b}",
        "f": 1.0,
        "big": 1e20,
        "neg": -5,
    }
    for name, inputs in {
        "templates": {
            "x": "a${workflow.input.a}b${workflow.input.b}c",
            "y": "${workflow.input.a}${workflow.input.n}",
            "z": "${workflow.input.e}",
        },
        "numbers in text": {
            "f": "${workflow.input.f}",
            "ft": "x${workflow.input.f}",
            "big": "${workflow.input.big}",
            "bigt": "x${workflow.input.big}",
            "neg": "x${workflow.input.neg}",
        },
        "values that look like expressions": {"x": "${workflow.input.t}", "y": "<${workflow.input.t}>"},
        "a whole map in text": {"x": "m=${workflow.input.m}", "l": "l=${workflow.input.l}"},
        "keys with expressions": {"${workflow.input.b}": 1, "k": {"${workflow.input.b}": 2}},
        "deep nesting": {"x": {"y": [{"z": "${workflow.input.l[1].x}"}, ["${workflow.input.m.k.z[0]}"]]}},
        "escapes": {
            "x": "$${workflow.input.a}",
            "y": "$$${workflow.input.a}",
            "z": "a$${b}c${workflow.input.a}",
            "d": "$",
            "o": "${",
            "c": "}",
            "m": "${workflow.input.a}}",
        },
        "unusual references": {
            "a": "${workflow.input.l.length()}",
            "b": "${workflow.input.l[0,1]}",
            "c": "${workflow.input.m.*}",
            "d": "${workflow.input.m.keys()}",
            "e": "${workflow.input.a.b}",
            "f": "${workflow.input}",
            "g": "${workflow.variables}",
            "h": "${workflow.taskToDomain}",
            "i": "${workflow.priority}",
            "j": "${workflow.ownerApp}",
            "k": "${workflow.tasks}",
            "l": "${workflow.createdBy}",
            "m": "${workflow.idempotencyKey}",
        },
        "system names": {
            "a": "${NETFLIX_STACK}",
            "b": "${NETFLIX_ENV}",
            "c": "${CPEWF_TASK_ID}",
            "d": "x-${CPEWF_TASK_ID}",
        },
        "secrets and environment": {
            "a": "${workflow.secrets.x}",
            "b": "x${workflow.secrets.x}",
            "c": "${workflow.env.x}",
            "d": "x${workflow.env.x}",
        },
        "fixed values": {"i": 1, "f": 1.5, "w": 2.0, "b": True, "n": None, "l": [], "m": {}, "s": ""},
        "unicode": {"x": "ä${workflow.input.b}€ 😀"},
        "spaces in brackets": {
            "x": "${workflow.input['a']}",
            "y": '${workflow.input["b"]}',
            "z": "${workflow['input']['a']}",
        },
    }.items():
        yield case(f"inputs, {name}", simple("a", inputs), defs=DEFS, input=given)
    template = {"a": "templated", "x": {"y": "${workflow.input.a}"}, "n": None}
    for name, parameters in {
        "nothing": {},
        "a null": {"a": None},
        "an expression of null": {"a": "${workflow.input.n}"},
        "its own": {"a": 5, "q": 1},
        "a part": {"x": {"z": 1}},
    }.items():
        yield case(
            f"a task's template and {name}",
            simple("a", parameters),
            defs={"a": {"inputTemplate": template}},
            input=given,
        )
    yield case(
        "a workflow's template and an expression",
        simple("a", {"all": "${workflow.input}"}),
        defs=DEFS,
        input={"q": 1},
        workflow={"inputTemplate": {"x": "${workflow.input.q}", "y": {"z": 1}, "w": "${workflow.workflowId}"}},
    )
    yield case(
        "input and output keys",
        simple("a", {"x": 1, "y": 2}),
        simple("d", {"o": "${a.output}"}),
        defs={**DEFS, "a": {"inputKeys": ["x"], "outputKeys": ["p"]}},
        script={"a": [Action(output={"p": 1, "q": 2})]},
    )
    yield case(
        "workflow input parameters",
        simple("a", {"x": "${workflow.input.a}"}),
        defs=DEFS,
        workflow={"inputParameters": ["a", "zz"]},
    )
    yield case("no inputParameters", {"name": f"{PREFIX}a", "taskReferenceName": "a", "type": "SIMPLE"}, defs=DEFS)
    for name, outputs in {
        "nested": {"x": {"y": ["${a.output.from}", "${b.output.n}"]}},
        "of what never ran": {"x": "${c.output.q}"},
        "of the workflow": {"i": "${workflow.input.a}", "s": "${workflow.status}", "o": "${workflow.output}"},
        "text": {"x": "f=${a.output.from}"},
        "a whole task": {"x": "${a}"},
        "a whole output": {"x": "${a.output}"},
    }.items():
        yield case(
            f"output parameters, {name}", simple("a"), simple("b"), defs=DEFS, workflow={"outputParameters": outputs}
        )
        yield case(
            f"output parameters of a failed one, {name}",
            simple("a"),
            simple("b"),
            defs=DEFS,
            script={"b": [FAIL]},
            workflow={"outputParameters": outputs},
        )
    yield case(
        "variables set twice",
        system("SET_VARIABLE", "s", {"v": 1, "m": {"a": 1}}),
        system("SET_VARIABLE", "s2", {"v": "${workflow.variables.v}x", "m": {"b": 2}, "n": None}),
        simple("a", {"v": "${workflow.variables}"}),
        defs=DEFS,
        workflow={"variables": {"v": 0, "w": 9}},
    )
    yield case(
        "variables and a restart",
        system("SET_VARIABLE", "s", {"v": 1}),
        simple("a", {"v": "${workflow.variables.v}"}),
        defs=DEFS,
        script={"a": [FINAL]},
        workflow={"variables": {"v": 0}},
        steps=[step("restart")],
    )
    yield case(
        "variables and a rerun",
        system("SET_VARIABLE", "s", {"v": "${workflow.variables.v}1"}),
        simple("a", {"v": "${workflow.variables.v}"}),
        defs=DEFS,
        script={"a": [FINAL]},
        workflow={"variables": {"v": 0}},
        steps=[step("rerun", body={})],
    )
