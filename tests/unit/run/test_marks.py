"""What the `workflow` marks of a test, its class and its module say together."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_k1n.run.marks import WorkflowMark, merged
from pytest_k1n.run.ours import STATIC_MARKERS


def mark(*args: Any, **kwargs: Any) -> pytest.Mark:
    return pytest.mark.workflow.with_args(*args, **kwargs).mark


def test_the_registered_line_is_the_constructors_signature() -> None:
    line = next(each for each in STATIC_MARKERS if each.startswith("workflow("))
    shown = []
    for parameter in inspect.signature(WorkflowMark).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        default = {} if parameter.annotation.startswith("Mapping") else parameter.default
        shown.append(parameter.name if default is parameter.empty else f"{parameter.name}={default!r}")
    assert line.partition(":")[0] == f"workflow({', '.join(shown)})"


def test_keyword_arguments_of_function_class_and_module_merge_and_the_closest_wins() -> None:
    marks = [mark(at_once=3), mark("A", at_once=2, within="30s"), mark("A", within="1h", input={"n": 1})]
    assert merged(marks) == WorkflowMark("A", at_once=3, within="30s", input={"n": 1})


def test_the_name_may_come_from_the_class_alone_or_by_keyword() -> None:
    assert merged([mark(in_a_row=2), mark(name="A")]) == WorkflowMark("A", in_a_row=2)


def test_what_is_said_of_another_workflow_counts_for_nothing() -> None:
    assert merged([mark("B", at_once=2), mark("A", input={"n": 1}), mark("B", within="1s")]) == WorkflowMark(
        "B", at_once=2
    )


@pytest.mark.parametrize(
    ("arguments", "named", "said"),
    [
        (("A", 2), {}, "takes one positional argument, not 2"),
        (("A",), {"name": "B"}, "names two workflows: 'A' and 'B'"),
        ((), {"at_once": 2}, "no mark of the test names a workflow"),
        (("A",), {"atonce": 2}, "atonce"),
        (("A",), {"at_once": 0}, "at_once must be a whole number from 1, not 0"),
        (("A",), {"in_a_row": True}, "in_a_row must be a whole number from 1, not True"),
        (("",), {}, "the workflow's name must be a string, not ''"),
        (("A",), {"input": [1]}, "input must be a mapping, not [1]"),
    ],
)
def test_what_is_no_mark_is_refused(arguments: tuple[Any, ...], named: Mapping[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        merged([mark(*arguments, **named)])
