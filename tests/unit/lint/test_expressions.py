"""Which expressions the server refuses at registration, as 3.32.1 answered for each of these."""

import json

import pytest

from k1n_support.lint_examples import DYNAMIC_FORK, A, reader, task, workflow
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import SourceFile

TAKEN = """
a.output[ | a.output.x[?(@.y)] | a.output.[0] | a.output.x[0]] | a.output.x) | a.output.x.length() | a.output.x-y
a.output.é | a.output..[0] | a.output.x[-1] | a.output.x[1:2] | a.output.x[?(@.y == 'a b')] | a | a.output['a b']
a.output.$x | a.output.* | a.output.x,y | a.output.x\ty | a.output.x['a','b'] | a.output.x[0,1] | a.output.x[ 0 ]
a.output.x[*].y | a.output.x[0]y | a.output.x[?(@.y>1)].z | workflow | workflow.input | a.output.x['']
"""
REFUSED = """
a.output. | a.. | a.output[* | a.output['x' | a.output...x | a.output.x[a] | a.output.x[?(@.y | workflow.input.
a.output.x[] | a.output.x.. | a.output. x | a.output.x[ab | a.output.x[(@.length-1)] | a.output.x[a.b] | a.output.x[-a]
a.output.x['a']. | a.output.x[?(@.a=='b c')].d e | a.output.x [0] | a.output.x[$] | a.output.x[?] | a.output.x[:]
a.output.x['a' 'b'] | .output | $.x | a[0] | a['output'] | a[
"""


def listed(text):
    return [each for line in text.strip("\n").split("\n") for each in line.strip(" ").split(" | ")]


def errors(expression):
    source = SourceFile("w.json", json.dumps(workflow(A, reader("b", "${" + expression + "}"))))
    return [each.code for each in lint([source]).findings if each.level == "error"]


@pytest.mark.parametrize("expression", listed(TAKEN))
def test_what_the_server_takes_is_no_error(expression):
    assert errors(expression) == []


@pytest.mark.parametrize("expression", listed(REFUSED))
def test_what_the_server_refuses_is_one(expression):
    assert errors(expression) in (["malformed-expression"], ["unknown-ref"])


def test_a_branch_of_a_dynamic_fork_is_refused_by_its_own_name_and_read_through_the_join():
    flow = workflow(task("plan"), DYNAMIC_FORK, task("j", "JOIN"), reader("z", "${s1.output.x}"))
    (found,) = [each for each in lint([SourceFile("w.json", json.dumps(flow))]).findings if each.code == "unknown-ref"]
    assert found.level == "error"  # Conductor 3.32.1 answers 400 to it
    assert found.fix == "a branch of the dynamic fork is read through its JOIN: ${j.output.s1}"
    through = workflow(task("plan"), DYNAMIC_FORK, task("j", "JOIN"), reader("z", "${j.output.s1.x}"))
    assert [
        each.code for each in lint([SourceFile("w.json", json.dumps(through))]).findings if each.level == "error"
    ] == []
