"""A definition as a picture: one column per step of the longest way, arrows for what must come before what."""

from __future__ import annotations

from pytest_k1n.core.model import OPERATOR_TASK_TYPES, TaskKey
from pytest_k1n.core.order.graph import Graph, label
from pytest_k1n.report.picture.gantt import SVG
from pytest_k1n.report.picture.markup import Markup, element

_WIDE, _HIGH, _GAP, _LINE = 150, 34, 46, 14
_STYLE = Markup(
    "<style>text{font:12px sans-serif;fill:#1b1f24}.box{fill:#e8f3fb;stroke:#0072b2}.op{fill:#f4f6f8;stroke:#8c959f}"
    ".edge{fill:none;stroke:#57606a}</style>"
)


def draw(graph: Graph, title: str) -> str:
    """Draw the graph as SVG, left to right."""
    column: dict[TaskKey, int] = {}
    for key in graph.nodes:
        column[key] = 1 + max([column[before] for before in graph.predecessors(key)], default=-1)
    place: dict[TaskKey, tuple[int, int]] = {}
    filled: dict[int, int] = {}
    for key, index in column.items():
        row = filled.get(index, 0)
        filled[index] = row + 1
        place[key] = (10 + index * (_WIDE + _GAP), 40 + row * (_HIGH + _LINE))
    edges = [_edge(place[edge.before], place[edge.after]) for edge in graph.edges]
    boxes = [
        _box(label(key), task.type, place[key], is_operator=task.type in OPERATOR_TASK_TYPES)
        for key, task in graph.nodes.items()
    ]
    width = 20 + (max(column.values(), default=0) + 1) * (_WIDE + _GAP)
    height = 50 + max(filled.values(), default=1) * (_HIGH + _LINE)
    head = element("text", title, x=10, y=22, font_weight=600)
    paper = element("rect", width="100%", height="100%", fill="#fff")
    return element("svg", _STYLE, paper, head, *edges, *boxes, xmlns=SVG, width=width, height=height)


def _box(ref: str, task_type: str, at: tuple[int, int], *, is_operator: bool) -> Markup:
    x, y = at
    shown = ref if len(ref) <= 22 else f"{ref[:21]}…"
    return element(
        "g",
        element("title", f"{ref}: {task_type}"),
        element("rect", width=_WIDE, height=_HIGH, rx=5 if is_operator else 2, class_="op" if is_operator else "box"),
        element("text", shown, x=_WIDE / 2, y=21, text_anchor="middle"),
        transform=f"translate({x} {y})",
    )


def _edge(before: tuple[int, int], after: tuple[int, int]) -> Markup:
    x1, y1 = before[0] + _WIDE, before[1] + _HIGH / 2
    x2, y2 = after[0], after[1] + _HIGH / 2
    middle = (x1 + x2) / 2
    return element("path", d=f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}", class_="edge")
