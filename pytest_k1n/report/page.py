"""The run as one HTML page: self-contained, readable without JavaScript, everything escaped by jinja2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_k1n.core.findings import NOT_MEASURABLE
from pytest_k1n.core.gates.document import counted
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report import remembered
from pytest_k1n.report.advice import Advice, advice
from pytest_k1n.report.contingency import diagnoses
from pytest_k1n.report.document import ComparisonDocument, ExecutionDocument, FindingDocument, RunDocument, TaskDocument
from pytest_k1n.report.figures import has_missed, last_attempt, shares, status_of, work_on_path
from pytest_k1n.report.markdown import ran_on
from pytest_k1n.report.picture import charts
from pytest_k1n.report.picture.gantt import Gantt, gantt
from pytest_k1n.report.picture.markup import Markup
from pytest_k1n.report.stalls import sentence as stood_still
from pytest_k1n.report.stalls import stalls_of
from pytest_k1n.report.story import about, headline, outcomes, sentence, shown_band
from pytest_k1n.report.weather import weather_line

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_TABLE_ROWS = 12_000
"""Rows of all task tables together: more of them would make the page heavier than 5 MB."""
MARKS = {"pass": "✓", "warn": "!", "fail": "✕", "unknown": "?", "blocked": "⊘", "not-applicable": "·",
         "insufficient-baseline": "·"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A finding with where its bar is, if it has one."""

    finding: FindingDocument
    anchor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Everything that the page shows of one execution."""

    id: str
    document: ExecutionDocument
    sentence: str
    is_missed: bool
    gantt: Gantt
    entries: list[Entry]
    advice: list[Advice]
    rows: list[TaskDocument]
    cut: int
    """Tasks that the table leaves out."""
    trend: list[tuple[str, int]]
    compared: ComparisonDocument | None
    stood_still: str
    """When host and server stood still meanwhile, in words; empty if they did not."""


def render(document: RunDocument) -> str:
    """Make the page."""
    sections = _sections(document)
    anchors = {id(entry.finding): entry.anchor for section in sections for entry in section.entries}
    entries = [Entry(finding=each, anchor=anchors.get(id(each))) for each in document["findings"]]
    return (
        environment()
        .get_template("page.html")
        .render(
            document=document,
            headline=headline(document),
            ran_on=ran_on(document),
            sections=sections,
            shown=[section for section in sections if section.document["role"] in ("main", "own")],
            unstarted=_unstarted(document),
            entries=[entry for entry in entries if entry.finding["code"] != NOT_MEASURABLE],
            unmeasured=[entry for entry in entries if entry.finding["code"] == NOT_MEASURABLE],
            titles={section.document["workflow"]["workflow_id"]: section for section in sections},
            charts=charts,
            shares=shares,
            work_on_path=work_on_path,
            last_attempt=last_attempt,
            status_of=status_of,
            marks=MARKS,
            weather=weather_line(document["weather"]) if "weather" in document else "",
            diagnoses=list(diagnoses(document)),
            beside_baseline=remembered.sentence,
            series_name=remembered.name,
            tests=sorted(({"message": "", **each} for each in document["tests"]), key=lambda each: not each["message"]),
            outcomes=outcomes(document),
            style=Markup(asset("page.css")),
            script=Markup(asset("page.js")),
        )
    )


@cache
def environment() -> Environment:
    """Make the environment of all pages; it keeps compiled templates, which take longer than to fill them once."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(human=format_ms, band=shown_band, counted=counted, text=_text)
    return made


def _sections(document: RunDocument) -> list[Section]:
    room = MOST_TABLE_ROWS
    sections = []
    for number, execution in enumerate(document["executions"], 1):
        mine = about(execution, document["findings"])
        prefix = f"e{number}-"
        stalls = stalls_of(execution, document.get("weather"))
        drawn = gantt(execution, prefix=f"{prefix}t", wanted={each["subject"] for each in mine}, stalls=stalls)
        rows = [task for task in execution["tasks"] if task["attempts"] or task["kind"] == "worker"]
        shown, room = rows[:room], max(0, room - len(rows))
        sections.append(
            Section(
                id=f"e{number}",
                document=execution,
                sentence=sentence(execution, document["findings"]),
                is_missed=has_missed(execution),
                gantt=drawn,
                entries=[Entry(finding=each, anchor=drawn.anchors.get(each["subject"])) for each in mine],
                advice=advice(execution),
                rows=shown,
                cut=len(rows) - len(shown),
                trend=_trend(document, execution),
                compared=_compared(document, execution),
                stood_still=stood_still(stalls),
            )
        )
    return sections


def _trend(document: RunDocument, execution: ExecutionDocument) -> list[tuple[str, int]]:
    series = document.get("baseline", {}).get("trend", {})
    return [(str(name), int(ms)) for name, ms in series.get(execution["workflow"]["name"], [])]


def _compared(document: RunDocument, execution: ExecutionDocument) -> ComparisonDocument | None:
    found = document.get("baseline", {}).get("compared", [])
    return next((each for each in found if each["title"] == execution["title"]), None)


def _unstarted(document: RunDocument) -> list[dict[str, Any]]:
    ran = {each["workflow"]["name"] for each in document["executions"]}
    return [
        {"batch": batch["name"], "reason": batch["reason"], **template}
        for batch in document["batches"]
        for template in batch["templates"]
        if template["workflow"] not in ran
    ]


def _text(value: object) -> str:
    """Show a value whole, on one line, without anything invisible."""
    return one_line(value, most=20_000)


def asset(name: str) -> str:
    """Read a file that pages are made of."""
    return files("pytest_k1n.report").joinpath("assets", name).read_text(encoding="utf-8")
