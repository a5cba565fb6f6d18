"""Definitions on disk: Conductor JSON in the plan's folders, found by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import cast

from pytest_k1n.core.definition.difference import differences
from pytest_k1n.core.model import Json, TaskDefinition, WorkflowDefinition
from pytest_k1n.core.text import is_yaml
from pytest_k1n.core.wire import wire
from pytest_k1n.validation.bounded import files_in

Document = Mapping[str, Json]


class DefinitionError(ValueError):
    """A definition that cannot be read: which file, and what is wrong with it."""

    __module__ = "pytest_k1n"  # where a test imports it from, and what pytest shows before the message


class DefinitionNotFound(LookupError):
    """A definition that is nowhere; lists where it was sought, and which other versions of it are there."""

    __module__ = "pytest_k1n"

    def __init__(
        self, name: str, sought: Sequence[str], *, versions: Sequence[int] = (), known: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.sought = tuple(sought)
        self.versions = tuple(versions)
        self.known = tuple(known)
        """Names that are there, of which the message tells the nearest."""
        super().__init__(name)

    def __str__(self) -> str:
        if not self.sought:
            how = "name a folder in it (k1n.toml: definitions = [...]), or give a path that ends in .json"
            return f"no workflow definition {self.name}: there is no plan that says where definitions are: {how}"
        there = f": there is version {', '.join(map(str, self.versions))}" if self.versions else ""
        return f"no workflow definition {self.name}: sought in {'; '.join(self.sought)}{there}{self._near}"

    @property
    def _near(self) -> str:
        from pytest_k1n.plan.toml import closest

        hint = closest(self.name.partition(":")[0], self.known) if self.known and not self.versions else ""
        return f": {hint}" if hint else ""


class Library:
    """Workflow and task definitions of some folders; each file holds one definition or a list of them."""

    def __init__(self, workflow_folders: Sequence[Path | str] = (), task_folders: Sequence[Path | str] = ()) -> None:
        self._workflow_folders = tuple(Path(folder) for folder in workflow_folders)
        self._task_folders = tuple(Path(folder) for folder in task_folders)
        self._parsed: dict[tuple[str, int | None], WorkflowDefinition] = {}

    @cached_property
    def workflows(self) -> tuple[Document, ...]:
        """All workflow definitions, verbatim. Raises DefinitionError."""
        return tuple(document for _, document in self._found)

    @cached_property
    def _found(self) -> tuple[tuple[Path, Document], ...]:
        """The workflow definitions, each with its file."""
        return tuple(self._documents(self._workflow_folders, "tasks"))

    @cached_property
    def _by_name(self) -> Mapping[str, list[tuple[Path, Document]]]:
        found: dict[str, list[tuple[Path, Document]]] = {}
        for path, document in self._found:
            found.setdefault(str(document.get("name")), []).append((path, document))
        return found

    @cached_property
    def tasks(self) -> tuple[Document, ...]:
        """All task definitions, verbatim. Raises DefinitionError."""
        return tuple(document for _, document in self._found_tasks)

    @cached_property
    def _found_tasks(self) -> tuple[tuple[Path, Document], ...]:
        return tuple(self._documents(self._task_folders, "name"))

    def file_of(self, document: Document) -> Path | None:
        """Name the file that one of these documents was read from."""
        found = (path for path, each in (*self._found, *self._found_tasks) if each is document)
        return next(found, None)

    @cached_property
    def task_definitions(self) -> Mapping[str, TaskDefinition]:
        """Task definitions by name. Raises DefinitionError."""
        return {definition.name: definition for definition in map(_task, self.tasks)}

    def workflow(self, name: str, version: int | None = None) -> Document:
        """Find a workflow definition; without a version the highest.

        Raises DefinitionNotFound, and DefinitionError where two files define that version and not alike.
        """
        if ":" in name and version is None:
            name, _, text = name.partition(":")
            version = int(text)
        of_name = self._by_name.get(name, [])
        versions = sorted({_version(document) for _, document in of_name})
        if not versions or version not in {None, *versions}:
            wanted = name if version is None else f"{name}:{version}"
            raise DefinitionNotFound(wanted, [str(folder) for folder in self._workflow_folders], versions=versions)
        wanted_version = versions[-1] if version is None else version
        (path, document), *others = (found for found in of_name if _version(found[1]) == wanted_version)
        for other_path, other in others:
            if places := differences(document, other):
                raise DefinitionError(
                    f"{name} version {wanted_version} is defined twice, and not alike: {path} and {other_path} "
                    f"({places[0].pointer}): remove one, or give it a version of its own"
                )
        return document

    def workflow_definition(self, name: str, version: int | None = None) -> WorkflowDefinition:
        """Find and parse a workflow definition. Raises DefinitionNotFound, DefinitionError."""
        if (known := self._parsed.get((name, version))) is not None:
            return known
        document = self.workflow(name, version)
        found = (str(document.get("name")), _version(document))
        if found not in self._parsed:
            try:
                self._parsed[found] = wire.workflow_definition(cast("Json", document))
            except wire.WireError as error:
                raise DefinitionError(str(error)) from None
        self._parsed[name, version] = self._parsed[found]
        return self._parsed[found]

    def known_definition(self, name: str, version: int | None = None) -> WorkflowDefinition | None:
        """Find and parse a workflow definition; None where it is not here, or cannot be read."""
        try:
            return self.workflow_definition(name, version)
        except (DefinitionNotFound, DefinitionError):
            return None

    def _documents(self, folders: Sequence[Path], marker: str) -> Iterator[tuple[Path, Document]]:
        for folder in folders:
            if not folder.is_dir():
                raise DefinitionError(f"{folder}: no such folder of definitions: correct it in the plan file")
            yield from read_folder(folder, marker)


def read_folder(folder: Path, marker: str = "tasks") -> Iterator[tuple[Path, Document]]:
    """Read the definitions in a folder's files, each with its file.

    Definitions of the other kind, event handlers and executions may lie beside them. Raises DefinitionError for a file
    that holds nothing of Conductor.
    """
    from pytest_k1n.lint.source_file import is_other

    for path in files_in(folder):
        try:
            found = list(read_definitions(path, marker))
        except DefinitionError:
            if _is_of_another_kind(path):
                continue
            raise
        yield from ((path, each) for each in found if marker == "tasks" or not ("tasks" in each or is_other(each)))


def read_readable(paths: Iterable[Path], marker: str = "tasks") -> Iterator[Document]:
    """Read the definitions of files of which some may hold none, or cannot be read: those are left out.

    A schema of definitions has the same fields, such as one in an OpenAPI document, and is none.
    """
    for path in paths:
        with suppress(DefinitionError):
            yield from (each for each in read_definitions(path, marker) if not isinstance(each.get("name"), Mapping))


def _is_of_another_kind(path: Path) -> bool:
    """Whether a file without a definition of one kind holds something else of Conductor."""
    from pytest_k1n.lint.source_file import Unreadable, is_other, read_source

    try:
        source = read_source(path, str(path))
    except Unreadable:
        return False
    document = source.document
    others = document if isinstance(document, list) else [document]
    return bool(source.definitions) or any(isinstance(each, Mapping) and is_other(each) for each in others)


def read_definitions(path: Path, marker: str = "tasks") -> Iterator[Document]:
    """Read the definitions in one file, in whatever they are wrapped: a list, a request to start, an answer.

    `marker` is a field that each must have. Raises DefinitionError.
    """
    from pytest_k1n.lint.source_file import DefinitionKind, Unreadable, definitions, read_source

    try:
        source = read_source(path, str(path))
    except Unreadable as error:
        raise DefinitionError(str(error)) from None
    _, problem, offset = source.parsed
    if is_yaml(source.text):
        raise DefinitionError(f"{path}: {problem}")
    if problem:
        line = source.text.count("\n", 0, offset) + 1
        raise DefinitionError(f"{path}: cannot be read as JSON: line {line}: {problem.removeprefix('is not JSON: ')}")
    kind = DefinitionKind.WORKFLOW if marker == "tasks" else DefinitionKind.TASK
    document = source.document
    if document == []:
        raise DefinitionError(f"{path}: an empty list: write a definition into it, or remove the file")
    for each in document if isinstance(document, list) else [document]:
        if isinstance(each, Mapping) and marker in each and "name" in each:
            yield each
            continue
        wrapped = [found.fields for found in definitions(each) if found.kind is kind]
        if not wrapped:
            raise DefinitionError(f"{path}: not a {kind} definition: an object with `name` and `{marker}` is expected")
        yield from wrapped


def asked_input(document: Json | Document) -> Document:
    """Return the input of a request to start a workflow that carries its definition; nothing of anything else."""
    if not isinstance(document, Mapping) or not isinstance(document.get("workflowDef"), Mapping):
        return {}
    given = document.get("input")
    return given if isinstance(given, Mapping) else {}


def started_workflows(document: Json | Document) -> list[tuple[str, int | None]]:
    """Name the workflows, with their versions, that a definition's tasks start by name, and its failure workflow."""
    if isinstance(document, list):
        return [each for item in document for each in started_workflows(item)]
    if not isinstance(document, Mapping):
        return []
    found = [each for value in document.values() for each in started_workflows(value)]
    found += _forked_workflow(document)
    failure = document.get("failureWorkflow")
    if isinstance(failure, str) and failure and "$" not in failure:
        found.append((failure, None))
    inputs = document.get("inputParameters")
    started = document.get("subWorkflowParam")
    if document.get("type") == "START_WORKFLOW" and isinstance(inputs, Mapping):
        started = inputs.get("startWorkflow")
    if isinstance(started, Mapping) and isinstance(name := started.get("name"), str) and "$" not in name:
        version = started.get("version")
        found.append((name, version if isinstance(version, int) and version > 0 else None))
    return found


def _forked_workflow(document: Document) -> Iterator[tuple[str, int | None]]:
    """Yield the workflow that each branch of a dynamic fork runs, where the definition names it."""
    inputs = document.get("inputParameters")
    if document.get("type") != "FORK_JOIN_DYNAMIC" or not isinstance(inputs, Mapping):
        return
    name, version = inputs.get("forkTaskWorkflow"), str(inputs.get("forkTaskWorkflowVersion"))
    if isinstance(name, str) and name and "$" not in name:
        yield name, int(version) if version.isascii() and version.isdecimal() else None


def _version(document: Document) -> int:
    version = document.get("version")
    return version if isinstance(version, int) else 1


def _task(document: Document) -> TaskDefinition:
    try:
        return wire.task_definition(cast("Json", document))
    except wire.WireError as error:
        raise DefinitionError(str(error)) from None
