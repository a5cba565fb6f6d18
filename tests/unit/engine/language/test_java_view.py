"""What a script sees of its input: Java's maps and lists, as Conductor's GraalJS shows them.

`java_view.json` holds what Conductor 3.32.1 answered: the input, then an expression with its result or error, one after
the other, asked through INLINE tasks whose `$.v` was that input.
"""

import json
from pathlib import Path

import pytest

from pytest_k1n.engine.language.scripts import ScriptError, Scripts, sees_java

pytest.importorskip("quickjs", reason="the extra scripts is not installed")
INPUT, *ASKED = json.loads(Path(__file__).with_suffix(".json").with_stem("java_view").read_text(encoding="utf-8"))


def evaluated(expression, given=INPUT):
    """Evaluate an expression as an INLINE does; a result as it is in the document of a task."""
    bindings = {"evaluatorType": "javascript", "expression": expression, "v": given, "n": None}
    try:
        return {"result": Scripts().javascript(expression, bindings)}
    except ScriptError as error:
        return {"error": str(error)}


@pytest.mark.parametrize("place", range(0, len(ASKED), 50))
def test_a_script_sees_its_input_as_on_the_server(place):
    answers = {expression: evaluated(expression) for expression, _ in ASKED[place : place + 50]}
    assert answers == dict(ASKED[place : place + 50])


def test_each_answer_was_asked_once_and_most_are_of_what_java_has():
    expressions = [expression for expression, _ in ASKED]
    assert len(set(expressions)) == len(expressions)
    assert sum(sees_java(expression, {"v": INPUT}) for expression in expressions) > 500


@pytest.mark.parametrize(
    "expression",
    ["$.x > 3", "$.loop['iteration'] < 4 && $.x !== 'a'", "($.x === null) ? 'a' : 'b'", "!$.a.b.c", "true"],
)
def test_what_only_compares_is_not_shown_java(expression):
    assert not sees_java(expression, {"x": {}, "a": {"b": {"c": []}}})


@pytest.mark.parametrize("expression", ["$.a == '[]'", "$.a.size() > 1", "$.a + ''", "[...$.a]", "f($.a)", "`${$.a}`"])
def test_whatever_could_tell_is_shown_java_if_there_is_something_of_java(expression):
    assert sees_java(expression, {"a": []})
    assert not sees_java(expression, {"a": 1})


@pytest.mark.parametrize("expression", ["$", "Object.keys($).length", "$.size()", "({...$})", "JSON.stringify($)"])
def test_all_of_the_input_is_javas_whatever_is_in_it(expression):
    assert sees_java(expression, {"a": 1})


def test_a_member_that_is_not_called_is_a_function():
    given = {"list": [1], "map": {"size": 5}}
    assert [evaluated(f"$.v.list.{name}", given) for name in ("size", "isEmpty", "get")] == [{"result": {}}] * 3
    assert evaluated("$.v.map.size", given) == {"result": 5}


@pytest.mark.parametrize(
    ("expression", "size"),
    [
        ("'x'.repeat(9000) + 'y'.repeat(9000)", 18_000),
        ("var s = ''; for (var i = 0; i < 10000; i++) s += 'abc'; s", 30_000),
        ("['x'.repeat(9000) + 'y'.repeat(9000)]", 1),
        ("Array.from({length: 5000}, (_, i) => ({id: i, name: 'item ' + i}))", 5_000),
        ("throw 'x'.repeat(9000) + 'y'", None),
    ],
)
def test_a_long_text_that_was_added_together_comes_out(expression, size):
    answer = evaluated(expression)
    assert list(answer) == ["error" if size is None else "result"]
    assert len(answer["result"]) == size if size else "xxx" in answer["error"]


def test_a_whole_number_too_long_for_javascript_is_handed_on_as_it_was():
    assert evaluated("$.v.id", {"id": 1234567890123456789}) == {"result": 1234567890123456789}
    assert evaluated("({order: $.v.id})", {"id": -9007199254740993}) == {"result": {"order": -9007199254740993}}
    assert evaluated("$.v.ids.map(id => id)", {"ids": [9007199254740993]}) == {"result": [9007199254740993]}
    assert evaluated("$.v.text.length", {"text": "9007199254740993"}) == {"result": 16}


def test_what_a_script_puts_into_its_input_stays_javascripts():
    assert evaluated("$.v.n = {x: 1}; Object.keys($.v.n)", {}) == {"result": ["x"]}
    assert evaluated("$.v.push({q: [1]}); JSON.stringify($.v)", []) == {"result": '[{"q":[1]}]'}
    assert evaluated("$.v.a.putAll($.v.b); Object.keys($.v.a.m).length", {"a": {}, "b": {"m": {}}}) == {"result": 35}


def test_equal_things_of_java_stay_javas_after_they_were_compared():
    assert evaluated("$.v.contains($.v.get(1)); Object.keys($.v.get(0)).length", [{"a": 1}, {"a": 1}]) == {"result": 35}
    assert evaluated("$.v.subList(0, 1).get(0).size()", [{"a": 1}]) == {"result": 1}
