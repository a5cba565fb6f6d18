"""The arguments of the `workflow` mark, validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_k1n.core.model import Json


@dataclass(frozen=True, kw_only=True)
class WorkflowMark:
    """The arguments of `@pytest.mark.workflow(...)`."""

    name: str
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
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
        # A mark's arguments are whatever the author of a test wrote, whatever the annotations say.
        workflow: object = self.name
        if not workflow or not isinstance(workflow, str):
            raise ValueError(f"the workflow's name must be a string, not {workflow!r}")
        given: object = self.input
        if not isinstance(given, Mapping):
            raise TypeError(f"input must be a mapping, not {given!r}")

    @property
    def within_ms(self) -> int | None:
        from pytest_k1n.core.units import duration_ms

        return None if self.within is None else duration_ms(self.within)
