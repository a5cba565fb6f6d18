"""What a handler raises in a test of one's own: the task fails with it, on every server, and the report says where."""

import pytest

SHOP = """
import asyncio, sys, time
import pytest
from pytest_k1n import completed, failed

ORDER = {"name": "order", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [
    {"name": each, "taskReferenceName": each, "type": "SIMPLE"} for each in ("charge", "send")]}
ONCE = {"name": "charge", "retryCount": 0, "ownerEmail": "k1n@example.com"}

def run(conductor, charge, **more):
    return conductor.run(ORDER, handlers={"charge": charge}, task_definitions=ONCE, **more)

class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no words")

class Below(BaseException):
    pass

def test_whatever_it_raises_fails_the_task(conductor):
    for error, reason in [
        (Odd(), "Odd: its str() raises RuntimeError"), (Below("it"), "Below: it"), (NotImplementedError(), None),
        (SystemExit(3), "SystemExit: 3"), (asyncio.CancelledError(), "CancelledError"), (TimeoutError("slow"), None),
        (ValueError("\\ud800"), "ValueError: "),
    ]:
        def charge(task):
            raise error
        execution = run(conductor, charge)
        execution.expect(failed(reason=reason or type(error).__name__))
        assert not execution.execution.reason.endswith(" ")

def test_what_says_how_the_test_ends_does(conductor):
    def charge(task):
        pytest.fail("must not be charged")
    with pytest.raises(pytest.fail.Exception, match="must not be charged"):
        run(conductor, charge)
    def skipping(task):
        pytest.skip("no gateway here")
    with pytest.raises(pytest.skip.Exception):
        run(conductor, skipping)
"""
SHOWN = """
def test_in_a_coroutine(conductor):
    async def charge(task):
        await asyncio.sleep(0)
        raise ValueError("declined")
    run(conductor, charge).expect(completed())

def test_by_the_names_of_its_inputs(conductor):
    def charge(amount=1):
        assert {"amount": amount} == {"amount": 2}
    run(conductor, charge).expect(completed())

def test_half_a_pair(conductor):
    def charge(task):
        raise ValueError("\\ud800")
    run(conductor, charge).expect(completed())

def test_it_hangs(conductor):
    run(conductor, lambda task: time.sleep(20), within="300ms")

def test_it_says_so(conductor):
    def charge(task):
        pytest.fail("must not be charged")
    run(conductor, charge)

def test_nobody_works(conductor):
    conductor.start(ORDER).expect(completed())
"""


def test_it_fails_the_task_or_ends_the_test(empty_project):
    outcome = empty_project.test("shop", SHOP).run()
    assert outcome.counts == {"passed": 2}, outcome.text


def test_so_it_does_where_a_worker_is_another_thread(empty_project, engine_url):
    outcome = empty_project.test("shop", SHOP).run(f"--k1n-server={engine_url}")
    assert outcome.counts == {"passed": 2}, outcome.text


@pytest.fixture
def sections(empty_project, monkeypatch):
    """What each failing test is told, by its name."""
    monkeypatch.setenv("CI", "true")  # which has pytest write out whole differences
    outcome = empty_project.test("shop", SHOP.partition("def test_")[0] + SHOWN).run()
    assert outcome.counts == {"failed": 6}, outcome.text
    parts = outcome.text.partition(" FAILURES ")[2].partition("k1n: why tests failed")[0].split("\n___")
    return {part.strip("_ \n").split(" ")[0]: part for part in parts[1:]}


def test_the_log_begins_where_the_user_s_code_does(sections):
    for name in ("test_in_a_coroutine", "test_by_the_names_of_its_inputs"):
        log = [line for line in sections[name].splitlines() if line.startswith("log ")]
        assert log[0] == "log       ERROR Traceback (most recent call last):"
        assert "in charge" in log[1]
        assert not any("asyncio" in line or "pytest_k1n" in line or "COMPLETED" in line for line in log)
    assert r"\n" not in sections["test_by_the_names_of_its_inputs"]


def test_every_one_of_them_has_its_execution_shown_and_kept(sections):
    for text in sections.values():
        assert "k1n: the execution" in text
        assert "charge |" in text
        assert "saved     " in text
        assert "replay    " in text


def test_frames_of_this_package_are_not_shown(sections):
    assert "pytest_k1n/" not in sections["test_it_says_so"].partition("k1n: the execution")[0]


def test_what_would_have_it_go_on_is_said(sections):
    told = 'charge: no worker has polled yet; do its work by complete("charge"), or give handlers={"charge": ...}'
    assert told in sections["test_nobody_works"]
