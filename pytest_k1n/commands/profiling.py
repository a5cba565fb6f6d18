"""Run a handler script and measure it: in workflow time, with its log, into a file as soon as it has ended."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from zlib import crc32

from pytest_k1n.client.address import redact
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.baselines.profiles import Profile, profile_from
from pytest_k1n.core.text import from_json
from pytest_k1n.validation.bounded import files_in, read_at_most
from pytest_k1n.workers.script import BadScript, checked_script, end_group, find_scripts

USUAL_SPEED = 600.0
_LONGEST = 100
"""Characters of a task's name in that of a file."""
_LARGEST_MB = 16
BASELINE_WORKFLOW = "K1N_22TASK_COMPLETE"
"""Of which workflow a task is when its handler is typed by hand: the one that nothing has optimised yet."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A handler that has run: its profile, and every line that it wrote."""

    profile: Profile
    lines: tuple[str, ...]


def find_handler(task_id: str, path: Path) -> Path:
    """Return the handler; of a name that is not there the one of this task in its folder. Raises BadScript."""
    if path.exists():
        return checked_script(path.parent, path.name)
    script = find_scripts(path.parent).get(f"task_{task_id}")
    if script is None:
        raise BadScript(f"{path}: no such handler, and none for task {task_id} beside it")
    return path.parent / script.name.removeprefix("script:")


def measure(task_id: str, handler: Path, log: Path, environ: Mapping[str, str], say: Say) -> Measured:
    """Run a handler and pass on what it writes while it does; Ctrl-C and SIGTERM end it, with all it has started.

    Raises OSError if it cannot be run.

    Simulated time counts as long as it stands for; what the handler really took counts once.
    """
    speed = speed_of(environ)
    environment = {"K1N_WORKFLOW": BASELINE_WORKFLOW, **environ, "K1N_SPEED": f"{speed:g}"}
    lines: list[str] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    started, began = time.time(), time.perf_counter()
    command = [str(handler.resolve()), task_id]
    with (
        log.open("w", encoding="utf-8") as file,
        _interruptible() as let_through,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=environment, start_new_session=True,
        ) as process,
        _ended(process),
    ):  # fmt: skip
        let_through()
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            file.write(line)
            say(lines[-1])
        code = process.wait()
    wall_ms = (time.perf_counter() - began) * 1000
    simulated_ms = _simulated_ms(lines, wall_ms)
    duration_ms = round(wall_ms - simulated_ms + simulated_ms * speed)
    profile = Profile(
        task_id=int(task_id) if task_id.isdigit() else task_id,
        start_time=_iso(started),
        end_time=_iso(started + wall_ms / 1000),
        duration_ms=duration_ms,
        duration_sec=duration_ms // 1000,
        exit_code=code if code >= 0 else 128 - code,
        log_file=str(log),
        simulated=simulated_ms > 0,
        speed=speed if simulated_ms else 1.0,
        wall_ms=round(wall_ms),
    )
    return Measured(profile=profile, lines=tuple(lines))


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Have Ctrl-C and SIGTERM raise KeyboardInterrupt, from the call of what this gives on.

    Until then they are kept: one that came while the handler's process is made would leave it running.
    """
    is_kept, has_come = True, False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal has_come
        has_come = True
        if not is_kept:
            raise KeyboardInterrupt

    def let_through() -> None:
        nonlocal is_kept
        is_kept = False
        if has_come:
            raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        usual = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
        before = {number: handler for number, handler in usual.items() if signal.getsignal(number) is handler}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield let_through
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a process group with what is done here: the sleeps of a simulated task may last for minutes."""
    try:
        yield
    finally:
        end_group(process)


def speed_of(environ: Mapping[str, str]) -> float:
    """Read K1N_SPEED. Raises ValueError."""
    text = environ.get("K1N_SPEED") or f"{USUAL_SPEED:g}"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ValueError(f"K1N_SPEED is {text!r}: write a number above 0, such as 600, or 1 for real time")
    return speed


def log_of(task_id: int | str, folder: Path) -> Path:
    """Return where the log of a task goes."""
    return folder / f"task-{_in_a_name(task_id)}.log"


def keep(profile: Profile, folder: Path) -> Path:
    """Write a profile beside others, all at once."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.fromisoformat(profile.start_time).strftime("%Y%m%d_%H%M%S_%f")[:-3]
    path = folder / f"task-{_in_a_name(profile.task_id)}-{stamp}-profile.json"
    replace_text(path, json.dumps(profile.document(), indent=2) + "\n")
    return path


def _in_a_name(task_id: int | str) -> str:
    """Write a task's name so that it leads out of no folder, and is not too long for a file's."""
    quoted = quote(redact(str(task_id)).encode("utf-8", "replace"), safe="")
    return quoted if len(quoted) <= _LONGEST else f"{quoted[:_LONGEST]}-{crc32(quoted.encode()):08x}"


def read_profiles(folder: Path) -> tuple[Path, list[Profile]]:
    """Read the profiles of a folder, or of the newest baseline in it, and say of which folder they are.

    Raises ValueError for a file that is no profile and where there are none, OSError.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    newest = max((each for each in folder.iterdir() if each.is_dir() and _files(each)), default=None)
    if not _files(folder) and newest is not None:
        folder = newest
    profiles = []
    for path in _files(folder):
        try:
            profiles.append(profile_from(from_json(read_at_most(path, _LARGEST_MB))))
        except ValueError as error:
            raise ValueError(f"{path} is no profile: {error}") from None
    if not profiles:
        raise ValueError(f"no profiles in {folder}: expected task-N-…-profile.json there, or in folders below it")
    return folder, profiles


def _files(folder: Path) -> list[Path]:
    return [each for each in files_in(folder, deep=False) if each.name.startswith("task-")]


def _simulated_ms(lines: list[str], wall_ms: float) -> float:
    """Return how many ms of this machine's clock the handler says it only waited, at most all of them."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    try:
        output = from_json(last)
    except ValueError:
        return 0.0
    if not isinstance(output, dict) or output.get("simulated") is not True:
        return 0.0
    said = output.get("simulated_ms")
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
        return wall_ms
    return min(float(said), wall_ms)


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
