"""Hints: lines on standard input that tell a worker of executions, so that it need not find them by polling.

`{"launched": {"workflow_id": "…", "name": "…"}}`. The end of the input is the order to stop.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator

from pytest_k1n.core.text import from_json


def is_piped(fd: int) -> bool:
    """Tell whether a parent process may be sending hints; a terminal and /dev/null send none."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def follow(
    fd: int,
    *,
    launched: Callable[[str, str | None], None],
    ended: Callable[[], None],
    report: Callable[[str], None],
) -> threading.Thread:
    """Read hints on a thread of their own, then call `ended`; what is no hint is reported and skipped."""

    def read() -> None:
        for line in _lines(fd):
            try:
                hint = from_json(line)["launched"]
                workflow_id, name = str(hint["workflow_id"]), hint.get("name")
            except (ValueError, LookupError, TypeError, AttributeError):
                report(f"not a hint: {line[:80]!r}")
            else:
                launched(workflow_id, str(name) if name else None)
        ended()

    thread = threading.Thread(target=read, name="k1n-hints", daemon=True)
    thread.start()
    return thread


def _lines(fd: int) -> Iterator[bytes]:
    """Read lines past Python's own buffer: a thread that waits in it would abort the interpreter's shutdown."""
    rest = b""
    while data := os.read(fd, 65_536):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
    if rest:
        yield rest
