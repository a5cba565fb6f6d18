"""A call that blocks is interrupted when its time is up, in the main thread and in others."""

import asyncio
import gc
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from pytest_k1n.workers.time_limit import Overdue, bounded

LONG_S = 30


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """The alarm would ring in a callback of Hypothesis after a full collection, and what that raises is thrown away."""
    gc.disable()
    yield
    gc.enable()


def spin():
    while True:
        pass


def retry():
    while True:
        try:
            time.sleep(LONG_S)
        except Exception:
            continue


def swallow_once():
    try:
        time.sleep(LONG_S)
    except BaseException:
        time.sleep(LONG_S)


def wait_for_a_thread():
    thread = threading.Thread(target=time.sleep, args=(0.5,), daemon=True)
    thread.start()
    thread.join()


BLOCKING = {
    "spin": spin,
    "retry": retry,
    "swallow": swallow_once,
    "thread": wait_for_a_thread,
    "coroutine": lambda: asyncio.run(asyncio.sleep(LONG_S)),
    "process": lambda: subprocess.run(["sleep", str(LONG_S)], check=True),
    "event": lambda: threading.Event().wait(),
}


def on_another_thread(call):
    raised = []

    def work():
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING)
def test_whatever_blocks_is_interrupted(call):
    with pytest.raises(Overdue):
        bounded(call, 0.02)


def test_a_time_that_is_up_already_interrupts_at_once():
    with pytest.raises(Overdue):
        bounded(spin, -1)


def test_another_thread_leaves_what_blocks_behind():
    [error] = on_another_thread(lambda: bounded(lambda: time.sleep(0.5), 0.02))
    assert isinstance(error, Overdue)


def test_what_a_call_returns_and_raises_passes_through():
    assert bounded(lambda: 3, 1) == 3
    with pytest.raises(KeyError):
        bounded(lambda: {}["x"], 1)
    [error] = on_another_thread(lambda: bounded(lambda: {}["x"], 1))
    assert isinstance(error, KeyError)


def test_what_belongs_to_the_thread_of_the_test_may_be_used():
    connection = sqlite3.connect(":memory:")
    assert bounded(lambda: connection.execute("select 7").fetchone(), 1) == (7,)
    connection.close()


def test_the_alarm_of_somebody_else_stays_as_it_was():
    def other(_signal, _frame):
        raise AssertionError("the other alarm")

    before = signal.signal(signal.SIGALRM, other)
    signal.setitimer(signal.ITIMER_REAL, 50, 7)
    try:
        with pytest.raises(Overdue):
            bounded(spin, 0.02)
        left_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
        assert (49 < left_s <= 50, interval_s, signal.getsignal(signal.SIGALRM)) == (True, 7, other)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(AssertionError, match="the other alarm"):
            bounded(spin, 5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_no_alarm_is_left_behind():
    bounded(lambda: None, 5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
