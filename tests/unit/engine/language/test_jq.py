"""jq programs: their limits, and what they have and say on the server (asked of Conductor 3.32.1)."""

import pytest

from pytest_k1n.engine.language import jqnames, scripts
from pytest_k1n.engine.language.sandbox import SANDBOX
from pytest_k1n.engine.language.scripts import ScriptError, Scripts


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scripts, "TIME_LIMIT_S", 0.02)


@pytest.mark.parametrize("program", ["def f: f; f", "last(range(1e12))", "[range(1e12)]"])
def test_no_jq_program_gets_round_its_limit(impatient, program):
    with pytest.raises(ScriptError, match="interrupted"):
        Scripts().jq(program, {})


def test_a_jq_program_that_wants_too_much_memory_takes_only_its_own_process_with_it():
    with pytest.raises(ScriptError, match="cannot allocate memory"):
        Scripts().jq('("x" * 2000000000) | [range(1)]', {})


@pytest.mark.parametrize(
    ("program", "results"),
    [("range(3)", [0, 1, 2]), ("def twice: . * 2; .a | twice", [42]), ("[limit(2; range(9))]", [[0, 1]])],
)
def test_a_program_that_might_not_end_and_does_is_as_good_as_any(program, results):
    assert Scripts().jq(program, {"a": 21}) == results


def test_what_such_a_program_says_of_itself_is_what_any_says():
    with pytest.raises(ScriptError) as error:
        Scripts().jq('error("no") | range(1)', {})
    assert str(error.value) == "no"


@pytest.mark.parametrize(
    ("program", "results"),
    [
        ("try env catch .", ["Function env/0 does not exist"]),
        ("try input catch .", ["Function input/0 does not exist"]),
        ("try setpath([1]; 1) catch .", ["Function setpath/2 does not exist"]),
        ("try round catch .", ["Function round/0 does not exist"]),
        ("try @base64d catch .", ["Formatting operator @base64d does not exist"]),
        ('@base64d "x"', ["x"]),
        ('"@base64d"', ["@base64d"]),
        ("try $ENV.PATH catch .", ["Undefined variable: $ENV"]),
        ("1 as $ENV | $ENV", [1]),
        ("def env: 1; env", [1]),
        (".env", [None]),
        ("if false then env else 2 end", [2]),
        ("[limit(3; range(10))]", [[0, 1, 2]]),
    ],
)
def test_jq_has_the_functions_that_it_has_on_the_server(program, results):
    assert Scripts().jq(program, {}) == results


@pytest.mark.parametrize(
    ("program", "results"),
    [
        ("[1.0, 1e3, .f, .f + 1]", "[[1.0, 1000.0, 2.0, 3]]"),
        ("[4.5, 4 | floor]", "[[4.0, 4.0]]"),
        ("[.f, (.l | log2)] | map(tostring)", "[['2.0', '3.0']]"),
        ("9223372036854775807", "[9223372036854775807]"),
        ("[nan, -infinite], nan == nan", "[['NaN', '-Infinity'], True]"),
        ('["a" * 0, "a" * 2]', "[[None, 'aa']]"),
        (".m | map_values(select(. > 1))", "[{'b': None, 'a': 2}]"),
        ("[.m, {b: 1, a: 2}] | map(keys_unsorted)", "[[['b', 'a'], ['a', 'b']]]"),
        ('if false then nosuch(1) + $x else "ok" end', "['ok']"),
        ('[limit(-1; 1, 2)], nth(5; 1, 2), ("" | split(","))', "[[1, 2], 2, ['']]"),
        ("[[1, [2], null]] | .[] | @csv", "['1,[2],null']"),
        ("try .f.x catch .", "['Cannot index number with string \"x\"']"),
    ],
)
def test_jq_has_the_values_that_it_has_on_the_server(program, results):
    assert str(Scripts().jq(program, {"f": 2.0, "l": 8, "m": {"b": 1, "a": 2}})) == results


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (".a.b", 'Cannot index number with string "b"'),
        (".a[0]", "Cannot index number with number"),
        (".a[]", "Cannot iterate over number"),
        ("true | length", "boolean has no length"),
        (".a | keys", "keys is not applicable to NUMBER; expected one of [OBJECT, ARRAY]"),
        ("null | reverse", "reverse is not applicable to NULL; expected one of [ARRAY]"),
        ('"x" | ltrimstr(1)', "1st argument to ltrimstr() must be string, got NUMBER"),
        ('"x" | tonumber', 'For input string: "x"'),
        ('"x" | test("(")', "end pattern with unmatched parenthesis"),
        ('[1] + "abcdefghijklm"', 'array ([1]) and string ("abcdefghij...) cannot be added'),
        ("[1] | has({})", "argument 1 of has() must be int for array input"),
        ("nosuch(1; 2)", "Function nosuch/2 does not exist"),
        ("getpath", "Function getpath/0 does not exist"),
        ('"é\\($x)"', "Undefined variable: $x"),
        ("(1 as $x | 2) | $x", "Undefined variable: $x"),
        ("5.7 % 2", "to calculate module, both sides must be a integer"),
        ('0 * "a"', 'number (0) and string ("a") cannot be multiplied'),
        ("{(1): 2}", "Cannot use number (1) as object key"),
    ],
)
def test_jq_complains_in_the_words_of_the_server(program, said):
    with pytest.raises(ScriptError) as error:
        Scripts().jq(program, {"a": 1})
    assert str(error.value) == said


def test_what_libjq_cannot_read_is_told_by_the_lines_of_the_program():
    with pytest.raises(ScriptError, match=r"unexpected ',' at <top-level>, line 2, column 4:\n    1 \+, 2"):
        Scripts().jq(".a |\n1 +, 2", {})
    with pytest.raises(ScriptError, match="unexpected end of file"):
        Scripts().jq("1 +", {})


def test_texts_within_texts_beyond_reason_are_left_to_libjq():
    program = '"\\(' * 600 + "1" + ')"' * 600
    assert Scripts().jq(program, {}) == ["1"]


def test_a_value_that_libjq_does_not_write_is_an_error_of_its_program(monkeypatch):
    monkeypatch.setattr(SANDBOX, "run", lambda *_: (b"v", b"[[<skipped: too deep>]]"))
    with pytest.raises(ScriptError, match="nested too deep"):
        Scripts().jq("reduce range(1000) as $x (1; [.])", {})


@pytest.mark.parametrize("program", ["$ENV", '@text "\\($ENV)"', "[$ENV[]]"])
def test_jq_sees_nothing_of_the_environment(monkeypatch, program):
    monkeypatch.setenv("K1N_SECRET", "hidden")
    try:
        said = str(Scripts().jq(program, {}))
    except ScriptError as error:
        said = str(error)
    assert "hidden" not in said


@pytest.mark.parametrize(
    "program", ['import "a" as $a; .', 'include "/etc/passwd"; .', 'import "/etc/hosts" as $a; $a']
)
def test_jq_reads_no_file(program):
    with pytest.raises(ScriptError, match="Encountered"):
        Scripts().jq(program, {})
    tag, said = SANDBOX.run(b"q", program, "{}", 4)  # and libjq does not, if it is asked
    assert (tag, b"module not found" in said) == (b"e", True)


def test_jq_that_wants_four_gigabytes_does_not_get_them(monkeypatch):
    monkeypatch.setattr(jqnames, "_ABSENT", {})
    with pytest.raises(ScriptError, match="cannot allocate memory"):
        Scripts().jq("[] | setpath([200000000]; 1)", {})
