"""The twenty categories of quality gates, and the tasks of K1N_QUALITY_GATES that show them.

What each counts, and why some block and others only warn: docs/explanation/quality-gates.md.
"""

from __future__ import annotations

from pytest_k1n.core.gates import company, evidence, flow, pace, repeats
from pytest_k1n.core.gates.category import Category

CATEGORIES: tuple[Category, ...] = (
    Category("G1", "Completion", "refs", blocking=True, single=flow.completion),
    Category("G2", "Ordering", "edges", blocking=True, single=flow.order),
    Category("G3", "Phase barriers", "phase pairs", blocking=True, single=flow.barriers),
    Category("G4", "Concurrency", "pairs", blocking=True, single=flow.concurrency),
    Category("G5", "Isolation", "tasks", blocking=True, joint=company.isolation),
    Category("G6", "Duration vs estimate", "tasks", single=pace.estimates),
    Category("G7", "Makespan vs estimate, bound", "executions", single=pace.makespan),
    Category("G8", "Speed-up", "executions", single=pace.speed_up),
    Category("G9", "Engine overhead", "hops", single=pace.overhead),
    Category("G10", "Queue wait", "tasks", single=pace.queues),
    Category("G11", "Retry discipline", "attempts", single=repeats.retries),
    Category("G12", "At-most-once effect, no duplicates", "refs", blocking=True, single=repeats.at_most_once),
    Category("G13", "Timeouts honoured", "tasks", single=repeats.timeouts),
    Category("G14", "Schema", "documents", single=evidence.schemas),
    Category("G15", "Data lineage", "expressions", single=evidence.lineage),
    Category("G16", "Evidence, logs", "tasks", single=evidence.logs),
    Category("G17", "No regression", "series", joint=company.regression),
    Category("G18", "Recovery", "faults", joint=company.recovery),
    Category("G19", "Determinism", "seeds", joint=company.determinism),
    Category("G20", "Differential parity", "definitions", joint=company.parity),
)

PROBES = {f"probe_{category.id}": category for category in CATEGORIES[:18]}
"""Task definition -> the category it judges; G19 and G20 concern the engine and have none."""


def category(gate_id: str) -> Category:
    """Find a category by its id (`G2`) or its probe's name (`probe_G2`). Raises KeyError that lists the ids."""
    wanted = gate_id.removeprefix("probe_")
    for each in CATEGORIES:
        if each.id == wanted:
            return each
    raise KeyError(f"{gate_id} is no quality gate: there are {', '.join(each.id for each in CATEGORIES)}")
