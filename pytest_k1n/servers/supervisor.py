"""Run one child process group for a parent, and clean up after both, whichever ends first and however.

This is a script, run by its path as `python -I -S supervisor.py CONFIG` and never imported by the package: it has to
be there within milliseconds and to outlive whatever happens to its parent, so it knows the standard library only.
`supervised.Supervised` is its other half.

- The *life line* is a pipe that only the parent can write. Its end of file means that the parent is gone: after a
  normal end, an exception, a `kill -9`. (A parent-death signal is no substitute: it fires when the starting *thread*
  ends.) Lines on it are orders: `again` starts the child anew, `release` lets the child outlive the parent.
- The *status* pipe carries a JSON object per line: `{"pid": 4711}`, `{"exit": -9}`, `{"error": "…"}` or
  `{"released": true}`.
- At the end the group gets TERM, `grace_s` later KILL; then `at_end` is run and the paths in `remove` are removed.

Terminal signals never arrive (own session); SIGTERM means: end everything now.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ORDERLY_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


class Supervisor:
    """The state of one supervision: the child, the life line, the wake-up pipe for signals."""

    def __init__(self, config: dict[str, object]) -> None:
        self.argv = [str(word) for word in _items(config["argv"])]
        self.cwd = str(config["cwd"]) if config["cwd"] else None
        self.grace_s = float(str(config["grace_s"]))
        self.remove = [str(path) for path in _items(config["remove"])]
        self.at_end = [[str(word) for word in _items(argv)] for argv in _items(config["at_end"])]
        self.life: int | None = int(str(config["life"]))
        self.status = int(str(config["status"]))
        self.stdin: int | None = None if config["stdin"] is None else int(str(config["stdin"]))
        self.child: subprocess.Popen[bytes] | None = None
        self.orders = b""
        self.ending = False
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        for number in ORDERLY_SIGNALS:
            # A handler, not SIG_IGN: the child must not inherit an ignored signal.
            signal.signal(number, lambda _number, _frame: None)

    def run(self) -> None:
        """Supervise until the parent is gone, a SIGTERM comes, or a released child ends."""
        try:
            self._spawn()
            poller = select.poll()
            poller.register(self.wake, select.POLLIN)
            if self.life is not None:
                poller.register(self.life, select.POLLIN)
            while not self.ending:
                for descriptor, _ in poller.poll():
                    if descriptor == self.wake:
                        self._read_signals()
                    else:
                        self._read_orders(poller)
        finally:
            self._end()

    def _spawn(self) -> None:
        try:
            self.child = subprocess.Popen(
                self.argv,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL if self.stdin is None else self.stdin,
                start_new_session=True,
            )
        except OSError as error:
            self._tell(error=f"{self.argv[0]}: {error.strerror or error}")
        else:
            self._tell(pid=self.child.pid)
        if self.stdin is not None:
            # Else a child that died would leave its parent writing into a pipe without a reader.
            os.close(self.stdin)
            self.stdin = None

    def _read_signals(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if signal.SIGTERM in os.read(self.wake, 4096):
                self.ending = True
        if self.child is not None and _has_ended(self.child):
            self._reap()
            self.ending = self.ending or self.life is None

    def _read_orders(self, poller: select.poll) -> None:
        assert self.life is not None
        received = os.read(self.life, 4096)
        *lines, self.orders = (self.orders + received).split(b"\n")
        for line in lines:
            if line == b"again" and self.child is None:
                self._spawn()
            elif line == b"release":
                poller.unregister(self.life)
                os.close(self.life)
                self.life = None
                self.ending = self.child is None
                self._tell(released=True)
                return
        if not received:
            self.ending = True

    def _reap(self) -> None:
        """Take the child's exit status, having ended what is left of its group.

        The leader is still a zombie here, so no other process can have been given its group's number.
        """
        assert self.child is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self._tell(exit=self.child.wait())
        self.child = None

    def _end(self) -> None:
        if self.child is not None:
            if self.grace_s > 0 and not _has_ended(self.child):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.child.pid, signal.SIGTERM)
                    os.killpg(self.child.pid, signal.SIGCONT)  # one that was stopped could not obey
                deadline = time.monotonic() + self.grace_s
                while not _has_ended(self.child) and time.monotonic() < deadline:
                    select.select([self.wake], [], [], 0.05)
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 4096)
            self._reap()
        for argv in self.at_end:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=30, check=False)
        for path in self.remove:
            _remove(path)

    def _tell(self, **message: object) -> None:
        with contextlib.suppress(OSError):  # the parent is gone: there is nothing to tell
            os.write(self.status, json.dumps(message).encode() + b"\n")


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether the child is dead, without reaping it where the system can tell (macOS: from Python 3.13 on)."""
    if not hasattr(os, "waitid"):
        return child.poll() is not None
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _remove(path: str) -> None:
    """Remove a file or folder; once more if a dying process was still writing into it."""
    import shutil  # slow to import, needed at the very end only

    for pause_s in (0, 0.05, 0.5):
        time.sleep(pause_s)
        if not os.path.lexists(path):
            return
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                Path(path).unlink()


def _items(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def main() -> None:
    """Read the configuration from the command line, join the log, supervise."""
    config: dict[str, object] = json.loads(sys.argv[1])
    folder = config["folder"]
    if folder:
        Path(str(folder)).mkdir(parents=True, exist_ok=True)
    log = os.open(str(config["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    Supervisor(config).run()


if __name__ == "__main__":
    main()
