"""What runs have found, as a completion report lists it: each with what to do, unmeasurable latencies in one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.codes import CODES
from pytest_k1n.core.findings import NOT_MEASURABLE
from pytest_k1n.report.batch_evidence import BatchEvidence
from pytest_k1n.report.blocks import Block, Grid, Heading, Paragraph
from pytest_k1n.report.contingency import diagnoses
from pytest_k1n.report.document import FindingDocument
from pytest_k1n.report.markdown import points_rows
from pytest_k1n.report.story import claim

NAMED = 6
"""Subjects that a row of many names."""


def issues(evidence: BatchEvidence) -> Iterator[Block]:
    """List what was found, and what to do about it."""
    yield Heading(2, "Issues and resolutions")
    rows = []
    for name in evidence.names:
        found = evidence.findings(name)
        rows += [
            (name, each["verdict"], claim(each), f"Open. {_remedy(each['code'])}")
            for each in found
            if each["code"] != NOT_MEASURABLE
        ]
        unmeasured = [each for each in found if each["code"] == NOT_MEASURABLE]
        if unmeasured:
            rows.append((name, "not judged", _unmeasured(unmeasured), f"Open. {_remedy(NOT_MEASURABLE)}"))
        batch = evidence.batch(name)
        if batch and batch["verdict"] == "blocked":
            rows.append((name, "blocked", batch["reason"], "Open. Resolve what failed before, then run this batch."))
    yield Grid(("batch", "kind", "issue", "resolution"), rows) if rows else Paragraph("None was recorded.")
    if any(each["code"] == NOT_MEASURABLE for name in evidence.names for each in evidence.findings(name)):
        yield Paragraph("With --k1n-latency=strict a latency is judged as the server stamped it, and what the machine "
                        "and the server stood still meanwhile is not taken off.")  # fmt: skip
    for document in dict.fromkeys(map(id, evidence.source.values())):
        run = next(each for each in evidence.source.values() if id(each) == document)
        for name, points in diagnoses(run):
            if evidence.source.get(name) is run:
                yield Heading(3, f"{name}: what was checked after it failed")
                yield Grid(("point", "state", "what was found", "next"), list(points_rows(points)))


def _remedy(code: str) -> str:
    meaning = CODES.get(code)
    return meaning.remedy if meaning else "See the test that found it."


def _unmeasured(found: Sequence[FindingDocument]) -> str:
    """Sum up the latencies that were too long while the machine or the server stood still."""
    subjects = list(dict.fromkeys(each["subject"] for each in found))
    more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
    checks = sum(len(each["tests"]) + len(each["gates"]) for each in found)
    counted = f" (in {checks} checks)" if checks > len(found) else ""
    what = f"1 latency{counted} was" if len(found) == 1 else f"{len(found)} latencies{counted} were"
    return (f"{what} above the limit, and by no more than the machine or the server stood still meanwhile: "
            f"{', '.join(subjects[:NAMED])}{more} (each of them is in the run's page)")  # fmt: skip
