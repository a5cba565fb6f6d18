"""One row per attempt as CSV, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pytest_k1n.core.text import one_line
from pytest_k1n.report.document import RunDocument

COLUMNS = (
    "run", "batch", "workflow", "workflow_id", "verdict", "ref", "task", "type", "phase", "attempt", "status",
    "worker_id", "scheduled_ms", "start_ms", "end_ms", "duration_ms", "queue_ms", "estimate_ms", "slack_ms",
    "is_critical", "is_simulated", "waited_for", "raw_scheduled_ms", "raw_started_ms", "raw_ended_ms", "reason",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(document: RunDocument) -> str:
    """Write the table; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row] for row in _rows(document))
    return out.getvalue().rstrip("\n")


def _rows(document: RunDocument) -> Iterator[tuple[object, ...]]:
    for execution in document["executions"]:
        workflow = execution["workflow"]
        head = (document["run"]["uid"], execution["batch"], execution["title"], workflow["workflow_id"],
                execution["verdict"])  # fmt: skip
        for task in execution["tasks"]:
            for each in task["attempts"]:
                start, end, ready, raw = each["start_ms"], each["end_ms"], each["ready_ms"], each["raw"]
                took = None if start is None or end is None else end - start
                queued = None if start is None or ready is None else start - ready
                yield (*head, task["ref"], task["name"], task["type"], task["phase"], each["number"], each["status"],
                       each["worker_id"], each["scheduled_ms"], start, end, took, queued, task["estimate_ms"],
                       task["slack_ms"], task["is_critical"], task["is_simulated"], task["waited_for"],
                       raw["scheduled_ms"], raw["started_ms"], raw["ended_ms"], each["reason"])  # fmt: skip


def _cell(value: object) -> object:
    if value is None or not isinstance(value, str):
        return value
    text = one_line(value, most=4000)
    return f"'{text}" if text.startswith(_FORMULA) else text
