"""How `k1n run` shows a dry run: bars, the critical path, what was asked of each worker, what was simulated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_k1n.core.model import Json, TaskRecord, WorkflowStatus
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.pictures.bars import bars
from pytest_k1n.core.record.observation import Observation, record_is_simulated
from pytest_k1n.core.standins.rehearsed import Simulated
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.servers.dryrun import DryRun

_BARS = 60
_TASKS = 100
_WIDTH = 150


def text(result: DryRun, *, shown: Path) -> Iterator[str]:
    """Describe a dry run for people."""
    main = result.main
    yield one_line(f"{main.execution.name} version {main.execution.version}, dry run of {shown}")
    yield "  on the embedded engine, in virtual time; nothing outside this machine was touched"
    for seen in result.family:
        yield from _execution(seen, is_main=seen is main)
    if result.stuck:
        yield f"  waits    {one_line(result.stuck)}"
    if result.outside:
        counts = Counter(_kind(each) for each in result.outside)
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        yield f"  not done   {one_line(told)}: their answers are simulated"
    for each in result.outside:
        left_open = ", completed by a client (asyncComplete)" if each.is_completed_outside else ""
        yield f"  simulated  {one_line(each.ref)}: {each.kind}, {one_line(each.what)}{left_open}"
    for ref, why in result.doubts.items():
        yield f"  warning    {one_line(ref)}: its request would not be sent as it stands: {one_line(why)}"
    records = [record for seen in result.family for record in seen.execution.tasks]
    if simulated := list(dict.fromkeys(record.ref for record in records if _is_made_up(record))):
        yield f"  simulated  work of {one_line(', '.join(simulated))}"
    if simulated and main.execution.status is not WorkflowStatus.COMPLETED:
        yield "  hint  what simulated tasks answer is made up: --output REF=JSON says what a task would answer"
    if result.answered:
        yield f"  answered   {one_line(', '.join(result.answered))}: they wait for a caller"
    if result.not_given:
        yield f"  not given  {one_line(', '.join(result.not_given))}: read from the input, and null"
    yield f"output  {_json(main.execution.output)}"


def document(result: DryRun) -> dict[str, object]:
    """Describe a dry run for machines."""
    return {
        "schema": "k1n-dry-run/1",
        "status": str(result.main.execution.status),
        "executions": [_execution_document(seen) for seen in result.family],
        "simulated_outside": [{"ref": each.ref, "type": each.kind, "what": each.what} for each in result.outside],
        "requests_in_doubt": dict(result.doubts),
        "answered": list(result.answered),
        "inputs_not_given": list(result.not_given),
        "waits_for": result.stuck,
        "output": _plain(result.main.execution.output),
    }


def _execution(seen: Observation, *, is_main: bool) -> Iterator[str]:
    execution = seen.execution
    end_ms = seen.timeline.end_ms
    took = f", {format_ms(end_ms)}" if end_ms is not None else ""
    head = "state" if is_main else f"led to {one_line(execution.name)}:"
    yield f"  {head}    {one_line(seen.state)}{took}"
    yield from (f"  {line}" for line in bars(execution, most=_BARS))
    path = seen.path
    works = path.work_by_task()
    named = [f"{label(key)} {format_ms(works[key])}" for key in path.tasks if works.get(key)]
    if named:
        yield f"  critical path  {one_line(' -> '.join(named))}"
    records = [record for record in execution.tasks if record.is_worker_task]
    for record in records[:_TASKS]:
        yield f"  asked  {one_line(_title(record))}: {_json(record.input)} -> {_answer(record)}"
    if len(records) > _TASKS:
        yield f"  asked  … {len(records) - _TASKS} more"


def _title(record: TaskRecord) -> str:
    ref = label(record.key)
    name = f" ({record.type})" if record.type != record.ref else ""
    return f"{ref}{name}" + (f", attempt {record.attempt + 1}" if record.attempt else "")


def _kind(each: Simulated) -> str:
    return f"EVENT ({each.what.removeprefix('published to ').partition(':')[0]})" if each.kind == "EVENT" else each.kind


def _answer(record: TaskRecord) -> str:
    if record.status.is_successful:
        return _json(record.output)
    return one_line(f"{record.status}" + (f": {record.reason}" if record.reason else ""))


def _is_made_up(record: TaskRecord) -> bool:
    return record.is_worker_task and record_is_simulated(record)


def _execution_document(seen: Observation) -> dict[str, object]:
    execution = seen.execution
    path = seen.path
    return {
        "workflow": {"name": execution.name, "version": execution.version, "workflow_id": execution.workflow_id},
        "status": str(execution.status),
        "reason": execution.reason,
        "makespan_ms": seen.timeline.end_ms,
        "critical_path": [label(key) for key in path.tasks],
        "tasks": [
            {
                "ref": record.ref,
                "iteration": record.iteration,
                "attempt": record.attempt,
                "type": record.type,
                "status": str(record.status),
                "reason": record.reason,
                "simulated": record_is_simulated(record),
                "start_ms": _since(record.started_ms, execution.started_ms),
                "end_ms": _since(record.ended_ms, execution.started_ms),
                "input": _plain(record.input),
                "output": _plain(record.output),
            }
            for record in execution.tasks
        ],
    }


def _since(stamp_ms: int | None, origin_ms: int) -> int | None:
    return None if stamp_ms is None else stamp_ms - origin_ms


def _plain(value: Mapping[str, Json]) -> dict[str, Any]:
    """Leave out what the worker says about itself."""
    return {key: each for key, each in value.items() if key != "_k1n"}


def _json(value: Mapping[str, Json]) -> str:
    return one_line(json.dumps(_plain(value), ensure_ascii=False), most=_WIDTH)
