"""The worker's append-only ledger: a JSON line when an invocation begins, when it ends, and per undelivered result.

It is the evidence against duplicates (a task id with two beginnings), and the spool of results that no server took yet.
Times are the worker's clock, epoch ms.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from pytest_k1n.core.model import Json
from pytest_k1n.core.text import from_json

Line = Mapping[str, Json]
Entries = dict[tuple[Json, Json], dict[str, Json]]
"""By process and number of the invocation."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class InvocationLedger:
    """An open ledger, shared by the worker's threads; without a path it remembers nothing."""

    def __init__(self, path: Path | None = None, *, keeps: bool = False) -> None:
        """Open for appending. Raises OSError. One that `keeps` has the invocations in memory, for `invocations`."""
        self._lock = threading.Lock()
        self._process = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._invocations = 0
        self._began: set[str] = set()
        self._spooled: dict[str, Line] = {}
        self._kept: list[Line] | None = [] if keeps else None
        self._file: int | None = None
        if path is not None:
            for line in read_lines(path):
                self._remember(line)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")  # a predecessor was killed in the middle of a line

    def begin(self, entry: Line) -> int:
        """Note that a handler is about to be invoked; returns the invocation's number."""
        with self._lock:
            self._invocations += 1
            number = self._invocations
        self._write({"event": "begin", "invocation": number, "process": self._process, **entry})
        return number

    def end(self, number: int, entry: Line) -> None:
        """Note that the invocation is over."""
        self._write({"event": "end", "invocation": number, "process": self._process, **entry})

    def spool(self, result: Line) -> None:
        """Keep a result that could not be delivered at once."""
        self._write({"event": "spooled", "task_id": result["taskId"], "result": dict(result)})

    def settle(self, task_id: str, how: str) -> None:
        """Note that a spooled result is `delivered`, or no longer taken by the server (`gone`, `refused`)."""
        self._write({"event": how, "task_id": task_id})

    @property
    def begun(self) -> int:
        """How many invocations have begun in this process."""
        return self._invocations

    def has_begun(self, task_id: str) -> bool:
        """Tell whether a handler was ever invoked for a task, by this process or one before it."""
        with self._lock:
            return task_id in self._began

    def invocations(self) -> tuple[Line, ...]:
        """Return what a ledger that keeps them has noted so far, one entry per invocation."""
        with self._lock:
            return invocations_in(self._kept or ())

    def undelivered(self) -> list[Line]:
        """Return the spooled results that are still to be delivered."""
        with self._lock:
            return list(self._spooled.values())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self, line: Line) -> None:
        data = (_encode(line) + "\n").encode()
        with self._lock:
            self._remember(line)
            if self._file is not None:
                os.write(self._file, data)  # one write: lines of several workers do not mix, a crash loses at most one

    def _remember(self, line: Line) -> None:
        task_id = str(line.get("task_id"))
        if self._kept is not None and line.get("event") in ("begin", "end"):
            self._kept.append(line)
        match line.get("event"):
            case "begin":
                self._began.add(task_id)
            case "spooled":
                self._spooled[task_id] = cast("Line", line["result"])
            case "delivered" | "gone" | "refused":
                self._spooled.pop(task_id, None)


class LedgerReader:
    """Reads a ledger again and again, each time only what has been appended: a run looks many times a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._entries: Entries = {}

    def read(self) -> tuple[Line, ...]:
        """Return one entry per invocation so far, in the order of their beginnings; an open one has no `end_ms`."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return ()
        whole = data[: data.rfind(b"\n") + 1]  # the last line may be in the middle of being written
        self._at += len(whole)
        _fold(self._entries, _parsed(whole))
        return tuple(self._entries.values())


def read_lines(path: Path) -> list[Line]:
    """Read a ledger, also one that is being written or whose worker was killed in the middle of a line."""
    try:
        return list(_parsed(path.read_bytes()))
    except FileNotFoundError:
        return []


def _parsed(data: bytes) -> Iterator[Line]:
    for row in data.decode("utf-8", "replace").splitlines():
        try:
            line = from_json(row)
        except ValueError:
            continue  # torn by a kill -9; what it said never had an effect that another line claims
        if isinstance(line, dict):
            yield line


def read_ledger(path: Path) -> tuple[Line, ...]:
    """Read a ledger as one entry per invocation, in the order of their beginnings; an open one has no `end_ms`."""
    return invocations_in(read_lines(path))


def invocations_in(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Fold the lines of a ledger into one entry per invocation, in the order of their beginnings."""
    entries: Entries = {}
    _fold(entries, lines)
    return tuple(entries.values())


def _fold(entries: Entries, lines: Iterable[Line]) -> None:
    for line in lines:
        key = (line.get("process"), line.get("invocation"))
        if line.get("event") == "begin":
            entries[key] = {name: value for name, value in line.items() if name != "event"}
        elif line.get("event") == "end" and key in entries:
            entries[key] |= {name: line[name] for name in ("end_ms", "status", "slept_ms") if name in line}
