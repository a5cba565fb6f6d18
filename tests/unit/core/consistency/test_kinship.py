"""Parents and children that are judged together."""

import pytest

from pytest_k1n.core.consistency.kinship import Kin, Tie, disagreements, kin, ties


@pytest.fixture
def parent(build):
    calls = {"subWorkflowId": "the-child", "inputData": {"subWorkflowName": "child"}}
    return build.observation({**build.task("sub", 0, 10, type="SUB_WORKFLOW"), **calls}).execution


def test_a_parent_says_which_execution_it_waited_for(parent):
    assert ties(parent) == (Tie(("sub", 0), parent.workflow_id, "the-child", "child"),)
    assert kin(parent) == Kin(parent.name, None)


@pytest.mark.parametrize(
    ("child", "observed"),
    [
        (Kin("child", "another"), "the-child says that another started it"),
        (Kin("other", None), "the-child is of other"),
        (Kin("child", None), None),
    ],
)
def test_a_child_that_says_something_else_is_doubted(parent, child, observed):
    found = [each.observed for each in disagreements(ties(parent), {"the-child": child})]
    assert found == ([observed] if observed else [])


def test_a_child_of_this_parent_and_one_that_is_not_here_are_taken_at_their_word(parent):
    assert not [*disagreements(ties(parent), {"the-child": Kin("child", parent.workflow_id)})]
    assert not [*disagreements(ties(parent), {})]
