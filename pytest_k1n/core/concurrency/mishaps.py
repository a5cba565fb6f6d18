"""Faults between the ends of parallel tasks: their kinds, their draw by seed, what must be the same after one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

Kind = Literal["lost", "unreported", "repeated"]

DOES: Mapping[Kind, str] = {
    "lost": "the worker dies with it in hand, and its lease runs out",
    "unreported": "the worker dies with its work done and not reported, and its lease runs out",
    "repeated": "its result arrives twice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """One fault at one end of a task."""

    number: int
    kind: Kind
    ref: str = ""
    """Name of the end at which it struck."""

    def __str__(self) -> str:
        return f"{self.ref}: {DOES[self.kind]}"


def draw(number: int, seed: int) -> tuple[Mishap, Random]:
    """Draw a fault, and what draws the order it strikes in: the same for number and seed, whatever ran before."""
    random = Random(f"{seed}/{number}")
    return Mishap(number=number, kind=random.choice(get_args(Kind))), random


def numbered(faults: int | Collection[int]) -> list[int]:
    """Return the numbers of the faults that are asked for: so many, or these. Raises ValueError below 0."""
    numbers = list(range(1, faults + 1)) if isinstance(faults, int) else list(faults)
    if (isinstance(faults, int) and faults < 0) or any(number < 1 for number in numbers):
        raise ValueError(f"faults must be how many, or a list of their numbers from 1, not {faults!r}")
    return numbers


def surviving(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an outcome what a fault must not change: of each task its last attempt only."""
    return {name: {**state, "tasks": _last(state["tasks"])} for name, state in outcome.items()}


def _last(tasks: Mapping[str, Any]) -> dict[str, Any]:
    last: dict[str, tuple[int, Any]] = {}
    for name, told in tasks.items():
        ref, _, attempt = name.rpartition("#")
        if int(attempt) >= last.get(ref, (0, None))[0]:
            last[ref] = int(attempt), told
    return {ref: told for ref, (_, told) in last.items()}
