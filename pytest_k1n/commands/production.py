"""`k1n report --from SERVER|FOLDER --workflow NAME --last N`: many executions of production, summed up. Reads only."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

from pytest_k1n.client.address import redact
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.commands.saved import SavedExecution, saved_in
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.baselines.bottlenecks import Bottlenecks, Spread, bottlenecks
from pytest_k1n.core.model import OPERATOR_TASK_TYPES, Execution, Json, WorkflowStatus
from pytest_k1n.core.pictures.sparkline import sparkline
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.schedule.critical import CriticalPath
from pytest_k1n.core.statistics.stats import median
from pytest_k1n.core.text import as_lines, counted, one_line
from pytest_k1n.core.units import format_ms, iso_utc
from pytest_k1n.core.wire import wire
from pytest_k1n.report.execution_document import JudgedExecution, execution_document
from pytest_k1n.report.many_page import Line, Listed, Many, many_page

PAGE = 100
"""Executions per search: what the server allows without settings of its own."""
MOST = 5_000
"""Executions that one report reads at the most, one request each."""
BARS = 30
"""Bars of a trend: more executions share one."""
MOST_TASKS = 12
MOST_TASKS_OF_PAGE = 40
MOST_REASONS = 5
SLOWEST = 5
"""Executions of which the page draws the Gantt."""
_BAD = frozenset({"FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT"})
_QUOTED = frozenset('"\\')


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """What was read of a workflow, oldest first."""

    workflow: str
    executions: tuple[Execution, ...]
    paths: tuple[CriticalPath, ...]
    """Of those that COMPLETED."""

    @property
    def completed(self) -> tuple[Execution, ...]:
        return tuple(each for each in self.executions if each.status is WorkflowStatus.COMPLETED)


def gather(client: Conductor, workflow: str, *, last: int) -> Production:
    """Read the newest executions of a workflow, page by page. Raises LookupError for none, ConductorError."""
    _check(last)
    found = [execution for each in _newest(client, workflow, last) if (execution := _read(client, each)) is not None]
    if not found:
        raise LookupError(f"no execution of {workflow} at {client.url}")
    return _production(workflow, found)


def gather_saved(path: Path, workflow: str | None, *, last: int) -> Production:
    """Read the newest of saved executions, each id once. Raises LookupError, ValueError, OSError of one line."""
    _check(last)
    found: dict[str, Execution] = {}
    for each in saved_in(path):
        if isinstance(each, SavedExecution):
            execution = wire.execution(cast("Json", each.document))
            found.setdefault(execution.workflow_id, execution)
        elif not each.is_foreign:
            print(f"left out: {each.source}: {each.reason}", file=sys.stderr)
    names = dict.fromkeys(each.name for each in found.values())
    if workflow is None and len(names) > 1:
        raise ValueError(f"say which with --workflow: {path} has {', '.join(names)}")
    name = workflow or next(iter(names), "any workflow")
    chosen = sorted((each for each in found.values() if each.name == name), key=lambda each: each.started_ms)
    if not chosen:
        raise LookupError(f"no execution of {name} in {path}; it has {', '.join(names) or 'none'}")
    return _production(name, chosen[-last:])


def _check(last: int) -> None:
    if not 1 <= last <= MOST:
        raise ValueError(f"--last: {last} is not from 1 to {MOST:,}: each execution is a request to the server")


def _production(workflow: str, found: list[Execution]) -> Production:
    found.sort(key=lambda each: (each.started_ms, each.workflow_id))
    paths = [_path(each) for each in found if each.status is WorkflowStatus.COMPLETED]
    return Production(workflow=workflow, executions=tuple(found), paths=tuple(paths))


def text(gathered: Production) -> Iterator[str]:
    """Say how many there were, what they took, where the time went, what was critical how often, and what failed."""
    executions, paths = gathered.executions, gathered.paths
    yield f"{one_line(gathered.workflow)}: {_summary(executions)}"
    if paths:
        found = bottlenecks(paths)
        yield f"  {'makespan':<16} {_of(found.makespan)}  {_trend([path.makespan_ms for path in paths])}"
        yield "time on the critical path, p50 and p95 of all that completed, oldest to newest:"
        for kind, spread in found.segments.items():
            yield f"  {kind:<16} {_of(spread)}  {_trend([path.by_kind()[kind] for path in paths])}"
        yield "critical how often:"
        for task in found.tasks[:MOST_TASKS]:
            works = [_work(path, task.ref) for path in paths]
            yield (
                f"  {one_line(task.ref, most=40):<16} {_of(task.work)}  {_trend(works)}"
                f"  longest in {task.most}, on the path in {task.on_path} of {found.executions}"
            )
        if found.tasks[MOST_TASKS:]:
            yield f"  and {len(found.tasks) - MOST_TASKS} tasks more"
    yield from _failures(executions)


def _summary(executions: Sequence[Execution]) -> str:
    states = ", ".join(f"{count} {state}" for state, count in Counter(str(each.status) for each in executions).items())
    first, newest = iso_utc(executions[0].started_ms)[:16], iso_utc(executions[-1].started_ms)[:16]
    return f"{counted(len(executions), 'execution')} ({states}), from {first} to {newest}"


def document(gathered: Production) -> dict[str, object]:
    """Describe the same for machines."""
    found: Bottlenecks | None = bottlenecks(gathered.paths) if gathered.paths else None
    return {
        "workflow": gathered.workflow,
        "executions": [
            {"id": each.workflow_id, "status": str(each.status), "started_ms": each.started_ms,
             "makespan_ms": None if each.ended_ms is None else each.ended_ms - each.started_ms}
            for each in gathered.executions
        ],
        "makespan": _json(found.makespan) if found else None,
        "segments": {str(kind): _json(spread) for kind, spread in found.segments.items()} if found else {},
        "tasks": [
            {"ref": task.ref, "longest_in": task.most, "on_path_in": task.on_path, **_json(task.work)}
            for task in (found.tasks if found else ())
        ],
    }  # fmt: skip


def page(gathered: Production, *, server: str) -> str:
    """Describe the same as one HTML page, with the Gantt of the slowest."""
    executions, paths = gathered.executions, gathered.paths
    began = [iso_utc(each.started_ms)[:16] for each in gathered.completed]
    found = bottlenecks(paths) if paths else None

    def series(values: Iterable[int]) -> list[tuple[str, int]]:
        return list(zip(began, values, strict=True))

    tasks = found.tasks[:MOST_TASKS_OF_PAGE] if found else ()
    slowest = sorted(zip(paths, gathered.completed, strict=True), key=lambda each: -each[0].makespan_ms)[:SLOWEST]
    return many_page(
        Many(
            workflow=gathered.workflow,
            server=redact(server),
            summary=_summary(executions),
            made_by=f"pytest-k1n {version('pytest-k1n')}",
            makespan=(
                Line(name="makespan", spread=found.makespan, series=series(path.makespan_ms for path in paths))
                if found
                else None
            ),
            segments=[
                Line(name=str(kind), spread=spread, series=series(path.by_kind()[kind] for path in paths))
                for kind, spread in (found.segments if found else {}).items()
            ],
            tasks=[
                Line(
                    name=task.ref,
                    spread=task.work,
                    series=series(_work(path, task.ref) for path in paths),
                    note=f"longest in {task.most}, on the path in {task.on_path} of {len(paths)}",
                )
                for task in tasks
            ],
            left_out=len(found.tasks) - len(tasks) if found else 0,
            slowest=[execution_document(_unjudged(execution)) for _, execution in slowest],
            failures=[(count, ref, reason) for (ref, reason), count in _reasons(executions).most_common(MOST_REASONS)],
            rows=[
                Listed(
                    workflow_id=each.workflow_id,
                    status=str(each.status),
                    started_at=iso_utc(each.started_ms),
                    makespan_ms=None if each.ended_ms is None else each.ended_ms - each.started_ms,
                )
                for each in reversed(executions)
            ],
        )
    )


def _unjudged(execution: Execution) -> JudgedExecution:
    return JudgedExecution(observation=observe(execution), title=execution.name, verdict="unknown")


def show(gathered: Production, *, source: str, as_json: bool, html: str | None = None) -> int:
    """Print the report, and write it as a page."""
    print(json.dumps(document(gathered), indent=1) if as_json else as_lines(text(gathered)))
    if html is not None:
        target = Path(html)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_text(target, page(gathered, server=source) + "\n")
        print(f"wrote {target}", file=sys.stderr if as_json else sys.stdout)
    return 0


def _newest(client: Conductor, workflow: str, last: int) -> list[str]:
    if not _QUOTED.isdisjoint(workflow):
        raise ValueError(f"{workflow!r}: the server's search knows no name with a quotation mark or a backslash")
    ids: dict[str, None] = {}
    for start in range(0, last, PAGE):
        page = client.search(
            f'workflowType = "{workflow}"', start=start, size=min(PAGE, last - start), sort="startTime:DESC"
        )
        # The index may match more than the very name, and new executions push old ones onto the next page.
        ids |= {str(each["workflowId"]): None for each in page if each.get("workflowType") == workflow}
        if len(page) < min(PAGE, last - start):
            break
    return list(ids)


def _read(client: Conductor, workflow_id: str) -> Execution | None:
    """Read one execution; None where the server has archived it since it was found."""
    try:
        return wire.execution(cast("Json", client.execution(workflow_id)))
    except NotFound:
        return None


def _path(execution: Execution) -> CriticalPath:
    observation = observe(execution)
    return observation.path


def _work(path: CriticalPath, ref: str) -> int:
    return sum(ms for key, ms in path.work_by_task().items() if key[0] == ref)


def _failures(executions: Sequence[Execution]) -> Iterator[str]:
    reasons = _reasons(executions)
    if reasons:
        yield "what ended badly:"
    for (ref, reason), count in reasons.most_common(MOST_REASONS):
        yield f"  {count} x {one_line(ref, most=40)}: {one_line(reason, most=120)}"


def _reasons(executions: Sequence[Execution]) -> Counter[tuple[str, str]]:
    """Count which task ended badly, and why."""
    reasons: Counter[tuple[str, str]] = Counter()
    for execution in executions:
        if execution.status.is_terminal and execution.status is not WorkflowStatus.COMPLETED:
            bad = [
                each
                for each in execution.finals.values()
                if each.status in _BAD and each.type not in OPERATOR_TASK_TYPES
            ]
            ref, reason = (bad[-1].ref, bad[-1].reason) if bad else ("no task", execution.reason)
            reasons[ref, str(reason or execution.status)] += 1
    return reasons


def _trend(values: Sequence[int]) -> str:
    """Draw at most BARS bars, each the median of its share of the executions."""
    size = -(-len(values) // BARS)
    return sparkline([round(median(values[at : at + size])) for at in range(0, len(values), size)])


def _of(spread: Spread) -> str:
    return f"{format_ms(spread.p50_ms):>9} {format_ms(spread.p95_ms):>9}"


def _json(spread: Spread) -> dict[str, int]:
    return {"p50_ms": spread.p50_ms, "p95_ms": spread.p95_ms}
