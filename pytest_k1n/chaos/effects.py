"""Handlers whose effect can be counted: a line in a file of the task. What `k1n chaos` has a worker do on a server.

`once` makes its effect at most once per task, as a good handler does, whatever attempt it is; `again` does not look.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pytest_k1n.core.model import Json, TaskKey
from pytest_k1n.workers.handler import TaskContext

FOLDER = "K1N_CHAOS_EFFECTS"
WORK_MS = "K1N_CHAOS_WORK_MS"


def once(context: TaskContext) -> Mapping[str, Json]:
    """Work for a while, then make the effect, unless an earlier attempt has."""
    _work(context)
    try:
        _append(_file(context), os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return {"effect": "made by an earlier attempt"}
    return {"effect": "made"}


def again(context: TaskContext) -> Mapping[str, Json]:
    """Work for a while, then make the effect: the bug that faults are there to find."""
    _work(context)
    _append(_file(context), os.O_CREAT)
    return {"effect": "made"}


def effects_in(folder: Path, workflow_id: str) -> dict[TaskKey, int]:
    """Count the effects of an execution's tasks."""
    found: dict[TaskKey, int] = {}
    for path in folder.glob(f"{workflow_id}.*"):
        ref, _, iteration = path.name.removeprefix(f"{workflow_id}.").rpartition(".")
        found[ref, int(iteration)] = len(path.read_bytes().splitlines())
    return found


def _work(context: TaskContext) -> None:
    context.sleep(float(os.environ.get(WORK_MS, "0")))


def _file(context: TaskContext) -> Path:
    return Path(os.environ[FOLDER]) / f"{context.workflow_id}.{context.ref}.{context.iteration}"


def _append(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o644)
    try:
        os.write(descriptor, b"made\n")
    finally:
        os.close(descriptor)
