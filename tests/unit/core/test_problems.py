"""Every defect of a definition is said in one readable sentence."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core import wire
from pytest_k1n.core.problems import problems
from pytest_k1n.core.references import references

WORKFLOWS = sorted((Path(__file__).parents[3] / "fixtures" / "workflows").glob("*.json"))


def test_a_sound_definition_has_none(define):
    assert problems(define.workflow("a", define.fork("f", "b", "c"), define.join("j", "b", "c"))) == ()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_shipped_definitions_have_none(path):
    assert problems(wire.workflow_definition(json.loads(path.read_text()))) == ()


def test_no_tasks(define):
    assert problems(define.workflow()) == ("the workflow has no tasks",)


def test_duplicate_references(define):
    (found,) = problems(define.workflow("a", define.switch("s", {"x": "a"})))
    assert found == "a is the name of 2 tasks: reference names must be unique"


def test_a_reserved_suffix(define):
    (found,) = problems(define.workflow("a__1"))
    assert "a__1 contains '__'" in found


def test_a_fork_without_a_join(define):
    lone, followed = problems(define.workflow(define.fork("f", "a"), "b", define.fork("g", "c")))
    assert lone == (
        "fork f has no JOIN right after it (it is followed by b (SIMPLE)): the server fails such an execution"
    )
    assert "it is the last of its list" in followed


def test_a_join_on_nothing_that_exists_suggests_what_was_meant(define):
    (found,) = problems(define.workflow(define.fork("f", "task_5"), define.join("j", "task_6")))
    assert found == "j waits for 'task_6', which no task is called; did you mean task_5?"


def test_a_join_on_a_later_task_is_cyclic(define):
    (found,) = problems(define.workflow(define.fork("f", "a"), define.join("j", "a", "z"), "z"))
    assert found == "j waits for z, which only starts after j: neither can ever end"


def test_a_join_on_itself(define):
    (found,) = problems(define.workflow(define.fork("f", "a"), define.join("j", "a", "j")))
    assert found == "j waits for itself"


def test_a_join_across_the_border_of_a_loop(define):
    (found,) = problems(define.workflow(define.fork("f", define.loop("l", "w")), define.join("j", "w")))
    assert found == "j waits for w across the border of a loop, where w has another name"


def test_what_follows_a_terminate(define):
    (found,) = problems(define.workflow(define.terminate("t"), "a"))
    assert found == "a can never run: it follows t, which ends the execution"


def test_empty_operators(define):
    assert problems(
        define.workflow(
            define.fork("f"), define.join("j"), define.fork("g", []), define.join("k"), define.switch("s", {}),
            define.loop("l"),
        )
    ) == (
        "fork f has no branches",
        "branch 0 of fork g is empty",
        "switch s has neither cases nor a default case",
        "loop l has no tasks to repeat",
    )  # fmt: skip


def test_a_loop_in_a_loop(define):
    (found,) = problems(define.workflow(define.loop("outer", define.loop("inner", "w"))))
    assert "loop inner sits in loop outer" in found


def test_an_expression_that_names_no_task(define):
    reader = define.task("task_7", inputs={"from": {"list": ["x", "${task_66.output.x}"]}})
    (found,) = problems(define.workflow("task_6", reader))
    assert found == (
        "task_7 reads ${task_66.output.x} (from.list[1]), but no task is called that; did you mean task_6?"
    )


def test_an_expression_of_the_output_that_names_no_task(define):
    (found,) = problems(define.workflow("a", output_parameters={"result": "${b.output}"}))
    assert found.startswith("the workflow's output reads ${b.output} (result), but no task is called that")


def test_an_expression_that_reads_what_has_not_run(define):
    (found,) = problems(define.workflow(define.task("a", inputs={"x": "${b.output.y}"}), "b"))
    assert found == "a reads ${b.output.y} (x) before b has run"


def test_what_expressions_may_read(define):
    reader = define.task(
        "b",
        inputs={
            "workflow": "${workflow.input.x}", "id": "${CPEWF_TASK_ID}", "escaped": "$${not.an.expression}",
            "of a task": "${a.output['x']}", "of itself": "${b.retryCount}", "nothing": "${}",
        },
    )  # fmt: skip
    assert problems(define.workflow("a", reader)) == ()


def test_a_loop_body_may_read_its_last_iteration(define):
    assert problems(define.workflow(define.loop("l", define.task("a", inputs={"x": "${b.output}"}), "b"))) == ()


def test_references_name_reader_source_and_place_also_when_nested(define):
    found = references(define.workflow("a", define.task("b", inputs={"x": "v ${a.output.${workflow.input.k}} w"})))
    assert [(each.consumer, each.source, each.expression, each.where) for each in found] == [
        ("b", "a", "${a.output.${workflow.input.k}}", "x"),
        ("b", "workflow", "${workflow.input.k}", "x"),
    ]
