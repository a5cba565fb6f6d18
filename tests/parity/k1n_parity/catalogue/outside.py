"""What a REST client sees of executions that end early, of requests half right, and of inputs that are null."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import case, definitions, fork, simple, step, system
from pytest_k1n.conformance.cases import Action, Case, Document
from pytest_k1n.conformance.stub import STUB

DEFS = definitions("ab")
_SEEN: Document = {"of": "${workflow.output}", "was": "${workflow.status}", "from": "${a.output.from}"}


def outside() -> Iterator[Case]:
    yield from _outputs()
    yield from _lists()
    yield from _inputs()
    yield from _calls()
    yield from _paths()


def _outputs() -> Iterator[Case]:
    """Yield executions whose output shows itself: how often it was resolved depends on what ended them."""
    seen = {"outputParameters": _SEEN}
    name = "output in an output"
    for when, after in (("at once", -1), ("later", 0)):
        stopped = step("terminate", after=after)
        yield case(f"{name}, terminated {when}", simple("a"), simple("b"), defs=DEFS, workflow=seen, steps=[stopped])
    fails = {"a": [Action(status="FAILED", reason="no")]}
    yield case(f"{name}, failed", simple("a"), defs=DEFS, script=fails, workflow=seen)
    yield case(f"{name}, failed with permission", simple("a", permissive=True), defs=DEFS, script=fails, workflow=seen)
    unnamed = system("DYNAMIC", "d", {"zeta": 1, "alpha": 2, "mid": {"z": 1, "a": 2}}, dynamicTaskNameParam="x")
    yield case(f"{name}, nothing scheduled", unnamed, workflow=seen)
    yield case(f"{name}, nothing but a NOOP scheduled", system("NOOP", "n"), unnamed, workflow=seen)
    both = fork([simple("a")], [simple("b")])
    yield case(f"{name}, a branch failed", *both, defs=DEFS, script=fails, workflow=seen)


def _lists() -> Iterator[Case]:
    statuses = ["completed", "Scheduled", "nonsense", "completed,scheduled"]
    listed = [step("list tasks", after=0, status=status) for status in statuses]
    yield case("list tasks, statuses in lower case", simple("a"), simple("b"), defs=DEFS, steps=listed)
    for kept in ("true", "false"):
        gone = [
            step("DELETE /workflow/{id}/terminate-remove", after=0, archiveWorkflow=kept),
            step("GET /workflow/search", after=0, query="workflowId = {id}"),
            step("get", after=0),
        ]
        yield case(f"terminate-remove, archived: {kept}", simple("a"), simple("b"), defs=DEFS, steps=gone)


def _inputs() -> Iterator[Case]:
    wrong: Document = {"a number": 5, "an object": {"a": 1}, "one in a list": ["1"], "a truth": True}
    for name, value in wrong.items():
        yield case(f"INLINE, {name} for an expression", system("INLINE", "i", {"expression": value}))
        yield case(
            f"INLINE, {name} for an evaluator", system("INLINE", "i", {"expression": "1", "evaluatorType": value})
        )
    for name, value in {"a list": "${workflow.input.list}", "all of the input": "${workflow.input}"}.items():
        yield case(f"INLINE, {name} for an expression", system("INLINE", "i", {"expression": value}))
        ended = {"terminationStatus": "FAILED", "terminationReason": value}
        yield case(f"TERMINATE, {name} for a reason", system("TERMINATE", "end", ended))
    asked: dict[str, Document] = {
        "an empty name": {"name": ""},
        "a blank name": {"name": " "},
        "an empty name, too high a priority": {"name": "", "priority": 200},
        "a version that is none": {"name": "x", "version": "first"},
        "an input that is none": {"name": "x", "input": [1]},
        "a domain that is none": {"name": "x", "taskToDomain": {"a": {}}},
        "a task that is none": {"name": "x", "workflowDef": {"name": "y", "tasks": [{"optional": "maybe"}]}},
    }  # fmt: skip
    for name, request in asked.items():
        yield case(f"START_WORKFLOW, {name}", system("START_WORKFLOW", "s", {"startWorkflow": request}))


def _calls() -> Iterator[Case]:
    requests: dict[str, Document] = {
        "a header that leads nowhere": {"headers": {"X-Case": "${workflow.input.nothing}", "X-Other": "1"}},
        "a charset": {"contentType": "application/json; charset=utf-8"},
        "a timeout of 0": {"readTimeOut": 0},
    }
    for name, fields in requests.items():
        asked = {"uri": f"{STUB}/asked", "method": "GET", **fields}
        yield case(f"HTTP, {name}", system("HTTP", "h", {"http_request": asked}))


def _paths() -> Iterator[Case]:
    """Yield tasks whose inputs ask for what JSONPath can do beyond a key: filters, functions, lists in texts."""
    given: Document = {
        "items": [{"n": "a", "p": 5}, {"n": "b", "p": 15}, {"n": "c", "p": 25, "t": ["x"]}],
        "kinds": ["5", 5, 5.0, "5.0", "true", True, None],
        "lists": [{"t": ["x", "y"]}, {"t": []}, {"t": "xyz"}, {"t": {"k": 1}}, {"t": None}, {}, {"t": 5}],
        "deep": [{"a": {"b": 1}}, {"a": None}, {"a": 5}, {}],
        "words": [{"w": "apple"}, {"w": "Pear"}, {"w": 12}, {"w": True}],
        "numbers": [10, 20, 30], "one": [7], "none": [], "text": "t", "texts": ["a/b", 'c"d', "\u00e9\u2028", "x\ny"],
    }  # fmt: skip
    made = system("INLINE", "i", {"expression": "({a: 1, l: [1, {tn: 1, x: 2}], s: 'st'})"})
    yield case("paths, a script's map in a text", made, simple("a", {"t": "it is ${i.output}"}), defs=DEFS)
    for name, found in _FOUND.items():
        inputs = {f"{index:02}": f"${{workflow.input.{path}}}" for index, path in enumerate(found.split("\n"))}
        shown = {f"in {key}": f"it is {value}, so." for key, value in inputs.items()}
        yield case(f"paths, {name}", simple("a", inputs), simple("b", shown), defs=DEFS, input=given)


_FOUND = {
    "functions": """\
items.length()
items[*].length()
items[*].p.sum()
items[*].p.length()
items[?(@.p>5)].length()
numbers.sum()
numbers.avg()
numbers.min()
numbers.max()
numbers.stddev()
numbers.first()
numbers.last()
numbers.index(1)
numbers.index(-1)
numbers.index(9)
one.first()
one.last()
none.sum()
none.first()
texts.concat()
items[0].keys()
text.length()""",
    "filters by equality": """\
kinds[?(@=='5')]
kinds[?(@==5)]
kinds[?(@=='5.0')]
kinds[?(@==true)]
kinds[?(@==null)]
kinds[?(@===5)]
kinds[?(@!=5)]
deep[?(@.a==null)]
deep[?(@.a!=null)]
deep[?(@.a.b==null)]
deep[?(@.a.b!=null)]
deep[?(@.a.b)]
lists[?(@.t==['x','y'])]""",
    "filters by words": """\
items[?(@.n in ['a','c'])].n
items[?(@.n nin ['a','c'])].n
items[?(@.p IN [5, 15])].n
items[?(!(@.n in ["a"]))].n
lists[?(@.t size 2)]
lists[?(@.t size 3)]
lists[?(@.t contains 'x')]
lists[?(@.t anyof ['x'])]
lists[?(@.t noneof ['x'])]
lists[?(@.t subsetof ['x','y','z'])]
lists[?(@.t empty true)]
items[?(@.t empty false)].n
lists[?('x' in @.t)]
words[?(@.w =~ /1./)].w
words[?(@.w =~ /t.*/)].w
words[?(@.w =~ /P.*/i)].w
items[?(@.p > 1e1)].n
text[?(@.a)]""",
    "the whole in filters": """\
items[?(@.p>$.workflow.input.numbers[0])].n
items[?(@.p==$.workflow.input.items[0].p)].n
items[?($.workflow.input.text=='t')].n
items[?(@.p>$.nope)]
numbers[?(@<$.workflow.input.numbers[2])]
items[?($.workflow.nope)]""",
    "odd filters": """\
items[?(@.n =~ 'a')]
texts[?(@ =~ /a\\/b/)]
items[?(@.p==5.)]
items[?(@.p>.5)].n
items[?(@.n type 'a')]
items[?(@.n matches 'a')]
items[?(@.p*2>4)]
items[?(@.nope()>1)]
lists[?(@.t.*)]
lists[?(@.t..k)]
lists[?(@.t[?(@==1)])]
numbers.nope()
numbers.sum().x
items[0].keys().length()""",
    "lists in texts": """\
items[*].n
items[*]
items[0:2].p
items[0,2].n
items[?(@.p>100)]
items
texts[*]
kinds[*]
text """,
}
