"""What came of running a workflow in all orders of ends: races between two of them, harm by faults. Pure values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_k1n.core.concurrency.mishaps import Mishap

SHOWN: Final = 6
"""Differences and harms that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two orders that differ in nothing but two neighbours, and what comes of each."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    differs: tuple[str, ...]

    def __str__(self) -> str:
        pairs = zip(self.first, self.second, strict=False)
        one, other = next((pair for pair in pairs if pair[0] != pair[1]), ("one", "another"))
        lines = [f"the outcome depends on whether {one} or {other} ends first"]
        lines += [f"  order {', '.join(order)}" for order in (self.first, self.second)]
        return "\n".join([*lines, *(f"  {each}" for each in self.differs)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What a fault between the ends of one order has changed."""

    mishap: Mishap
    seed: int
    order: tuple[str, ...]
    differs: tuple[str, ...]

    def __str__(self) -> str:
        again = f"again: faults=[{self.mishap.number}], fault_seed={self.seed}"
        lines = [f"fault {self.mishap.number} changes the outcome: {self.mishap}; {again}"]
        lines += [f"  order {', '.join(self.order)}", *(f"  {each}" for each in self.differs)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleavings:
    """What came of all orders, and of faults between them."""

    orders: tuple[tuple[str, ...], ...]
    """One for each class of orders that could matter; refs in the order of their ends."""
    outcomes: int
    """How many different ones."""
    races: tuple[Race, ...]
    is_complete: bool
    """Whether all classes were run, within the limit."""
    all_orders: int | None
    """How many orders there are without reduction; None if that is too many to count."""
    took_s: float
    ends: tuple[str, ...] = ()
    """How the executions have ended: COMPLETED, and what else."""
    faults: int = 0
    """How many runs had a fault between two ends."""
    harms: tuple[Harm, ...] = ()
    """Those that came out as no order does without one."""

    def check(self) -> None:
        """Raise AssertionError if the outcome depends on the order or on a fault, or not all orders were run."""
        __tracebackhide__ = True
        if self.races or self.harms:
            raise AssertionError("\n".join(map(str, (*self.races, *self.harms[:SHOWN]))))
        if self.ends and "COMPLETED" not in self.ends and not any(self.orders):
            raise AssertionError(f"{self}: no task was ever in hand, and the workflow is {self.ends[0]}")
        if not self.is_complete:
            raise AssertionError(f"{self}: raise the limit, or permute only a phase")

    def __str__(self) -> str:
        of = "" if self.all_orders is None else f" of {self.all_orders:,}"
        rate = f"{len(self.orders) / self.took_s:,.0f} a second" if self.took_s else "at once"
        end = "" if self.is_complete else ", not all of them"
        faults = f", {self.faults} faults between them with {len(self.harms)} harmed" if self.faults else ""
        how = f", {', '.join(self.ends)}" if set(self.ends) - {"COMPLETED"} else ""
        return f"{len(self.orders)} orders{of} were run ({rate}){end}: {self.outcomes} outcome(s){how}{faults}"


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yield where two outcomes are not the same, and what either has there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{where}.{key}" if where else key)
    elif one != other:
        yield f"{where}: {json.dumps(one)} or {json.dumps(other)}"
