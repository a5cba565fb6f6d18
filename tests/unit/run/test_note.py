"""What the plugin adds to a test's report, across processes."""

from __future__ import annotations

import json

from pytest_k1n.run.note import ReportNote, has_note, note_of

FULL = ReportNote(
    batch=2,
    key="test_a.py::A",
    blocked="batch1 has not passed",
    unknown=True,
    evidence={"findings": [{"code": "too-late"}], "passed": 3, "simulated": 1, "executions": ["id"]},
    coverage=[{"workflow": "A"}],
)


class Report:
    """Anything that takes attributes."""


def test_a_note_survives_json() -> None:
    assert ReportNote.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL
    assert ReportNote.from_json(ReportNote().to_json()) == ReportNote()


def test_a_report_of_another_test_has_an_empty_note() -> None:
    assert note_of(Report()) == ReportNote()
    assert not has_note(Report())


def test_what_is_put_on_a_report_is_read_from_it() -> None:
    report = Report()
    FULL.put_on(report)
    assert note_of(report) is FULL
    assert has_note(report)
