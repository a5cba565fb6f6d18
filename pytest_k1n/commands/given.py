"""The definitions that should have run: those that `--definition` gives, or else the plan's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from pytest_k1n.commands.saved import SavedExecution, saved_in
from pytest_k1n.core.definition.difference import differences
from pytest_k1n.core.model import Execution, Json, WorkflowDefinition
from pytest_k1n.core.plan import Plan
from pytest_k1n.core.wire import wire
from pytest_k1n.lint.gather import in_yaml
from pytest_k1n.plan.library import (
    DefinitionError,
    DefinitionNotFound,
    Document,
    Library,
    read_definitions,
    read_readable,
)
from pytest_k1n.validation.bounded import files_in

_MOST_NAMES = 5
"""Names that are told where the wanted one is not among them."""


class GivenDefinitions:
    """What the user says should have run, by name. Raises DefinitionError when made."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = ", ".join(paths)
        self._by_name: dict[str, list[Document]] = {}
        for path in paths:
            for document in _read(Path(path)):
                self._add(document, path)

    def find(self, name: str, version: int) -> WorkflowDefinition:
        """Find the definition of an execution: of its version, else of the highest. Raises ValueError."""
        found = self._by_name.get(name)
        if found is None:
            names = sorted(self._by_name)
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            raise ValueError(f"it is an execution of {name}, and {self._paths} defines {_listed(names)}{more}")
        made = [wire.workflow_definition(cast("Json", each)) for each in found]
        return max(made, key=lambda each: (each.version == version, each.version))

    def _add(self, document: Document, path: str) -> None:
        of_name = self._by_name.setdefault(str(document.get("name")), [])
        version = document.get("version") or 1
        twin = next((each for each in of_name if (each.get("version") or 1) == version), None)
        if twin is None:
            of_name.append(document)
        elif places := differences(twin, document):
            what = f"{document.get('name')} version {version}"
            raise DefinitionError(
                f"{path}: defines {what} again, and not alike ({places[0].pointer}): name one of them"
            )


class Required:
    """The definition that each execution should have run."""

    def __init__(self, plan: Plan | None, library: Library, given: GivenDefinitions | None) -> None:
        self._plan, self._library, self._given = plan, library, given
        self._found: dict[tuple[str, int], WorkflowDefinition | None] = {}

    def of(self, execution: Execution) -> WorkflowDefinition | None:
        """Find the definition of an execution; None where nobody says what it should be. Raises ValueError."""
        key = (execution.name, execution.version)
        if key not in self._found:
            self._found[key] = self._given.find(*key) if self._given is not None else self._planned(*key)
        return self._found[key]

    def doubts(self, execution: Execution, definition: WorkflowDefinition) -> Iterator[str]:
        """Say what of the definitions is not as a reader would take it to be."""
        if execution.definition is None:
            yield "it carries no workflow definition: whether its server ran this one is not known"
        planned = self._planned(definition.name, definition.version) if self._given is not None else None
        if planned is not None and (places := differences(planned.raw, definition.raw)):
            yield f"the plan's definition says otherwise ({places[0]}); it is judged by --definition"

    def _planned(self, name: str, version: int) -> WorkflowDefinition | None:
        """Find what the plan has of a workflow: of the version that its template names, where it names one."""
        templates = self._plan.templates if self._plan else ()
        pinned = [each.version for each in templates if each.workflow == name and each.version is not None]
        for wanted in (version if version in pinned or not pinned else max(pinned), None):
            with suppress(DefinitionNotFound):
                return self._library.workflow_definition(name, wanted)
        return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) or "none"


def _read(path: Path) -> Iterator[Document]:
    if not path.is_dir():
        yield from _carried(path) or read_definitions(path)
        return
    found = list(read_readable(files_in(path)))
    if not found:
        others = "".join(f"; {each}" for each in in_yaml(path)[:_MOST_NAMES])
        raise DefinitionError(f"{path}: holds no workflow definition in a file that ends in .json{others}")
    yield from found


def _carried(path: Path) -> list[Document]:
    """Return the definitions that the executions of a file carry: those of one that was good, as a rule."""
    try:
        found = [each.document.get("workflowDefinition") for each in saved_in(path) if isinstance(each, SavedExecution)]
    except OSError:  # reading it as a definition says what is wrong
        return []
    return [each for each in found if isinstance(each, Mapping) and each.get("tasks")]
