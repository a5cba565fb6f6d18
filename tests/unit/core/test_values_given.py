"""Values that the engine's own tasks were given, and gave, on record of a real server."""

from collections.abc import Mapping
from copy import deepcopy

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
