"""An execution as one SVG file: the page's Gantt with its own colours, for documents and chats."""

from __future__ import annotations

from importlib.resources import files

from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.picture.gantt import SVG, gantt
from pytest_k1n.report.picture.markup import Markup, element
from pytest_k1n.report.story import sentence

WIDTH = 1000
_NAMES = 240
_HEAD = 46


def render(document: RunDocument) -> str:
    """Draw all executions one below the other."""
    top, parts = 0, []
    for execution in document["executions"]:
        part, height = _execution(execution, document, top)
        parts.append(part)
        top += height
    style = files("pytest_k1n.report").joinpath("assets", "page.css").read_text(encoding="utf-8")
    paper = element("rect", width="100%", height="100%", fill="var(--paper)")
    styled = Markup(f"<style>{style}</style>")
    return element("svg", styled, paper, *parts, xmlns=SVG, width=WIDTH, height=max(top, 1), font_family="sans-serif")


def _execution(execution: ExecutionDocument, document: RunDocument, top: int) -> tuple[Markup, int]:
    drawn = gantt(execution, prefix=f"y{top}-")
    head = element("text", f"{execution['title']}: {execution['verdict']}", x=8, y=20, font_size=15, font_weight=600)
    why = element("text", sentence(execution, document["findings"]), x=8, y=38)
    names = element("svg", drawn.names, x=0, y=_HEAD, width=_NAMES, height=drawn.height)
    bars = element("svg", drawn.bars, x=_NAMES, y=_HEAD, width=WIDTH - _NAMES - 12, height=drawn.height)
    return element("g", head, why, names, bars, transform=f"translate(0 {top})"), _HEAD + drawn.height + 16
