"""What a command prints, on its way to people: shown, never obeyed, and no trouble where nobody reads it any more."""

from __future__ import annotations

import io
import os
import re
import select
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from pytest_k1n.core.text import harmless

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class Shown(io.TextIOBase):
    """A stream for people: what a command prints of a file or a server's answer is shown, never obeyed.

    Colours go through where the stream is a terminal, because there commands have put them in themselves. Where the
    reader has gone (`| head`, `| less`) what comes is dropped and the command goes on: its exit code is a verdict, for
    which a shell with `pipefail` waits.
    """

    def __init__(self, stream: TextIO | None, *, hides: Callable[[str], str] = str) -> None:
        self._stream = stream  # None where it was closed before we began
        self._hides = hides
        self._colours = self.isatty()
        self._has_reader = stream is not None

    def write(self, text: str) -> int:
        """Write a text as it may be shown. Raises OSError, but for a reader that has gone."""
        shown = self._hides(text)  # argparse repeats what it does not know, a server's URL among it
        parts = _COLOUR.split(shown) if self._colours else [shown]
        self._write("".join(part if odd % 2 else harmless(part) for odd, part in enumerate(parts)))
        return len(text)

    def flush(self) -> None:
        """Hand on what waits. Raises OSError, but for a reader that has gone."""
        self._do(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether a person sits in front of it."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor. Raises OSError without one."""
        return self._stream.fileno() if self._stream is not None else super().fileno()

    def is_read(self) -> bool:
        """Whether the other end is still there, as what goes on for ever wants to know before it waits."""
        if self._has_reader:
            with suppress(OSError):  # no descriptor, as in tests
                watched = select.poll()
                watched.register(self.fileno(), 0)
                self._has_reader = not any(events & select.POLLERR for _, events in watched.poll(0))
        return self._has_reader

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _write(self, text: str) -> None:
        def write(stream: TextIO) -> None:
            try:
                stream.write(text)
            except UnicodeEncodeError:  # a terminal of another age: what it has no letters for is escaped
                coding = stream.encoding
                stream.write(text.encode(coding, "backslashreplace").decode(coding))

        self._do(write)

    def _do(self, action: Callable[[TextIO], object]) -> None:
        if self._stream is None or not self._has_reader:
            return
        try:
            action(self._stream)
        except BrokenPipeError:
            self._has_reader = False
            nowhere = os.open(os.devnull, os.O_WRONLY)  # what the stream still holds has to go somewhere at its end
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
