"""A value that the server cannot read hides nothing else: the other checks run on what is left."""

import copy
import json

import pytest

from k1n_support.examples import spread
from k1n_support.lint_examples import EXAMPLES, B, definition, fork, join, reader, task, workflow
from pytest_k1n.lint.check_selection import Selection
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.misfits import Sound, Unread, without
from pytest_k1n.lint.source_file import SourceFile

BESIDE = task("k1n_beside")


def found(document, release="3.32.1"):
    report = lint([SourceFile("file.json", json.dumps(document))], Selection(conductor=release))
    return {(each.code, each.ref, each.message) for each in report.findings}


def codes(document):
    return sorted(code for code, *_ in found(document))


def pairs():
    """Yield each example of a code with another task in it, sound or with a retryCount that is no number."""
    for code, both in EXAMPLES.items():
        for document in both.bad:
            documents = document if isinstance(document, list) else [document]
            for place, each in enumerate(documents):
                if not isinstance(each, dict) or code == "duplicate-definition":
                    continue
                sound, misfit = copy.deepcopy(documents), copy.deepcopy(documents)
                if isinstance(each.get("tasks"), list):
                    sound[place]["tasks"].append(BESIDE)
                    misfit[place]["tasks"].append({**BESIDE, "retryCount": "many"})
                elif "retryCount" in each:
                    misfit[place]["description"] = {"no": "text"}
                else:
                    continue
                yield code, sound, misfit


def test_no_check_is_hidden_beside_a_value_that_cannot_be_read():
    every, hidden, made_up = list(pairs()), set(), set()
    for code, sound, misfit in spread(every):
        release = "3.15.0" if code.startswith("newer-") else "3.32.1"
        alone, beside = found(sound, release), found(misfit, release)
        hidden |= {(code, *each) for each in alone - beside}
        made_up |= {(code, *each) for each in beside - alone if each[0] != "wrong-type"}
    assert (hidden, made_up) == (set(), set())
    assert len(every) > 400


def test_an_inline_definition_hides_nothing_of_the_one_around_it():
    inline = {"name": "lint_in", "version": 1, "tasks": [{**B, "retryCount": "many"}]}
    sub = task("c", "SUB_WORKFLOW", subWorkflowParam={"name": "lint_in", "workflowDefinition": inline})
    assert codes(workflow(sub, reader("r", "${nobody.output.x}"))) == ["unknown-ref", "wrong-type"]


@pytest.mark.parametrize(
    "misfit",
    [
        workflow(fork([task("a")], [task("b")]), join(), reader("r", "${b.output.x}")),
        workflow(fork([task("a")], [task("b")]), join("a", "b"), reader("r", "${b.output.x}")),
    ],
    ids=["joinOn", "a task"],
)
def test_without_what_the_order_rests_on_nothing_is_said_of_it(misfit):
    if misfit["tasks"][1]["joinOn"]:
        misfit["tasks"][0]["forkTasks"].append([7])
    else:
        misfit["tasks"][1]["joinOn"] = {"b": 1}
    assert "wrong-type" in codes(misfit)
    assert "read-in-parallel" not in codes(misfit)


@pytest.mark.parametrize(
    ("field", "value"), [("timeoutSeconds", "long"), ("responseTimeoutSeconds", []), ("retryLogic", "SOMETIMES")]
)
def test_a_check_has_nothing_to_say_of_what_cannot_be_read(field, value):
    document = definition(**{field: value})
    assert codes([document]) == ["wrong-type"]


def test_what_is_left_out_is_told_to_who_asks_for_it():
    sound = Sound({"a": 1, "b": 2}, ["b"])
    assert (sound["a"], sound.get("c", 3)) == (1, 3)
    for ask in (sound.__getitem__, sound.get):
        with pytest.raises(Unread):
            ask("b")


def test_in_a_list_something_empty_takes_the_place():
    fields = {"tasks": [7, {"forkTasks": [7, [7]]}], "x": 1}
    places = [("tasks", 0), ("tasks", 1, "forkTasks", 0), ("tasks", 1, "forkTasks", 1, 0), ("x",)]
    assert without(fields, places) == {"tasks": [{}, {"forkTasks": [[], [{}]]}]}
    assert fields["tasks"][0] == 7
