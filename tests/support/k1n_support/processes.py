"""Whether processes that a test has started are still there."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # reading it, too, may find it gone
        return False


def are_gone(pids: Iterable[int], *, within_s: float = 30) -> bool:
    """Wait until none of the processes is alive; false if one still is after `within_s`."""
    left, deadline = list(pids), time.monotonic() + within_s
    while (left := [pid for pid in left if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not left
