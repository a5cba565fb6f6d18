"""When a line of progress is shown: at once, now and then with -q, and past what captures a test's output."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_k1n.run.progress import QUIET_S, Progress


class Terminal:
    """Reporter and capture manager of a run, as far as lines need them."""

    def __init__(self, verbosity: int, *, captures: bool = True) -> None:
        self.verbosity, self.captures = verbosity, captures
        self.lines: list[str] = []
        self.now_s = 0.0
        self.pluginmanager = self
        self.is_suspended = False

    def get_plugin(self, name: str) -> object:
        return {"terminalreporter": self, "capturemanager": self if self.captures else None}[name]

    def ensure_newline(self) -> None:
        """The line before was ended."""

    def write_line(self, line: str) -> None:
        self.lines.append(line)

    def flush(self) -> None:
        """It is on its way."""

    @contextmanager
    def global_and_fixture_disabled(self) -> Iterator[None]:
        self.is_suspended = True
        yield
        self.is_suspended = False


def progress(terminal: Terminal) -> Progress:
    return Progress(terminal, at_once=False, clock=lambda: terminal.now_s)  # type: ignore[arg-type]


def test_every_line_is_shown_when_the_terminal_is_free():
    terminal = Terminal(0)
    shown = progress(terminal)
    shown.say("a")
    shown.say("b\nc")
    assert terminal.lines == []
    shown.show()
    assert terminal.lines == ["  k1n a", "  k1n b", "  k1n c"]


def test_with_q_the_newest_line_is_shown_now_and_then():
    terminal = Terminal(-1)
    shown = progress(terminal)
    for at_s, line in ((10, "a"), (QUIET_S - 1, "b"), (QUIET_S, "c"), (QUIET_S + 1, "d"), (2 * QUIET_S - 1, "e")):
        terminal.now_s = at_s
        shown.say(line)
        shown.show()
    assert terminal.lines == ["  k1n c"]
    terminal.now_s = 2 * QUIET_S
    shown.show()
    assert terminal.lines == ["  k1n c", "  k1n e"]


def test_with_q_nothing_is_caught_up_with_at_the_end_and_with_qq_nothing_is_shown():
    quiet, silent = Terminal(-1), Terminal(-2)
    for terminal in (quiet, silent):
        shown = progress(terminal)
        terminal.now_s = 10 * QUIET_S
        shown.say("a")
        shown.show(is_over=terminal is quiet)
        shown.interrupt("b")
    assert (quiet.lines, silent.lines) == (["  k1n b"], [])


def test_a_line_gets_past_the_capture_of_a_test_and_counts():
    terminal = Terminal(-1)
    terminal.write_line = lambda line: terminal.lines.append(f"{terminal.is_suspended} {line}")  # type: ignore[method-assign]
    terminal.now_s = QUIET_S
    shown = progress(terminal)
    shown.interrupt("waits")
    shown.say("a")
    shown.show()
    assert (terminal.lines, terminal.is_suspended) == (["True   k1n waits"], False)
    bare = Terminal(0, captures=False)
    progress(bare).interrupt("waits")
    assert bare.lines == ["  k1n waits"]


def test_only_the_main_thread_may_suspend_the_capture():
    terminal = Terminal(0)
    thread = threading.Thread(target=progress(terminal).interrupt, args=("waits",))
    thread.start()
    thread.join()
    assert terminal.lines == []
