"""Which executions a test has looked at, and what they exercised of their definitions: it travels on its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pytest

from pytest_k1n.run.run import Run

if TYPE_CHECKING:
    from pytest_k1n.core.record.observation import Observation


class LookedAt(Protocol):
    """An execution that a test holds in its hands."""

    def newest(self) -> Observation:
        """Return what is known of it now."""
        ...


@runtime_checkable
class LedToOthers(LookedAt, Protocol):
    """One whose sub-workflows and other executions that it has led to can be looked at, too."""

    def family(self) -> Sequence[Observation]:
        """Return this execution and those that it has led to, as they stand."""
        ...


LOOKED_AT = pytest.StashKey[list[LookedAt]]()


def looked_at(item: pytest.Item) -> list[LookedAt]:
    """Return the executions that a test has in its hands so far, to be added to."""
    return item.stash.setdefault(LOOKED_AT, [])


def coverage_note(run: Run, item: pytest.Item) -> list[dict[str, Any]]:
    """Say what a test's executions have exercised, as JSON; an execution that cannot be read any more says nothing."""
    from pytest_k1n.coverage.merging import covered, merged

    parts = []
    for source in item.stash.get(LOOKED_AT, []):
        try:
            seen = source.newest()
        except Exception as error:  # whatever a server that has gone may raise: the test has its own verdict
            run.progress.say(f"coverage: an execution of {item.nodeid} could not be read: {error}")
            continue
        parts.append(covered(seen.execution, seen.definition, [item.nodeid], run.library.task_definitions))
    return [part.to_json() for part in merged(parts)]
