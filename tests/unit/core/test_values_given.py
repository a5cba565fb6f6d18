"""Values that the engine's own tasks were given, and gave, on record of a real server."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from k1n_support.mutations.judging import by_record_alone, subject


@pytest.mark.parametrize(
    ("name", "field", "changed", "told"),
    [
        ("switch-case", "input", {"how": "other"}, "how = 'other'"),
        ("do-while-items", "input", {"items": ["x", "y"]}, "_items = ['x', 'y']"),
        ("terminate-task", "output", {"early": False}, "early = True"),
        ("terminate-task", "output", {}, "early = True"),
    ],
)
def test_a_value_that_an_operator_cannot_have_been_given_or_have_given_is_doubted(
    name: str, field: str, changed: Mapping[str, object], told: str
) -> None:
    document = deepcopy(subject(name).document)
    assert not by_record_alone(document, document["status"])
    document[field] = changed
    (found,) = by_record_alone(document, document["status"])
    assert (found.code, found.expected) == ("lineage-broken", told)


def _task(document: dict[str, Any], ref: str) -> dict[str, Any]:
    return next(task for task in document["tasks"] if task["referenceTaskName"] == ref)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (
            "dynamic-task", lambda it: _task(it, "any").update(taskType="other", taskDefName="other"),
            "its type = 'rec_chosen'",
        ),
        ("terminate-task", lambda it: it.update(status="FAILED"), "its status = 'COMPLETED'"),
        ("quality-gates", lambda it: it["output"].update(more=1), "more = None"),
        ("switch-case", lambda it: it["workflowDefinition"].update(outputParameters={"v": "${workflow.variables.x}"})
            or it.update(output={"v": 2}, variables={"x": 1}), "v = 1"),
        ("switch-case", lambda it: it["workflowDefinition"].update(outputParameters={"v": "${workflow.workflowId}"})
            or it.update(output={"v": "other"}), "v = "),
    ],
)  # fmt: skip
def test_what_the_record_says_elsewhere_is_held_against_it(
    name: str, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    document = deepcopy(subject(name).document)
    assert not by_record_alone(document, document["status"])
    change(document)
    found = by_record_alone(document, document["status"])
    assert [each.code for each in found if each.expected.startswith(told)] == ["lineage-broken"]
