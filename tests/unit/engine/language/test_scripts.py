"""What scripts need and may cost.

Without the `scripts` extra a definition is refused by name, not at the task that is reached; a script without an end is
ended, as on the server (the reasons are those of Conductor 3.32.1).
"""

import json
import re

import pytest

from pytest_k1n.engine.language import jqnames, scripts
from pytest_k1n.engine.language.sandbox import SANDBOX
from pytest_k1n.engine.language.scripts import ScriptError, Scripts
from pytest_k1n.engine.rest.router import Routes

HINT = 'pip install "pytest-k1n[scripts]"'


@pytest.fixture
def no_extra(monkeypatch):
    monkeypatch.setattr(scripts, "is_installed", lambda library: False)


def scripted(make):
    condition = "$.loop['iteration'] < 2"
    inputs = {"scriptExpression": "return 1", "expression": "1", "queryExpression": "."}
    return {
        "INLINE": make.of_type("INLINE", "r", inputParameters={**inputs, "evaluatorType": "javascript"}),
        "LAMBDA": make.of_type("LAMBDA", "r", inputParameters=inputs),
        "SWITCH": {**make.switch({"x": [make.simple("a")]}, ref="r"), "evaluatorType": "graaljs", "expression": "'x'"},
        "DECISION": make.of_type(
            "DECISION", "r", caseExpression="'x'", inputParameters={}, decisionCases={"x": [make.simple("a")]}
        ),
        "DO_WHILE": {**make.loop([make.simple("a")], ref="r"), "loopCondition": condition},
        "JSON_JQ_TRANSFORM": make.of_type("JSON_JQ_TRANSFORM", "r", inputParameters=inputs),
    }


KINDS = ("INLINE", "LAMBDA", "SWITCH", "DECISION", "DO_WHILE", "JSON_JQ_TRANSFORM")


def register(bench, definition):
    body = json.dumps([definition]).encode()
    return Routes(bench.engine).handle("PUT", "/api/metadata/workflow", {}, body)


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_is_refused_by_its_tasks_name_where_the_extra_is_missing(bench, make, no_extra, kind):
    refusal = register(bench, make.workflow(scripted(make)[kind]))

    library = "jq" if kind == "JSON_JQ_TRANSFORM" else "JavaScript"
    assert refusal.status == 400
    assert f"task r needs {library}: {HINT}" in refusal.payload["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_with_the_extra_it_is_taken(bench, make, kind):
    assert register(bench, make.workflow(scripted(make)[kind])).status == 200


def test_what_needs_no_library_runs_without_the_extra(bench, make, no_extra):
    execution = bench.run(make.workflow(make.loop([make.simple("a")])), {"items": [1, 2]})
    assert make.statuses(execution)["loop"] == "COMPLETED"


def test_a_script_that_came_past_registration_says_what_to_install(no_extra):
    for evaluate in (Scripts().javascript, Scripts().jq):
        with pytest.raises(ScriptError) as error:
            evaluate("1 + 1", {})
        assert HINT in str(error.value)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scripts, "TIME_LIMIT_S", 0.02)
    return "Script not evaluated within 0.02 seconds, interrupted."


def endless(make, kind):
    """Make a task of a kind whose script has no end."""
    task = scripted(make)[kind]
    inputs = {
        "expression": "while (true) {}",
        "scriptExpression": "while (true) {}",
        "queryExpression": "last(range(1e12))",
    }
    if "expression" in task:
        return task | {"expression": "while (true) {}"}
    if "loopCondition" in task:
        return {key: value for key, value in task.items() if key != "items"} | {"loopCondition": "while (true) {}"}
    if "caseExpression" in task:
        return task | {"caseExpression": "while (true) {}"}
    return task | {"inputParameters": task["inputParameters"] | inputs}


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_without_an_end_fails_its_task_with_the_servers_reason(bench, make, impatient, kind):
    execution = bench.run(make.workflow(endless(make, kind)))
    if kind == "DECISION":  # it leaves no task on the server
        assert (execution.state.status, execution.state.tasks) == ("FAILED", [])
        assert execution.state.reason == "Error while evaluating script: while (true) {}"
        return
    task = execution.document()["tasks"][0]
    status = "FAILED_WITH_TERMINAL_ERROR" if kind == "DO_WHILE" else "FAILED"
    said = f"Unable to evaluate condition while (true) {{}}, exception {impatient}" if kind == "DO_WHILE" else impatient
    assert (execution.document()["status"], task["status"]) == ("FAILED", status)
    assert task["reasonForIncompletion"] == said


def test_time_does_not_pass_while_a_script_runs(bench, make, impatient):
    execution = bench.run(make.workflow(endless(make, "INLINE"))).document()
    assert execution["endTime"] == execution["createTime"]


ENDLESS = [
    "({get a() { while (true) {} }})",
    "try { while (true) {} } catch (e) { 1 }",
    "/(a+)+$/.test('a'.repeat(40) + 'b')",
    "new Array(5e8).join('x')",
    "new Array(4e8).sort()",
    "Array.prototype.join = function () { while (true); }; [1]",
    "throw Object.assign(new Error('x'), {toString() { while (true); }})",
]


@pytest.mark.parametrize("source", ENDLESS)
def test_no_script_gets_round_its_limit(impatient, source):
    with pytest.raises(ScriptError, match="interrupted"):
        Scripts().javascript(source, {})


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
        ("'x'.repeat(30000000)", "the limit is 16 MiB"),
        ("({get a() { throw new Error('g') }})", "^Error: g$"),
    ],
)
def test_a_value_that_cannot_be_read_is_an_error_of_its_script(source, reason):
    with pytest.raises(ScriptError, match=reason):
        Scripts().javascript(source, {})


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
