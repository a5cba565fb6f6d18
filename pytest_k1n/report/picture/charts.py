"""Small pictures: what the makespan consists of, plan against actual, how many ran at once, a series over runs."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.pictures.axis import Scale
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument
from pytest_k1n.report.figures import profile, shares
from pytest_k1n.report.picture.gantt import SVG
from pytest_k1n.report.picture.markup import Markup, element


def blame_bar(execution: ExecutionDocument) -> Markup:
    """Draw the makespan as one bar of its owners, which adds up to it."""
    parts, at = [], 0
    scale = Scale(execution["makespan_ms"])
    for share in shares(execution):
        text = f"{share.kind}: {format_ms(share.ms)}, {share.share:.1%}"
        parts.append(
            element("rect", element("title", text), x=scale.percent(at), width=scale.width(at, at + share.ms), y=0,
                    height=18, class_=f"k-{share.kind.replace(' ', '-')}")
        )  # fmt: skip
        at += share.ms
    told = ", ".join(f"{share.kind} {format_ms(share.ms)}" for share in shares(execution))
    return element("svg", *parts, class_="blame", height=18, role="img", xmlns=SVG,
                   aria_label=f"{format_ms(execution['makespan_ms'])} = {told}")  # fmt: skip


def bullet(execution: ExecutionDocument) -> Markup:
    """Draw plan against actual: the band as a zone, the estimate as a mark, what was measured as a bar."""
    band, estimate, took = execution["band_ms"], execution["estimate_ms"], execution["makespan_ms"]
    scale = Scale(round(1.06 * max(took, estimate or 0, band[1] if band else 0, 1)))
    parts = []
    if band is not None:
        parts.append(element("rect", x=scale.percent(band[0]), width=scale.width(*band), y=0, height=20, class_="zone"))
    is_outside = band is not None and not band[0] <= took <= band[1]
    parts.append(
        element("rect", x=0, width=scale.width(0, took), y=6, height=8, class_="bad" if is_outside else "work")
    )
    if estimate is not None:
        x = scale.percent(estimate)
        parts.append(element("line", x1=x, x2=x, y1=1, y2=19, class_="mark"))
    planned = f", planned {format_ms(estimate)}" if estimate is not None else ""
    zone = f", band {format_ms(band[0])} to {format_ms(band[1])}" if band else ""
    return element("svg", *parts, class_="bullet", height=20, role="img", xmlns=SVG,
                   aria_label=f"took {format_ms(took)}{planned}{zone}")  # fmt: skip


def concurrency(execution: ExecutionDocument, *, end_ms: int, height: int = 52) -> Markup:
    """Draw how many workers' tasks ran at once over time, on an axis that ends at `end_ms`."""
    steps = profile(execution)
    most = most_at_once(execution)
    scale = Scale(end_ms)
    unit = (height - 6) / max(most, 1)
    parts = []
    ends = [at for at, _ in steps[1:]] + [execution["makespan_ms"]]
    least = scale.end_ms / 2000
    for (begin, count), end in zip(steps, ends, strict=True):
        if count and end - begin >= least:
            parts.append(
                element("rect", element("title", f"{count} at once from {format_ms(begin)} to {format_ms(end)}"),
                        x=scale.percent(begin), width=scale.width(begin, end), y=round(height - count * unit, 1),
                        height=round(count * unit, 1), class_="work")
            )  # fmt: skip
    return element("svg", *parts, class_="profile", height=height, role="img", xmlns=SVG,
                   aria_label=f"{most} tasks at once at most")  # fmt: skip


def most_at_once(execution: ExecutionDocument) -> int:
    """Return how many workers' tasks ran at once at the busiest moment."""
    return max(count for _, count in profile(execution))


FEW_RUNS = 20
"""A trend of fewer runs leaves room for those to come: two bars as wide as the page would say nothing."""


def trend(values: Sequence[tuple[str, int]], *, height: int = 60) -> Markup:
    """Draw a series of makespans over runs, oldest first, from zero."""
    most = max([ms for _, ms in values], default=1) * 1.15 or 1
    step = 100 / max(len(values), FEW_RUNS)
    parts = []
    for index, (name, ms) in enumerate(values):
        tall = round(height * ms / most, 1)
        parts.append(
            element("rect", element("title", f"{name}: {format_ms(ms)}"), x=f"{index * step + step * 0.1:.2f}%",
                    width=f"{step * 0.8:.2f}%", y=round(height - tall, 1), height=tall, class_="work")
        )  # fmt: skip
    told = f"{len(values)} runs from {format_ms(values[0][1])} to {format_ms(values[-1][1])}" if values else "no run"
    return element("svg", *parts, class_="trend", height=height, role="img", aria_label=told, xmlns=SVG)
