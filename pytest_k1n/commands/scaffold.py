"""The texts that `k1n init` writes: plan and test module, from what is known of a workflow. Pure."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import combinations

from pytest_k1n.commands.material import Material
from pytest_k1n.commands.rehearsal import Rehearsal
from pytest_k1n.commands.writing import WIDTH, comment, duration, python, quoted
from pytest_k1n.core.expectations.estimates import slower_than_allowed
from pytest_k1n.core.model import Execution, TaskKey
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule
from pytest_k1n.core.units import HOUR_MS, MINUTE_MS, SECOND_MS

_MARGIN = 0.2
_STEPS_MS = ((3 * HOUR_MS, 10 * MINUTE_MS), (10 * MINUTE_MS, MINUTE_MS), (MINUTE_MS, MINUTE_MS // 2),
             (10 * SECOND_MS, SECOND_MS), (SECOND_MS, 100), (0, 10))  # fmt: skip
"""From this duration on, round to that step."""
_LEAST_OVERLAP = 0.1
"""Of the shorter of two tasks, as the quality gate asks of declared pairs."""
_MADE_UP = (
    "What a dynamic task or fork runs is told by the tasks before it. These answers are made up, the least that it "
    "can begin with: write what your workers really answer."
)
_REALLY_SENT = (
    "HTTP tasks are not simulated: their requests would be sent. In process `http` answers them instead, made up: "
    "write what the services answer. A server sends them itself: let a stub listen at these addresses there, then "
    "delete the call of `pytest.skip`."
)


def files(material: Material, rehearsal: Rehearsal, taken: Container[tuple[str, str]] = ()) -> dict[str, str]:
    """Return path -> text of everything that is to be written, relative to the folder.

    What is `taken`, by folder and name, is there already.
    """
    found = {"k1n.toml": plan_text(material, rehearsal)}
    for document in material.workflows:
        if ("workflows", str(document["name"])) not in taken:
            found[f"workflows/{_file_name(str(document['name']))}.json"] = _json(document)
    if tasks := [each for each in material.tasks if ("tasks", str(each["name"])) not in taken]:
        found[f"tasks/{_file_name(material.definition.name)}.json"] = _json(tasks)
    found[f"test_{_identifier(material.definition.name)}.py"] = test_text(material, rehearsal)
    return found


def plan_text(material: Material, rehearsal: Rehearsal) -> str:
    """Write the plan: one batch, one template, band and estimates with the reason for each figure."""
    definition = material.definition
    band = band_of(material, rehearsal)
    lines = [
        "# The plan: which workflows are launched together (a batch), and how long they may take.",
        "# Check it with `k1n validate k1n.toml`. Durations carry their unit: 250ms, 30s, 6.5m, 1h30m.",
        "",
        'schema = "k1n-plan/1"',
        'definitions = ["workflows"]           # folders with workflow definitions, as Conductor JSON',
    ]
    if material.tasks:
        lines.append('task_definitions = ["tasks"]')
    lines += [
        'jitter = "1%"                         # of simulated work, seeded',
        'tolerance = "10%"                     # slower than its estimate by more than this fails',
        "",
        "[[batch]]",
        "number = 1                            # its tests carry pytest.mark.batch1",
        "",
        "[[batch.template]]",
        'id = "01"',
        f"slug = {quoted(_slug(definition.name))}",
        f"workflow = {quoted(definition.name)}",
        f"version = {definition.version}",
    ]
    if band is not None:
        low, high = (quoted(duration(ms)) for ms in band)
        lines += [f"# {_why_band(material)}", f"band = [{low}, {high}]"]
    if material.input:
        if material.recorded.makespans_ms or "example" in material.input.values():
            lines.append("# Made up: write the input that your tests need. Recorded inputs are not copied.")
        pairs = ", ".join(f"{_key(name)} = {_value(value)}" for name, value in material.input.items())
        lines.append(f"input = {{ {pairs} }}")
    lines += ["", "# How long each task works. A simulated task takes this long; a real one is held against it."]
    lines.append("[batch.template.estimates]")
    for ref, ms in estimates_of(material, rehearsal).items():
        why = ""
        if ref not in material.estimates_ms:
            why = "  # a sub-workflow: what its own tasks took in a rehearsal"
        elif ref in material.guessed:
            why = "  # a guess: nothing was recorded"
        lines.append(f"{_key(ref)} = {quoted(duration(ms))}{why}")
    if rehearsal.answered_ms:
        lines += ["", "# HUMAN and WAIT tasks are answered, each so long after it was asked. Made up: write what",
                  "# people and other systems say, as `output = { approved = true }`.",
                  "[batch.template.answers]"]  # fmt: skip
        lines += [f"{_key(ref)} = {{ after = {quoted(duration(ms))} }}" for ref, ms in rehearsal.answered_ms.items()]
    return "\n".join(lines) + "\n"


def test_text(material: Material, rehearsal: Rehearsal) -> str:
    """Write the test module; it asserts what the rehearsal has shown to hold."""
    is_own = rehearsal.examples or material.requests()  # only there can it be said what a task answers
    body = list(_own_test(material, rehearsal) if is_own else _batch_tests(material, rehearsal))
    source = "\n".join(body)
    names = sorted(name for name in _EXPECTATIONS if re.search(rf"\b{name}\(", source))
    name = material.definition.name
    head = [f'"""Acceptance tests of the workflow {name}."""' if _is_plain(name) else '"""Acceptance tests."""', ""]
    head += ["import pytest", ""] if "pytest." in source else []
    head += [f"from pytest_k1n import {', '.join(names)}", ""]
    return "\n".join([*head, *body]) + "\n"


def band_of(material: Material, rehearsal: Rehearsal) -> tuple[int, int] | None:
    """Return the makespan's band: all that was recorded or rehearsed, and a fifth around it."""
    known = [*material.recorded.makespans_ms]
    if rehearsal.makespan_ms is not None:
        known.append(rehearsal.makespan_ms)
    if not any(known):  # nothing of it takes time: there is nothing to plan
        return None
    return _rounded(min(known) * (1 - _MARGIN), math.floor), _rounded(max(known) * (1 + _MARGIN), math.ceil)


def estimates_of(material: Material, rehearsal: Rehearsal) -> dict[str, int]:
    """Return the estimates of all refs; a sub-workflow without a record takes what it took in the rehearsal."""
    children = {} if rehearsal.trouble else _rehearsed_children(rehearsal)
    return {**children, **material.estimates_ms}


_EXPECTATIONS = ("completed", "concurrent", "failed", "follows_definition", "in_order", "not_scheduled",
                 "on_estimate", "ran", "within")  # fmt: skip


def _batch_tests(material: Material, rehearsal: Rehearsal) -> Iterator[str]:
    name = quoted(material.definition.name)
    yield "# batch1 is the batch of the plan (k1n.toml); the workflow is launched once for all tests of this module."
    yield f"pytestmark = [pytest.mark.batch1, pytest.mark.workflow({name})]"
    yield from _section("test_it_completes_in_the_order_of_its_definition")
    if rehearsal.trouble:
        yield from comment(f"A rehearsal on the embedded engine did not complete: {rehearsal.trouble}")
        yield "    # So this test fails until that is mended."
    yield "    # The order is derived from the definition: JOINs, cases, loops, retries."
    yield "    workflow_execution.expect(completed(), follows_definition())"
    if rehearsal.trouble:  # what has not come to its end shows no order to be kept
        return
    chain, pairs = _chain(material, rehearsal), _pairs(rehearsal)
    if len(chain) > 1:
        yield from _section("test_the_longest_chain_runs_one_after_the_other")
        yield "    # Said again here, so that a change of the definition that breaks it is noticed."
        yield from _expect([_call("in_order", chain)])
    if pairs:
        yield from _section("test_what_is_independent_runs_side_by_side")
        yield from _expect([_call("concurrent", pair) for pair in pairs])
    if (band := band_of(material, rehearsal)) is not None:
        low, high = (quoted(duration(ms)) for ms in band)
        yield from _section("test_it_takes_as_long_as_planned")
        yield "    # Band and estimates are workflow time: the same on the embedded engine, scaled, and in production."
        yield from _expect([f"within({low}, {high})", *_on_estimate(material, rehearsal)])
    if material.is_example:
        yield _EXAMPLE_OF_HANDLERS


_EXAMPLE_OF_HANDLERS = """

def test_a_declined_card_is_never_shipped(conductor):
    # An execution of its own, with a handler given here; every other task is simulated.
    def decline(task):
        raise ValueError(f"card of order {task.input['order_id']} declined")

    execution = conductor.run("order", input={"order_id": "A-2"}, handlers={"charge": decline})
    execution.expect(failed(reason="card of order A-2 declined"), not_scheduled("ship"))"""


def _own_test(material: Material, rehearsal: Rehearsal) -> Iterator[str]:
    """Write a test with an execution of its own, which says what tasks and services answer."""
    yield ""
    yield "def test_it_completes_in_the_order_of_its_definition(conductor):"
    if rehearsal.trouble:
        yield from comment(f"A rehearsal on the embedded engine did not complete: {rehearsal.trouble}")
        yield "    # So this test fails until that is mended."
    given = []
    if material.input:
        yield f"    given = {python(material.input)}"
        given.append("input=given")
    if rehearsal.examples:
        yield from comment(_MADE_UP)
        yield f"    handlers = {python(rehearsal.examples)}"
        given.append("handlers=handlers")
    if requests := material.requests():
        yield from comment(_REALLY_SENT)
        for ref, what in requests.items():
            yield from comment(f"  {ref}: {what}")
        yield "    if conductor.url:"
        reason = f"{', '.join(requests)}: a server would send real HTTP requests"
        yield f"        pytest.skip({quoted(reason)})"
        yield f"    http = {python(material.replies())}"
        given.append("http=http")
    if rehearsal.answered_ms:
        yield f"    answers = {python({ref: {'after': duration(ms)} for ref, ms in rehearsal.answered_ms.items()})}"
        given.append("answers=answers")
    yield f"    execution = conductor.run({', '.join([quoted(material.definition.name), *given])})"
    yield "    # The order is derived from the definition: JOINs, cases, loops, retries."
    yield "    execution.expect(completed(), follows_definition())"


def _section(name: str) -> Iterator[str]:
    yield from ("", "", f"def {name}(workflow_execution):")


def _chain(material: Material, rehearsal: Rehearsal) -> tuple[str, ...]:
    """Return the longest chain of worker tasks that ran, by their estimates; of equal ones that with more tasks."""
    graph = _worked(rehearsal)
    if graph is None:
        return ()
    best: dict[TaskKey, tuple[int, int, TaskKey | None]] = {}
    incoming: dict[TaskKey, list[TaskKey]] = {}
    for edge in graph.edges:
        incoming.setdefault(edge.after, []).append(edge.before)
    for key in graph.order:
        before = max(incoming.get(key, ()), key=lambda each: best[each][:2], default=None)
        length, count = best[before][:2] if before else (0, 0)
        best[key] = (length + material.estimates_ms.get(key[0], MINUTE_MS), count + 1, before)
    last = max(best, key=lambda key: best[key][:2], default=None)
    chain: list[str] = []
    while last is not None:
        chain.append(last[0])
        last = best[last][2]
    return tuple(dict.fromkeys(reversed(chain)))


def _pairs(rehearsal: Rehearsal) -> list[tuple[str, ...]]:
    """Return the groups of tasks that a fork starts and that overlapped, all with all, in the rehearsal."""
    if rehearsal.graph is None or rehearsal.execution is None:
        return []
    found = []
    for group in rehearsal.graph.parallel_groups():
        refs = tuple(dict.fromkeys(ref for ref, iteration in group.tasks if iteration <= 1))
        if len(refs) > 1 and all(_overlapped(rehearsal.execution, *pair) for pair in combinations(refs, 2)):
            found.append(refs)
    return found


def _overlapped(execution: Execution, first: str, second: str) -> bool:
    records = {ref: record for (ref, _), record in execution.finals.items()}
    spans = [(record.started_ms or 0, record.ended_ms or 0) for ref in (first, second) if (record := records.get(ref))]
    if len(spans) < 2:
        return False
    (begin, end), (other_begin, other_end) = spans
    shorter = min(end - begin, other_end - other_begin)
    return min(end, other_end) - max(begin, other_begin) > _LEAST_OVERLAP * shorter


def _worked(rehearsal: Rehearsal) -> Graph | None:
    """Return the order among worker tasks that really ran."""
    if rehearsal.graph is None or rehearsal.execution is None:
        return None
    ran = {key for key, record in rehearsal.execution.finals.items() if record.is_worker_task}
    return rehearsal.graph.contracted(ran & set(rehearsal.graph.nodes))


def _value(value: object) -> str:
    """Write a value of the input as TOML."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(str(name))} = {_value(each)}' for name, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | int):
        return str(value).lower()
    return quoted(str(value))


def _tolerance(material: Material) -> str:
    """Return the tolerance around estimates: 10 %, or what the recorded runs themselves need, in steps of 5 %."""
    needed = 5 * math.ceil(material.recorded.spread * 100 / 5)
    return f'"{max(10, needed)}%"'


def _on_estimate(material: Material, rehearsal: Rehearsal) -> Iterator[str]:
    """Ask for the estimates only where the rehearsal kept them: tasks of sub-workflows have none in this plan."""
    estimates, rehearsed = estimates_of(material, rehearsal), _rehearsed_children(rehearsal)
    if not estimates:
        return
    planned_ms = makespan_ms(planned_schedule(material.definition, estimates))
    taken = [(rehearsal.makespan_ms or 0, planned_ms), *((ms, estimates[ref]) for ref, ms in rehearsed.items())]
    if not any(slower_than_allowed(taken_ms, estimate_ms, _MARGIN / 2) for taken_ms, estimate_ms in taken):
        yield f"on_estimate(tolerance={_tolerance(material)})"


def _rehearsed_children(rehearsal: Rehearsal) -> dict[str, int]:
    """Return how long each sub-workflow took; of a loop's, the first pass."""
    records = rehearsal.execution.finals if rehearsal.execution else {}
    return {
        ref: record.ended_ms - record.started_ms
        for (ref, iteration), record in records.items()
        if record.type == "SUB_WORKFLOW" and iteration <= 1 and record.started_ms and record.ended_ms
    }


def _why_band(material: Material) -> str:
    runs = len(material.recorded.makespans_ms)
    what = f"the shortest and the longest of {runs} recorded runs" if runs else "what the estimates below add up to"
    return f"The makespan: {what}, and 20 % around."


def _rounded(ms: float, to: Callable[[float], int]) -> int:
    step = next(step for least, step in _STEPS_MS if ms >= least)
    return to(ms / step) * step


def _expect(calls: list[str]) -> Iterator[str]:
    line = f"    workflow_execution.expect({', '.join(calls)})"
    if len(line) <= WIDTH:
        yield line
    else:
        yield "    workflow_execution.expect("
        yield from (f"        {call.lstrip()}," for call in calls)
        yield "    )"


def _call(name: str, refs: tuple[str, ...]) -> str:
    """Write a call, on lines of its own (for the inside of an `expect`) where one will not do."""
    call = f"{name}({_names(refs)})"
    if len(call) <= WIDTH - len("    workflow_execution.expect()"):
        return call
    wrapped = textwrap.fill(_names(refs), WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 12)
    return f"        {name}(\n{wrapped}\n        )"


def _names(refs: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, refs))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _file_name(name: str) -> str:
    """Make a file name that cannot leave its folder."""
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "workflow"


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name).strip("_").lower() or "workflow"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "workflow"


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"[\w .:-]+", name) is not None
