"""The section of a failed test's report: what one needs to go on from there, without searching."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

from pytest_k1n.coordination.collection import Item
from pytest_k1n.coordination.runfolder import LaunchedExecution
from pytest_k1n.core import wire
from pytest_k1n.core.drawing import bars
from pytest_k1n.core.text import one_line
from pytest_k1n.run.run import Run

LOG_LINES = 5


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
    lines.append(f"replay    pytest --k1n-seed={run.settings.seed} '{item.node_id}'")
    return "\n".join(one_line(line, most=2000) for line in lines)


def _about(run: Run, state: LaunchedExecution) -> Iterator[str]:
    execution = wire.execution(dict(run.folder.snapshot(state.workflow_id)))
    kept = run.settings.results / "runs" / run.uid / "executions" / f"{state.workflow_id}.json"
    yield f"execution {execution.name} {state.workflow_id} {execution.status} ({state.correlation_id})"
    columns = shutil.get_terminal_size((80, 24)).columns
    yield from (f"  {line}" for line in bars(execution, columns=columns - 2))
    for line in _last_log_lines(run, state.workflow_id):
        yield f"log       {line}"
    yield f"saved     {kept}" if run.settings.keep != "never" else "saved     nowhere (--k1n-keep=never)"


def _last_log_lines(run: Run, workflow_id: str) -> list[str]:
    evidence = run.folder.read_json(f"evidence/{workflow_id}.json")
    lines = [(int(at), str(text)) for task in (evidence or {}).get("logs", {}).values() for at, text in task]
    return [json.dumps(text, ensure_ascii=False)[1:-1] for _, text in sorted(lines)[-LOG_LINES:]]
