"""`k1n validate FILE...`: results files, plans, Conductor definitions and saved executions."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os.path import isdir
from pathlib import Path
from typing import Any, cast

from pytest_k1n.core.model import Json
from pytest_k1n.core.text import as_lines, counted, one_line
from pytest_k1n.core.wire import wire
from pytest_k1n.lint.check import Level, LintFinding
from pytest_k1n.lint.check_selection import Selection, read_selection
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import DefinitionKind, SourceFile, Unreadable, read_source
from pytest_k1n.validation import agreement
from pytest_k1n.validation.bounded import files_in
from pytest_k1n.validation.schema import SchemaProblem, validate

_AGREE = {"results": agreement.of_results, "run": agreement.of_run}
_KINDS = "a results file, the document of a run, a plan (TOML), a workflow definition, a task definition, an execution"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What one file turned out to be, and what is wrong with it."""

    kind: str
    problems: tuple[SchemaProblem | str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a server accepts and a team regrets."""


def add_validate_parser(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `k1n validate`."""
    parser.add_argument("files", nargs="+", metavar="FILE",
        help="what each is, its content tells; of a folder, all .json and .toml files in it and below")  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="print problems only")


def main(argv: Sequence[str]) -> int:
    """Validate files; 0 all valid, 1 some are not, 2 some cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n validate", description=f"Validate files: {_KINDS}.")
    add_validate_parser(parser)
    return run_validate(parser.parse_args(argv))


def run_validate(arguments: argparse.Namespace) -> int:
    """Print one line per problem, or one per valid file, and return the exit code."""
    exit_code = 0
    for name in _each(arguments.files):
        try:
            report = inspect(Path(name))
        except Unreadable as error:
            print(one_line(error, most=2000), file=sys.stderr)
            exit_code = 2
            continue
        for problem in (*report.problems, *report.warnings):
            print(as_lines([f"{name}: {problem}"]))
        if report.problems:
            exit_code = max(exit_code, 1)
        elif not arguments.quiet:
            count = counted(len(report.warnings), "warning")
            print(as_lines([f"{name}: {f'accepted, with {count}' if report.warnings else 'valid'}, {report.kind}"]))
    return exit_code


def _each(names: Sequence[str]) -> Iterator[str]:
    """Yield files, those of folders as well; a folder that holds none stays, to be told of."""
    for name in names:
        is_folder = isdir(name)  # noqa: PTH112 (Path raises where a name is too long for any file)
        found = files_in(Path(name), suffixes=(".json", ".toml")) if is_folder else []
        yield from map(str, found) if found else (name,)


def inspect(path: Path) -> FileReport:
    """Recognise a file by its content and validate it. Raises Unreadable."""
    source = read_source(path, str(path))
    return _plan(path, source.text) if path.suffix == ".toml" else _json(source, read_selection(path))


def _plan(path: Path, text: str) -> FileReport:
    from pytest_k1n.plan.find import PlanError
    from pytest_k1n.plan.library import Library
    from pytest_k1n.plan.read import parse_plan
    from pytest_k1n.plan.resolve import unresolved

    try:
        plan = parse_plan(text, source="", folder=path.parent)
    except PlanError as error:
        return FileReport("plan", tuple(problem.removeprefix(": ") for problem in error.problems))
    count = len(plan.templates)
    problems: tuple[SchemaProblem | str, ...] = (
        *validate(tomllib.loads(text), "plan"),
        *(problem.removeprefix(": ") for problem in unresolved(plan, Library(plan.definitions, plan.task_definitions))),
    )
    return FileReport(
        f"plan of {counted(len(plan.batches), 'batch', 'batches')}, {counted(count, 'template')}",
        problems,
    )


def _json(source: SourceFile, selection: Selection) -> FileReport:
    """Have definitions judged by lint; everything else has a schema, or is read."""
    findings = lint([source], selection).findings
    if source.parsed[1]:
        return FileReport("JSON", tuple(_line(found) for found in findings))
    if source.definitions:
        return FileReport(
            _kind(source),
            tuple(_line(found) for found in findings if found.level is Level.ERROR),
            tuple(_line(found) for found in findings if found.level is Level.WARNING),
        )
    document = source.document
    if isinstance(document, list):
        return _list(document)
    kind, judge = _recognised(document)
    return FileReport(kind, tuple(judge(document, "$")))


def _line(found: LintFinding) -> str:
    said = f"{found.ref}: {found.message}" if found.ref else found.message
    level = "" if found.level is Level.ERROR else f"{found.level}: "
    return one_line(f"line {found.line}: {level}{said} [{found.code}]")


def _kind(source: SourceFile) -> str:
    if len(source.definitions) > 1:
        return f"{len(source.definitions)} definitions"
    kind, _, fields = source.definitions[0]
    return f"{'workflow' if kind is DefinitionKind.WORKFLOW else 'task'} definition {fields.get('name')}"


def _list(documents: list[Json]) -> FileReport:
    problems: list[SchemaProblem] = [] if documents else [SchemaProblem("$", "an empty list")]
    for index, document in enumerate(documents):
        _, judge = _recognised(document)
        problems += judge(document, f"$[{index}]")
    return FileReport(f"list of {len(documents)}", tuple(problems))


def _recognised(document: Json) -> tuple[str, Callable[[Json, str], list[SchemaProblem]]]:
    """Tell what a document wants to be, from the fields that only its kind has."""
    if isinstance(document, Mapping):
        if str(document.get("schema", "")).startswith("k1n-run/"):
            return "the document of a run", partial(_ours, "run")
        if str(document.get("schema", "")).startswith("k1n-coverage/"):
            return "coverage of definitions", partial(_ours, "coverage")
        if str(document.get("schema", "")).startswith("k1n-results") or {"template", "verdict"} <= document.keys():
            return f"results of template {document.get('template')}", partial(_ours, "results")
        if "workflowId" in document:
            return f"execution of {document.get('workflowName')}", _execution
    return "unknown", _unrecognised


def _execution(document: Json, path: str) -> list[SchemaProblem]:
    try:
        wire.execution(document)
    except wire.WireError as error:
        return [SchemaProblem(path, str(error))]
    return []


def _ours(schema: str, document: Json, path: str) -> list[SchemaProblem]:
    problems = list(validate(document, schema))
    if not problems and schema in _AGREE:
        problems = list(_AGREE[schema](cast("Mapping[str, Any]", document)))
    return [SchemaProblem(path + problem.path.removeprefix("$"), problem.message) for problem in problems]


def _unrecognised(_: Json, path: str) -> list[SchemaProblem]:
    return [SchemaProblem(path, f"is none of these: {_KINDS}")]
