"""P11: tasks per second of one worker process, ledger and heartbeats included, on a stub; beside the SDK's runner."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row, row, skipped
from benchmarks.sdk import sdk
from benchmarks.stub_server import TYPES, set_backlog, span_s, stub_server
from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.workers.ledger import InvocationLedger
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.worker import Worker

ROUNDS, TASKS, SDK_S = 3, 8_000, 2.0


def rate(url: str, types: int, slots: int) -> float:
    """Let a worker empty a backlog; returns tasks per second, without the first and the last 5 %."""
    client = Conductor(transport_for(url, environ={}), patience_s=0)
    served = TYPES[:types]
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(
            client, [], Handlers({each: lambda _: {"x": 1} for each in served}),
            WorkerSettings(worker_id="bench", types=served, slots=slots, uncertain_round_ms=1, least_slow_pause_ms=1),
            ledger=InvocationLedger(Path(folder) / "ledger"),
        )  # fmt: skip
        stop = threading.Event()
        set_backlog(url, TASKS)
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        while (taken_s := span_s(url)) is None:
            time.sleep(0.1)  # the stub keeps the time: asking costs the worker's own process
        stop.set()
        thread.join()
    client.close()
    return TASKS * 0.9 / taken_s


def rows() -> Iterator[Row]:
    """The best of a few rounds, interleaved with the SDK's, which serves one type per process."""
    best, peer_best = 0.0, 0.0
    with stub_server() as url, sdk(url) as peer:
        for _ in range(ROUNDS):
            best = max(best, rate(url, types=1, slots=16), rate(url, types=4, slots=4))
            if peer is not None:
                set_backlog(url, 1_000_000)
                peer_best = max(peer_best, peer.ask(what="throughput", seconds=SDK_S)["rate"])
    yield row("P11 worker throughput", best, "tasks/s", limit=5_000, at_least=True, peer="conductor-python",
              peer_value=peer_best or None)  # fmt: skip
    if peer is None:
        yield skipped("P11 times the SDK's", "conductor-python could not be installed")
    else:
        yield row("P11 times the SDK's", best / peer_best, "x", limit=4, at_least=True)


if __name__ == "__main__":
    for each in rows():
        print(each)
