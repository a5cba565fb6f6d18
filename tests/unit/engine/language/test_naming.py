import pytest

from pytest_k1n.engine.language.naming import members, named


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("true", {}),
        ("$.l['iteration'] < 4", {"l": {"iteration"}}),
        ("if ($.l['iteration'] < $.n) { true; } else { false; }", {"l": {"iteration"}, "n": None}),
        ("$['a'].b > 1 && $.a [ \"c\" ] < 2", {"a": {"b", "c"}}),
        ("$.a.b.c + $.a.d[0]", {"a": {"b", "d"}}),
        ("$.a.b; $.a", {"a": None}),
        ("$.a; $.a.b", {"a": None}),
        ("$.l['1'].t.x", {"l": None}),
        ("$.l[$.l.iteration].x", {"l": None}),
        ("Object.keys($.l).length < 3", {"l": None}),
        ("$.l.hasOwnProperty('x')", {"l": None}),
        ("$.l.toString ()", {"l": None}),
        ("$.l.tag`x`", {"l": None}),
        ("for (k in $) { k }", None),
        ("JSON.stringify($)", None),
        ("$[x].y", None),
        ("$?.l.iteration", None),
        ("var {l} = $; l.iteration", None),
        ("`${1}` + $.l.iteration", None),
        ("x$.l.iteration", None),
        ("$$.l", None),
        ("eval('1')", None),
        ("this.$.l", None),
        ("'\\x24'", None),
        ("with ($) { l.iteration }", None),
    ],
)
def test_what_a_script_names(source, names):
    assert named(source) == names


def test_members_of_an_object_that_are_not_there_are_left_out():
    assert members({"a": 1, "b": 2}, frozenset({"a", "c"})) == {"a": 1}
    assert members({"a": 1, "b": 2}, None) == {"a": 1, "b": 2}
    assert members([1, 2], frozenset({"length"})) == [1, 2]
