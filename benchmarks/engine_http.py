"""P13, P16: the embedded engine on HTTP in real time: how long tasks wait in its queues, how many updates it takes.

P13's peer is the official SDK's task runner on the same engine, P16's a stub that answers the same requests and does
nothing: what is left between the two is the engine. An update is `update-v2`: it ends a task of a chain and is answered
with the next one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.queue_wait import by_worker, define, ended, quantile, waits_ms, worker
from benchmarks.row import Row, row, skipped
from benchmarks.sdk import Sdk, sdk
from benchmarks.stub_server import stub_server
from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.core.http import HttpRequest

ROUNDS, CHAINS, LENGTH, WORK_MS = 3, 10, 50, 10
UPDATES = 8_000
TYPE = "type_0"


@contextmanager
def engine() -> Iterator[str]:
    """Run the engine with the wall's clock; gives its URL."""
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", "--clock", "real"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r" at (http://\S+), ", process.stdout.readline())
    assert found is not None
    try:
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def chain(length: int) -> dict[str, object]:
    tasks = [{"name": TYPE, "taskReferenceName": f"t{number}", "type": "SIMPLE"} for number in range(length)]
    return {"name": f"BENCH_{length}", "version": 1, "ownerEmail": "k1n@example.com", "tasks": tasks}


def register(client: Conductor, length: int) -> str:
    client.register_tasks([{"name": TYPE, "ownerEmail": "k1n@example.com", "responseTimeoutSeconds": 60}])
    client.register_workflows([chain(length)])
    return str(chain(length)["name"])


def updates_per_s(url: str, connections: int, *, is_stub: bool = False) -> float:
    """Work off chains on some connections, each in a domain of its own; returns updates per second of all of them."""
    each = UPDATES // connections
    barrier = threading.Barrier(connections + 1)

    def work() -> None:
        transport = transport_for(url, environ={})
        domain = uuid.uuid4().hex[:8]
        start = json.dumps({"name": f"BENCH_{LENGTH}", "taskToDomain": {"*": domain}}).encode()
        poll = f"/api/tasks/poll/batch/{TYPE}?workerid=w&domain={domain}&count=1&timeout=0"
        done = 0
        barrier.wait()
        while done < each:
            if not is_stub:
                transport.send(HttpRequest("POST", "/api/workflow", body=start))
            (task,) = json.loads(transport.send(HttpRequest("GET", poll)).body)
            for _ in range(LENGTH):
                result = {
                    "taskId": task["taskId"],
                    "workflowInstanceId": task["workflowInstanceId"],
                    "workerId": "w",
                    "status": "COMPLETED",
                    "outputData": {"x": 1},
                }
                answer = transport.send(HttpRequest("POST", "/api/tasks/update-v2", body=json.dumps(result).encode()))
                done += 1
                if not is_stub and answer.status == 200:
                    task = json.loads(answer.body)
        barrier.wait()
        transport.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    barrier.wait()
    taken = time.perf_counter() - began
    for thread in threads:
        thread.join()
    return -(-each // LENGTH) * LENGTH * connections / taken


def sdk_waits(client: Conductor, peer: Sdk, name: str) -> list[int]:
    """Have the SDK's runner work off chains one after another."""
    seconds = 3.0
    serving = threading.Thread(target=peer.ask, kwargs={"what": "throughput", "seconds": seconds})
    serving.start()
    waits: list[int] = []
    until = time.monotonic() + seconds * 0.8
    while time.monotonic() < until:
        waits += waits_ms(ended(client, client.start(name)))
    serving.join()
    return waits


def rows() -> Iterator[Row]:
    """The best of a few rounds for rates, all of them together for waits; each interleaved with its peer."""
    waits: list[int] = []
    peer_waits: list[int] = []
    with engine() as url, sdk(url) as peer:
        client = Conductor(transport_for(url, environ={}))
        define(client)
        name = register(client, 22)
        with worker(url, WORK_MS) as (domain, process):
            for _ in range(CHAINS):
                waits += waits_ms(by_worker(client, domain, process))
        if peer is not None:
            peer_waits = sdk_waits(client, peer, name)
        client.close()
    who = "conductor-python" if peer_waits else ""
    yield row("P13 engine queue wait p50", quantile(waits, 0.5), "ms", peer=who,
              peer_value=quantile(peer_waits, 0.5) if peer_waits else None)  # fmt: skip
    yield row("P13 engine queue wait p95", quantile(waits, 0.95), "ms", limit=1, peer=who,
              peer_value=quantile(peer_waits, 0.95) if peer_waits else None)  # fmt: skip
    if not peer_waits:
        yield skipped("P13 beside the SDK", "conductor-python could not be installed")
    with engine() as url, stub_server() as stub:
        client = Conductor(transport_for(url, environ={}))
        register(client, LENGTH)
        client.close()
        for connections, least in ((1, 1_500), (16, 5_000)):
            best = peer_best = 0.0
            for _ in range(ROUNDS):
                best = max(best, updates_per_s(url, connections))
                peer_best = max(peer_best, updates_per_s(stub, connections, is_stub=True))
            yield row(f"P16 updates, {connections} connection{'s' * (connections > 1)}", best, "1/s", limit=least,
                      at_least=True, peer="idle stub", peer_value=peer_best)  # fmt: skip


if __name__ == "__main__":
    for each in rows():
        print(each)
