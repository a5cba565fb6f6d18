"""The run as Markdown: what a pull request or a step summary shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_k1n.core.gates.document import counted
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.contingency import Point, diagnoses
from pytest_k1n.report.document import ExecutionDocument, FindingDocument, RunDocument
from pytest_k1n.report.figures import shares
from pytest_k1n.report.remembered import remembered
from pytest_k1n.report.story import headline, sentence, shown_band
from pytest_k1n.report.weather import weather_line

MARKS = {"pass": "✅", "warn": "⚠️", "fail": "❌", "unknown": "❔", "blocked": "⛔"}
_STATES = {"pass": "pass", "suspect": "warn", "regression": "fail", "unknown": "unknown"}
_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*[]{}#|~$@!"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def render(document: RunDocument) -> str:
    """Write verdict, executions, time, quality gates and findings; whole, however long that is."""
    return "\n".join(lines(document))


def lines(document: RunDocument, *, findings: int | None = None) -> Iterator[str]:
    """Yield the lines; of findings at most so many, worst first, with a note of how many more there are."""
    yield f"# {MARKS[document['verdict']]} Workflows on Conductor: {document['verdict']}"
    yield ""
    yield text(headline(document))
    yield from ("", text(ran_on(document)), "")
    if weather := document.get("weather"):
        yield from (text(f"Weather: {weather_line(weather)}."), "")
    yield from _executions(document)
    yield from _time(document)
    yield from _remembered(document)
    yield from _gates(document)
    yield from _diagnoses(document)
    yield from _findings(document, findings)


def text(value: object) -> str:
    """Escape what Markdown or HTML would take for markup, and keep it on one line."""
    return one_line(" ".join(str(value).split()), most=4000).translate(_SPECIAL)


def row(cells: Iterable[object]) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(text(cell) for cell in cells)} |"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a table."""
    columns = list(head)
    yield row(columns)
    yield f"| {' | '.join('---' for _ in columns)} |"
    yield from (row(cells) for cells in rows)
    yield ""


def ran_on(document: RunDocument) -> str:
    """Say what the run ran on."""
    server = document["server"]
    kind = server.get("kind")
    if server.get("source"):
        return f"Read from {server['source']}, {document['time']['model']} time."
    what = "the embedded engine, not a Conductor server" if kind == "embedded" else f"Conductor ({kind})"
    where = f" {server['version']}" if server.get("version") else ""
    time = document["time"]
    speed = f" x{time['speed']:g}" if time["model"] == "scaled" else ""
    run = document["run"]
    return f"On {what}{where}, {time['model']} time{speed}, seed {run['seed']}, run {run['uid']}."


def _executions(document: RunDocument) -> Iterator[str]:
    shown = [each for each in document["executions"] if each["role"] in ("main", "own")]
    ran = {each["workflow"]["name"] for each in shown}
    rows: list[tuple[object, ...]] = [_execution(each, document["findings"]) for each in shown]
    for batch in document["batches"]:
        for template in batch["templates"]:
            if template["workflow"] not in ran:
                planned = shown_band(template["band_ms"]) if template["band_ms"] else ""
                why = batch["reason"] or "It was not started."
                rows.append((batch["name"], template["workflow"], template["verdict"], planned, "not run", why))
    yield from table(("batch", "workflow", "verdict", "planned", "measured", "why"), rows)


def _execution(execution: ExecutionDocument, findings: list[FindingDocument]) -> tuple[object, ...]:
    planned = shown_band(execution["band_ms"]) if execution["band_ms"] else ""
    note = " (simulated work)" if execution["is_simulated"] else ""
    took = format_ms(execution["makespan_ms"]) + note
    verdict = execution["verdict"]
    return (execution["batch"] or "", execution["title"], verdict, planned, took, sentence(execution, findings))


def _time(document: RunDocument) -> Iterator[str]:
    yield from ("## Where the time went", "")
    for execution in document["executions"]:
        if execution["role"] in ("main", "own"):
            parts = " + ".join(f"{each.kind} {format_ms(each.ms)}" for each in shares(execution))
            yield f"- {text(execution['title'])}: {format_ms(execution['makespan_ms'])} = {text(parts) or 'nothing'}"
    yield ""


def _remembered(document: RunDocument) -> Iterator[str]:
    told = list(remembered(document))
    if told:
        yield from ("## Against the baseline", "")
        yield from (f"- {MARKS[_STATES[state]]} {text(sentence)}" for state, sentence in told)
        yield ""


def _gates(document: RunDocument) -> Iterator[str]:
    judged = [batch for batch in document["batches"] if batch["quality"]]
    if not judged:
        return
    yield from ("## Quality gates", "")
    rows = []
    for batch in judged:
        assert batch["quality"] is not None
        for each in batch["quality"]["categories"]:
            blocking = "yes" if each["blocking"] else ""
            gate = f"{each['id']} {each['title']}"
            rows.append((batch["name"], gate, each["verdict"], counted(each), blocking, each["note"]))
    yield from table(("batch", "gate", "verdict", "checks passed", "blocking", "note"), rows)


def _diagnoses(document: RunDocument) -> Iterator[str]:
    for batch, points in diagnoses(document):
        yield from (f"## {text(batch)}: what to look at", "")
        yield from table(("point", "state", "what was found", "next"), points_rows(points))


def points_rows(points: Iterable[Point]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a diagnosis."""
    return ((each.what, each.state, each.result, each.command) for each in points)


def _findings(document: RunDocument, most: int | None) -> Iterator[str]:
    found = document["findings"]
    if not found:
        yield "No findings."
        return
    titles = {each["workflow"]["workflow_id"]: each["title"] for each in document["executions"]}
    yield from ("## Findings", "")
    fields = ("verdict", "code", "subject", "expected", "observed", "margin", "origin")
    rows = [(titles.get(each["workflow_id"] or "", each["batch"] or ""), *(each[name] for name in fields))  # type: ignore[literal-required]
            for each in found[:most]]  # fmt: skip
    yield from table(("workflow", "verdict", "code", "subject", "expected", "observed", "by", "because of"), rows)
    if most is not None and len(found) > most:
        yield f"… and {len(found) - most} more; the run's document has all of them."
