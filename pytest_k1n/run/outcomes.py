"""Outcomes of our own, blocked and unknown, and the evidence that travels on test reports."""

from __future__ import annotations

import pytest

from pytest_k1n.coordination.collection import Item
from pytest_k1n.run import retelling
from pytest_k1n.run.coverage import LOOKED_AT, coverage_note
from pytest_k1n.run.note import Evidence, ReportNote
from pytest_k1n.run.own_executions import keep_own
from pytest_k1n.run.run import Run
from pytest_k1n.run.waiting import BLOCKED_BY

_OURS = frozenset({"k1n_finding", "k1n_findings", "k1n_execution"})
EVIDENCE = pytest.StashKey[Evidence]()
"""What a test's judgements have found so far."""


class UnknownVerdict(AssertionError):
    """A judgement that evidence could not decide: no fail, and certainly no pass."""

    __module__ = "pytest_k1n"


class ExpectationFailed(AssertionError):
    """At least one finding; its text is all of them."""

    __module__ = "pytest_k1n"


def evidence_of(item: pytest.Item) -> Evidence:
    """Return the evidence that a test has gathered so far, to be added to."""
    return item.stash.setdefault(EVIDENCE, Evidence(findings=[], passed=0, simulated=0, latencies=0, executions=[]))


def annotate(run: Run, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Put our outcome and evidence on a report. Raises nothing."""
    described = run.items.get(item.nodeid)
    if described is None:
        return
    note = ReportNote(batch=described.batch, key=described.key)
    if report.when == "setup" and BLOCKED_BY in item.stash:
        note.blocked = item.stash[BLOCKED_BY]
    if call.excinfo is not None and call.excinfo.errisinstance(UnknownVerdict):
        note.unknown = True
        if run.settings.unknown == "warn":
            report.outcome = "passed"
    if report.when == "call" and EVIDENCE in item.stash:
        note.evidence = item.stash[EVIDENCE]
    if call.excinfo is not None and call.excinfo.errisinstance((ExpectationFailed, UnknownVerdict)):
        retelling.headline(report, call.excinfo.value)
    if report.when == "call":
        _properties(item, report, note.evidence)
    if report.when == "call" and run.is_anything_set and run.settings.cov:
        note.coverage = coverage_note(run, item)
    if report.when == "call" and report.failed:
        _picture(run, described, item, report)
    if report.when == "call" and (report.failed or run.is_anything_set) and LOOKED_AT in item.stash:
        keep_own(run, item, report)
    if report.when == "teardown" and LOOKED_AT in item.stash:
        del item.stash[LOOKED_AT]  # the test lives to the end of the session: what it has looked at need not
    if call.excinfo is not None and report.failed:
        retelling.plainly(report, call.excinfo.value)
    note.put_on(report)


def _properties(item: pytest.Item, report: pytest.TestReport, evidence: Evidence | None) -> None:
    """Name the executions, and have what this report says of a test in JUnit's file, which has it from the last one."""
    report.user_properties += [("k1n_execution", each) for each in (evidence["executions"] if evidence else ())]
    kept = [each for each in item.user_properties if each[0] not in _OURS]  # of a run before, if this is one more
    item.user_properties[:] = [*kept, *(each for each in report.user_properties if each not in kept)]


def _picture(run: Run, described: Item, item: pytest.Item, report: pytest.TestReport) -> None:
    """Add the section that shows the executions of a failed test."""
    from pytest_k1n.run import failure  # here: it draws, and most tests pass

    findings = item.stash[EVIDENCE]["findings"] if EVIDENCE in item.stash else []
    if described.needs in ("execution", "phase", "batch", "alone"):
        executions = tuple(item.stash[EVIDENCE]["executions"]) if EVIDENCE in item.stash else ()
        try:
            text = failure.section(run, described, executions=executions, findings=findings)
        except OSError as error:  # somebody has emptied the temporary folder
            text = f"not shown: {error.strerror}"
        report.sections.append((retelling.PICTURE, text))
    elif held := item.stash.get(LOOKED_AT, None):
        report.sections.append((retelling.PICTURE, failure.own_section(run, item.nodeid, held, findings)))
