"""The section of a failed test's report: what one needs to go on from there, without searching."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from pytest_k1n.client.address import redact
from pytest_k1n.coordination.collection import Item
from pytest_k1n.coordination.runfolder import LaunchedExecution
from pytest_k1n.core import wire
from pytest_k1n.core.answers import unanswered
from pytest_k1n.core.drawing import bars
from pytest_k1n.core.text import one_line
from pytest_k1n.core.unroll import label
from pytest_k1n.run.coverage import LookedAt
from pytest_k1n.run.run import Run

LOG_LINES = 8
"""Enough for a short traceback of a handler."""


def section(run: Run, item: Item, *, executions: tuple[str, ...]) -> str:
    """Describe the executions that a failed test judged: ids, URL, seed, timeline, last log lines, replay command."""
    state = run.folder.state()
    wanted = executions or tuple(each.workflow_id for each in state.of_key(item.key or ""))
    lines: list[str] = []
    for each in state.executions:
        if each.workflow_id in wanted:
            lines += _about(run, each)
    url = state.server["url"] if state.server else None
    lines.append(f"server    {url or 'the embedded engine'}, {state.time_model} time, seed {run.settings.seed}")
    replay = " ".join([f"pytest --k1n-seed={run.settings.seed}", *_chosen(run), f"'{item.node_id}'"])
    lines.append(f"replay    {replay}")
    return "\n".join(one_line(line, most=2000) for line in lines)


def own_section(run: Run, node_id: str, held: Sequence[LookedAt]) -> str:
    """Describe the executions that a failed test has started itself: picture, failed tasks, logs, replay command."""
    lines: list[str] = []
    for source in held:
        try:
            seen = source.newest()
        except Exception as error:  # whatever a server that has gone may raise: the test has its own verdict
            lines.append(f"execution could not be read any more: {error}")
            continue
        execution = seen.execution
        lines.append(f"execution {execution.name} {execution.workflow_id} {seen.state}")
        lines += [f"  {line}" for line in bars(execution, columns=_columns() - 2)]
        failed = [record for record in execution.tasks if record.reason and not record.status.is_successful]
        lines += [f"failed    {label(record.key)}: {record.reason}" for record in failed[:LOG_LINES]]
        jumped = seen.time_model == "virtual"
        lines += [f"waited    {line}" for line in unanswered(execution, jumped=jumped)[:LOG_LINES]]
        if run.settings.keep != "never":
            lines.append(f"saved     {_kept(run, execution.workflow_id)}")
        logs = [line for lines_of_task in (seen.logs or {}).values() for line in lines_of_task]
        lines += [f"log       {text}" for _, text in sorted(logs, key=itemgetter(0))[-LOG_LINES:]]
    seed = run.settings.seed if run.is_anything_set else 0
    lines.append("replay    " + " ".join([f"pytest --k1n-seed={seed}", *_chosen(run), f"'{node_id}'"]))
    return "\n".join(one_line(line, most=2000) for line in lines)


def _chosen(run: Run) -> Iterator[str]:
    """Yield the options that decide where and how a run goes, as they would be typed; a server without its password."""
    for name in ("server", "time", "speed", "plan") if run.is_anything_set else ():
        if name in run.settings.chosen:
            yield shlex.quote(f"--k1n-{name}={redact(str(getattr(run.settings, name)))}")
    for fault in run.settings.faults if run.is_anything_set else ():
        yield shlex.quote(f"--k1n-fault={fault}")


def _kept(run: Run, workflow_id: str) -> Path:
    return run.settings.results / "runs" / run.uid / "executions" / f"{workflow_id}.json"


def _columns() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _about(run: Run, state: LaunchedExecution) -> Iterator[str]:
    execution = wire.execution(dict(run.folder.snapshot(state.workflow_id)))
    kept = _kept(run, state.workflow_id)
    yield f"execution {execution.name} {state.workflow_id} {execution.status} ({state.correlation_id})"
    yield from (f"  {line}" for line in bars(execution, columns=_columns() - 2))
    jumped = run.folder.state().time_model == "virtual"
    yield from (f"waited    {line}" for line in unanswered(execution, jumped=jumped)[:LOG_LINES])
    for line in _last_log_lines(run, state.workflow_id):
        yield f"log       {line}"
    yield f"saved     {kept}" if run.settings.keep != "never" else "saved     nowhere (--k1n-keep=never)"


def _last_log_lines(run: Run, workflow_id: str) -> list[str]:
    evidence = run.folder.read_json(f"evidence/{workflow_id}.json")
    lines = [(int(at), str(text)) for task in (evidence or {}).get("logs", {}).values() for at, text in task]
    return [json.dumps(text, ensure_ascii=False)[1:-1] for _, text in sorted(lines)[-LOG_LINES:]]
