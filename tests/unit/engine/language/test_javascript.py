"""JavaScript: what a value and an error of a script are on the server (asked of Conductor 3.32.1)."""

import re

import pytest

from pytest_k1n.engine.language.scripts import ScriptError, Scripts


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("(function () {})", {}), ("[1, undefined]", [1, None]), ("undefined", None), ("Symbol('x')", {}),
        ("new Date(0)", {}), ("/a/", {}), ("new Set([1])", {}), ("new Map([['k', {z: 1}]])", {"k": {"z": 1}}),
        ("Promise.resolve(1)", {}), ("new Error('x')", {}), ("({toJSON() { return 5 }})", {"toJSON": {}}),
        ("new Uint8Array([1, 2])", [1, 2]), ("new String('boxed')", "boxed"), ("Object.create({inherited: 1})", {}),
        ("Object.assign(function () {}, {p: 1})", {"p": 1}), ("new (class { x = 1; get y() { return 2 } })", {"x": 1}),
        ("NaN", "NaN"), ("({a: [1 / 0, -1 / 0]})", {"a": ["Infinity", "-Infinity"]}), ("10n", 10), ("10n ** 30n", {}),
        ("2 ** 53", 9007199254740992), ("-(2 ** 63)", -(2**63)), ("'\\ud800'", "?"), ("[1,,3]", [1, None, 3]),
    ],
)  # fmt: skip
def test_a_value_is_read_as_the_server_reads_it(source, result):
    read = Scripts().javascript(source, {})
    assert (type(read), read) == (type(result), result)


@pytest.mark.parametrize(("source", "text"), [("1e21", "1e+21"), ("2 ** 63", "9.223372036854776e+18"), ("-0", "-0.0")])
def test_a_number_that_java_has_no_whole_type_for_stays_one_with_a_point(source, text):
    assert repr(Scripts().javascript(source, {})) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("throw 'boo'", "`boo` at line 1"), ("throw 42", "`42` at line 1"), ("throw null", "`null` at line 1"),
        ("throw {a: 1}", "`Error` at line 1"), ("throw [1, 2]", "`Array` at line 1"),
        ("throw function f() {}", "`f` at line 1"), ("throw Symbol('s')", "`Symbol(s)` at line 1"),
        ("throw 10n", "`10n` at line 1"), ("throw {toString() { while (true); }}", "`Error` at line 1"),
        ("throw new Error('bad')", "`Error: bad`"),
        ("class E extends Error { constructor(m) { super(m); this.name = 'Mine' } }; throw new E('x')", "`Mine: x`"),
        ("\n\nnowhere.x", "`ReferenceError: nowhere is not defined` at line 3"),
        ("(function f() { f() })()", "`RangeError: Maximum call stack size exceeded` at line 1"),
        ("load('/etc/passwd')", "`ReferenceError: load is not defined` at line 1"),
    ],
)  # fmt: skip
def test_an_error_reads_as_on_the_server(source, reason):
    with pytest.raises(ScriptError) as error:
        Scripts().javascript(source, {})
    assert str(error.value) == f"Error evaluating the script {reason}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("var a = {}; a.a = a; a", "holds itself"),
        ("var a = {}; for (var i = 0; i < 3000; i++) a = {a: a}; a", "nested more than 150 deep"),
        ("'x'.repeat(17000000)", "the limit is 16 MiB"),
        ("({get a() { throw new Error('g') }})", "^Error: g$"),
    ],
)
def test_a_value_that_cannot_be_read_is_an_error_of_its_script(source, reason):
    with pytest.raises(ScriptError, match=reason):
        Scripts().javascript(source, {})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("$.x.y.z", "TypeError: Cannot read property 'z' of undefined"),
        ("$.q.r = 2", "TypeError: Cannot set property 'r' of undefined"),
        ("const q = 1; q = 2", 'TypeError: Assignment to constant "q"'),
        ("new Array(-1)", "RangeError: Invalid array length"),
    ],
)
def test_what_the_script_engine_complains_about_is_said_in_the_servers_words(source, said):
    """Asked of 3.32.1."""
    with pytest.raises(ScriptError, match=re.escape(f"`{said}` at line 1")):
        Scripts().javascript(source, {"x": {}})
