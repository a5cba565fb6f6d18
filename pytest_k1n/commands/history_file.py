"""Which history a command is about: `--history FILE`, else K1N_HISTORY, else `k1n_history` of the ini file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_k1n.commands.inifile import ini_file
from pytest_k1n.history.store import Remembered


def add_history_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--history`."""
    parser.add_argument("--history", metavar="FILE", help="the history file (default: K1N_HISTORY, then k1n_history)")


def history_path(arguments: argparse.Namespace) -> Path:
    """Return the file. Raises ValueError where none is named anywhere."""
    if named := arguments.history or os.environ.get("K1N_HISTORY"):
        return Path(str(named)).expanduser()
    folder, rows = ini_file(Path.cwd())
    if named := rows.get("k1n_history"):
        return folder / str(named)
    raise ValueError("no history is named: --history FILE, K1N_HISTORY, or k1n_history in the ini file")


def chosen(
    executions: Sequence[Remembered], runs: Iterable[str], *, last: int | None, workflow: str | None
) -> list[Remembered]:
    """Return the executions of the runs that are named, or of the last so many runs in which all of them passed.

    Raises ValueError for a run that is not there.
    """
    mine = [each for each in executions if workflow in (None, each.group.workflow)]
    if last is not None:
        failed = {each.run for each in mine if each.verdict not in ("pass", "warn")}
        good = list(dict.fromkeys(each.run for each in mine if each.run not in failed))
        if not good:
            raise ValueError("no run in the history has passed: name the runs that you mean")
        wanted = set(good[-last:])
        return [each for each in mine if each.run in wanted]
    found: list[Remembered] = []
    for run in runs:
        these = [each for each in mine if each.run.startswith(run)]
        if not these:
            known = ", ".join(list(dict.fromkeys(each.run for each in reversed(mine)))[:5]) or "none"
            raise ValueError(f"no run {run} in the history; the last ones are {known}")
        found += these
    return found
