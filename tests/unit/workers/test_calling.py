"""How a team's callables are called."""

import asyncio
import functools
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_k1n.workers.calling import as_handler
from pytest_k1n.workers.handler import Outcome, TaskContext, invoke
from pytest_k1n.workers.registry import BadHandler, handlers_in


def context(ref="charge", **input_):
    return TaskContext(
        workflow_id="w", workflow_name="shop", ref=ref, iteration=0, task_id="t", task_type=ref, attempt=0,
        input=input_, estimate_ms=None, speed=1, seed=0, log=lambda line: None, sleep=lambda ms: None,
    )  # fmt: skip


def run(function, **input_):
    return invoke(as_handler(function), context(**input_))


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Order:
    lines: list[Line]
    note: str | None = None


@dataclass
class Receipt:
    total: int
    tags: list[str] = field(default_factory=list)


class Shop:
    currency = "EUR"

    def charge(self, amount):
        return f"{amount} {self.currency}"

    async def pack(self, task):
        await asyncio.sleep(0)
        return {"packed": task.ref}


def says_nothing(context: Any):
    return {"ref": context.ref}


def annotated(context: TaskContext, amount: int):
    return {"amount": amount, "ref": context.ref}


async def slow(amount):
    await asyncio.sleep(0)
    return amount


@pytest.mark.parametrize(
    ("function", "given", "output"),
    [
        (lambda task: task.input, {"a": 1}, {"a": 1}),
        (lambda whatever: {"ref": whatever.ref}, {"a": 1}, {"ref": "charge"}),
        (lambda amount: {"got": amount}, {"amount": 3}, {"got": 3}),
        (lambda amount, currency="EUR": f"{amount}{currency}", {"amount": 3}, {"result": "3EUR"}),
        (lambda *, amount: amount, {"amount": 3, "more": 1}, {"result": 3}),
        (lambda **inputs: inputs, {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        (lambda amount, **rest: [amount, rest], {"amount": 1, "b": 2}, {"result": [1, {"b": 2}]}),
        (lambda: {"ok": True}, {"a": 1}, {"ok": True}),
        (says_nothing, {"amount": 2}, {"ref": "charge"}),
        (annotated, {"amount": 2}, {"amount": 2, "ref": "charge"}),
        (Shop().charge, {"amount": 5}, {"result": "5 EUR"}),
        (Shop().pack, {}, {"packed": "charge"}),
        (slow, {"amount": 4}, {"result": 4}),
        (functools.partial(lambda gateway, amount: [gateway, amount], "fake"), {"amount": 1}, {"result": ["fake", 1]}),
        (functools.partial(lambda amount, gateway: [gateway, amount], gateway="fake"), {"amount": 1, "gateway": "real"},
         {"result": ["fake", 1]}),
        (lambda amount: Receipt(total=amount), {"amount": 1}, {"total": 1, "tags": []}),
        (lambda task: (1, 2), {}, {"result": [1, 2]}),
        (lambda task: None, {}, {}),
        (lambda task: {1: "one"}, {}, {"1": "one"}),
    ],
)  # fmt: skip
def test_a_callable_is_called_with_its_task_or_with_its_inputs_by_name(function, given, output):
    assert run(function, **given) == Outcome(output=output)


def test_a_lone_parameter_that_misspells_an_input_is_not_given_the_task():
    outcome = run(lambda ammount: ammount, amount=3)
    assert outcome.status == "FAILED_WITH_TERMINAL_ERROR"
    assert "needs ammount, which the input of charge does not have; it has amount" in str(outcome.reason)


def test_a_handler_that_exits_fails_its_task_and_nothing_else():
    outcome = run(lambda task: sys.exit(3))
    assert (outcome.status, outcome.reason) == ("FAILED", "SystemExit: 3")


@pytest.mark.parametrize("code", ["raise RuntimeError('no database')", "import sys; sys.exit(0)", "def ("])
def test_a_module_that_cannot_be_imported_is_named(tmp_path, monkeypatch, code):
    (tmp_path / "broken_workers.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_workers", raising=False)
    with pytest.raises(BadHandler, match="broken_workers cannot be imported: ") as refused:
        handlers_in("broken_workers")
    assert ("broken_workers.py:1)" in str(refused.value)) == (code != "def (")  # a syntax error names it itself


def test_a_module_that_is_not_there_is_told_with_the_one_that_is_near_or_where_it_was_sought(tmp_path, monkeypatch):
    (tmp_path / "shop_handlers.py").write_text("def a(task): ...")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadHandler, match=r"No module named 'shop_handlerz': did you mean shop_handlers\?"):
        handlers_in("shop_handlerz")
    with pytest.raises(BadHandler, match=f"sought in {tmp_path}, the folders of the tests, and what is installed"):
        handlers_in("elsewhere")


def test_an_annotated_dataclass_is_made_of_the_objects_of_the_input():
    def count(order: Order):
        return {"count": sum(line.count for line in order.lines), "note": order.note}

    assert run(count, order={"lines": [{"sku": "a", "count": 2}, {"sku": "b"}]}).output == {"count": 3, "note": None}


def test_a_missing_input_fails_the_task_for_good_and_says_what_there_is():
    def charge(amount, currency):
        return {}

    outcome = run(charge, amount=1, curency="EUR")
    assert outcome.status == "FAILED_WITH_TERMINAL_ERROR"
    assert outcome.reason == "charge() needs currency, which the input of charge does not have; it has amount, curency"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()], ids=["nan", "inf", "set", "object"])
def test_what_is_not_json_fails_the_task(value):
    outcome = run(lambda task: {"x": value})
    assert outcome.status == "FAILED"
    assert outcome.reason.startswith("the handler's output is not JSON that Conductor takes: ")


def test_an_output_nested_deeper_than_conductor_reads_fails_the_task():
    deep = leaf = {}
    for _ in range(995):
        leaf["a"] = leaf = {}
    assert run(lambda task: deep).status == "FAILED"


def test_the_output_shares_nothing_with_what_the_handler_keeps():
    kept = {"list": [1]}
    outcome = run(lambda task: kept)
    kept["list"].append(2)
    assert outcome.output == {"list": [1]}


def test_a_coroutine_runs_inside_a_running_loop_too():
    async def inside():
        return run(slow, amount=4)

    assert asyncio.run(inside()).output == {"result": 4}


class TaskResult:
    """As conductor-python's, in as far as a worker sets it."""

    def __init__(self, status, output, reason=None):
        self.status, self.output_data, self.reason_for_incompletion, self.logs = status, output, reason, ["a line"]


class TaskInProgress:
    def __init__(self):
        self.callback_after_seconds, self.output = 60, {"progress": 50}


def test_results_of_the_sdk_are_read():
    done = run(lambda task: TaskResult("COMPLETED", {"x": 1}))
    assert (done.status, done.output, done.logs) == ("COMPLETED", {"x": 1}, ("a line",))
    refused = run(lambda task: TaskResult("FAILED_WITH_TERMINAL_ERROR", None, "no"))
    assert (refused.status, refused.reason) == ("FAILED_WITH_TERMINAL_ERROR", "no")
    odd = run(lambda task: TaskResult("SCHEDULED", {}))
    assert odd.reason == "the handler returned the status SCHEDULED, which no worker may report"
    later = run(lambda task: TaskInProgress())
    assert (later.status, later.callback_s, later.output) == ("IN_PROGRESS", 60, {"progress": 50})


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_function_that_was_given_the_task_for_want_of_an_input_says_so_where_it_raises(kind):
    def weigh(parcel):
        return parcel + 1

    async def weigh_later(parcel):
        return parcel + 1

    failed = run(weigh if kind == "plain" else weigh_later, amount=4)
    assert failed.reason.startswith("TypeError: unsupported operand")
    assert "(parcel) was called with the whole task: the input of " in failed.reason
    assert "has no parcel; it has amount" in failed.reason


def test_a_function_of_the_task_says_nothing_of_the_kind():
    assert "whole task" not in run(lambda task: task + 1, amount=4).reason


def by_place(amount, currency="EUR", /):
    return f"{amount} {currency}"


def whole_by_place(given, /):
    return {"ref": given.ref}


def perhaps(task=None):
    return {"ref": task.ref}


@pytest.mark.parametrize(
    ("function", "input_", "output"),
    [
        (by_place, {"amount": 3}, {"result": "3 EUR"}),
        (by_place, {"amount": 3, "currency": "USD"}, {"result": "3 USD"}),
        (whole_by_place, {"amount": 3}, {"ref": "charge"}),
        (perhaps, {"amount": 3}, {"ref": "charge"}),
    ],
)
def test_parameters_by_place_and_a_task_that_may_be_left_out_are_given(function, input_, output):
    assert run(function, **input_).output == output


def test_an_input_that_is_wanted_by_place_and_missing_is_told():
    assert "by_place() needs amount" in run(by_place, currency="EUR").reason
