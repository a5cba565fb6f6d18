"""The end of a completion report: the plan's criteria and its boxes, ticked by evidence only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.report.batch_evidence import BATCHES, BatchEvidence
from pytest_k1n.report.blocks import Block, Boxes, Heading, Items, Paragraph
from pytest_k1n.report.document import ExecutionDocument
from pytest_k1n.report.figures import off_plan_ms

LEAST_CATEGORIES = 15


def sign_off(evidence: BatchEvidence) -> Iterator[Block]:
    """Tick what the evidence shows, say what is open and why, and leave the last box to a person."""
    criteria = _criteria(evidence)
    yield Heading(2, "Success criteria")
    yield Boxes(criteria)
    yield from _not_evaluated(evidence)
    yield from _boxes(evidence, criteria)


def _criteria(evidence: BatchEvidence) -> list[tuple[bool, str]]:
    """Return the plan's criteria, each with whether the evidence meets it."""
    executions = [each for name in BATCHES for each in evidence.executions(name)]
    has_all = all(evidence.executions(name) for name in BATCHES)
    qualities = [quality for name in BATCHES if (quality := evidence.quality(name))]
    categories = [each for quality in qualities for each in quality["categories"]]
    judged = {each["id"] for each in categories if each["evaluated"]}
    simulated = {each["id"] for each in categories if each["simulated"]} - judged
    also = f", and on simulated work alone {len(simulated)}: {', '.join(sorted(simulated))}" if simulated else ""
    counted = f"{LEAST_CATEGORIES} or more categories ({len(judged)} were evaluated{also})"
    rates = [quality["rate"] for quality in qualities]
    is_rated = len(qualities) == len(BATCHES) and all(rate is not None and rate >= 0.95 for rate in rates)
    early = {"started-early", "scheduled-early", "barrier-crossed", "tainted"}
    found = {each["code"] for name in BATCHES for each in evidence.findings(name) if each["verdict"] == "fail"}
    return [
        (has_all and all(each["workflow"]["status"] == "COMPLETED" for each in executions),
         "Functionality: all templates execute without errors"),
        (is_rated and len(judged) >= LEAST_CATEGORIES,
         f"Quality gates: at least 95 % across {counted}"),
        (has_all and all(_is_on_estimate(each) for each in executions),
         "Performance: within ±10 % of the estimated durations"),
        (has_all and not early & found, "Dependencies: proper order, no race conditions"),
        (has_all, "Documentation: completion report with all metrics"),
    ]  # fmt: skip


def _not_evaluated(evidence: BatchEvidence) -> Iterator[Block]:
    """Say why categories were evaluated in no batch."""
    notes: dict[str, str] = {}
    judged: set[str] = set()
    for name in BATCHES:
        quality = evidence.quality(name)
        for each in quality["categories"] if quality else ():
            if each["evaluated"] or each["simulated"]:
                judged.add(each["id"])
            else:
                notes.setdefault(each["id"], f"{each['id']} {each['title']}: {each['note'] or each['verdict']}")
    if missing := [note for gate, note in notes.items() if gate not in judged]:
        yield Paragraph("Evaluated in no batch:")
        yield Items(missing)


def _is_on_estimate(execution: ExecutionDocument) -> bool:
    off, estimate = off_plan_ms(execution), execution["estimate_ms"]
    return off is not None and estimate is not None and abs(off) <= 0.1 * estimate


def _boxes(evidence: BatchEvidence, criteria: Sequence[tuple[bool, str]]) -> Iterator[Block]:
    yield Heading(2, "Sign-off")
    passed = [evidence.has_passed(name) for name in BATCHES]
    templates = [template for _, template in evidence.templates(BATCHES)]
    is_documented = bool(templates) and all(template["results"] for template in templates) and len(evidence.source) >= 3
    open_ = [text.partition(":")[0].lower() for is_met, text in criteria if not is_met]
    open_ += [f"batch {number}" for number, ok in enumerate(passed, 1) if not ok]
    open_ += [] if is_documented else ["results"]
    says = f"not yet: open are {', '.join(open_)}" if open_ else "yes"
    yield Boxes([
        *((ok, f"Batch {number} passes all checks") for number, ok in enumerate(passed, 1)),
        (True, "Completion report generated"),
        (is_documented, "All results documented"),
        (False, f"Ready for phase 5 transition, to be signed by a person; the evidence above says {says}"),
    ])  # fmt: skip
    yield Paragraph("Name: ____________________   Date: ____________________")
