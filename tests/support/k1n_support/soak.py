"""Many clients at once on a served engine, for as long as one likes: nothing lost, nothing doubled, memory flat.

Each client starts executions, works on their tasks, strikes as an operator would, reads how they ended, and removes
them; beside them others search and ask for `/health`. `python -m k1n_support.soak --minutes 30` prints what came of it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pytest_k1n.client import transport_for
from pytest_k1n.core.http import HttpRequest

Document = dict[str, Any]
GIVEN_UP_S = 120
"""After how long an execution that has not ended counts as lost."""
SAMPLES = 120
"""How often memory is read, at even distances."""
WARM_UP = 0.25
"""Of the time, until what is kept of the past has reached its bounds."""


def _task(ref: str, **fields: Any) -> Document:
    return {"name": "soak_work", "taskReferenceName": ref, "type": "SIMPLE", **fields}


def _definitions() -> list[Document]:
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["b0", "b1", "b2", "b3"]}
    forked = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN",
              "forkTasks": [[_task(f"b{number}")] for number in range(4)]}  # fmt: skip
    looped = {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopOver": [_task("w")],
              "loopCondition": "$.l['iteration'] < 3"}  # fmt: skip
    child = {"name": "c", "taskReferenceName": "c", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "soak_chain"}}
    return [
        {"name": f"soak_{name}", "version": 1, "tasks": tasks}
        for name, tasks in {
            "chain": [_task("a"), _task("b"), _task("c")],
            "fork": [forked, join, _task("after")],
            "loop": [looped],
            "child": [child, _task("after")],
        }.items()
    ]


@dataclass(slots=True)
class Tally:
    """What has happened, for all clients together."""

    started: int = 0
    updated: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory_kb: list[int] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Return the median of memory in the last quarter, to that of the first one after the warm-up."""
        samples = self.memory_kb[int(len(self.memory_kb) * WARM_UP) :]
        quarter = max(1, len(samples) // 4)
        first, last = sorted(samples[:quarter]), sorted(samples[-quarter:])
        return last[len(last) // 2] / first[len(first) // 2] if samples else 1.0

    def summary(self) -> str:
        """Say it in a few lines."""
        highest = max(self.memory_kb, default=0) / 1024
        return "\n".join(
            [
                f"{self.started} executions, {self.updated} updates: {dict(sorted(self.operations.items()))}",
                f"lost {len(self.lost)}, doubled {len(self.doubled)}, errors {len(self.errors)}",
                f"memory {highest:.0f} MiB at most, {self.growth:.3f} times from after the warm-up to the end",
                f"/health {_shown(self.health_ms)}, search {_shown(self.search_ms)}",
                *self.lost[:5], *self.doubled[:5], *self.errors[:5],
            ]
        )  # fmt: skip


def _shown(waits_ms: list[float]) -> str:
    ordered = sorted(waits_ms) or [0.0]
    return f"p50 {ordered[len(ordered) // 2]:.1f} ms, p99 {ordered[int(len(ordered) * 0.99)]:.1f} ms of {len(waits_ms)}"


class Client:
    """One client: a connection, and a domain of its own that only it polls."""

    def __init__(self, url: str, number: int, tally: Tally, lock: threading.Lock) -> None:
        self.number, self.domain = number, f"soak{number}"
        self._transport = transport_for(url, environ={})
        self._random = random.Random(number)
        self._tally, self._lock = tally, lock
        self._delivered: set[str] = set()
        self._children: set[str] = set()
        """Of the execution at hand; a rerun of it forgets those that it began before."""

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a request; what is refused is an error of the soak's."""
        answer = self._transport.send(
            HttpRequest(method, f"/api{path}" + (f"?{urlencode(query)}" if query else ""),
                        body=None if body is None else json.dumps(body).encode())
        )  # fmt: skip
        if answer.status >= 300:
            with self._lock:
                self._tally.errors.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
            return None
        text = answer.body.decode()
        return json.loads(text) if text[:1] in ("{", "[") else text

    def one(self) -> None:
        """Take one execution from its start to its end, and remove it."""
        kind = self._random.choice(["chain", "fork", "loop", "child"])
        stroke = self._random.choice(["", "", "", "pause", "retry", "restart", "rerun", "terminate"])
        started = self.ask(
            "POST", "/workflow",
            {"name": f"soak_{kind}", "input": {"n": self.number}, "taskToDomain": {"*": self.domain}},
        )  # fmt: skip
        with self._lock:
            self._tally.started += 1
            self._tally.operations[f"{kind} {stroke}".strip()] += 1
        wanted, ended = self._work(started, stroke)
        if ended != wanted:
            with self._lock:
                self._tally.lost.append(f"{kind} {stroke} {started}: {ended}, not {wanted}")
            self.ask("DELETE", f"/workflow/{started}")
        self._check(started)
        self._remove(started)

    def _work(self, workflow_id: str, stroke: str) -> tuple[str, str]:
        struck, deadline, turn = not stroke, time.monotonic() + GIVEN_UP_S, 0
        while time.monotonic() < deadline:
            tasks = self.ask("GET", "/tasks/poll/batch/soak_work", domain=self.domain, count=4, timeout=0) or []
            for task in tasks:
                turn += 1
                status = "COMPLETED"
                if not struck and turn == 2:
                    struck = True
                    if stroke == "terminate":
                        self.ask("DELETE", f"/workflow/{workflow_id}", reason="soak")
                        self._update(task, status)
                        return "TERMINATED", self._status(workflow_id)
                    if stroke == "pause":
                        self.ask("PUT", f"/workflow/{workflow_id}/pause")
                        self._update(task, status)
                        self.ask("PUT", f"/workflow/{workflow_id}/resume")
                        continue
                    status = "FAILED"
                self._update(task, status)
            now = self._status(workflow_id)
            if now == "FAILED" and struck and stroke in ("retry", "restart", "rerun"):
                self._drain()
                self._note_children(workflow_id)
                body = {} if stroke == "rerun" else None
                self.ask("POST", f"/workflow/{workflow_id}/{stroke}", body)
                stroke = "done"
            elif now in ("COMPLETED", "FAILED", "TERMINATED", "TIMED_OUT"):
                return "COMPLETED", now
        return "COMPLETED", f"{self._status(workflow_id)} after {GIVEN_UP_S} s"

    def _drain(self) -> None:
        """Take what is queued of a failed execution: nothing must come of it."""
        while tasks := self.ask("GET", "/tasks/poll/batch/soak_work", domain=self.domain, count=4, timeout=0):
            with self._lock:
                self._tally.doubled += [f"{task['taskId']} delivered of an ended execution" for task in tasks]

    def _status(self, workflow_id: str) -> str:
        return str((self.ask("GET", f"/workflow/{workflow_id}/status") or {}).get("status"))

    def _update(self, task: Document, status: str) -> None:
        attempt = f"{task['taskId']}/{task['retryCount']}/{task['scheduledTime']}"
        if attempt in self._delivered:
            with self._lock:
                self._tally.doubled.append(f"{attempt} delivered twice")
        self._delivered.add(attempt)
        result = {"taskId": task["taskId"], "workflowInstanceId": task["workflowInstanceId"], "workerId": self.domain,
                  "status": status, "outputData": {"of": task["taskId"], "n": self.number}}  # fmt: skip
        self.ask("POST", "/tasks", result)
        with self._lock:
            self._tally.updated += 1

    def _check(self, workflow_id: str) -> None:
        """See that each record has what was reported of it, and that no ref has two records that count."""
        execution = self.ask("GET", f"/workflow/{workflow_id}") or {"tasks": []}
        worked = [task for task in execution["tasks"] if task["taskType"] == "soak_work"]
        wrong = [
            f"{workflow_id} {task['referenceTaskName']} shows {task['outputData']}"
            for task in worked
            if task["status"] == "COMPLETED" and task["outputData"] != {"of": task["taskId"], "n": self.number}
        ]
        counted = Counter(task["referenceTaskName"] for task in worked if task["status"] == "COMPLETED")
        twice = [f"{workflow_id} {ref} completed {count} times" for ref, count in counted.items() if count > 1]
        with self._lock:
            self._tally.lost += wrong
            self._tally.doubled += twice

    def _remove(self, workflow_id: str) -> None:
        archive = self._random.choice(["true", "false"])
        self._note_children(workflow_id)
        for each in [workflow_id, *self._children]:
            self.ask("DELETE", f"/workflow/{each}/remove", archiveWorkflow=archive)
        self._delivered.clear()
        self._children.clear()

    def _note_children(self, workflow_id: str) -> None:
        execution = self.ask("GET", f"/workflow/{workflow_id}") or {"tasks": []}
        self._children.update(task["subWorkflowId"] for task in execution["tasks"] if "subWorkflowId" in task)

    def search(self) -> None:
        """Search as a page of a user interface does."""
        query = self._random.choice(
            ["workflowType=soak_chain", "status=RUNNING", "workflowType IN (soak_fork,soak_loop)"]
        )
        free = self._random.choice(["*", "soak", "nothing"])
        began = time.monotonic()
        self.ask("GET", "/workflow/search", query=query, freeText=free, size=50)
        with self._lock:
            self._tally.search_ms.append((time.monotonic() - began) * 1000)

    def health(self) -> None:
        """Ask whether the engine is well."""
        began = time.monotonic()
        answer = self._transport.send(HttpRequest("GET", "/health"))
        with self._lock:
            self._tally.health_ms.append((time.monotonic() - began) * 1000)
            if answer.status != 200:
                self._tally.errors.append(f"/health: {answer.status}")

    def close(self) -> None:
        self._transport.close()


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Run an engine in real time; gives its URL and its process id."""
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", "--clock", "real"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r" at (http://\S+), ", process.stdout.readline())
    assert found is not None
    try:
        yield found[1], process.pid
    finally:
        process.terminate()
        process.communicate(timeout=20)


def soak(url: str, pid: int, *, clients: int, seconds: float) -> Tally:
    """Have clients at an engine for some seconds."""
    tally, lock, stop = Tally(), threading.Lock(), threading.Event()
    first = Client(url, 0, tally, lock)
    first.ask("POST", "/metadata/taskdefs", [{"name": "soak_work", "retryCount": 0, "responseTimeoutSeconds": 3600}])
    first.ask("PUT", "/metadata/workflow", _definitions())
    first.close()

    def go_on(number: int, what: Callable[[Client], None], pause_s: float) -> None:
        client = Client(url, number, tally, lock)
        try:
            while not stop.is_set():
                what(client)
                time.sleep(pause_s)
        except Exception as error:
            with lock:
                tally.errors.append(f"client {number}: {type(error).__name__}: {error}")
        finally:
            client.close()

    threads = [threading.Thread(target=go_on, args=(number, Client.one, 0)) for number in range(1, clients + 1)]
    threads += [threading.Thread(target=go_on, args=(clients + 1, Client.search, 0.05)),
                threading.Thread(target=go_on, args=(clients + 2, Client.health, 0.05))]  # fmt: skip
    for thread in threads:
        thread.start()
    for number in range(1, SAMPLES + 1):
        time.sleep(seconds / SAMPLES)
        tally.memory_kb.append(resident_kb(pid))
        if number % (SAMPLES // 10) == 0:
            told = f"{number * 100 // SAMPLES} %: {tally.memory_kb[-1] >> 10} MiB, {tally.started} executions"
            print(told, file=sys.stderr, flush=True)
    stop.set()
    for thread in threads:
        thread.join()
    return tally


def resident_kb(pid: int) -> int:
    """Return how much memory a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    with served() as (url, pid):
        tally = soak(url, pid, clients=options.clients, seconds=options.minutes * 60)
        print(tally.summary(), flush=True)
    return 1 if tally.lost or tally.doubled or tally.errors or tally.growth > 1.05 else 0


if __name__ == "__main__":
    sys.exit(main())
