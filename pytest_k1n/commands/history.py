"""`k1n history`: how the durations of workflows, or of the tasks of one, went over the runs that are remembered."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pytest_k1n.commands.history_file import add_history_argument, history_path
from pytest_k1n.commands.numbers import count
from pytest_k1n.core.baselines.series import SeriesKey
from pytest_k1n.core.pictures.sparkline import sparkline
from pytest_k1n.core.statistics.stats import median
from pytest_k1n.core.text import as_lines, counted, shortened
from pytest_k1n.core.units import format_ms
from pytest_k1n.history.store import Group, History, Remembered


def main(argv: Sequence[str]) -> int:
    """Show what is remembered; 0, or 2 for what cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n history", description=__doc__)
    parser.add_argument("--workflow", metavar="NAME", help="of this workflow, task by task")
    parser.add_argument("--last", type=count, default=30, metavar="N", help="so many executions (default: 30)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    add_history_argument(parser)
    arguments = parser.parse_args(argv)
    with History(history_path(arguments), is_read_only=True) as history:
        groups = _groups(history, arguments.workflow)
        if arguments.workflow and not groups:
            known = ", ".join(sorted({each.group.workflow for each in history.executions()})) or "nothing"
            raise ValueError(f"no execution of {arguments.workflow} in the history; it has {known}")
        if arguments.json:
            print(json.dumps([_json(history, group, mine, arguments) for group, mine in groups.items()], indent=1))
        else:
            print(as_lines(_text(history, groups, arguments)))
    return 0


def _groups(history: History, workflow: str | None) -> dict[Group, list[Remembered]]:
    groups: dict[Group, list[Remembered]] = {}
    for each in history.executions(workflow):
        groups.setdefault(each.group, []).append(each)
    return groups


def _text(history: History, groups: dict[Group, list[Remembered]], arguments: argparse.Namespace) -> Iterator[str]:
    if not groups:
        yield "nothing is remembered yet"
    room = max(20, shutil.get_terminal_size((80, 24)).columns - 50)
    for group, mine in groups.items():
        accepted = [each.makespan_ms for each in mine if each.accepted_ms is not None]
        shown = mine[-arguments.last :]
        usual = f", baseline {format_ms(round(median(accepted)))} of {len(accepted)}" if accepted else ", no baseline"
        day = datetime.fromtimestamp(mine[-1].started_ms / 1000, UTC)
        many = counted(len(mine), "execution")
        yield f"{group.workflow}  {many}{usual}; last run {mine[-1].run}, {day:%Y-%m-%d %H:%M}"
        yield f"  {group.environment}; definition {group.definition}"
        series = {"makespan": [each.makespan_ms for each in shown]}
        if arguments.workflow:
            series |= _series(history, group, arguments.last)
        for name, values in series.items():
            last, middle = format_ms(values[-1]), format_ms(round(median(values)))
            yield f"  {shortened(name, most=60):<24} {sparkline(values[-room:])}  last {last}, median {middle}"


def _series(history: History, group: Group, last: int) -> dict[str, list[int]]:
    """Return what each task took, slowest first, and behind them the waits that were ever above a poll."""
    values: dict[SeriesKey, list[int]] = {}
    for sample in history.samples(group, last=last):
        for key, ms in sample.durations.items():
            if key.ref:
                values.setdefault(key, []).append(ms)
    ranked = sorted(values.items(), key=lambda item: (item[0].segment, -median(item[1])))
    return {str(key): each for key, each in ranked if key.segment == "exec" or max(each) > 20}


def _json(history: History, group: Group, mine: list[Remembered], arguments: argparse.Namespace) -> dict[str, object]:
    document: dict[str, object] = {
        **group._asdict(),
        "executions": [
            {"run": each.run, "id": each.id, "started_ms": each.started_ms, "makespan_ms": each.makespan_ms,
             "verdict": each.verdict, "is_accepted": each.accepted_ms is not None}
            for each in mine[-arguments.last :]
        ],
    }  # fmt: skip
    if arguments.workflow:
        document["series_ms"] = _series(history, group, arguments.last)
    return document
