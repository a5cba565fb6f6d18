"""What a newcomer misspells is told with what was meant."""

import pytest


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("bacth2", 'no mark is called bacth2: did you mean "batch2"?'),
        ("not (batch(n=1) or quikest)", "no mark is called quikest: `pytest --markers` lists"),
    ],
)
def test_a_mark_that_nothing_has_is_named_where_it_selects_nothing(project, expression, said):
    project.test("second_chain", "")
    expression = expression if expression.startswith("bacth") else f"batch2 and {expression}"
    outcome = project.run("-q", "-m", expression)
    assert outcome.code == 5
    assert said in outcome.text


def test_nothing_is_said_of_marks_that_there_are(project):
    outcome = project.run("-q", "-m", "batch1 and batch2")
    assert outcome.code == 5
    assert "no mark is called" not in outcome.text


def test_a_batch_that_has_no_such_workflow_is_refused(project):
    source = FIRST.replace("BATCH", "batch1").replace("WORKFLOW", "FIRTS")
    outcome = project.test("first", source).run("-q")
    assert outcome.code == 4
    assert (
        'test_first.py::test_it: marked batch1, but FIRTS is in no batch of k1n.toml: did you mean "FIRST"?; '
        "or leave the mark of the batch out" in outcome.text
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('"FIRTS"', 'DefinitionNotFound: no workflow definition FIRTS: sought in .*: did you mean "FIRST"\\?'),
        ('"workflows/FIRTS.json"', 'cannot be read: No such file or directory: did you mean "workflows/FIRST.json"\\?'),
        ('"FIRST", input="one"', "input: 'one' is no object: write a dict"),
        ('"FIRST", takes={"one": "12"}', "takes: one: '12' is not a duration"),
    ],
)
def test_an_argument_is_told_with_what_was_meant(project, call, said):
    outcome = project.test("own", f"def test_it(conductor):\n    conductor.run({call})\n").run("-q", "test_own.py")
    outcome.result.stdout.re_match_lines([f"E .*{said}"])
    assert "pytest_k1n.plan." not in outcome.text


FIRST = """
import pytest
from pytest_k1n import completed

@pytest.mark.BATCH
@pytest.mark.workflow("WORKFLOW")
def test_it(workflow_execution):
    workflow_execution.expect(completed())
"""
