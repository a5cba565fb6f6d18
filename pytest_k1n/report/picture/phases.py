"""The names of phases above a Gantt."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.pictures.axis import Scale
from pytest_k1n.report.document import ExecutionDocument, PhaseDocument
from pytest_k1n.report.picture.markup import Markup, element

LABEL = 5.0
"""Per cent of the axis that the name of a phase needs on a narrow page."""


def phase_names(execution: ExecutionDocument, scale: Scale) -> Iterator[Markup]:
    """Write `P1` above each phase; those that begin too near to one another share a name: `P2-P3`."""
    groups: list[list[PhaseDocument]] = []
    free = 0.0
    for phase in execution["phases"]:
        if phase["start_ms"] is None:
            continue
        if (at := 100 * phase["start_ms"] / scale.end_ms) >= free or not groups:
            groups.append([])
            free = at + LABEL
        elif len(groups[-1]) == 1:
            free += LABEL / 2  # the longer name
        groups[-1].append(phase)
    for group in groups:
        first, last = group[0]["number"], group[-1]["number"]
        told = element("title", "; ".join(f"phase {each['number']}: {each['name']}" for each in group))
        name = f"P{first}" if first == last else f"P{first}-P{last}"
        at_ms = group[0]["start_ms"] or 0
        yield element("text", name, told, x=scale.percent(at_ms), dx=3, y=13, class_="phase-name")
