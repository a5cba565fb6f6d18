"""What an expectation is given: refused where it is written, with what to write instead."""

import inspect

import pytest

import pytest_k1n
from pytest_k1n import (
    attempts,
    completed,
    concurrency,
    expectation,
    failed,
    in_order,
    isolated_from,
    max_queue_wait,
    never,
    not_slower_than,
    on_estimate,
    output,
    overlaps_with,
    ran,
    retried,
    spans_batch,
    task_output,
    within,
)
from pytest_k1n.core.expectations.arguments import KINDS, MAKES
from pytest_k1n.core.expectations.isolation import finishes_before
from pytest_k1n.core.findings import Findings, Verdict

MAKERS = [value for name in pytest_k1n.__all__ if getattr(value := getattr(pytest_k1n, name), MAKES, False)]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: in_order(["a", "b"], "c"), "in_order: refs must be a text, not ['a', 'b']; write in_order('a', 'b')"),
        (lambda: ran(("a", "b")), "ran: refs must be a text, not ('a', 'b'); write ran('a', 'b')"),
        (lambda: ran(None), "ran: refs must be a text, not None"),
        (
            lambda: task_output("pay", {"paid": True}),
            "task_output: path must be a text, not {'paid': True}; "
            "write the path, then equals=, as in 'paid', equals=True",
        ),
        (lambda: output(3), "output: path must be a text, not 3"),
        (
            lambda: completed(skipped="audit"),
            "completed: skipped must be a list of texts, not 'audit'; write skipped=['audit']",
        ),
        (
            lambda: max_queue_wait("1s", refs="ab"),
            "max_queue_wait: refs must be a list of texts, not 'ab'; write refs=['ab']",
        ),
        (lambda: attempts("pay", "2"), "attempts: n must be a whole number, not '2'"),
        (lambda: attempts("pay", True), "attempts: n must be a whole number, not True"),
        (lambda: concurrency(2.5), "concurrency: n must be a whole number, not 2.5"),
        (lambda: retried("pay", times=None), "retried: times must be a whole number, not None"),
        (lambda: failed(reason=3), "failed: reason must be a text, not 3"),
        (lambda: isolated_from("order"), "isolated_from: other must be another execution, not 'order'"),
        (lambda: not_slower_than("a", tolerance=10), "not_slower_than: alone must be another execution, not 'a'"),
        (lambda: on_estimate(tolerance=10), "on_estimate: tolerance must be a text, not 10"),
        (lambda: never(ran("a"), because=None), "never: because must be a text, not None"),
    ],
)
def test_a_value_of_another_kind_is_refused(build, said):
    with pytest.raises(TypeError) as refused:
        build()
    assert str(refused.value) == said


def test_an_expectation_that_is_not_called_is_none():
    with pytest.raises(TypeError, match=r"not <function completed at .*; write completed\(…\), with its brackets"):
        never(completed, because="it must not")


def test_what_a_function_says_itself_goes_before():
    with pytest.raises(ValueError, match="5 is not a duration: write a text with its unit"):
        within(5, 6)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'times'"):
        retried("pay")


def test_none_is_what_may_be_left_out():
    assert repr(failed(reason=None)) == "failed(reason=None)"
    assert repr(max_queue_wait("1s", refs=None)) == "max_queue_wait('1s', refs=None)"


@pytest.mark.parametrize(
    "build",
    [lambda: max_queue_wait("1s", refs=[]), lambda: on_estimate(refs=[]), spans_batch],
    ids=["waits", "estimates", "others"],
)
def test_what_would_judge_nothing_is_refused(build):
    with pytest.raises(ValueError, match=r"refs is empty|at least one other"):
        build()


@pytest.mark.parametrize("compare", [isolated_from, overlaps_with, finishes_before, not_slower_than, spans_batch])
def test_an_execution_is_not_compared_with_itself(compare, build):
    itself = build.observation(build.task("a", 0, 900))
    findings = compare(itself).judge(itself)
    assert findings.verdict is Verdict.UNKNOWN
    assert [each.code for each in findings.findings] == ["same-execution"]
    assert findings.passed == 0


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_argument_of_every_constructor_is_of_a_kind_that_is_told(make):
    for parameter in inspect.signature(make).parameters.values():
        assert parameter.annotation.removesuffix(" | None") in {*KINDS, "object"}, parameter


def test_an_expectation_of_ones_own_takes_what_it_likes():
    @expectation
    def paid(amount: "str"):
        return lambda observation: Findings(passed=amount)

    assert repr(paid(3)) == "paid(3)"


def test_a_refusal_is_told_from_the_line_that_has_made_it():
    for build in (lambda: ran(None), ran, lambda: within("1h", "soon"), lambda: task_output("a", "b[")):
        with pytest.raises((TypeError, ValueError)) as refused:
            build()
        shown = [each.name for each in refused.traceback if not each.ishidden(refused)]
        assert set(shown) <= {"<lambda>", "test_a_refusal_is_told_from_the_line_that_has_made_it"}
