"""How far one batch of a run is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_k1n.coordination.collection import Start
from pytest_k1n.core.definition.shape import JOINS

if TYPE_CHECKING:  # what batches need: a run of tests that start their own executions brings none of it
    from pytest_k1n.coordination.watch import Watch
    from pytest_k1n.core.baselines.regression import AgainstBaseline


@dataclass(slots=True)
class BatchRun:
    """How far one batch is: its groups of starts, and the watches on what has been started."""

    number: int
    groups: tuple[tuple[Start, ...], ...]
    next_group: int = 0
    watches: list[Watch] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Launch key -> why it could not be launched."""
    compared: tuple[AgainstBaseline, ...] = ()
    """Its executions beside their baseline, once it has ended."""
    to_confirm: list[tuple[Start, ...]] | None = None
    """Groups to be run again because a regression is suspected; None until that has been asked."""
    confirmations: list[Watch] = field(default_factory=list)
    """Watches on them: no test observes these, no gate but that on regressions judges them."""
    is_judged: bool = False
    is_reported: bool = False

    @property
    def is_quiet(self) -> bool:
        return all(watch.state.is_settled for watch in self.watches)

    @property
    def is_done(self) -> bool:
        return self.next_group == len(self.groups) and self.is_quiet

    @property
    def has_joins(self) -> bool:
        """Whether one of its executions waits for branches."""
        seen = [watch.observation for watch in self.watches if watch.observation is not None]
        return any(node.type in JOINS for each in seen for node in each.graph.nodes.values())
