"""A child process group that cannot outlive us: the parent's half of `supervisor.py`."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pytest_k1n.servers.errors import SupervisorFailed

_SCRIPT = Path(__file__).with_name("supervisor.py")
_ANSWER_WITHIN_S = 30.0
"""For the supervisor to start the child; a fraction of a second unless the machine is drowning."""
_REMOVAL_WITHIN_S = 60.0


class Supervised:
    """Run `argv` in a process group of its own, output to `log_path`, until the `with` block (or this process) ends.

    At the end, also after a `kill -9` of this process: TERM to the group, `grace_s` later KILL (at once for 0), then
    the commands `at_end`, then `folder` and the paths in `remove` are removed. `folder` is created if absent.
    `env` is the whole environment (default: ours). With `stdin=True` the child's standard input is a pipe, `.stdin`.
    `hold` are descriptors that the supervisor keeps open for its lifetime (locks).

    `poll`, `kill` and `wait` may be called from any thread. Entering raises FileNotFoundError or PermissionError if
    `argv` cannot be executed, SupervisorFailed if the supervisor cannot do its work.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        folder: Path | None = None,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace_s: float = 10.0,
        stdin: bool = False,
        at_end: Sequence[Sequence[str]] = (),
        remove: Sequence[Path] = (),
        hold: Sequence[int] = (),
    ) -> None:
        self.argv = tuple(os.fspath(word) for word in argv)
        self.log_path = log_path
        self.stdin: BinaryIO | None = None
        self._folder, self._env, self._cwd, self._grace_s = folder, env, cwd, grace_s
        self._wants_stdin, self._at_end, self._hold = stdin, at_end, hold
        self._remove = [*([folder] if folder else []), *remove]
        self._lock = threading.Lock()
        self._unread = b""
        self._pid: int | None = None
        self._exit_code: int | None = None
        self._error = ""
        self._released = False
        self._life: int | None = None
        self._status: int | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Leader of the child's group, which has the same number; stays known after its death."""
        if self._pid is None:
            raise RuntimeError("the process was not started: enter the `with` block first")
        return self._pid

    def __enter__(self) -> Self:
        try:
            self._launch()
            self._await_start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def poll(self) -> int | None:
        """Return the child's exit code (negative: signal), or None while it runs. Never blocks."""
        self._read(0)
        return self._exit_code

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the child's end; None if it did not come."""
        deadline = time.monotonic() + timeout_s
        while self._exit_code is None and not self._is_lost() and (left := deadline - time.monotonic()) > 0:
            self._read(min(left, 0.2))
        return self._exit_code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the child's whole group (for faults: SIGKILL, SIGSTOP, SIGCONT); nothing once it ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def again(self) -> None:
        """Start the same command once more after the child's end; folder, log and environment stay."""
        if self.wait(_ANSWER_WITHIN_S) is None:
            raise RuntimeError(f"process {self.pid} still runs: end it before starting it again")
        self._pid = self._exit_code = None
        self._order(b"again")
        self._await_start()

    def release(self) -> int:
        """Let the child and its supervisor outlive this process; return the supervisor's pid, which SIGTERM ends."""
        assert self._supervisor is not None
        self._order(b"release")
        deadline = time.monotonic() + _ANSWER_WITHIN_S
        while not self._released:
            if self._is_lost() or self._exit_code is not None or time.monotonic() > deadline:
                raise self._failed("the process could not be left running")
            self._read(0.2)
        supervisor = self._supervisor.pid
        self._supervisor.returncode = 0  # it is no child to wait for any more
        self._supervisor = None
        self.close()
        return supervisor

    def close(self) -> None:
        """End the group and remove what was to be removed; harmless when repeated."""
        if self.stdin is not None:
            with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
                self.stdin.close()
        if self._life is not None:
            os.close(self._life)
            self._life = None
        if self._supervisor is not None:
            self._await_supervisor(self._supervisor)
            self._supervisor = None
        self._read(0)
        with self._lock:
            if self._status is not None:
                os.close(self._status)
                self._status = None

    def _launch(self) -> None:
        life, self._life = os.pipe()
        self._status, status = os.pipe()
        os.set_blocking(self._status, False)
        inherited = [life, status]
        child_stdin: int | None = None
        if self._wants_stdin:
            child_stdin, ours = os.pipe()
            self.stdin = os.fdopen(ours, "wb", buffering=0)
            inherited.append(child_stdin)
        config = {
            "argv": self.argv,
            "folder": os.fspath(self._folder) if self._folder else None,
            "cwd": os.fspath(self._cwd) if self._cwd else None,
            "log": os.fspath(self.log_path),
            "grace_s": self._grace_s,
            "remove": [os.fspath(path) for path in self._remove],
            "at_end": [list(command) for command in self._at_end],
            "life": life,
            "status": status,
            "stdin": child_stdin,
        }
        try:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", os.fspath(_SCRIPT), json.dumps(config)],
                env=None if self._env is None else dict(self._env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[*inherited, *self._hold],
                start_new_session=True,
            )
        finally:
            for descriptor in inherited:
                os.close(descriptor)

    def _await_start(self) -> None:
        deadline = time.monotonic() + _ANSWER_WITHIN_S
        while not self._is_known():
            self._read(0.2)
            if self._error:
                raise FileNotFoundError(f"cannot run {self._error}")
            if (self._is_lost() or time.monotonic() > deadline) and not self._is_known():
                raise self._failed("the supervisor of the process did not start it")

    def _is_known(self) -> bool:
        return self._pid is not None

    def _failed(self, what: str) -> SupervisorFailed:
        return SupervisorFailed(
            f"{what} ({self.argv[0]})",
            ("log", f"{self.log_path}: {log_tail(self.log_path, 1) or 'empty or not there'}"),
            remedy="a folder for the log that exists and can be written",
        )

    def _is_lost(self) -> bool:
        """Whether the supervisor itself has ended, which only a fault makes it do before us."""
        if self._supervisor is None or self._supervisor.poll() is None:
            return False
        self._read(0)  # its last words
        return True

    def _order(self, word: bytes) -> None:
        if self._life is None:
            raise RuntimeError("the process was given up already")
        try:
            os.write(self._life, word + b"\n")
        except BrokenPipeError:
            raise self._failed("the supervisor of the process is gone") from None

    def _read(self, timeout_s: float) -> None:
        """Take in what the supervisor told us, having waited for the first word of it."""
        status = self._status
        if status is None:
            return
        if timeout_s > 0:
            with selectors.DefaultSelector() as selector:
                selector.register(status, selectors.EVENT_READ)
                selector.select(timeout_s)
        with self._lock:
            while self._status is not None:
                try:
                    received = os.read(self._status, 4096)
                except BlockingIOError:
                    return
                if not received:
                    return
                *lines, self._unread = (self._unread + received).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))

    def _take(self, message: dict[str, object]) -> None:
        match message:
            case {"pid": int(pid)}:
                self._pid = pid
            case {"exit": int(code)}:
                self._exit_code = code
            case {"error": str(text)}:
                self._error = text
            case {"released": True}:
                self._released = True

    def _await_supervisor(self, supervisor: subprocess.Popen[bytes]) -> None:
        """Let the supervisor do its work; where it cannot (it was killed, it hangs), do it ourselves."""
        try:
            supervisor.wait(self._grace_s + _REMOVAL_WITHIN_S)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
        self._read(0)
        if self._pid is not None and self._exit_code is None:
            _kill_group(self._pid)
        if supervisor.returncode != 0:
            for path in self._remove:
                shutil.rmtree(path, ignore_errors=True)


def _kill_group(group: int) -> None:
    """Kill a group whose leader is not our child, and give it two seconds to be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        for _ in range(100):
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.02)


def log_tail(path: Path, lines: int = 5) -> str:
    """Return the last non-empty lines of a log, joined by ` | `; empty if there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 16_384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])
