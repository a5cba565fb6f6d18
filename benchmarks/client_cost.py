"""P10: what a poll and an update cost the client, on a kept connection, against a stub; side by side with its peers."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from statistics import median
from urllib.parse import urlsplit

import requests

from benchmarks.row import Row, row, skipped
from benchmarks.sdk import sdk
from benchmarks.stub_server import stub_server
from pytest_k1n.client import Conductor, transport_for

ROUNDS, PAIRS = 8, 300
POLL = "/api/tasks/poll/batch/type_0?workerid=w&count=1&timeout=0"


def result(task: dict[str, object]) -> dict[str, object]:
    return {"taskId": task["taskId"], "workflowInstanceId": task["workflowInstanceId"], "workerId": "w",
            "status": "COMPLETED", "outputData": {"x": 1}}  # fmt: skip


def ours(url: str) -> Callable[[], None]:
    client = Conductor(transport_for(url, environ={}), patience_s=0)

    def pair() -> None:
        task = client.poll("type_0", worker_id="w")
        assert task is not None
        client.update(result(task))

    return pair


def by_http_client(url: str) -> Callable[[], None]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def pair() -> None:
        connection.request("GET", POLL)
        task = json.loads(connection.getresponse().read())[0]
        connection.request("POST", "/api/tasks", json.dumps(result(task)), {"Content-Type": "application/json"})
        connection.getresponse().read()

    return pair


def by_requests(url: str) -> Callable[[], None]:
    session = requests.Session()

    def pair() -> None:
        task = session.get(url + POLL).json()[0]
        session.post(url + "/api/tasks", json=result(task))

    return pair


def timed(pair: Callable[[], None]) -> float:
    times = []
    for _ in range(PAIRS):
        began = time.perf_counter()
        pair()
        times.append((time.perf_counter() - began) * 1e6)
    return median(times)


def rows() -> Iterator[Row]:
    """Interleave the rounds of all; the figure of each is the median pair of its best round."""
    with stub_server() as url, sdk(url) as peer:
        candidates = {"ours": ours(url), "http.client": by_http_client(url), "requests": by_requests(url)}
        best = dict.fromkeys([*candidates, "conductor-python"], float("inf"))
        for _ in range(ROUNDS):
            for name, pair in candidates.items():
                best[name] = min(best[name], timed(pair))
            if peer is not None:
                times = peer.ask(what="pairs", count=PAIRS)["times"]
                best["conductor-python"] = min(best["conductor-python"], median(times))  # type: ignore[type-var]
    for name in ("http.client", "requests"):
        yield row("P10 poll + update", best["ours"], "us", limit=330, peer=name, peer_value=best[name])
    if peer is None:
        yield skipped("P10 times faster than the SDK", "conductor-python could not be installed")
        return
    value = best["conductor-python"]
    yield row("P10 poll + update", best["ours"], "us", limit=330, peer="conductor-python", peer_value=value)
    yield row("P10 times faster than the SDK", value / best["ours"], "x", limit=3, at_least=True)


if __name__ == "__main__":
    for each in rows():
        print(each)
