"""`k1n lint PATH...`: judge workflow and task definitions on disk, offline."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_k1n.lint.check import Level
from pytest_k1n.lint.check_selection import read_selection, with_command_line
from pytest_k1n.lint.formats.machine import as_github, as_json, as_sarif
from pytest_k1n.lint.formats.text import text
from pytest_k1n.lint.gather import gather
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.table import BY_CODE, CHECKS
from pytest_k1n.plan.read import load_plan

FORMATS = ("text", "json", "sarif", "github")
_RECURSION_LIMIT = 20_000
"""A definition may be nested as deep as the server's reader takes, and each level costs some of our calls."""


def main(argv: Sequence[str]) -> int:
    """Judge definitions; 0 nothing at or above --fail-on, 1 something, 2 a path or an option is wrong."""
    parser = argparse.ArgumentParser(
        prog="k1n lint",
        description="Judge workflow and task definitions: what a server would refuse (error), what a team would regret "
        "(warning), what has no effect (info). Nothing is sent anywhere.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a JSON file, or a folder to walk (default: the folders that k1n.toml here names)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="how findings are written (default text)")
    parser.add_argument("--output", metavar="FILE", help="write them to a file instead of standard output")
    parser.add_argument("--select", action="append", default=[], metavar="CODES", help="only these: a,b or join-*")
    parser.add_argument("--ignore", action="append", default=[], metavar="CODES", help="not these")
    parser.add_argument("--fail-on", choices=[*Level], help="exit 1 from this level on (default error)")
    parser.add_argument(
        "--conductor", metavar="VERSION", help="release that is to run them (default 3.32.1), or 3.15.0"
    )
    parser.add_argument("--explain", metavar="CODE", help="say what a check is about, and what to do")
    parser.add_argument("--checks", action="store_true", help="list all checks")
    arguments = parser.parse_args(argv)
    if arguments.checks:
        width = max(len(check.code) for check in CHECKS)
        print("\n".join(f"{check.code:<{width}}  {check.level:<7}  {check.title}" for check in CHECKS))
        return 0
    if arguments.explain:
        print(_explanation(arguments.explain))
        return 0
    arguments.paths = arguments.paths or _of_the_plan()
    if not arguments.paths:
        parser.error("name a file or a folder, as in: k1n lint .")
    return run_lint(arguments)


def _of_the_plan() -> list[str]:
    """Return the folders of definitions of the current folder's plan, as seen from here. Raises PlanError."""
    plan = Path("k1n.toml")
    if not plan.is_file():
        return []
    read = load_plan(plan)
    return list(dict.fromkeys(os.path.relpath(each) for each in (*read.definitions, *read.task_definitions)))


def run_lint(arguments: argparse.Namespace) -> int:
    """Gather, judge, write, and return the exit code. Raises ValueError for a bad configuration, OSError."""
    selection = with_command_line(
        read_selection(Path(arguments.paths[0])),
        select=arguments.select,
        ignore=arguments.ignore,
        fail_on=arguments.fail_on,
        conductor=arguments.conductor,
    )
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    gathered = gather(arguments.paths, selection)
    report = lint(gathered.sources, selection)
    is_terminal = arguments.output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if arguments.format == "text":
        written = text(report, colour=is_terminal, skipped=gathered.skipped)
    else:
        written = {"json": as_json, "sarif": as_sarif, "github": as_github}[arguments.format](report)
    if arguments.output:
        Path(arguments.output).write_text(written + "\n", encoding="utf-8")
    elif written and (gathered.sources or arguments.format != "text" or not gathered.mistakes):
        print(written)  # of nothing there is nothing to say but why
    for mistake in (*gathered.mistakes, *gathered.unread):
        print(f"k1n lint: {mistake}", file=sys.stderr)
    if gathered.mistakes:
        return 2
    return int(any(found.level.rank <= selection.fail_on.rank for found in report.findings))


def _explanation(code: str) -> str:
    check = BY_CODE.get(code)
    if check is None:
        from pytest_k1n.lint.suggest import suggestion

        raise LookupError(f"no check is called {code!r}: {suggestion(code, BY_CODE) or 'k1n lint --checks lists them'}")
    return f"{check.code} ({check.level}): {check.title}\n\n{check.why}\n\nFix: {check.fix}"
