"""`k1n baseline accept|list|drop|merge`: which recorded executions later runs are compared with."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pytest_k1n.commands.history_file import add_history_argument, chosen, history_path
from pytest_k1n.commands.numbers import count
from pytest_k1n.core.statistics.stats import median
from pytest_k1n.core.text import as_lines, counted
from pytest_k1n.core.units import format_ms
from pytest_k1n.history.store import RING, Group, History, Remembered


def main(argv: Sequence[str]) -> int:
    """Do what is asked; 0, or 2 for what cannot be done."""
    parser = argparse.ArgumentParser(prog="k1n baseline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    accept = commands.add_parser("accept", help="make runs the baseline, instead of what was accepted before")
    _add_choice(accept)
    accept.add_argument("--add", action="store_true", help="keep what was accepted before as well")
    listed = commands.add_parser("list", help="show what is accepted")
    listed.add_argument("--workflow", metavar="NAME", help="only of this workflow")
    listed.add_argument("--json", action="store_true", help="print JSON instead of text")
    dropped = commands.add_parser("drop", help="take runs out of the baseline; they stay in the history")
    _add_choice(dropped)
    merged = commands.add_parser(
        "merge", help="take over what other history files know, such as those of parallel jobs"
    )
    merged.add_argument("others", nargs="+", metavar="FILE", help="history files; they are only read")
    for each in (accept, listed, dropped, merged):
        add_history_argument(each)
    arguments = parser.parse_args(argv)
    path = history_path(arguments)
    is_read_only = arguments.command == "list"
    with History(path, is_new_allowed=arguments.command == "merge", is_read_only=is_read_only) as history:
        return _COMMANDS[arguments.command](history, arguments)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="ids of runs, as the terminal and k1n history show them")
    parser.add_argument("--last", type=count, metavar="N", help="the last N runs that passed, instead of naming them")
    parser.add_argument("--workflow", metavar="NAME", help="only executions of this workflow")


def _accept(history: History, arguments: argparse.Namespace) -> int:
    found = _chosen(history, arguments)
    history.accept(found, now_ms=time.time_ns() // 1_000_000, add=arguments.add)
    for line in _lines(history, {each.group for each in found}):
        print(as_lines([f"accepted {line}"]))
    return 0


def _drop(history: History, arguments: argparse.Namespace) -> int:
    found = [each for each in _chosen(history, arguments) if each.accepted_ms is not None]
    history.drop(found)
    print(f"dropped {counted(len(found), 'execution')} from the baseline")
    for line in _lines(history, {each.group for each in found}):
        print(as_lines([f"left     {line}"]))
    return 0


def _list(history: History, arguments: argparse.Namespace) -> int:
    accepted = [each for each in history.executions(arguments.workflow) if each.accepted_ms is not None]
    if arguments.json:
        print(json.dumps([_json(each) for each in accepted], indent=1))
        return 0
    for line in _lines(history, {each.group for each in accepted}):
        print(as_lines([line]))
    if not accepted:
        print("nothing is accepted: k1n baseline accept RUN..., or k1n baseline accept --last 5")
    return 0


def _merge(history: History, arguments: argparse.Namespace) -> int:
    for other in arguments.others:
        merged = history.merge(Path(other))
        print(f"{other}: {counted(merged.added, 'execution')} new, {merged.accepted} more accepted")
        if merged.different:
            print(
                f"  {merged.different} of which it says something else than {history.path}, where they stay as they are"
            )
    return 0


_COMMANDS: dict[str, Callable[[History, argparse.Namespace], int]] = {
    "accept": _accept, "list": _list, "drop": _drop, "merge": _merge,
}  # fmt: skip


def _chosen(history: History, arguments: argparse.Namespace) -> list[Remembered]:
    if bool(arguments.runs) == (arguments.last is not None):
        raise ValueError("name runs, or say --last N: one of the two")
    if arguments.last is not None and arguments.last < 1:
        raise ValueError(f"--last: {arguments.last} is no number of runs from 1 on")
    return chosen(history.executions(), arguments.runs, last=arguments.last, workflow=arguments.workflow)


def _lines(history: History, groups: set[Group]) -> list[str]:
    lines = []
    for group in sorted(groups):
        mine = [each for each in history.executions(group.workflow) if each.group == group]
        accepted = [each for each in mine if each.accepted_ms is not None]
        if not accepted:
            lines.append(f"{group.workflow}: nothing ({group.environment})")
            continue
        took = format_ms(round(median([each.makespan_ms for each in accepted])))
        day = datetime.fromtimestamp(max(each.accepted_ms or 0 for each in accepted) / 1000, UTC)
        used = f", the newest {RING} are used" if len(accepted) > RING else ""
        many = counted(len(accepted), "execution")
        lines.append(
            f"{group.workflow}: {many}{used}, median {took}, accepted {day:%Y-%m-%d %H:%M}"
            f" ({group.environment}; definition {group.definition})"
        )
    return lines


def _json(each: Remembered) -> dict[str, object]:
    return {**each.group._asdict(), "run": each.run, "id": each.id, "makespan_ms": each.makespan_ms,
            "started_ms": each.started_ms, "accepted_ms": each.accepted_ms}  # fmt: skip
