import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.engine.language import jsonpath
from pytest_k1n.engine.language.pathfilters import FUNCTIONS

DOCUMENT = {"a": [{"b": 1, "c": "x"}, {"b": 2}, {"b": 3, "c": "y"}], "d": {"e": {"b": 9}}, "t": True}
DOCUMENT |= {"n": [1, 2, 3], "o": ["x"], "l": [{"v": ["x", "y"]}, {"v": []}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".a[1].b", 2),
        (".a[0,2].b", [1, 3]),
        (".a[-2:].b", [2, 3]),
        (".a[:-1].b", [1, 2]),
        (".a[1:2:9].b", [2]),
        (".a[-1:2].b", [3, 1, 2]),
        (".a[1:-1].b", []),
        (".a[-9:9].b", [1, 2, 3, 1, 2, 3]),
        ("..b", [1, 2, 3, 9]),
        (".d.*", [{"b": 9}]),
        ("['d']['e'].b", 9),
        (".a[?(@.b >= 2)].b", [2, 3]),
        (".a[?(@.c)].c", ["x", "y"]),
        (".a[?(@.b > 1 && @.c == 'y')].b", [3]),
        (".a[?(@.b == 1 || @.b == 3)].b", [1, 3]),
        (".a[?(!(@.b == 1))].b", [2, 3]),
        (".a[?(@.c =~ /X/i)].b", [1]),
        (".a.length()", 3),
        (".a[*].b.sum()", jsonpath.MISSING),
        (".a[*].length()", [2, 1, 2]),
        (".a[*].b.length()", [None, None, None]),
        (".a[?(@.b == '2')].b", [2]),
        (".a[?(@.b === '2')].b", []),
        (".a[?(@.c == null)].b", [2]),
        (".a[?(@.c != null)].b", [1, 3]),
        (".a[?(@.b IN [1, '3'])].b", [1, 3]),
        ('.a[?(@.c nin ["x"])].b', [2, 3]),
        (".a[?(@.c contains 'x')].b", [1]),
        (".a[?(@.c size 1)].b", [1, 3]),
        (".a[?(@.b =~ /[12]/)].b", [1, 2]),
        (".a[?(@.b subsetof [1])].b", []),
        (".a[?(@.b > 1e0)].b", [2, 3]),
        (".n.sum()", 6.0),
        (".n.avg()", 2.0),
        (".n.max()", 3.0),
        (".n.stddev()", 0.8164965809277263),
        (".n.index(-1)", 3),
        (".n.last()", 3),
        (".o.last()", jsonpath.MISSING),
        (".o.first()", "x"),
        (".o.concat()", "x"),
        (".t[?(@.b)]", jsonpath.MISSING),
        (".l[?(@.v anyof ['x'])]", [{"v": ["x", "y"]}]),
        (".l[?(@.v noneof ['x'])]", [{"v": []}]),
        (".l[?(@.v empty true)]", [{"v": []}]),
        (".l[?('y' in @.v)]", [{"v": ["x", "y"]}]),
        (".nowhere.at.all", jsonpath.MISSING),
        (".a[7]", jsonpath.MISSING),
        (".t", True),
    ],
)
def test_a_path_leads_where_it_says(path, value):
    assert jsonpath.parse(path).read(DOCUMENT) == value


@pytest.mark.parametrize(
    "path",
    [
        ".a[",
        ".a[?(@.b",
        ".a['x",
        ".a[x]",
        ".a[:]",
        ".a[::]",
        ".a[1:x]",
        ".a[+1]",
        ".a.nope(",
        "a",
        ".a[?(@.b =~ /(/)]",
    ],
)
def test_a_path_that_cannot_be_read_says_so(path):
    with pytest.raises(jsonpath.PathError, match=r"\w"):
        jsonpath.parse(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(alphabet=".[]()'?@*ab0:,=<>&|!/ -", max_size=12), JSON)
def test_no_text_makes_reading_fail_with_anything_but_a_path_error(text, document):
    try:
        path = jsonpath.parse(text)
    except jsonpath.PathError:
        return
    path.read(document)


@pytest.mark.parametrize(("text", "found"), [("aaaa", ["aaaa"]), ("aab", [])])
def test_a_pattern_of_two_quantifiers_matches_as_any_other(text, found):
    assert jsonpath.parse(".b[?(@.a =~ /(a+)+$/)].a").read({"b": [{"a": text}]}) == found


def test_a_pattern_that_takes_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(jsonpath, "MATCH_LIMIT_S", 0.1)
    with pytest.raises(jsonpath.PathError, match="takes more than"):
        jsonpath.parse(".b[?(@.a =~ /(a+)+$/)].a").read({"b": [{"a": "a" * 40 + "!"}]})


def test_the_deviation_of_equal_fractions_is_no_number_where_rounding_makes_it_less_than_none():
    assert math.isnan(FUNCTIONS["stddev"]([0.1, 0.1, 0.1]))


@pytest.mark.parametrize(
    "test",
    [
        "@.a=='x' && (@.b || !@.c)", "@.a =~ /a\\/b/i", "@.a =~ 'x'", "@.a[?(@.b==1)]", "@.a==.5", "@.a==1.",
        "@.a=='it\\'s'", "@.foo()>1", "@.a type 'x'", "@.a*2>4", "@.a==$.x", "$.x", "@.a==null", "1==1",
    ],
)  # fmt: skip
def test_a_filter_that_the_server_compiles_is_read(test):
    assert jsonpath.compiles(f"x[?({test})].y", 1)


@pytest.mark.parametrize(
    "test",
    [
        "", "true", "1", "'x'", "a>1", "@.a=1", "@.a<>1", "@.a and @.b", "@.a>1 && ", "&& @.a", "@.a ~ 1", "@.a > ",
        "@.a =~ /x", "@.a/2==1", "@.a==x", "not @.a", "@.a==True",
    ],
)  # fmt: skip
def test_a_filter_that_the_server_refuses_is_not(test):
    assert not jsonpath.compiles(f"x[?({test})].y", 1)


def test_the_whole_is_there_in_a_filter():
    whole = {"w": {"l": [{"a": 1}, {"a": 2}], "m": 2}}
    path = jsonpath.parse("[?(@.a==$.w.m)].a")

    assert path.read(whole["w"]["l"], whole) == [2]
    assert jsonpath.parse(".l[?(@.a<$.m)].a").read(whole["w"]) == [1]


@pytest.mark.parametrize(("path", "found"), [(".n.nope()", None), (".n.append(5)", None), (".n.sum().x", 3.0)])
def test_functions_that_there_are_not_lead_nowhere_and_nothing_follows_one(path, found):
    value = jsonpath.parse(path).read({"n": [1, 2]})
    assert (None if value is jsonpath.MISSING else value) == found
