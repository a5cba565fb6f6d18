"""What the meters of a run write down, and every process of the run reads: one file, one writer, appended to.

Its first line is of a fixed width and rewritten in place: since when, and until when both meters have told everything.
A stall is appended before that stamp moves past it, so a reader that trusts the stamp misses none.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pytest_k1n.core.choices import LatencyPolicy
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather, merged

NAME = "weather.log"
"""The file's name in a run's folder."""
_HEAD = "{:>15} {:>15}\n"
_HEAD_BYTES = 32


class WeatherLog:
    """The open file; shared by the threads of the meters."""

    def __init__(self, path: Path, since_ms: int) -> None:
        """Begin it anew. Raises OSError."""
        self._lock = threading.Lock()
        self._since_ms = since_ms
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._at = _HEAD_BYTES
        self.told_until(since_ms)

    def add(self, source: str, stall: Interval) -> None:
        """Append a stall of `host` or `server`."""
        self._append(f"{source} {stall.start_ms} {stall.end_ms}")

    def took(self, tasks: int, at_ms: int) -> None:
        """Append that the worker has taken so many tasks."""
        self._append(f"taken {at_ms} {tasks}")

    def told_until(self, now_ms: int) -> None:
        """Say that every stall that ended before has been told."""
        with self._lock:
            if self._file >= 0:
                os.pwrite(self._file, _HEAD.format(self._since_ms, now_ms).encode(), 0)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _append(self, line: str) -> None:
        with self._lock:
            if self._file >= 0:
                self._at += os.pwrite(self._file, f"{line}\n".encode(), self._at)


class WeatherReader:
    """Reads the file again and again, each time only what has been appended since: a run looks many times a second."""

    def __init__(self, path: Path, policy: LatencyPolicy) -> None:
        self._path = path
        self._policy = policy
        self._begin(since_ms=-1)

    def _begin(self, since_ms: int) -> None:
        self._since_ms = since_ms
        self._at = _HEAD_BYTES
        self._stalls: dict[str, tuple[Interval, ...]] = {"host": (), "server": ()}
        self._taken_ms: tuple[int, ...] = ()

    def read(self) -> Weather | None:
        """Return what the meters have told so far; None where none ran. Under `off` nothing was measured."""
        if self._policy == "off":
            return Weather(policy=self._policy)
        try:
            with self._path.open("rb") as file:
                since_ms, until_ms = (int(each) for each in file.read(_HEAD_BYTES).split())
                if since_ms != self._since_ms:
                    self._begin(since_ms)
                file.seek(self._at)
                text = file.read()
        except (OSError, ValueError):
            return None
        self._take(text[: text.rfind(b"\n") + 1])  # the last line may be in the middle of being written
        return Weather(
            policy=self._policy,
            host=self._stalls["host"],
            server=self._stalls["server"],
            taken_ms=self._taken_ms,
            since_ms=since_ms,
            until_ms=until_ms,
        )

    def _take(self, lines: bytes) -> None:
        self._at += len(lines)
        told: dict[str, list[Interval]] = {}
        taken_ms: list[int] = []
        for line in lines.decode("ascii", "replace").splitlines():
            match line.split():
                case [("host" | "server") as kind, start, end] if start.isdigit() and end.isdigit():
                    told.setdefault(kind, []).append(Interval(int(start), int(end)))
                case ["taken", at, tasks] if at.isdigit() and tasks.isdigit():
                    taken_ms += [int(at)] * int(tasks)
                case _:
                    continue
        for source, stalls in told.items():
            self._stalls[source] = merged((*self._stalls[source], *stalls))
        if taken_ms:
            self._taken_ms += tuple(taken_ms)


def read_weather(path: Path, policy: LatencyPolicy) -> Weather | None:
    """Read the whole file once, as `WeatherReader.read` does."""
    return WeatherReader(path, policy).read()
