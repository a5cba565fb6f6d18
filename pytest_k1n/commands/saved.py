"""Executions saved as JSON, in whatever a team has around them: lists, search results, wrappers, JSON lines, gzip."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_k1n.core.model import Json
from pytest_k1n.core.text import no_json, why_not_json
from pytest_k1n.lint.source_file import DefinitionKind, definitions
from pytest_k1n.validation.bounded import files_in, read_at_most

SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
LARGEST_MB = 512
"""A hundred thousand records have 60 MB."""
_DEPTH = 8
"""How many wrappers may lie around an execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedExecution:
    """An execution as `GET /workflow/ID` answers it, and where it was found."""

    document: Mapping[str, Json]
    source: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NoExecution:
    """Something that is no execution, or none that can be judged."""

    source: str
    reason: str
    workflow_id: str | None = None
    """Of a summary: a server has the whole of it."""
    is_foreign: bool = False
    """Whether it never was an execution, so that a folder may well hold it."""


def saved_in(path: Path) -> Iterator[SavedExecution | NoExecution]:
    """Read what a file, or every JSON file below a folder, holds. Raises OSError for a path that is not there."""
    if not path.is_dir():
        yield from _in_file(path)
        return
    files = files_in(path, suffixes=SUFFIXES)
    for each in files:
        yield from _in_file(each)
    if not files:
        yield NoExecution(source=str(path), reason=f"holds no file that ends in {', '.join(SUFFIXES[:3])} or .gz")


def _in_file(path: Path) -> Iterator[SavedExecution | NoExecution]:
    try:
        content = read_at_most(path, LARGEST_MB)
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file; for an execution on a server give its id, not a file name"
        ) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        yield NoExecution(source=str(path), reason=f"cannot be read: {error}")
        return
    del content
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield from _in_lines(path, text, error)
        return
    del text
    yield from _unwrapped(document, str(path), path)


def _in_lines(path: Path, text: str, error: Exception) -> Iterator[SavedExecution | NoExecution]:
    """Read JSON lines; what is not JSON as a whole and begins with no line of JSON is simply not JSON."""
    has_begun = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as why:
            if not has_begun:
                break
            yield NoExecution(source=f"{path}:{number}", reason=f"not JSON: {why_not_json(why)}")
            continue
        has_begun = True
        yield from _unwrapped(document, f"{path}:{number}", path)
    if not has_begun:
        yield NoExecution(source=str(path), reason=no_json(text, str(path), error))


def _unwrapped(document: Json, source: str, path: Path) -> Iterator[SavedExecution | NoExecution]:
    found = list(_executions(document, source, path, _DEPTH))
    if found:
        yield from found
        return
    schema = str(document.get("schema", "")) if isinstance(document, Mapping) else ""
    if schema.startswith("k1n-"):
        kept = "runs/RUN/executions/ID.json, kept by --k1n-keep=always"
        reason = f"is a {schema} document, not an execution: those are in {kept}"
    elif any(found.kind is DefinitionKind.WORKFLOW for found in definitions(document)):
        reason = "is a workflow definition, not an execution: k1n lint and k1n run are for those"
    else:
        reason = "an execution is a JSON object with workflowId, status and tasks, as GET /workflow/ID answers it"
    yield NoExecution(source=source, reason=reason, is_foreign=True)


def _executions(document: Json, source: str, path: Path, depth: int) -> Iterator[SavedExecution | NoExecution]:
    if isinstance(document, Mapping) and isinstance(document.get("workflowId"), str):
        yield _execution(document, source, path)
    elif depth and isinstance(document, list):
        for index, each in enumerate(document):
            yield from _executions(each, f"{source}[{index}]" if len(document) > 1 else source, path, depth - 1)
    elif depth and isinstance(document, Mapping):
        for each in document.values():
            if isinstance(each, Mapping | list):
                yield from _executions(each, source, path, depth - 1)


def _execution(document: Mapping[str, Json], source: str, path: Path) -> SavedExecution | NoExecution:
    workflow_id = str(document["workflowId"])
    ended_early = document.get("status") in ("FAILED", "TIMED_OUT", "TERMINATED")
    if document.get("tasks") or (ended_early and isinstance(document.get("tasks"), list)):
        return SavedExecution(document=document, source=source, path=path)
    # What searches answer, and GET with includeTasks=false: a server that has the execution would show its tasks.
    reason = f"execution {workflow_id} without its tasks, as searches answer: give --server URL to read the whole"
    return NoExecution(source=source, reason=reason, workflow_id=workflow_id)
