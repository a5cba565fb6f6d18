"""XES (IEEE 1849): a trace per execution, an event per change of an attempt's state, for process mining."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import iso_utc
from pytest_k1n.report.document import AttemptDocument, ExecutionDocument, RunDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00Z"/>\
<string key="lifecycle:transition" value="complete"/></global>
<classifier name="Activity" keys="concept:name"/>
<string key="lifecycle:model" value="standard"/>"""


def render(document: RunDocument) -> str:
    """Write the log; operators are left out, because they are steps of the control flow and no actor's activity."""
    lines = [_HEAD, _string("concept:name", f"run {document['run']['uid']}")]
    for execution in document["executions"]:
        lines += _trace(execution)
    return "\n".join([*lines, "</log>"])


def _trace(execution: ExecutionDocument) -> Iterator[str]:
    workflow = execution["workflow"]
    yield "<trace>"
    yield _string("concept:name", workflow["workflow_id"])
    yield _string("k1n:workflow", workflow["name"])
    yield _string("k1n:status", workflow["status"])
    yield _string("k1n:verdict", execution["verdict"])
    events = [
        event
        for task in execution["tasks"]
        if task["kind"] != "operator"
        for attempt in task["attempts"]
        for event in _events(task, attempt)
    ]
    for _, _, text in sorted(events, key=lambda event: event[:2]):
        yield text
    yield "</trace>"


def _events(task: TaskDocument, attempt: AttemptDocument) -> Iterator[tuple[int, int, str]]:
    """Yield (instant, rank, text): of one instant what ends comes before what begins."""
    raw = attempt["raw"]
    ending = "complete" if attempt["status"] in SUCCESSFUL else "ate_abort"
    stamps = ((raw["ended_ms"], 0, ending), (raw["scheduled_ms"], 1, "schedule"), (raw["started_ms"], 2, "start"))
    for instant, rank, transition in stamps:
        if instant is not None:
            parts = [
                _string("concept:name", task["ref"]),
                _string("concept:instance", attempt["task_id"]),
                _string("lifecycle:transition", transition),
                f'<date key="time:timestamp" value="{iso_utc(instant)}"/>',
                f'<int key="k1n:attempt" value="{attempt["number"]}"/>',
            ]
            if attempt["worker_id"]:
                parts.append(_string("org:resource", attempt["worker_id"]))
            if transition == "ate_abort" and attempt["reason"]:
                parts.append(_string("k1n:reason", attempt["reason"]))
            yield instant, rank, f"<event>{''.join(parts)}</event>"


def _string(key: str, value: str) -> str:
    return f'<string key="{escape(key)}" value={quoteattr(one_line(value, most=4000))}/>'
