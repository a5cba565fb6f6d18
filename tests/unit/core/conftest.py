"""Builders of small executions: `build.execution(build.task("a", 0, 10), build.task("b", 10, 25))`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_k1n.core.plan import Phase, Template
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

ZERO = 1_700_000_000_000


def simple(ref, name=None, **fields):
    return {"name": name or ref, "taskReferenceName": ref, "type": "SIMPLE", **fields}


def chain(*refs, **fields):
    return {"name": "wf", "version": 1, "tasks": [simple(ref) for ref in refs], **fields}


def fork(*branches, then=()):
    """A fork of branches (lists of refs) with its join, and refs after it."""
    tasks = [
        {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN",
         "forkTasks": [[simple(ref) for ref in branch] for branch in branches]},
        {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": [branch[-1] for branch in branches]},
        *[simple(ref) for ref in then],
    ]  # fmt: skip
    return {"name": "wf", "version": 1, "tasks": tasks}


def task(
    ref, start=None, end=None, *, scheduled=None, status=None, type=None, attempt=0, iteration=0, worker="w1",
    simulated=False, work=None, output=None, input=None, reason=None, retried=False, delay_s=0, task_id=None, name=None,
):  # fmt: skip
    """A task record; times in ms from the start of the execution."""
    if status is None:
        status = "COMPLETED" if end is not None else "IN_PROGRESS" if start is not None else "SCHEDULED"
    scheduled = (start if start is not None else 0) if scheduled is None else scheduled
    record = {
        "referenceTaskName": f"{ref}__{iteration}" if iteration else ref,
        "taskType": type or name or ref,
        "taskDefName": name or ref,
        "taskId": task_id or f"id-{ref}-{iteration}-{attempt}",
        "status": status,
        "retryCount": attempt,
        "retried": retried,
        "iteration": iteration,
        "scheduledTime": ZERO + scheduled,
        "startTime": 0 if start is None else ZERO + start,
        "endTime": 0 if end is None else ZERO + end,
        "updateTime": 0 if end is None else ZERO + end,
        "startDelayInSeconds": delay_s,
        "workerId": worker,
        "reasonForIncompletion": reason,
        "inputData": input or {},
        "outputData": dict(output or {}),
    }
    if simulated:
        record["outputData"]["_k1n"] = {"simulated": True, "work_ms": end - start if work is None else work}
    return record


def execution(*tasks, definition=None, status="COMPLETED", start=0, end=None, **fields):
    """An execution of `definition` (a chain of the tasks if left out); ends with its last task."""
    ends = [task["endTime"] - ZERO for task in tasks if task["endTime"]]
    is_over = status not in ("RUNNING", "PAUSED")
    end = max(ends, default=0) if end is None else end
    refs = list(dict.fromkeys(task["referenceTaskName"].partition("__")[0] for task in tasks))
    document = {
        "workflowId": "wf-1",
        "workflowName": "wf",
        "workflowVersion": 1,
        "status": status,
        "startTime": ZERO + start,
        "endTime": ZERO + end if is_over else 0,
        "tasks": [{"seq": index, **task} for index, task in enumerate(tasks, start=1)],
        "workflowDefinition": definition or chain(*refs),
        **fields,
    }
    return wire.execution(document)


def observation(*tasks, definition=None, status="COMPLETED", end=None, start=0, fields=None, **observed):
    made = execution(*tasks, definition=definition, status=status, end=end, start=start, **(fields or {}))
    return observe(made, **observed)


def template(**fields):
    phases = tuple(
        Phase(number=number, name=name, refs=tuple(refs), band_ms=band) for number, name, refs, band in
        fields.pop("phases", ())
    )  # fmt: skip
    return Template(id="01", slug="t", workflow="wf", batch=1, phases=phases, **fields)


@pytest.fixture(scope="session")
def scipy():
    """Its special functions, brought when a test asks; `scipy.stats`, which is made of them, takes twice as long."""
    import scipy.special

    return scipy.special


@pytest.fixture
def build():
    return SimpleNamespace(
        ZERO=ZERO, simple=simple, chain=chain, fork=fork, task=task, execution=execution, observation=observation,
        template=template,
    )  # fmt: skip


@pytest.fixture
def codes_of():
    """What a judgement found, as (code, subject, verdict) without noise."""
    return lambda findings: [(f.code, f.subject, str(f.verdict)) for f in findings.findings]
