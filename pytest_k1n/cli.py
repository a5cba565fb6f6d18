"""The `k1n` command: a second shell beside the plugin. Each command's module is imported when it is used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pytest_k1n.client.address import redact
from pytest_k1n.commands.shown import Shown
from pytest_k1n.core.text import one_line, shortened

USAGE_EXIT = 2
MOST = 2000
"""Characters of a line on stderr."""
STDIN = "/dev/stdin"
"""What `-` stands for where a command takes a file."""


class Command(NamedTuple):
    """One subcommand: its module has `main(argv) -> int`."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("run", "pytest_k1n.commands.run", "dry run of a definition: offline, in virtual time"),
    Command("check", "pytest_k1n.commands.check", "judge an execution that something else started (read only)"),
    Command("chaos", "pytest_k1n.commands.chaos", "run a definition through faults drawn by a seed"),
    Command("coverage", "pytest_k1n.commands.coverage", "show what executions have exercised of their definitions"),
    Command("gates", "pytest_k1n.commands.gates", "evaluate the quality gates of a finished execution"),
    Command("lint", "pytest_k1n.commands.lint", "judge workflow and task definitions on disk, offline"),
    Command("profile", "pytest_k1n.commands.profile", "measure tasks, find the bottlenecks, keep baselines"),
    Command("report", "pytest_k1n.commands.report", "make any report or export of a run later"),
    Command("whatif", "pytest_k1n.commands.whatif", "say what an execution would take if something were different"),
    Command("diff", "pytest_k1n.commands.diff", "show what moved between two runs or executions"),
    Command("history", "pytest_k1n.commands.history", "show how durations went over the runs that are remembered"),
    Command("baseline", "pytest_k1n.commands.baseline", "say which remembered runs later ones are compared with"),
    Command("estimates", "pytest_k1n.commands.estimates", "suggest estimates for the plan from recorded runs"),
    Command("show", "pytest_k1n.commands.show", "draw a definition or an execution"),
    Command("conformance", "pytest_k1n.commands.conformance", "say what a server does otherwise than Conductor 3.32.1"),
    Command("tiers", "pytest_k1n.commands.tiers", "run a suite on every tier and show where they agree"),
    Command("validate", "pytest_k1n.commands.validate", "validate results files, plans and definitions"),
    Command("worker", "pytest_k1n.commands.worker", "run a task worker"),
    Command("server", "pytest_k1n.commands.server", "start, stop and look at a Conductor server"),
    Command("sweep", "pytest_k1n.commands.sweep", "end what killed runs have left on servers"),
    Command("doctor", "pytest_k1n.commands.doctor", "check that everything a run needs is there"),
    Command("init", "pytest_k1n.commands.init", "write a plan and a passing test for your own workflow"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake is one line on stderr and exit code 2, Ctrl-C is 130."""
    words = list(sys.argv[1:] if argv is None else argv)
    out, err = Shown(sys.stdout), Shown(sys.stderr, hides=_told)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = _run(words)
        except SystemExit:  # of argparse, which has told its reason
            _flush(out, err)
            raise
        except OSError as error:  # of our own words: a command's are told below
            return _unwritten(error)
        return _flush(out, err) or code


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if words else USAGE_EXIT
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"pytest-k1n {version('pytest-k1n')}")
        return 0
    command = next((each for each in COMMANDS if each.name == words[0]), None)
    if command is None:
        known = ", ".join(each.name for each in COMMANDS)
        print(f"k1n: {one_line(words[0], most=60)!r} is not a command; there are {known}", file=sys.stderr)
        return USAGE_EXIT
    if pipe := next(filter(_is_named_pipe, words[1:]), None):
        said = "is a named pipe, which may never end: write it to a file, or give it as standard input (-)"
        print(f"k1n {command.name}: {one_line(pipe)}: {said}", file=sys.stderr)
        return USAGE_EXIT
    if _has_empty(words):
        said = "a name is empty: a variable may be unset; `.` is this folder"
        print(f"k1n {command.name}: {said}", file=sys.stderr)
        return USAGE_EXIT
    try:
        given = [STDIN if each == "-" else each for each in words[1:]]
        return int(importlib.import_module(command.module).main(given))
    except KeyboardInterrupt:
        print("k1n: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from pytest_k1n.client.errors import ConductorError  # here: `k1n` starts fast

        if isinstance(
            error, RecursionError | OverflowError
        ):  # the input's doing: code of ours nests as deep as it does
            deep = isinstance(error, RecursionError)
            error = ValueError("it is nested too deep" if deep else f"a number is out of range: {error}")
        if isinstance(error, RuntimeError) and "Symlink loop" in str(error):  # of Path.resolve, in Python 3.11 and 3.12
            error = OSError(str(error))
        expected = isinstance(error, ValueError | LookupError | OSError | ConductorError)
        if not expected or os.environ.get("K1N_TRACEBACK"):
            raise
        said = redact(str(error))
        has_rows = hasattr(error, "problems") or hasattr(error, "facts")  # others quote a name, whatever it holds
        print(
            f"k1n {command.name}: {shortened(said, most=MOST) if has_rows else one_line(said, most=MOST)}",
            file=sys.stderr,
        )
        return USAGE_EXIT


def _told(text: str) -> str:
    """Hide what is secret in a text for stderr, and shorten each line: argparse repeats what it does not know."""
    return "\n".join(shortened(line, most=MOST) for line in redact(text).split("\n"))


def _has_empty(words: Sequence[str]) -> bool:
    """Whether an argument is empty that is no option's value: as a path it is the current folder."""
    ours = words[: words.index("--")] if "--" in words else words
    return any(not word and not before.startswith("-") for before, word in pairwise(ours))


def _is_named_pipe(word: str) -> bool:
    """Whether an argument, or the value of an option, is a pipe with a name; a shell's `<(...)` has none."""
    return any(map(_is_fifo, (word, word.partition("=")[2])))


def _is_fifo(path: str) -> bool:
    if not path or path.startswith(("/dev/", "/proc/")):
        return False
    try:
        return Path(path).is_fifo()
    except (OSError, ValueError):
        return False


def _flush(out: Shown, err: Shown) -> int:
    """Hand on what was printed, while a full disk can still be told: 0, or the exit code of a mistake."""
    for stream in (out, err):
        try:
            stream.flush()
        except OSError as error:
            return _unwritten(error)
    return 0


def _unwritten(error: OSError) -> int:
    print(f"k1n: what it says could not be written: {error}", file=sys.stderr)
    return USAGE_EXIT


def _help() -> str:
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.help}" for command in COMMANDS]
    return "\n".join(["usage: k1n COMMAND [--help]", "", *lines])
