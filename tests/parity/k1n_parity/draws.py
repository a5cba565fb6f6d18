"""The seeded source that cases are drawn from, and the values that go into them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.conformance.cases import Action, Document

VALUES: tuple[Any, ...] = (1, "two", [1, 2, 3], {"k": "v", "n": {"d": 7}}, True, None, 2.5, "", "a b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a block stands; it decides what may be generated there."""

    depth: int = 0
    in_fork: bool = False
    in_loop: bool = False
    in_child: bool = False

    def inside(self, **change: bool) -> Place:
        values = {"in_fork": self.in_fork, "in_loop": self.in_loop, "in_child": self.in_child, **change}
        return Place(depth=self.depth + 1, **values)


@dataclass(slots=True, kw_only=True)
class Draws:
    """One case in the making: what was drawn so far, and the seeded source of every further draw."""

    seed: int
    budget: int
    random: random.Random = field(init=False)
    count: int = 0
    tasks: dict[str, Document] = field(default_factory=dict)
    script: dict[str, tuple[Action, ...]] = field(default_factory=dict)
    workflows: list[Document] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    waits: int = 0
    silences: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(f"parity {self.seed}")

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def ref(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def output(self) -> Document:
        return {"v": self.random.choice(VALUES), "n": {"deep": [{"x": 1}, {"x": 2}]}}

    def inputs(self, known: list[str]) -> Document:
        return {f"p{index}": self.expression(known) for index in range(self.random.choice([0, 1, 1, 2]))}

    def expression(self, known: list[str]) -> Any:
        if known and self.chance(0.5):
            ref = self.random.choice(known)
            path = self.random.choice(
                ["output.v", "output.n.deep[0].x", "output.from", "output", "status", "input", "output.none"]
            )
            return f"${{{ref}.{path}}}"
        if self.variables and self.chance(0.3):
            return f"${{workflow.variables.{self.random.choice(self.variables)}}}"
        return self.random.choice(
            [
                "${workflow.input.a}",
                "${workflow.input.map.k}",
                "${workflow.input.list[1]}",
                "${workflow.input}",
                5,
                "literal",
                {"nested": "${workflow.input.b}"},
                ["${workflow.input.a}", "x"],
                "${workflow.input.list[*]}",
                "${workflow.workflowType}",
                "${workflow.correlationId}",
                "${workflow.input.none}",
                "$${escaped}",
            ]
        )

    def template(self, known: list[str]) -> str:
        ref = self.random.choice(known) if known and self.chance(0.6) else None
        middle = f"${{{ref}.status}}" if ref else "${workflow.input.b}"
        return f"<{middle}> and ${{workflow.input.none}} and ${{workflow.input.map}}"
