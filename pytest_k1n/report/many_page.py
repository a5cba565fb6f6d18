"""Many executions of one workflow as one HTML page, in the look of a run's page: self-contained, all of it escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_k1n.core.baselines.bottlenecks import Spread
from pytest_k1n.core.statistics.stats import median
from pytest_k1n.report.document import ExecutionDocument
from pytest_k1n.report.figures import shares
from pytest_k1n.report.page import MARKS, asset, environment
from pytest_k1n.report.picture import charts
from pytest_k1n.report.picture.gantt import Gantt, gantt
from pytest_k1n.report.picture.markup import Markup

BARS = 60
"""Bars of a trend: more executions share one."""

Series = Sequence[tuple[str, int]]
"""A duration of each execution, oldest first: when it began, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One duration of many executions."""

    name: str
    spread: Spread
    series: Series
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One execution in the table of all."""

    workflow_id: str
    status: str
    started_at: str
    makespan_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """What the page tells of a workflow's executions."""

    workflow: str
    server: str
    summary: str
    made_by: str
    makespan: Line | None
    """None where none completed."""
    segments: Sequence[Line]
    tasks: Sequence[Line]
    """The most often critical first."""
    left_out: int
    """Tasks that were critical, too, and have no line."""
    slowest: Sequence[ExecutionDocument]
    failures: Sequence[tuple[int, str, str]]
    """How often, which task, why."""
    rows: Sequence[Listed]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slow:
    id: str
    document: ExecutionDocument
    gantt: Gantt


def many_page(many: Many) -> str:
    """Make the page."""
    slow = [
        _Slow(id=f"s{number}", document=each, gantt=gantt(each, prefix=f"s{number}-t"))
        for number, each in enumerate(many.slowest, 1)
    ]
    template = environment().get_template("many.html")
    return template.render(
        many=many,
        slow=slow,
        by_id={each.document["workflow"]["workflow_id"]: each.id for each in slow},
        binned=binned,
        charts=charts,
        shares=shares,
        marks=MARKS,
        style=Markup(asset("page.css")),
        script=Markup(asset("page.js")),
    )


def binned(series: Series, most: int = BARS) -> list[tuple[str, int]]:
    """Return at most so many points, each the median of its share of the series, named after its first."""
    size = max(1, -(-len(series) // most))
    return [
        (series[at][0], round(median([ms for _, ms in series[at : at + size]]))) for at in range(0, len(series), size)
    ]
