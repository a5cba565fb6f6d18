"""`k1n run`: a dry run of a definition, offline, in virtual time: what happens, when, what is asked of workers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_k1n.commands.definitionfile import beside, chosen, document_of, object_of, pairs, task_definitions
from pytest_k1n.commands.dryrun_text import document, text
from pytest_k1n.core.model import WorkflowStatus
from pytest_k1n.core.record.causes import never_brought
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import duration_ms
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.plan.library import asked_input, read_definitions
from pytest_k1n.servers.dryrun import DryRun, dry_run
from pytest_k1n.workers.registry import handler_from, handlers_in


def main(argv: Sequence[str]) -> int:
    """Run and show; 0 COMPLETED, 1 any other end or none, 2 for what cannot be read or run."""
    arguments = _parser().parse_args(argv)
    sys.path.insert(0, str(Path.cwd()))
    definitions = list(read_definitions(arguments.file))
    definition = chosen(definitions, arguments)
    given = pairs("--handler", arguments.handler, "charge=shop:charge")
    examples = {
        ref: object_of("--output", value) for ref, value in pairs("--output", arguments.output, "R=JSON").items()
    }
    try:
        result = dry_run(
            definition,
            input=object_of("--input", arguments.input)
            if arguments.input
            else asked_input(document_of(arguments.file)),
            children=beside(arguments, definition, definitions),
            task_definitions=task_definitions(arguments.task_definitions),
            handlers={**examples, **{ref: handler_from(value, None) for ref, value in given.items()}},
            offered=handlers_in(arguments.handlers) if arguments.handlers else None,
            failing=dict(map(_failure, arguments.fail)),
            takes_ms={ref: duration_ms(value) for ref, value in pairs("--takes", arguments.takes, "R=12m").items()},
            within_ms=duration_ms(arguments.within),
        )
    except (TimeoutError, Stuck) as error:
        raise ValueError(str(error)) from None
    late = [ref for each in result.family for ref in never_brought(each.execution, each.definition)]
    hints = {each: _near(each, result) for each in result.unmatched}
    if any(hints.values()) or (hints and not late):
        shown = ", ".join(f"{each} {hint}".strip() for each, hint in hints.items())
        raise ValueError(f"nothing of {definition.get('name')} is called {shown}")
    if arguments.json:
        print(json.dumps(document(result), indent=1, ensure_ascii=False))
    else:
        print(as_lines(text(result, shown=arguments.file)))
    others = [name for each in definitions if (name := str(each.get("name"))) != str(definition.get("name"))]
    if others and arguments.name is None:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        print(f"k1n run: {arguments.file} has {others[0]}{more} as well: --name says which to run", file=sys.stderr)
    if hints:
        what = f"nothing that ran is called {', '.join(hints)}"
        print(f"k1n run: {what}: it may be what {late[0]} would bring, which did not run", file=sys.stderr)
    return _exit(result)


def _near(key: str, result: DryRun) -> str:
    from pytest_k1n.lint.suggest import suggestion

    hint = suggestion(key, sorted(result.names))
    return f"({hint})" if hint else ""


def _exit(result: DryRun) -> int:
    return int(result.main.execution.status is not WorkflowStatus.COMPLETED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="k1n run",
        description="Dry run of a workflow definition: offline, in virtual time. Worker tasks without a handler, HTTP "
        "tasks and whatever else reaches beyond this machine are simulated, and said to be.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a workflow definition (JSON), or a list of which the first is run")
    add("--name", metavar="NAME", help="of several definitions in the file: which one")
    add("--input", metavar="JSON|FILE", help="the workflow's input (default: that of FILE if it is a request to start)")
    add("--handlers", metavar="MODULE", help="a module with handlers, from the current folder or installed")
    add(
        "--handler", action="append", default=[], metavar="REF=MODULE:FUNCTION", help="handler of one task (repeatable)"
    )
    add("--output", action="append", default=[], metavar="REF=JSON|FILE",
        help="example of what a simulated task answers (repeatable)")  # fmt: skip
    add("--fail", action="append", default=[], metavar="REF[=TIMES]",
        help="let every attempt of a task fail, or the first TIMES (repeatable)")  # fmt: skip
    add("--takes", action="append", default=[], metavar="REF=12m", help="how long a simulated task takes (repeatable)")
    add("--children", action="append", default=[], type=Path, metavar="FILE|FOLDER",
        help="definitions of sub-workflows (default: the folder of FILE)")  # fmt: skip
    add("--task-definitions", action="append", default=[], type=Path, metavar="FILE|FOLDER",
        help="task definitions: retries, time-outs, output schemas (repeatable)")  # fmt: skip
    add("--within", default="20s", metavar="DURATION", help="give up after so much real time (default 20s)")
    add("--json", action="store_true", help="print one JSON object instead of text")
    return parser


def _failure(word: str) -> tuple[str, int | None]:
    ref, separator, times = word.partition("=")
    if separator and not times.isdigit():
        raise ValueError(f"--fail {word!r}: write --fail REF, or --fail REF=2 for the first two attempts")
    return ref, int(times) if separator else None
