"""Scripts, definitions and executions from grammars with bombs in them, one seed a case: nothing hangs, nothing breaks.

Short in every run; `make fuzz` takes 3,000 scripts, 1,000 malformed definitions and 500 malformed executions.
"""

import json
import os
import random
import resource
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from pytest_k1n.core.http import HttpRequest
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.language.scripts import ScriptError, Scripts
from pytest_k1n.engine.rest.transport import InProcessTransport

LONG = bool(os.environ.get("K1N_LONG"))
SCRIPTS, DEFINITIONS, EXECUTIONS = (3000, 1000, 500) if LONG else (150, 60, 40)
SEED = int(os.environ.get("K1N_FUZZ_SEED", "14"))
LIMIT_S = 0.05
"""Of CPU time a script: most bombs take all of it."""

JS_ATOMS = (
    "1", "-0", "NaN", "1/0", "10n**200n", "'x'", "'\\ud800'", "null", "undefined", "$", "$.a", "$.nothing.more", "[]",
    "({})", "Symbol('s')", "new Date()", "/a+/", "function f() {}", "new Map([[1, $]])", "new Proxy($, {})", "`${1}`",
    "globalThis", "Math.random", "Promise.resolve()", "new Error('e')", "import('fs')", "this", "(() => {})",
)  # fmt: skip
JS_BOMBS = (
    "while (true);", "for (;;) { try { throw 1 } catch (e) {} }", "throw {toString() { while (true); }}",
    "throw Object.assign(new Error('x'), {toString() { while (true); }})", "({get a() { while (true); }})",
    "new Array(4e8).fill(1)", "'x'.repeat(5e8)", "var a = []; while (true) a.push(a.length + 'x'.repeat(1e5))",
    "(function f() { f() })()", "/(a+)+$/.test('a'.repeat(60) + 'b')", "var a = {}; a.a = a; a",
    "new Array(5e8).join('x')",
    "var a = {}; for (var i = 0; i < 1e5; i++) a = {a}; a", "eval('while (true);')", "JSON.parse = null; ({})",
    "Object.prototype.toJSON = () => { while (true); }; ({})", "Array.prototype.push = () => { while (true); }; [[1]]",
    "function* g() { while (true) yield 1 }; [...g()]", "new Function('while (true);')()", "delete globalThis.$; $",
    "Object.defineProperty(globalThis, '$', {get() { while (true); }}); $", "'a'.padEnd(1e9)", "[...Array(1e7).keys()]",
    "Error.prototype.toString = () => { while (true); }; null.x", "new BigUint64Array(1e9)", "1" + "+1" * 20_000,
    "[" * 3000 + "]" * 3000, "\u2028", "'", "/*", "`${", "(", "\0",
)  # fmt: skip
JQ_ATOMS = (
    ".", ".a", ".a[0]", ".[]?", "[.]", "{}", "null", "1", '"x"', "empty", "keys", "length", "tostring", "tojson", "not",
    "add", "env", "$ENV", "input", "inputs", "debug", "now", "error", "nan", "infinite", "..", "halt", "input_filename",
    'import "a" as $a; .', 'include "a"; .', '"\\(.)"', "@base64", "@sh", "getpath([])", "$__loc__", "limit(3; .[]?)",
)  # fmt: skip
JQ_BOMBS = (
    "[range(1e12)]", "def f: f; f", "def f: [f]; f", "def f(g): f(f(g)); f(.)", "last(range(1e12))", "[recurse([.])]",
    '"x" * 1e9', "[] | .[200000000] = 1", "reduce range(1e9) as $i (0; . + 1)", "reduce range(1e5) as $i (null; [.])",
    "[while(true; . )]", "until(false; .)", '("a" * 60) + "b" | test("(a+)+$")', "[range(0; 1; 0)]", "..|=[.]",
    "[limit(1e9; range(1e9))] | add", "path(..)", "[" * 5000, '"', "(", "{a:", "\0", "1e1000000",
)  # fmt: skip


def javascript(dice):
    """Put a script together; every third holds a bomb."""
    part = dice.choice(JS_BOMBS) if dice.random() < 0.33 else dice.choice(JS_ATOMS)
    shape = dice.choice(
        ["{}", "[{}]", "({{a: {}}})", "(function () {{ {} }})()", "try {{ {} }} catch (e) {{ e }}", "throw {}"]
    )
    return shape.format(part)


def jq(dice):
    part = dice.choice(JQ_BOMBS) if dice.random() < 0.33 else dice.choice(JQ_ATOMS)
    return dice.choice(["{}", "[{}]", "{} | {}", "try ({}) catch .", "({}) as $x | $x", "{}, {}"]).format(part, part)


def evaluate_many(language):
    """Evaluate scripts of the seed, and return the most memory in KiB that a process which evaluated them has had."""
    scripts.TIME_LIMIT_S = LIMIT_S
    dice = random.Random(f"{SEED}/{language}")
    evaluator = Scripts()
    evaluate, make = (evaluator.javascript, javascript) if language == "javascript" else (evaluator.jq, jq)
    for _ in range(SCRIPTS // 2):
        source = make(dice)
        with suppress(ScriptError):
            json.dumps(evaluate(source, {"a": [1, {"b": "x"}], "n": None}))
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@pytest.mark.parametrize("language", ["javascript", "jq"])
def test_any_script_has_a_value_or_a_reason(language):
    """In a process of its own: what the children of other tests have had would count too."""
    program = f"import runpy; print(runpy.run_path({__file__!r})['evaluate_many']({language!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 600 * 1024  # what one child may have


def spoilt(dice, document):
    """Break a document somewhere: another kind of value, a missing field, a huge or strange one."""
    broken = json.loads(json.dumps(document))
    places = [(broken, key) for key in broken]
    for parent, key in places:
        inner = parent[key]
        if isinstance(inner, dict | list):
            places += [(inner, each) for each in (inner if isinstance(inner, dict) else range(len(inner)))]
    for _ in range(dice.randint(1, 3)):
        parent, key = dice.choice(places)
        if dice.random() < 0.2 and isinstance(parent, dict):
            parent.pop(key, None)
        elif isinstance(parent, dict) or key < len(parent):
            parent[key] = dice.choice(STRANGE)()
    return broken


def nested(depth):
    task = {"name": "n", "taskReferenceName": "n", "type": "NOOP"}
    for number in range(depth):
        task = {
            "name": "s", "taskReferenceName": f"s{number}", "type": "SWITCH", "evaluatorType": "value-param",
            "expression": "x", "inputParameters": {"x": "1"}, "decisionCases": {"1": [task]},
        }  # fmt: skip
    return task


def lists(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


STRANGE = (
    lambda: None, lambda: "", lambda: -1, lambda: 2**80, lambda: 1.5, lambda: True, dict, list, lambda: "${" * 3000,
    lambda: "${" * 300 + "}" * 300, lambda: "${workflow.input}", lambda: "\ud800", lambda: "x" * 100_000,
    lambda: float("nan"), lambda: float("inf"), lambda: lists(140), lambda: lists(600), lambda: nested(40),
    lambda: nested(90), lambda: "\0", lambda: {"": {"": ""}}, lambda: "while (true);", lambda: [None] * 50,
    lambda: "${a.output['" + "x" * 1000 + "']}", lambda: "$.a[?(@.b)]", lambda: {"$ref": "#"}, lambda: "JOIN",
)  # fmt: skip
DEFINITION = {
    "name": "fuzzed", "version": 1, "ownerEmail": "a@b.c", "timeoutSeconds": 0, "inputTemplate": {"v": 1},
    "outputParameters": {"o": "${a.output.x}"},
    "tasks": [
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [
            [{"name": "a", "taskReferenceName": "a", "type": "INLINE", "inputParameters":
                {"evaluatorType": "javascript", "expression": "({x: $.v})", "v": "${workflow.input.v}"}}],
            [{"name": "b", "taskReferenceName": "b", "type": "SET_VARIABLE", "inputParameters": {"y": 1}}]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]},
        {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopCondition": "$.l['iteration'] < 2",
         "loopOver": [{"name": "q", "taskReferenceName": "q", "type": "JSON_JQ_TRANSFORM", "inputParameters":
                {"queryExpression": ".v", "v": "${a.output}"}}]},
        {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param", "expression": "x",
         "inputParameters": {"x": "${workflow.variables.y}"}, "decisionCases": {"1": [
             {"name": "t", "taskReferenceName": "t", "type": "TERMINATE", "inputParameters":
                 {"terminationStatus": "COMPLETED", "workflowOutput": {"z": "${l.output}"}}}]}},
    ],
}  # fmt: skip


def bytes_of(document):
    """Write a document as no client should; one that Python cannot write is none."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def test_a_malformed_definition_or_start_breaks_nothing_and_holds_up_nobody(serve):
    dice = random.Random(SEED)
    with serve("--most-at-once", "200") as served:
        ended = threading.Event()
        asked = []

        def watch():
            with_health = served.ask
            while not ended.wait(0.05):
                asked.append(with_health("GET", "/health")[0])

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for _ in range(DEFINITIONS):
                judged(served, "PUT", "/api/metadata/workflow", [spoilt(dice, DEFINITION)])
            for _ in range(EXECUTIONS):
                start = {"name": "inline", "version": 1, "input": {"v": 1}, "workflowDef": spoilt(dice, DEFINITION)}
                judged(served, "POST", "/api/workflow", start if dice.random() < 0.7 else spoilt(dice, start))
        finally:
            ended.set()
            watcher.join()
        assert set(asked) == {200}
        assert served.client.version()
        code, said = served.end()
    assert (code, said) == (0, "")  # not one traceback


def judged(served, method, path, document):
    """Ask, and look at the answer: JSON by the standard, a reason where it is refused, never a defect."""
    request = HttpRequest(method, path, body=bytes_of(document), timeout_s=60)
    answer = served.transport.send(request)
    assert answer.status in (200, 400, 404, 409, 500)
    if answer.content_type.startswith("application/json"):
        problem = json.loads(answer.body, parse_constant=pytest.fail)
        assert "embedded engine failed" not in str(problem)
    elif answer.status == 200:
        found = served.transport.send(HttpRequest("GET", f"/api/workflow/{answer.body.decode()}"))
        json.loads(found.body, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("task", "statuses"),
    [
        (nested(200), {400}),
        (nested(40), {200}),
        ({**DEFINITION["tasks"][0], "inputParameters": {"x": "${" * 3000}}, {200}),
    ],
)
def test_what_cannot_be_walked_is_refused_before_anything_is_stored(task, statuses):
    transport = InProcessTransport(Engine())
    definition = {**DEFINITION, "tasks": [task]}
    for method, path, document in (
        ("PUT", "/api/metadata/workflow", [definition]),
        ("POST", "/api/workflow", {"name": "fuzzed", "workflowDef": definition}),
    ):
        answer = transport.send(HttpRequest(method, path, body=bytes_of(document)))
        assert answer.status in statuses
        assert (answer.status == 200) == bool(
            transport.engine.executions or transport.engine.catalogue.workflow_documents
        )


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("name", "TaskDef name cannot be null"), ("taskReferenceName", "WorkflowTask.getTaskReferenceName()")],
)
def test_a_nameless_task_in_a_loop_is_registered_and_cannot_be_started_as_on_the_server(missing, reason):
    inner = {name: value for name, value in nested(0).items() if name != missing}
    loop = {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopCondition": "false", "loopOver": [inner]}
    transport = InProcessTransport(Engine())
    body = bytes_of([{**DEFINITION, "tasks": [loop]}])
    assert transport.send(HttpRequest("PUT", "/api/metadata/workflow", body=body)).status == 200
    answer = transport.send(HttpRequest("POST", "/api/workflow/fuzzed", body=b"{}"))
    assert (answer.status, reason in json.loads(answer.body)["message"]) == (500, True)
    assert not transport.engine.executions
