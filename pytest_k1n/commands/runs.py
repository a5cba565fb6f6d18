"""Where `k1n` commands get documents of runs from: `run.json`, a folder that holds one, or a saved execution."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import cast

from pytest_k1n.commands.check import judge
from pytest_k1n.commands.saved import LARGEST_MB, SUFFIXES, NoExecution
from pytest_k1n.commands.subject import Reader, Subject
from pytest_k1n.report.document import SCHEMA, ExecutionDocument, RunDocument
from pytest_k1n.report.figures import has_completed
from pytest_k1n.report.lone import FoundOf, lone_document
from pytest_k1n.validation.bounded import read_at_most

FILE = "run.json"
_HINT = (
    "a run's run.json, a folder with one (test-results, or test-results/runs/UID), or saved executions: "
    "a file or a folder of files"
)


def add_run_arguments(parser: argparse.ArgumentParser, *, many: str | None = None, also: str = "") -> None:
    """Add the argument that names runs, and those that say how a saved execution is read."""
    parser.add_argument("runs", nargs=many or 1, metavar="RUN", help=f"{also}{_HINT}")
    parser.add_argument("--plan", metavar="FILE", help="for a saved execution: the plan to judge it by")
    parser.add_argument("--definition", metavar="FILE|FOLDER", action="append",
        help="for a saved execution: what should have run (else the plan's, else what it carries)")  # fmt: skip
    parser.add_argument("--server", metavar="URL", help="a Conductor server, if RUN is the id of an execution there")
    parser.set_defaults(time=None, speed=None)


def read_runs(arguments: argparse.Namespace) -> list[RunDocument]:
    """Read every run named, in that order; what holds several executions is as many runs, the oldest first.

    Raises ValueError, LookupError, OSError of one line.
    """
    return [each for name in arguments.runs for each in _runs(name, arguments)]


def read_run(name: str, arguments: argparse.Namespace) -> RunDocument:
    """Read one run. Raises ValueError, LookupError, OSError of one line."""
    found = _runs(name, arguments)
    if len(found) != 1:
        raise ValueError(f"{name}: holds {len(found)} executions: name one")
    return found[0]


def _runs(name: str, arguments: argparse.Namespace) -> list[RunDocument]:
    path = Path(name)
    if path.is_dir() and (path / FILE).is_file():
        path = path / FILE
    if path.is_file():
        document = _json(path)
        if isinstance(document, dict) and "schema" in document:
            return [_checked(document, path)]
    if path.is_dir():
        names = [str(each) for each in sorted(path.iterdir()) if each.name.endswith(SUFFIXES) and each.is_file()]
        found = _subjects(names, arguments)
        subjects = [each for each in found if isinstance(each, Subject)]
        bad = next((each for each in found if isinstance(each, NoExecution) and not each.is_foreign), None)
        if bad is not None:
            raise ValueError(f"{bad.source}: {bad.reason}")
        if not subjects:
            raise FileNotFoundError(f"{name}: holds no {FILE}: name {_HINT}")
    else:
        found = _subjects([str(path) if path.is_file() else name], arguments)
        bad = next((each for each in found if isinstance(each, NoExecution)), None)
        if bad is not None:
            raise ValueError(f"{bad.source}: {bad.reason}")
        subjects = [each for each in found if isinstance(each, Subject)]
    subjects.sort(key=lambda each: each.observation.execution.started_ms)
    return [_alone(each) for each in subjects]


def _subjects(names: Sequence[str], arguments: argparse.Namespace) -> list[Subject | NoExecution]:
    with closing(Reader(arguments)) as reader:
        return list(reader.subjects(names))


def _alone(subject: Subject) -> RunDocument:
    found = FoundOf(subject.observation, judge(subject).findings)
    return lone_document([found], source=subject.source, made_by=f"pytest-k1n {version('pytest-k1n')}")


def _json(path: Path) -> object:
    """Read a file that may be a run's document; None for what is no JSON as a whole, such as JSON lines."""
    try:
        return cast("object", json.loads(read_at_most(path, LARGEST_MB)))
    except (ValueError, RecursionError):
        return None


def _checked(document: dict[str, object], path: Path) -> RunDocument:
    if document["schema"] != SCHEMA:
        raise ValueError(f"{path}: is a {document['schema']!r} document, not {SCHEMA}: name {_HINT}")
    from pytest_k1n.validation.schema import validate

    if problems := validate(document, "run"):
        raise ValueError(f"{path}: is not valid: {problems[0]}")
    return cast("RunDocument", document)


def executions(documents: Sequence[RunDocument], workflow: str | None) -> Iterator[ExecutionDocument]:
    """Yield the executions of a workflow, or all; those that ran alone or again included."""
    for document in documents:
        for execution in document["executions"]:
            if workflow in (None, execution["workflow"]["name"], execution["title"]):
                yield execution


def one_execution(document: RunDocument, workflow: str | None) -> ExecutionDocument:
    """Return the execution that is meant: one that completed before others, a batch's before a test's own, the last.

    Raises ValueError that lists them where that is not clear.
    """
    found = [each for each in executions([document], workflow) if each["role"] in ("main", "own")]
    found = found or list(executions([document], workflow))
    names = ", ".join(dict.fromkeys(each["title"] for each in document["executions"])) or "none"
    if not found:
        raise ValueError(
            f"no execution of {workflow or 'any workflow'} in run {document['run']['uid']}; it has {names}"
        )
    if len({each["workflow"]["name"] for each in found}) > 1:
        raise ValueError(f"say which with --workflow: run {document['run']['uid']} has {names}")
    return max(reversed(found), key=lambda each: (has_completed(each), each["role"] == "main"))
