"""P14: from the start of `k1n worker` until all of its 15 task types have been polled, and the memory it takes then."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row, row, skipped
from benchmarks.stub_server import polled, set_backlog, stub_server

TYPES, ROUNDS = 15, 3
SDK_S, SDK_MB = 4.2, 661
"""The SDK starts a process per type: 4.2 s and 661 MB for 15 types, measured once."""


def start(url: str) -> tuple[float, float | None]:
    """Return seconds and MB (PSS: shared pages divided among their users; None where /proc does not tell)."""
    set_backlog(url, 0)
    argv = [sys.executable, "-m", "pytest_k1n", "worker", "--no-hints", "--types"]
    argv += [f"start_{number}" for number in range(TYPES)]
    began = time.perf_counter()
    process = subprocess.Popen(argv, env={**os.environ, "K1N_SERVER": url}, stderr=subprocess.DEVNULL)
    try:
        while polled(url) < TYPES:
            time.sleep(0.005)
        return time.perf_counter() - began, pss_mb(process.pid)
    finally:
        process.terminate()
        process.wait()


def pss_mb(pid: int) -> float | None:
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def rows() -> Iterator[Row]:
    """The best of a few starts, each against a new stub."""
    results = []
    for _ in range(ROUNDS):
        with stub_server() as url:
            results.append(start(url))
    yield row("P14 start to all polling", min(taken for taken, _ in results), "s", limit=0.5, peer="conductor-python",
              peer_value=SDK_S)  # fmt: skip
    sizes = [size for _, size in results if size is not None]
    if sizes:
        yield row("P14 memory, PSS", max(sizes), "MB", limit=60, peer="conductor-python", peer_value=SDK_MB)
    else:
        yield skipped("P14 memory, PSS", "/proc/PID/smaps_rollup cannot be read here")


if __name__ == "__main__":
    for each in rows():
        print(each)
