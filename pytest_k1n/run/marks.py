"""What marks say about a test; the `workflow` mark is validated by its constructor."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import pytest

from pytest_k1n.plan.toml import closest
from pytest_k1n.run.ours import WORKFLOW_SIGNATURE

if TYPE_CHECKING:
    from pytest_k1n.core.model import Json
    from pytest_k1n.core.plan import Batch, Plan


T = TypeVar("T")


@dataclass(frozen=True)
class WorkflowMark:
    """The arguments of `@pytest.mark.workflow(...)`."""

    name: str
    _: KW_ONLY
    version: int | None = None
    input: Mapping[str, Json] = field(default_factory=dict)
    within: str | None = None
    """Deadline in raw time, as in "30s"; default: what the plan allows."""
    at_once: int = 1
    """How many executions start at the same moment."""
    in_a_row: int = 1
    """How many times that is repeated."""

    def __post_init__(self) -> None:
        for name in ("at_once", "in_a_row"):
            value = getattr(self, name)
            if not _is_whole(value) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
        # A mark's arguments are whatever the author of a test wrote, whatever the annotations say.
        workflow: object = self.name
        if not workflow or not isinstance(workflow, str):
            raise ValueError(f"the workflow's name must be a string, not {workflow!r}")
        if self.version is not None and not _is_whole(self.version):
            raise ValueError(f"version must be a whole number, not {self.version!r}")
        given: object = self.input
        if not isinstance(given, Mapping):
            raise TypeError(f"input must be a mapping, not {given!r}")
        try:
            json.dumps(dict(given), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"input is not JSON: {error}") from None

    @property
    def within_ms(self) -> int | None:
        from pytest_k1n.core.units import duration_ms

        return None if self.within is None else duration_ms(self.within)


def workflow_mark(item: pytest.Item) -> WorkflowMark | None:
    """Read the `workflow` marks of a test, its class and module. Raises UsageError that names test and signature."""
    marks = list(item.iter_markers("workflow"))
    if not marks:
        return None
    try:
        parsed = merged(marks)
        _ = parsed.within_ms
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: {WORKFLOW_SIGNATURE}: {error}") from None
    return parsed


def merged(marks: Iterable[pytest.Mark]) -> WorkflowMark:
    """Merge marks, the closest first: each argument comes from the closest mark that gives it, the name included.

    Marks beyond one that names another workflow are that workflow's, and count for nothing. Raises TypeError and
    ValueError for arguments that are none.
    """
    found: dict[str, Any] = {}
    for mark in marks:
        if len(mark.args) > 1:
            raise TypeError(f"takes one positional argument, not {len(mark.args)}")
        if mark.args and "name" in mark.kwargs:
            raise TypeError(f"names two workflows: {mark.args[0]!r} and {mark.kwargs['name']!r}")
        given = {**dict(zip(("name",), mark.args, strict=False)), **mark.kwargs}
        if "name" in given and found.get("name", given["name"]) != given["name"]:
            break
        found = {**given, **found}
    if "name" not in found:
        raise TypeError("no mark of the test names a workflow")
    return from_mark(WorkflowMark, (), found)


def from_mark(kind: type[T], args: Sequence[Any], keywords: Mapping[str, Any]) -> T:
    """Make a value of a mark's arguments. Raises TypeError that speaks of them, not of the class behind the mark."""
    signature = inspect.signature(kind)
    if unknown := [name for name in keywords if name not in signature.parameters]:
        raise TypeError(f"it takes no {unknown[0]}; {closest(unknown[0], signature.parameters)}".removesuffix("; "))
    signature.bind(*args, **keywords)
    return kind(*args, **keywords)


def batch_of(item: pytest.Item, plan: Plan | None) -> Batch | None:
    """Find the batch that a test's marks name.

    Raises UsageError where they name two, or, on a workflow-marked test, one that no plan knows.
    """
    wanted = list(dict.fromkeys(_batch_names(item, plan)))
    found: dict[int, Batch] = {}
    for name in wanted:
        batch = plan.batch_named(name) if plan else None
        if batch is not None:
            found[batch.number] = batch
        elif item.get_closest_marker("workflow"):
            known = ", ".join(each.name for each in plan.batches) if plan else ""
            where = (
                f"{plan.source} knows {known or 'no batch'}"
                if plan
                else "there is no plan: write one or --k1n-plan=FILE"
            )
            raise pytest.UsageError(f"{item.nodeid}: marked {name}, but {where}")
    if len(found) > 1:
        raise pytest.UsageError(f"{item.nodeid}: marked for {' and '.join(b.name for b in found.values())}: choose one")
    return next(iter(found.values()), None)


def give_aliases(items: Iterable[pytest.Item], plan: Plan | None) -> None:
    """Mark each test of a batch with every name of it, so that `-m` selects by any. Raises UsageError as `batch_of`."""
    for item in items if plan else ():
        batch = batch_of(item, plan)
        present = {mark.name for mark in item.iter_markers()} if batch else set()
        for name in batch.names if batch else ():
            if name not in present:
                item.add_marker(name)


def _batch_names(item: pytest.Item, plan: Plan | None) -> Iterator[str]:
    known = {name for batch in plan.batches for name in batch.names} if plan else set()
    for mark in item.iter_markers():
        if mark.name == "batch":
            yield f"batch{_number(item, mark)}"
        elif mark.name in known or _number_in(mark.name, "batch") is not None:
            yield mark.name


def phase_of(item: pytest.Item) -> int | None:
    """Read the closest phase mark (`phase2` or `phase(n=2)`). Raises UsageError for a bad number."""
    for mark in item.iter_markers():
        if mark.name == "phase":
            return _number(item, mark)
        if (number := _number_in(mark.name, "phase")) is not None:
            return number
    return None


def _is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a mark's argument is a whole number; Python counts True as one."""
    return isinstance(value, int) and not isinstance(value, bool)


def _number(item: pytest.Item, mark: pytest.Mark) -> int:
    value: object = mark.kwargs.get("n", mark.args[0] if mark.args else None)
    if not _is_whole(value) or len(mark.args) + len(mark.kwargs) > 1:
        value = value if len(mark.args) + len(mark.kwargs) < 2 else (*mark.args, *mark.kwargs.values())
        raise pytest.UsageError(f"{item.nodeid}: {mark.name}(n=...) takes a whole number, not {value!r}")
    return value


def _number_in(name: str, word: str) -> int | None:
    """Read `batch2`, as a mark's name says it."""
    digits = name.removeprefix(word)
    return int(digits) if name.startswith(word) and digits.isdecimal() else None
