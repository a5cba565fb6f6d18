"""Folders of runs and workers in the temporary folder, named by their process: the next run sweeps what a kill left.

A run that ends, however badly, removes its folder. `kill -9` gives it no time to; where no supervisor process stands by
(the embedded engine has none, because it would cost more than it serves), the folder stays until the next run looks. So
does that in which a killed worker kept what its script was given.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"k1n-(?P<uid>[0-9a-f]{8})-(?P<pid>\d+)-(?P<born>\d+)-(?P<space>\d+)(?:-swept\d+)?")
_DRAFT = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.tmp")
_DRAFT_AGE_S = 60.0
"""A draft lives for milliseconds; one of another host or container on the same disk has no process here to ask."""


class ProcessId(NamedTuple):
    """A process as nothing else can be mistaken for it: number, start in clock ticks since boot, namespace of numbers.

    Start and namespace are 0 where the system has no /proc.
    """

    pid: int
    born: int
    space: int

    @classmethod
    def own(cls) -> ProcessId:
        """Name this process."""
        return cls(os.getpid(), _born(os.getpid()) or 0, _space())

    def is_dead(self) -> bool:
        """Whether the process has certainly ended; never said of one in another namespace, such as a container's."""
        if self.space != _space():
            return False
        born = _born(self.pid)
        return born is None or (self.born != 0 and born != self.born)


def new_run_folder(uid: str, *, root: Path | None = None) -> Path:
    """Name (not make) the folder of a run of this process."""
    return (root or Path(tempfile.gettempdir())) / "-".join(["k1n", uid, *map(str, ProcessId.own())])


@contextmanager
def own_folder(*, root: Path | None = None) -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it at the end; if this process is killed, `sweep` does."""
    folder = new_run_folder(secrets.token_hex(4), root=root)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path | None = None, *, spares: Callable[[Path], bool] = lambda _folder: False) -> list[Path]:
    """Remove the folders of runs and workers whose process was killed; return them. Raises nothing.

    Runs may sweep at once: the run that renames a folder first removes it. `spares`: which are still to be read.
    """
    removed = []
    for folder in left_behind(root):
        if spares(folder):
            continue
        with claimed(folder) as mine:
            if mine is not None:
                shutil.rmtree(mine, ignore_errors=True)
                removed.append(folder)
    return removed


@contextmanager
def claimed(folder: Path) -> Iterator[Path | None]:
    """Have the folder of a dead process to oneself, under another name; None if another run was faster.

    What is left of it after an error has its name back.
    """
    mine = folder.with_name(re.sub(r"-swept\d+$", "", folder.name) + f"-swept{os.getpid()}")
    try:
        folder.rename(mine)
    except OSError:
        yield None  # or it is another user's
        return
    try:
        yield mine
    except BaseException:
        with suppress(OSError):
            mine.rename(folder)
        raise


def sweep_drafts(folder: Path) -> None:
    """Remove drafts of files that a killed process had begun to write in a folder of results. Raises nothing."""
    now_s = time.time()
    for path in folder.glob(".*.tmp"):
        match = _DRAFT.fullmatch(path.name)
        try:
            if match and now_s - path.stat().st_mtime > _DRAFT_AGE_S and _born(int(match["pid"])) is None:
                path.unlink()
        except OSError:
            continue  # another run was faster, or the file is another user's


def left_behind(root: Path | None = None) -> Iterator[Path]:
    """Yield the folders of runs and workers whose process was killed."""
    root = root or Path(tempfile.gettempdir())
    try:
        entries = [entry for entry in os.scandir(root) if entry.name.startswith("k1n-")]
    except OSError:
        return
    for entry in entries:
        match = _NAME.fullmatch(entry.name)
        if match and entry.is_dir(follow_symlinks=False):
            process = ProcessId(int(match["pid"]), int(match["born"]), int(match["space"]))
            if process.is_dead():
                yield Path(entry.path)


def _born(pid: int) -> int | None:
    """Read when a process started, in clock ticks since boot; None where it has ended, 0 where that cannot be known."""
    try:
        # The command, in brackets, may hold blanks and brackets itself; the start is the 20th field behind it.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:
            return 0  # it is another user's
        return 0
    return None if fields[0] == "Z" else int(fields[19])


def _space() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
