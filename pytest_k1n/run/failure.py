"""The section of a failed test's report: what one needs to go on from there, without searching."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from pytest_k1n.client.address import redact
from pytest_k1n.coordination.collection import Item
from pytest_k1n.coordination.runfolder import LaunchedExecution
from pytest_k1n.core.model import Execution, WorkflowDefinition
from pytest_k1n.core.pictures.bars import bars
from pytest_k1n.core.record.causes import ABOUT_VALUES, causes
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.standins.answers import unanswered
from pytest_k1n.core.standins.simulation import is_simulated_line
from pytest_k1n.core.text import one_line
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.words import FAILURE_WORKFLOW
from pytest_k1n.run.coverage import LedToOthers, LookedAt
from pytest_k1n.run.run import Run

Judged = Sequence[Mapping[str, Any]]
"""Findings as a test's evidence has them."""
LOG_LINES = 12
"""Enough for the traceback of a handler."""
_DECIDING = (
    "server",
    "time",
    "speed",
    "plan",
    "conductor",
    "jar",
    "image",
    "servers",
    "database",
    "workers",
    "handlers",
    "agents",
    "register",
    "latency",
    "unknown",
)
"""Options on which it depends how a test comes out."""
CAUSES = 6
CHILDREN = 5
"""Executions that a test's own has led to and that ended badly: of more the number is told."""
_STATUS_ONLY = re.compile(r"\S+: (COMPLETED|FAILED|FAILED_WITH_TERMINAL_ERROR|IN_PROGRESS)(: .*)?", re.DOTALL)
ROWS = 40
"""Of the picture: more tell nothing at one look."""


def section(run: Run, item: Item, *, executions: tuple[str, ...], findings: Judged = ()) -> str:
    """Describe the executions that a failed test judged: ids, URL, seed, timeline, last log lines, replay command."""
    state = run.folder.state()
    wanted = executions or tuple(each.workflow_id for each in state.of_key(item.key or ""))
    lines: list[str] = []
    for each in state.executions:
        if each.workflow_id in wanted:
            lines += _about(run, each, _judged_by_value(findings))
    url = state.server["url"] if state.server else None
    lines.append(f"server    {url or 'the embedded engine'}, {state.time_model} time, seed {run.settings.seed}")
    replay = " ".join([f"pytest --k1n-seed={run.settings.seed}", *_chosen(run), shlex.quote(item.node_id)])
    lines.append(f"replay    {replay}")
    return "\n".join(one_line(line, most=2000) for line in lines)


def own_section(run: Run, node_id: str, held: Sequence[LookedAt], findings: Judged = ()) -> str:
    """Describe the executions that a failed test has started itself: picture, failed tasks, logs, replay command.

    Each once: a child that the test has judged itself is not told of with its parent again.
    """
    lines: list[str] = []
    readable: list[tuple[LookedAt, Observation]] = []
    for source in held:
        try:
            readable.append((source, source.newest()))
        except Exception as error:  # whatever a server that has gone may raise: the test has its own verdict
            lines.append(f"execution could not be read any more: {error}")
    shown = {seen.execution.workflow_id for _, seen in readable}
    values = _judged_by_value(findings)
    blamed = {each["workflow_id"] for each in findings if each["verdict"] in ("fail", "unknown")}
    for source, seen in sorted(readable, key=lambda each: each[1].execution.workflow_id not in blamed):
        led_to = _led_to(seen.execution, [each.execution for _, each in readable])
        lines.append(f"execution {seen.execution.name} {seen.execution.workflow_id} {seen.execution.status}{led_to}")
        jumped = seen.time_model == "virtual"
        lines += _told(seen.execution, seen.definition, jumped=jumped, weather=seen.weather, values=values)
        if run.settings.keep != "never":
            lines.append(f"saved     {_kept(run, seen.execution.workflow_id)}")
        lines += _log_lines(seen.execution, seen.logs or {})
        if isinstance(source, LedToOthers):
            others = [each for each in source.family() if each.execution.workflow_id not in shown]
            shown.update(each.execution.workflow_id for each in others)
            told = [found for each in others if (found := list(_of_child(each)))]
            lines += (line for found in told[:CHILDREN] for line in found)
            if told[CHILDREN:]:
                lines.append(f"child     and {len(told) - CHILDREN} more that did not end well")
    seed = run.settings.seed if run.is_anything_set else 0
    lines.append("replay    " + " ".join([f"pytest --k1n-seed={seed}", *_chosen(run), shlex.quote(node_id)]))
    return "\n".join(one_line(line, most=2000) for line in lines)


def _led_to(execution: Execution, others: Sequence[Execution]) -> str:
    """Say which of the others has started an execution, and as what."""
    for each in others:
        if execution.parent_workflow_id == each.workflow_id:
            return f", started by {each.name}"
        if each.output.get(FAILURE_WORKFLOW) == execution.workflow_id:
            return f", the failure workflow of {each.name}"
    return ""


def _chosen(run: Run) -> Iterator[str]:
    """Yield the options that decide where and how a run goes, as they would be typed; a server without its password."""
    for name in _DECIDING if run.is_anything_set else ():
        if name in run.settings.chosen:
            yield shlex.quote(f"--k1n-{name}={redact(str(getattr(run.settings, name)))}")
    if run.is_anything_set and run.settings.sequential:
        yield "--k1n-sequential"
    for fault in run.settings.faults if run.is_anything_set else ():
        yield shlex.quote(f"--k1n-fault={fault}")


def _kept(run: Run, workflow_id: str) -> Path:
    return run.settings.results / "runs" / run.uid / "executions" / f"{workflow_id}.json"


def _columns() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _judged_by_value(findings: Judged) -> set[str]:
    return {str(each["subject"]) for each in findings if each["code"] in ABOUT_VALUES}


def _about(run: Run, state: LaunchedExecution, values: Collection[str]) -> Iterator[str]:
    execution = run.folder.execution(state.workflow_id)
    kept = _kept(run, state.workflow_id)
    yield f"execution {execution.name} {state.workflow_id} {execution.status} ({state.correlation_id})"
    jumped = run.folder.state().time_model == "virtual"
    weather = None if jumped else run.weather
    yield from _told(execution, execution.definition, jumped=jumped, weather=weather, values=values)
    evidence = run.folder.read_json(f"evidence/{state.workflow_id}.json") or {}
    logs = {task: [(int(at), str(text)) for at, text in lines] for task, lines in evidence.get("logs", {}).items()}
    yield from _log_lines(execution, logs)
    yield f"saved     {kept}" if run.settings.keep != "never" else "saved     nowhere (--k1n-keep=never)"


def _told(
    execution: Execution,
    definition: WorkflowDefinition | None,
    *,
    jumped: bool,
    weather: Weather | None,
    values: Collection[str] = (),
) -> Iterator[str]:
    """Yield what explains the failure first, then the picture."""
    yield from (f"{each.kind:<9} {each.text}" for each in islice(causes(execution, definition, values=values), CAUSES))
    yield from (f"waited    {line}" for line in unanswered(execution, jumped=jumped)[:CAUSES])
    yield from (f"  {line}" for line in bars(execution, columns=_columns() - 2, most=ROWS, weather=weather))


def _of_child(seen: Observation) -> Iterator[str]:
    """Yield why a sub-workflow, or what else an execution has led to, ended badly, or what it waits for."""
    if seen.execution.status != "COMPLETED":
        yield f"child     {seen.execution.name} {seen.execution.workflow_id} {seen.execution.status}"
        yield from _told(seen.execution, seen.definition, jumped=seen.time_model == "virtual", weather=seen.weather)
        yield from _log_lines(seen.execution, seen.logs or {})


def _log_lines(execution: Execution, logs: Mapping[str, Sequence[tuple[int, str]]]) -> Iterator[str]:
    """Yield the last lines that handlers have logged: of a task's last attempt, without those of simulated work."""
    last = {record.task_id for record in execution.finals.values()}
    lines = sorted(
        (line for task, told in logs.items() if task in last for line in told if not _says_nothing(line[1])),
        key=itemgetter(0),
    )
    if len(lines) > LOG_LINES:
        yield f"log       ({len(lines) - LOG_LINES} earlier lines)"
    yield from (f"log       {text}" for _, text in lines[-LOG_LINES:])


def _says_nothing(text: str) -> bool:
    """Tell whether a line of a log is of simulated work, or what a worker writes where a handler has logged nothing."""
    return is_simulated_line(text) or _STATUS_ONLY.fullmatch(text) is not None
