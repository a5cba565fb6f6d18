"""Lines of progress: said by any thread, shown as soon as the terminal is free."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import pytest

QUIET_S: Final = 30.0
"""With `-q` the newest line is shown, and so often at most: a log of hours must show that the run lives."""


class Progress:
    """Takes lines from any thread and writes them to the terminal when pytest captures nothing."""

    def __init__(self, config: pytest.Config, *, at_once: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """`at_once` where nothing is ever captured: in xdist's controller, which only waits for its nodes."""
        self._config = config
        self._at_once = at_once
        self._clock = clock
        self._shown_s = clock()
        self._lines: deque[str] = deque()

    def say(self, line: str) -> None:
        """Have a line shown."""
        self._lines.append(line)
        if self._at_once:
            self.show()

    def show(self, *, is_over: bool = False) -> None:
        """Write the lines that have come up since the last call; only while nothing is captured.

        `is_over`: what is not worth a line any more with `-q` is dropped.
        """
        reporter = self._reporter()
        verbosity = -2 if reporter is None else reporter.verbosity
        if verbosity == -1 and not is_over:
            while len(self._lines) > 1:
                self._lines.popleft()
            if self._clock() - self._shown_s < QUIET_S:
                return
        while True:
            try:
                line = self._lines.popleft()
            except IndexError:
                return
            if reporter is not None and verbosity >= (0 if is_over else -1):
                self._write(reporter, line)

    def interrupt(self, line: str) -> None:
        """Write a line while a test runs, past what captures its output; only from the main thread."""
        reporter = self._reporter()
        if reporter is None or reporter.verbosity < -1 or threading.current_thread() is not threading.main_thread():
            return
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if capture is None:
            self._write(reporter, line)
            return
        with capture.global_and_fixture_disabled():
            self._write(reporter, line)

    def _reporter(self) -> pytest.TerminalReporter | None:
        found: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        return found

    def _write(self, reporter: pytest.TerminalReporter, line: str) -> None:
        from pytest_k1n.core.text import harmless

        self._shown_s = self._clock()
        reporter.ensure_newline()
        for each in harmless(line).split("\n"):
            reporter.write_line(f"  k1n {each}")
        reporter.flush()
