"""`k1n run`: a dry run of a definition, offline, in virtual time: what happens, when, what is asked of workers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_k1n.commands.dryrun_text import document, text
from pytest_k1n.core.model import Json, WorkflowStatus
from pytest_k1n.core.units import duration_ms
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.plan.library import DefinitionError, asked_input, read_definitions
from pytest_k1n.servers.dryrun import DryRun, dry_run
from pytest_k1n.workers.registry import handler_from, handlers_in

_MOST_FILES = 2000
"""JSON files beside a definition that are looked through for the workflows it starts."""


def main(argv: Sequence[str]) -> int:
    """Run and show; 0 COMPLETED, 1 any other end or none, 2 for what cannot be read or run."""
    arguments = _parser().parse_args(argv)
    sys.path.insert(0, str(Path.cwd()))
    definitions = list(read_definitions(arguments.file))
    definition = _chosen(definitions, arguments)
    given = _pairs("--handler", arguments.handler, "charge=shop:charge")
    examples = {
        ref: _object("--output", value) for ref, value in _pairs("--output", arguments.output, "R=JSON").items()
    }
    try:
        result = dry_run(
            definition,
            input=_object("--input", arguments.input) if arguments.input else asked_input(_document(arguments.file)),
            children=_beside(arguments, definition, definitions),
            task_definitions=_task_definitions(arguments.task_definitions),
            handlers={**examples, **{ref: handler_from(value, None) for ref, value in given.items()}},
            offered=handlers_in(arguments.handlers) if arguments.handlers else None,
            failing=dict(map(_failure, arguments.fail)),
            takes_ms={ref: duration_ms(value) for ref, value in _pairs("--takes", arguments.takes, "R=12m").items()},
            within_ms=duration_ms(arguments.within),
        )
    except (TimeoutError, Stuck) as error:
        raise ValueError(str(error)) from None
    if result.unmatched:
        shown = [f"{each} {hint}".strip() for each in result.unmatched for hint in [_near(each, result)]]
        raise ValueError(f"nothing of {definition.get('name')} is called {', '.join(shown)}")
    if arguments.json:
        print(json.dumps(document(result), indent=1, ensure_ascii=False))
    else:
        print("\n".join(text(result, shown=arguments.file)))
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


def _chosen(definitions: Sequence[Mapping[str, Any]], arguments: argparse.Namespace) -> Mapping[str, Any]:
    if arguments.name is None and definitions:
        return definitions[0]
    found = [each for each in definitions if each.get("name") == arguments.name]
    if not found:
        names = ", ".join(str(each.get("name")) for each in definitions) or "no definition"
        raise ValueError(f"{arguments.file}: no workflow {arguments.name}; it has {names}")
    return max(found, key=lambda each: each.get("version") or 1)


def _beside(
    arguments: argparse.Namespace, definition: Mapping[str, Any], own: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the other definitions that are at hand: of the same file, and of the given files or its folder."""
    found = {(str(each.get("name")), each.get("version") or 1): each for each in _children(arguments)}
    found |= {(str(each.get("name")), each.get("version") or 1): each for each in own if each is not definition}
    return list(found.values())


def _children(arguments: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    if arguments.children:
        for path in arguments.children:
            for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
                if path.is_dir():
                    with suppress(DefinitionError):  # a folder may hold other JSON as well
                        yield from read_definitions(file)
                else:
                    yield from read_definitions(file)
        return
    files = sorted(each for each in arguments.file.resolve().parent.glob("*.json") if not each.samefile(arguments.file))
    for file in files[:_MOST_FILES]:
        with suppress(DefinitionError):
            yield from read_definitions(file)


def _task_definitions(paths: Sequence[Path]) -> list[Mapping[str, Any]]:
    files = [file for path in paths for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    return [each for file in files for each in read_definitions(file, "name") if "tasks" not in each]


def _pairs(option: str, words: Sequence[str], example: str) -> dict[str, str]:
    pairs = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key or not value:
            raise ValueError(f"{option} {word!r}: write {option} {example}")
        pairs[key] = value
    return pairs


def _failure(word: str) -> tuple[str, int | None]:
    ref, separator, times = word.partition("=")
    if separator and not times.isdigit():
        raise ValueError(f"--fail {word!r}: write --fail REF, or --fail REF=2 for the first two attempts")
    return ref, int(times) if separator else None


def _document(path: Path) -> Json:
    from pytest_k1n.lint.source import read_source

    return read_source(path, str(path)).document


def _object(option: str, value: str) -> Mapping[str, Json]:
    """Read a JSON object, given as text or as the name of a file."""
    from pytest_k1n.lint.source import SourceFile

    is_text = value.lstrip().startswith("{")
    try:
        source = SourceFile(option, value if is_text else Path(value).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{option} {value}: neither a JSON object nor a file: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{option} {value}: is not UTF-8 text") from None
    read, problem, _ = source.parsed
    if problem:
        raise ValueError(f"{option}{'' if is_text else f' {value}'}: {problem}")
    if not isinstance(read, dict):
        raise ValueError(f'{option}: a JSON object is wanted, as in {{"amount": 3}}')  # noqa: TRY004
    return read
