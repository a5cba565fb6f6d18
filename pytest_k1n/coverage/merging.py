"""Coverage of definitions added up: over executions, tests, xdist's nodes and runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.core.model import Execution, TaskDefinition, WorkflowDefinition
from pytest_k1n.coverage.exercised import exercised
from pytest_k1n.coverage.goals import Goal, GoalKind, goals_of

_VARYING = (GoalKind.RETRY, GoalKind.TIMEOUT)
"""Kinds that depend on task definitions, which may be unknown: they make no other definition of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What was exercised of one definition, and by which tests."""

    name: str
    version: int
    goals: tuple[Goal, ...]
    """In the definition's order."""
    tests: Mapping[Goal, tuple[str, ...]] = field(default_factory=dict)
    """For every goal that was met, the tests (or files) that did."""
    executions: tuple[str, ...] = ()
    """Conductor's ids of those that were looked at."""

    @property
    def title(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def missing(self) -> tuple[Goal, ...]:
        """The goals that nothing has met."""
        return tuple(goal for goal in self.goals if goal not in self.tests)

    def of_kind(self, *kinds: GoalKind) -> tuple[int, int]:
        """Count the goals of some kinds that were met, and all of them."""
        mine = [goal for goal in self.goals if goal.kind in kinds]
        return sum(goal in self.tests for goal in mine), len(mine)

    def to_json(self) -> dict[str, Any]:
        """Write it as reports carry it from one process to another."""
        return {
            "name": self.name,
            "version": self.version,
            "executions": list(self.executions),
            "goals": [
                {"kind": str(goal.kind), "ref": goal.ref, "detail": goal.detail, "advice": goal.advice,
                 "tests": list(self.tests.get(goal, ()))}
                for goal in self.goals
            ],
        }  # fmt: skip


def from_json(document: Mapping[str, Any]) -> Covered:
    """Read what `to_json` wrote. Raises KeyError, ValueError or TypeError for anything else."""
    goals = [(_goal(each), tuple(map(str, each["tests"]))) for each in document["goals"]]
    return Covered(
        name=str(document["name"]),
        version=int(document["version"]),
        goals=tuple(goal for goal, _ in goals),
        tests={goal: tests for goal, tests in goals if tests},
        executions=tuple(map(str, document["executions"])),
    )


def covered(
    execution: Execution,
    definition: WorkflowDefinition,
    tests: Sequence[str],
    task_definitions: Mapping[str, TaskDefinition] | None = None,
) -> Covered:
    """Say what one execution has exercised of its definition, on behalf of the tests that looked at it."""
    goals = goals_of(definition, task_definitions)
    met = exercised(goals, definition, execution)
    return Covered(
        name=definition.name,
        version=definition.version,
        goals=goals,
        tests={goal: tuple(tests) for goal in goals if goal in met},
        executions=(execution.workflow_id,),
    )


def unexercised(
    definition: WorkflowDefinition, task_definitions: Mapping[str, TaskDefinition] | None = None
) -> Covered:
    """Say of a definition that nothing has run that all of it is missing."""
    goals = goals_of(definition, task_definitions)
    return Covered(name=definition.name, version=definition.version, goals=goals)


def merged(parts: Iterable[Covered]) -> tuple[Covered, ...]:
    """Add up, by definition: name, version and what there is to exercise; sorted by name."""
    found: dict[tuple[str, int, frozenset[Goal]], Covered] = {}
    for part in parts:
        key = (part.name, part.version, frozenset(goal for goal in part.goals if goal.kind not in _VARYING))
        found[key] = _sum(found[key], part) if key in found else part
    return tuple(sorted(found.values(), key=lambda each: (each.name, each.version)))


def rate(parts: Iterable[Covered]) -> float:
    """Return the share of all goals that were met; 1 where there is none."""
    goals = met = 0
    for part in parts:
        goals += len(part.goals)
        met += len(part.tests)
    return met / goals if goals else 1.0


def _sum(one: Covered, other: Covered) -> Covered:
    tests = {
        goal: tuple(dict.fromkeys((*one.tests.get(goal, ()), *other.tests.get(goal, ()))))
        for goal in (*one.tests, *other.tests)
    }
    return Covered(
        name=one.name,
        version=one.version,
        goals=tuple(dict.fromkeys((*one.goals, *other.goals))),
        tests=tests,
        executions=tuple(dict.fromkeys((*one.executions, *other.executions))),
    )


def _goal(document: Mapping[str, Any]) -> Goal:
    return Goal(GoalKind(document["kind"]), str(document["ref"]), str(document["detail"]), str(document["advice"]))
