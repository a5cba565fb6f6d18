"""Lines of progress: said by any thread, shown as soon as the terminal is free."""

from __future__ import annotations

from collections import deque

import pytest


class Progress:
    """Takes lines from any thread and writes them to the terminal when pytest captures nothing."""

    def __init__(self, config: pytest.Config, *, at_once: bool) -> None:
        """`at_once` where nothing is ever captured: in xdist's controller, which only waits for its nodes."""
        self._config = config
        self._at_once = at_once
        self._lines: deque[str] = deque()

    def say(self, line: str) -> None:
        """Have a line shown."""
        self._lines.append(line)
        if self._at_once:
            self.show()

    def show(self) -> None:
        """Write the lines that have come up since the last call; only while nothing is captured."""
        from pytest_k1n.core.text import harmless

        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        while True:
            try:
                line = self._lines.popleft()
            except IndexError:
                return
            if reporter is not None and reporter.verbosity >= 0:
                reporter.ensure_newline()
                for each in harmless(line).split("\n"):
                    reporter.write_line(f"  k1n {each}")
