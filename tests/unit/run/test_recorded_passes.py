"""What counts as the whole of a batch."""

import pytest

from pytest_k1n.coordination.collection import Collection, Item, Launch
from pytest_k1n.core.plan import Batch, Template
from pytest_k1n.run.recorded_passes import is_whole

TEMPLATES = tuple(Template(id=name, slug=name, workflow=name, batch=1) for name in ("A", "B"))
BATCH = Batch(number=1, templates=TEMPLATES)


def collection(*node_ids, workflows=("A", "B"), collected=None):
    return Collection(
        items=tuple(Item(node_id=node_id, batch=1) for node_id in node_ids),
        launches=tuple(Launch(key=name, workflow=name, batch=1) for name in workflows),
        collected={"1": len(node_ids) if collected is None else collected},
    )


@pytest.mark.parametrize(
    ("found", "known", "is_named", "whole"),
    [
        (collection("a.py::x", "b.py::y"), [], False, True),
        (collection("a.py::x", "b.py::y", collected=3), [], False, False),
        (collection("a.py::x", "b.py::y"), [], True, False),
        (collection("a.py::x", workflows=["A"]), [], False, False),
        (collection("a.py::x", "b.py::y"), ["a.py::old", "b.py::y"], False, True),
        (collection("a.py::x", "b.py::y"), ["a.py::x", "b.py::y", "side_by_side.py::z"], False, False),
    ],
    ids=["all", "some deselected", "picked by name", "a workflow not launched", "a test renamed", "a module left out"],
)
def test_only_all_that_a_batch_has_is_the_whole(found, known, is_named, whole):
    assert is_whole(BATCH, found, known, is_named=is_named) is whole
