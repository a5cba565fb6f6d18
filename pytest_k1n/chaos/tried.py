"""Coverage of faults: which fault has been tried at which task in which phase, and what never has. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.chaos.faults import KINDS, Injection, cells
from pytest_k1n.core.model import Json

Cell = tuple[str, str, str]
"""Fault, ref, phase."""
_NEVER, _HARMED = ".", "x"


@dataclass(slots=True, kw_only=True)
class Tried:
    """What has been tried on one workflow, over any number of runs."""

    workflow: str
    refs: tuple[str, ...]
    kinds: tuple[str, ...] = tuple(KINDS)
    """The faults that can be committed where it was tried."""
    runs: Counter[Cell] = field(default_factory=Counter)
    harmed: Counter[Cell] = field(default_factory=Counter)

    def note(self, injection: Injection, *, harmed: bool) -> None:
        """Count one run whose fault has struck."""
        cell = (injection.kind, injection.ref, injection.phase)
        self.runs[cell] += 1
        self.harmed[cell] += harmed

    @property
    def all(self) -> tuple[Cell, ...]:
        """Every fault at every task in every phase that there is."""
        return tuple(cells(self.refs))

    @property
    def never(self) -> tuple[Cell, ...]:
        """What has never been tried."""
        return tuple(cell for cell in self.all if not self.runs[cell])

    def add(self, document: Mapping[str, Any]) -> None:
        """Count what an earlier document says. Raises ValueError for one of another workflow, or none."""
        try:
            workflow, rows = document["workflow"], document["cells"]
            earlier = [((row["fault"], row["ref"], row["phase"]), row["runs"], row["harmed"]) for row in rows]
        except (KeyError, TypeError):
            raise ValueError("no document of faults: it has no workflow, or no cells") from None
        if workflow != self.workflow:
            raise ValueError(f"it is about {workflow}, not {self.workflow}")
        for cell, runs, harmed in earlier:
            self.runs[cell] += int(runs)
            self.harmed[cell] += int(harmed)

    def document(self) -> dict[str, Json]:
        """Return it as JSON: each cell with its runs, those of none included."""
        return {
            "v": 1,
            "workflow": self.workflow,
            "tried": len(self.all) - len(self.never),
            "possible": len(self.all),
            "cells": [
                {"fault": kind, "ref": ref, "phase": phase, "runs": self.runs[kind, ref, phase],
                 "harmed": self.harmed[kind, ref, phase]}
                for kind, ref, phase in self.all
            ],
        }  # fmt: skip

    def table(self) -> Iterator[str]:
        """Yield lines: a row per fault and phase, a column per task."""
        rows = list(dict.fromkeys((kind, phase) for kind, _, phase in self.all))
        width = max(len(f"{kind}/{phase}") for kind, phase in rows)
        yield f"  {'fault/phase':<{width}}  runs at each of {len(self.refs)} tasks ({_NEVER} never, {_HARMED} harmed)"
        for kind, phase in rows:
            marks = "".join(self._mark((kind, ref, phase)) for ref in self.refs)
            note = "" if kind in self.kinds else "  cannot be committed here"
            yield f"  {f'{kind}/{phase}':<{width}}  {marks}{note}"
        yield f"  tasks: {' '.join(self.refs)}"
        yield f"  tried {len(self.all) - len(self.never)} of {len(self.all)} (fault x task x phase)"

    def _mark(self, cell: Cell) -> str:
        if self.harmed[cell]:
            return _HARMED
        runs = self.runs[cell]
        return _NEVER if not runs else str(runs) if runs < 10 else "+"


def shown(never: Sequence[Cell], most: int = 5) -> str:
    """Name the first of what was never tried."""
    names = [f"{kind}@{ref}/{phase}" for kind, ref, phase in never[:most]]
    more = len(never) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
