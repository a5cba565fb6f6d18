"""Scripts of users, run where they can be ended: in long-lived processes that have nothing but their pipes.

JavaScript and jq run as foreign code in the process that calls them: they hold its interpreter's lock, jq knows no
limit of time or memory, QuickJS none in some of its own loops. So each script goes to a child (`scriptchild`), which
the kernel ends at its limit of CPU time; it costs 0.1 ms more than a call in place. Children are shared by all engines
of a process, one script at a time each, and take no state from one script to the next. A child that was ended by
something else than its script is replaced, and the script run again: it cannot have done anything.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from pytest_k1n.engine.language.scriptchild import ANSWER, MEMORY_LIMIT, REQUEST

CHILD: Final = Path(__file__).with_name("scriptchild.py")
MOST_IDLE: Final = 4
MOST_TRIES: Final = 20
"""How often a script is given to another child, because something killed the one before."""
Readable = Callable[[int, float], bool]
"""Waits until a descriptor can be read, for so many seconds at most; tells whether it can."""


class OutOfTime(Exception):
    """A script that took all the time it was given."""


class ChildDied(Exception):
    """A script that its child did not survive; its text says how."""


def wait(descriptor: int, timeout_s: float) -> bool:
    """Wait in place."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


class _Child:
    """One process, and the pipes to it."""

    def __init__(self) -> None:
        lifeline, self._lifeline = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD), json.dumps(_places()), str(lifeline)],
            pass_fds=(lifeline,),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,  # a signal to the engine's group is not meant for it
        )
        os.close(lifeline)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        self.owner = os.getpid()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: bytes, within_s: float, readable: Readable) -> tuple[bytes, bytes] | None:
        """Hand over a request and return the answer; None if the child has ended. Raises OutOfTime."""
        deadline = monotonic() + within_s
        try:
            while request:
                request = request[os.write(self._in, request) :]
        except OSError:
            return None
        head = self._read(ANSWER.size, deadline, readable)
        if head is None:
            return None
        tag, size = ANSWER.unpack(head)
        body = self._read(size, deadline, readable)
        return None if body is None else (tag, body)

    def _read(self, size: int, deadline: float, readable: Readable) -> bytes | None:
        data = b""
        while len(data) < size:
            if not readable(self._out, max(0.0, deadline - monotonic())):
                raise OutOfTime
            more = os.read(self._out, min(size - len(data), 1 << 20))
            if not more:
                return None
            data += more
        return data

    def end(self) -> int:
        """End it whatever it does, and return its code; a process that was forked from its owner leaves it alone."""
        lifeline, self._lifeline = self._lifeline, -1  # another file may have its number when this is called again
        if lifeline >= 0:
            os.close(lifeline)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if self.owner != os.getpid():
            self._process.returncode = 0
            return 0
        code = self._process.poll()
        if code is None:
            self._process.kill()
        return self._process.wait()

    def exit_code(self) -> int:
        """Return the code of one that is about to end by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        return self.end()


def _places() -> list[str]:
    """List the folders that the libraries are imported from."""
    found = []
    for library in ("quickjs", "jq"):
        spec = importlib.util.find_spec(library)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            found.append(str(origin.parent.parent if spec.submodule_search_locations else origin.parent))
    return list(dict.fromkeys(found))


class Sandbox:
    """The children of one process."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._lock = threading.Lock()

    def run(
        self, kind: bytes, source: str, given: str, within_s: float, readable: Readable = wait
    ) -> tuple[bytes, bytes]:
        """Run a script; return what came of it and its text, as `scriptchild` says. Raises OutOfTime or ChildDied."""
        sent, value = source.encode("utf-8", "replace"), given.encode("utf-8", "replace")
        request = REQUEST.pack(kind, within_s, len(sent), len(value)) + sent + value
        for _ in range(MOST_TRIES):
            child = self._take()
            try:
                answer = child.ask(request, 3 * within_s + 2, readable)  # it counts CPU time, which others may want too
            except BaseException:
                child.end()
                raise
            if answer is not None:
                self._give_back(child)
                if answer[0] == b"t":
                    raise OutOfTime
                return answer
            code = child.exit_code()
            if code == -signal.SIGPROF:
                raise OutOfTime
            if code not in (0, -signal.SIGKILL, -signal.SIGTERM):
                raise ChildDied(_why(code))
        raise ChildDied(f"its process was killed {MOST_TRIES} times")

    def close(self) -> None:
        """End all that do nothing."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def pids(self) -> list[int]:
        """Return the processes that wait for a script."""
        with self._lock:
            return [child.pid for child in self._idle]

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.owner == os.getpid():
                    return child
                child.end()
        return _Child()

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(child)
                return
        child.end()


def _why(code: int) -> str:
    if code == -signal.SIGABRT:
        return f"cannot allocate memory: its limit is {MEMORY_LIMIT >> 20} MiB"
    return f"it ended its process, {signal.Signals(-code).name if code < 0 else f'with code {code}'}"


SANDBOX: Final = Sandbox()
atexit.register(SANDBOX.close)
