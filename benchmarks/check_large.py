"""P24: `k1n check` of one execution with 100,000 task records, in four shapes: CPU and memory of the whole process.

The peer is what a user would write with networkx: parse, build the graph, find the longest path; no verdict.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.row import Row, row

RECORDS = 100_000
LIMIT_S = 4.0
LIMIT_MB = 500.0
EPOCH = 1_763_696_683_000
WIDTH = 8
Document = dict[str, Any]
_PEER = """
import json, sys, networkx as nx
document = json.load(open(sys.argv[1]))
ends = {each["referenceTaskName"]: each for each in document["tasks"]}
graph, tail = nx.DiGraph(), None
for task in document["workflowDefinition"]["tasks"]:
    ref = task["taskReferenceName"]
    for before in task.get("joinOn") or ([tail] if tail else []):
        graph.add_edge(before, ref, weight=ends[ref]["endTime"] - ends[ref]["startTime"])
    for branch in task.get("forkTasks", []):
        graph.add_edge(ref, branch[0]["taskReferenceName"], weight=1)
    tail = ref
print(len(nx.dag_longest_path(graph)))
"""


def rows() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for shape, document in (
            ("forks", forks(RECORDS)), ("chain", chain(RECORDS)), ("one fork", wide(RECORDS)), ("loop", loop(RECORDS)),
        ):  # fmt: skip
            path = Path(folder) / f"{shape}.json"
            path.write_text(json.dumps(document))
            taken_s, memory_mb = measured([sys.executable, "-m", "pytest_k1n", "check", str(path)])
            peer_s, peer_mb = measured([sys.executable, "-c", _PEER, str(path)]) if shape == "forks" else (None, None)
            yield row(f"P24 {shape}", taken_s, "s", limit=LIMIT_S, peer="networkx path only", peer_value=peer_s)
            yield row(f"P24 {shape} memory", memory_mb, "MB", limit=LIMIT_MB, peer="networkx path only",
                      peer_value=peer_mb)  # fmt: skip


def measured(command: list[str]) -> tuple[float, float]:
    """Run a process to its end; return its seconds of CPU and the most memory it had in MB.

    Not by the wall: the machine may be busy. Not ru_maxrss: it begins with the size of this process.
    """
    code, words = (command[2], command[3:]) if command[1] == "-c" else ("", command[3:])
    main = code or "from pytest_k1n.cli import main; sys.exit(main(sys.argv[1:]))"
    script = f"import atexit, sys; atexit.register(lambda: print(open('/proc/self/status').read()))\n{main}"
    process = subprocess.Popen([command[0], "-c", script, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, said[-2000:]
    peak_kb = int(said.rpartition("VmHWM:")[2].split()[0])
    return usage.ru_utime + usage.ru_stime, peak_kb / 1024


def chain(size: int) -> Document:
    refs = [f"task_{number}" for number in range(size)]
    records = [_record(ref, 10 * number, 10 * number, 10 * number + 9) for number, ref in enumerate(refs)]
    return _execution([_simple(ref) for ref in refs], records)


def wide(size: int) -> Document:
    """One fork of thousands of branches, and the task that waits for them all."""
    refs = [f"task_{number}" for number in range(size - 3)]
    records = [_record("fork", 0, 0, 0, type="FORK")]
    records += [_record(ref, 0, number % 7, 100 + number % 90) for number, ref in enumerate(refs)]
    records += [_record("join", 0, 0, 200, type="JOIN"), _record("last", 201, 202, 210)]
    return _execution([_fork("fork", refs), _join("join", refs), _simple("last")], records)


def loop(size: int) -> Document:
    """One loop of three tasks that went round and round."""
    rounds = (size - 1) // 3
    body = ["fetch", "work", "store"]
    loop = {"name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": "true",
            "loopOver": [_simple(ref) for ref in body]}  # fmt: skip
    records = [_record("loop", 0, 0, 30 * rounds, type="DO_WHILE", iteration=rounds, outputData={"iteration": rounds})]
    for count in range(1, rounds + 1):
        for number, ref in enumerate(body):
            at = 30 * (count - 1) + 10 * number
            record = _record(ref, at, at, at + 9, iteration=count)
            records.append({**record, "referenceTaskName": f"{ref}__{count}", "taskId": f"id-{ref}-{count}"})
    return _execution([loop], records)


def forks(size: int) -> Document:
    """Forks of eight branches, each joined and followed by one task."""
    tasks: list[Document] = []
    records: list[Document] = []
    at = 0
    while len(records) < size:
        number = len(tasks) // 3
        refs = [f"task_{number}_{branch}" for branch in range(WIDTH)]
        tasks += [_fork(f"fork_{number}", refs), _join(f"join_{number}", refs), _simple(f"tail_{number}")]
        records.append(_record(f"fork_{number}", at, at, at, type="FORK"))
        records += [_record(ref, at, at + branch, at + 20 + branch) for branch, ref in enumerate(refs)]
        records.append(_record(f"join_{number}", at, at, at + 30, type="JOIN"))
        records.append(_record(f"tail_{number}", at + 30, at + 32, at + 40))
        at += 40
    return _execution(tasks, records)


def _simple(ref: str) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {"n": "${workflow.input.n}"}}


def _fork(ref: str, refs: list[str]) -> Document:
    branches = [[_simple(each)] for each in refs]
    return {"name": ref, "taskReferenceName": ref, "type": "FORK_JOIN", "forkTasks": branches}


def _join(ref: str, refs: list[str]) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": "JOIN", "joinOn": refs}


def _record(ref: str, scheduled: int, start: int, end: int, *, type: str | None = None, **fields: Any) -> Document:
    return {
        "taskType": type or ref, "status": "COMPLETED", "referenceTaskName": ref, "taskDefName": type or ref,
        "taskId": f"id-{ref}", "retryCount": 0, "pollCount": 1, "retried": False, "scheduledTime": EPOCH + scheduled,
        "startTime": EPOCH + start, "endTime": EPOCH + end, "updateTime": EPOCH + end, "workerId": "worker-1",
        "inputData": {"n": 1}, "iteration": 0, "callbackAfterSeconds": 0, "responseTimeoutSeconds": 3600,
        "outputData": {"value": 1}, **fields,
    }  # fmt: skip


def _execution(tasks: list[Document], records: list[Document]) -> Document:
    return {
        "workflowId": "wf-1", "workflowName": "W", "workflowVersion": 1, "status": "COMPLETED", "startTime": EPOCH,
        "endTime": max(each["endTime"] for each in records), "input": {}, "output": {},
        "workflowDefinition": {"name": "W", "version": 1, "tasks": tasks},
        "tasks": [{"seq": seq, **each} for seq, each in enumerate(records, start=1)],
    }  # fmt: skip
