"""The processes that scripts run in: replaced when they die, alone in what they can reach."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from k1n_support.examples import share
from k1n_support.processes import are_gone
from pytest_k1n.engine.language.sandbox import ChildDied, OutOfTime, Sandbox, wait


@pytest.fixture
def sandbox():
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def javascript(sandbox, source, within_s=4.0, readable=wait):
    return sandbox.run(b"j", source, "{}", within_s, readable)


def test_a_child_runs_one_script_after_the_other_and_keeps_nothing(sandbox):
    assert javascript(sandbox, "globalThis.kept = 1; Array.prototype.mine = 2") == (b"v", b"2")
    (pid,) = sandbox.pids()
    assert javascript(sandbox, "typeof kept + typeof [].mine") == (b"v", b'"undefinedundefined"')
    assert sandbox.pids() == [pid]


def test_the_size_of_the_engine_is_not_taken_for_that_of_the_child(sandbox):
    """Linux starts a program with the peak memory of the process that started it."""
    ballast = b"x" * (160 << 20)
    assert javascript(sandbox, "1") == (b"v", b"1")
    (pid,) = sandbox.pids()
    assert javascript(sandbox, "2") == (b"v", b"2")
    assert sandbox.pids() == [pid]
    assert ballast


def test_a_child_that_has_kept_a_lot_of_memory_is_replaced(sandbox):
    """Half a second, because jq must be made to take it; it does not give small values back."""
    assert javascript(sandbox, "1") == (b"v", b"1")
    (pid,) = sandbox.pids()
    sandbox.run(b"q", f'[range(400000) | "{"x" * 300}" + tostring] | length', "null", 20)
    assert javascript(sandbox, "2") == (b"v", b"2")
    assert sandbox.pids() != [pid]


def test_a_child_that_a_script_has_ended_is_replaced(sandbox):
    with pytest.raises(OutOfTime):
        sandbox.run(b"q", "def f: f; f", "null", 0.05)
    assert javascript(sandbox, "1") == (b"v", b"1")


def test_a_script_whose_child_is_killed_is_run_again(sandbox):
    """Killed while it is asked, again and again: nothing is lost, nothing is left."""
    killed, most = set(), share(1).max_examples
    calls = 0

    def kill_and_wait(descriptor, timeout_s):
        nonlocal calls
        calls += 1
        if calls % 10:  # nine tries of ten end badly
            for pid in {int(pid) for pid in _children()} - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        return wait(descriptor, timeout_s)

    answers = []
    while len(killed) < most:
        answers.append(javascript(sandbox, "6 * 7", readable=kill_and_wait))
    assert set(answers) == {(b"v", b"42")}
    sandbox.close()
    assert are_gone(killed)


def _children():
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as children:  # noqa: PTH123
        return children.read().split()


def test_one_that_is_killed_ever_again_is_given_up(sandbox):
    def kill_and_wait(descriptor, timeout_s):
        for pid in _children():
            os.kill(int(pid), signal.SIGKILL)
        return wait(descriptor, timeout_s)

    with pytest.raises(ChildDied, match="killed 20 times"):
        javascript(sandbox, "while (true);", readable=kill_and_wait)


def test_threads_run_scripts_side_by_side(sandbox):
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: javascript(sandbox, f"{number} * 2"), range(40)))
    assert answers == [(b"v", str(number * 2).encode()) for number in range(40)]


def test_who_gives_up_waiting_leaves_no_child_out_of_step(sandbox):
    def interrupt(_descriptor, _timeout_s):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        javascript(sandbox, "'lost'", readable=interrupt)
    assert javascript(sandbox, "'mine'") == (b"v", b'"mine"')


def test_a_child_has_its_pipes_and_nothing_else(sandbox, monkeypatch):
    monkeypatch.setenv("K1N_SECRET", "hidden")
    javascript(sandbox, "1")
    (pid,) = sandbox.pids()
    with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123
        assert b"K1N_SECRET" not in environment.read()
    found = [os.readlink(f"/proc/{pid}/fd/{each}").partition(":")[0] for each in os.listdir(f"/proc/{pid}/fd")]  # noqa: PTH115, PTH208
    # Its input, its output, its engine's lifeline; and what it tells its own size from.
    assert sorted(found) == ["/dev/null", f"/proc/{pid}/statm", "pipe", "pipe", "pipe"]
    with open(f"/proc/{pid}/limits") as limits:  # noqa: PTH123
        limit = {line[:25].strip(): line[26:].split()[:2] for line in limits}
    assert limit["Max open files"] == limit["Max file size"] == limit["Max core file size"] == ["0", "0"]
    assert limit["Max address space"] == [str(512 << 20)] * 2
