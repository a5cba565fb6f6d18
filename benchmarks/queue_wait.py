"""P12: queue wait and cost per hop of a 22-task chain on a real server, beside the least that a client can need there.

Needs a running Conductor with the low-latency profile: K1N_LIVE_URL. The peer polls by hand exactly the next task and
nothing else, in one thread: what it waits for is the server. Rounds of both are interleaved.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.row import Row, row, skipped
from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.core.model import Execution
from pytest_k1n.core.wire import wire

LENGTH, ROUNDS, WORK_MS = 22, 10, 50
REFS = [f"bench_{number}" for number in range(1, LENGTH + 1)]
CHAIN = {
    "name": "K1N_BENCH_CHAIN", "version": 1, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
    "tasks": [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"} for ref in REFS],
}  # fmt: skip


def define(client: Conductor) -> None:
    client.register_tasks(
        [{"name": ref, "ownerEmail": "k1n@example.com", "retryCount": 1, "retryDelaySeconds": 1,
          "responseTimeoutSeconds": 10, "timeoutSeconds": 0} for ref in REFS]
    )  # fmt: skip
    client.register_workflows([CHAIN])


def ended(client: Conductor, workflow_id: str) -> Execution:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        execution = wire.execution(client.execution(workflow_id))
        if execution.is_terminal:
            return execution
        time.sleep(0.02)
    raise TimeoutError(f"execution {workflow_id} did not end within 60s")


def waits_ms(execution: Execution) -> list[int]:
    return [(task.started_ms or 0) - (task.scheduled_ms or 0) for task in execution.tasks[1:]]


def hop_ms(execution: Execution, work_ms: int) -> float:
    return ((execution.ended_ms or 0) - execution.started_ms) / LENGTH - work_ms


def quantile(values: list[int], fraction: float) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(fraction * len(ordered)))])


@contextmanager
def worker(url: str, work_ms: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `k1n worker` as the suite does; yields its domain and itself."""
    domain = f"bench-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chain.json").write_text(json.dumps(CHAIN))
        estimates = Path(folder) / "estimates"
        estimates.write_text(json.dumps({CHAIN["name"]: dict.fromkeys(REFS, work_ms)}))
        argv = [sys.executable, "-m", "pytest_k1n", "worker", "--definitions", folder, "--estimates", str(estimates)]
        argv += ["--handlers", "simulated", "--domain", domain, "--ledger", str(Path(folder) / "ledger")]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "K1N_SERVER": url}
        )
        assert process.stdin is not None
        try:
            time.sleep(1.0)
            yield domain, process
        finally:
            process.stdin.close()
            process.wait(20)


def by_worker(client: Conductor, domain: str, process: subprocess.Popen[bytes]) -> Execution:
    assert process.stdin is not None
    workflow_id = client.start(str(CHAIN["name"]), task_to_domain={"*": domain})
    hint = {"launched": {"workflow_id": workflow_id, "name": CHAIN["name"]}}
    process.stdin.write(json.dumps(hint).encode() + b"\n")
    process.stdin.flush()
    return ended(client, workflow_id)


def by_hand(client: Conductor) -> Execution:
    domain = f"bench-{uuid.uuid4().hex[:8]}"
    workflow_id = client.start(str(CHAIN["name"]), task_to_domain={"*": domain})
    for ref in REFS:
        while (task := client.poll(ref, worker_id="bench", domain=domain)) is None:
            pass
        client.update({"workflowInstanceId": workflow_id, "taskId": task["taskId"], "status": "COMPLETED"})
    return ended(client, workflow_id)


def rows() -> Iterator[Row]:
    """Zero work shows the cost of a hop, 50 ms of work the queue wait while nothing else happens."""
    url = os.environ.get("K1N_LIVE_URL")
    if not url:
        yield skipped("P12 queue wait", "set K1N_LIVE_URL to a running Conductor")
        return
    client = Conductor(transport_for(url))
    define(client)
    hops: list[float] = []
    floors: list[float] = []
    floor_waits: list[int] = []
    with worker(url, 0) as (domain, process):
        for _ in range(ROUNDS):
            floor = by_hand(client)
            floors.append(hop_ms(floor, 0))
            floor_waits += waits_ms(floor)
            hops.append(hop_ms(by_worker(client, domain, process), 0))
    waits: list[int] = []
    with worker(url, WORK_MS) as (domain, process):
        for _ in range(ROUNDS):
            waits += waits_ms(by_worker(client, domain, process))
    client.close()
    peer = "polled by hand"
    yield row("P12 queue wait p50", median(waits), "ms", limit=8, peer=peer, peer_value=median(floor_waits))
    yield row("P12 queue wait p95", quantile(waits, 0.95), "ms", limit=15, peer=peer,
              peer_value=quantile(floor_waits, 0.95))  # fmt: skip
    yield row("P12 queue wait max", max(waits), "ms", peer=peer, peer_value=max(floor_waits))
    yield row("P12 zero work, per task", median(hops), "ms", limit=20, peer=peer, peer_value=median(floors))


if __name__ == "__main__":
    for each in rows():
        print(each)
