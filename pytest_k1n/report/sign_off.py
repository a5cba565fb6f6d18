"""The end of a completion report: the plan's criteria and its boxes, ticked by evidence only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_k1n.core.findings import NOT_MEASURABLE
from pytest_k1n.report.batch_evidence import BATCHES, BatchEvidence
from pytest_k1n.report.blocks import Block, Boxes, Heading, Items, Paragraph
from pytest_k1n.report.completion_run import command
from pytest_k1n.report.document import ExecutionDocument
from pytest_k1n.report.figures import off_plan_ms

LEAST_CATEGORIES = 15
_REAL = "the run on real work, whose command is below"


class _Criterion(NamedTuple):
    """A criterion of the plan."""

    is_met: bool
    text: str
    closing: str
    """What closes it while it is open."""

    @property
    def name(self) -> str:
        return self.text.partition(":")[0].lower()


def sign_off(evidence: BatchEvidence) -> Iterator[Block]:
    """Tick what the evidence shows, say what is open and why, and leave the last box to a person."""
    criteria = _criteria(evidence)
    yield Heading(2, "Success criteria")
    yield Boxes([(each.is_met, each.text) for each in criteria])
    yield from _not_evaluated(evidence)
    yield from _boxes(evidence, criteria)


def standing(evidence: BatchEvidence) -> list[str]:
    """Say in the summary whether the plan's criteria are met, and of each open one what closes it."""
    criteria = _criteria(evidence)
    passed, met = sum(evidence.has_passed(name) for name in BATCHES), sum(each.is_met for each in criteria)
    says = f"{passed} of {len(BATCHES)} batches passed, {met} of the plan's {len(criteria)} success criteria are met"
    names = _open(evidence, criteria)
    ready = f"not yet ready for phase 5, open are {', '.join(names)}" if names else "ready for phase 5 by the evidence"
    lines = [f"{says}: {ready}."]
    lines += [f"Open is {each.text}. What closes it: {each.closing}." for each in criteria if not each.is_met]
    if any(each["is_simulated"] for name in BATCHES for each in evidence.executions(name)):
        real = command(evidence.last, "--k1n-time=real", "--k1n-handlers=auto", "--k1n-agents=FOLDER", batches=BATCHES)
        lines.append("Work was simulated: that accepts the orchestration, not how long real work takes. For the run on "
                     f"real work put scripts that do it into FOLDER: {real}")  # fmt: skip
    return lines


def _criteria(evidence: BatchEvidence) -> list[_Criterion]:
    """Return the plan's criteria, each with whether the evidence meets it."""
    executions = [each for name in BATCHES for each in evidence.executions(name)]
    has_all = all(evidence.executions(name) for name in BATCHES)
    has_simulated = any(each["is_simulated"] for each in executions)
    is_on_estimate = has_all and all(_is_on_estimate(each) for each in executions)
    early = {"started-early", "scheduled-early", "barrier-crossed", "tainted"}
    found = {each["code"] for name in BATCHES for each in evidence.findings(name) if each["verdict"] == "fail"}
    missing = [name for name in BATCHES if not evidence.executions(name)]
    again = f"a run that has {', '.join(missing)}" if missing else "mending what the issues name, and a run after it"
    shown = ""
    if has_simulated:
        kept = "kept them" if is_on_estimate else "did not all keep them"
        shown = f" (simulated work {kept}, which shows whether the plan adds up, not how long real work takes)"
    return [
        _Criterion(has_all and all(each["workflow"]["status"] == "COMPLETED" for each in executions),
                   "Functionality: all templates execute without errors", again),
        _gates(evidence, again),
        _Criterion(is_on_estimate and not has_simulated,
                   f"Performance: within ±10 % of the estimated durations{shown}",
                   _REAL if has_simulated and is_on_estimate else again),
        _Criterion(has_all and not early & found, "Dependencies: proper order, no race conditions", again),
        _Criterion(has_all, "Documentation: completion report with all metrics", again),
    ]  # fmt: skip


def _gates(evidence: BatchEvidence, again: str) -> _Criterion:
    qualities = [quality for name in BATCHES if (quality := evidence.quality(name))]
    categories = [each for quality in qualities for each in quality["categories"]]
    judged = {each["id"] for each in categories if each["evaluated"]}
    simulated = {each["id"] for each in categories if each["simulated"]} - judged
    also = f", and on simulated work alone {len(simulated)}: {', '.join(sorted(simulated))}" if simulated else ""
    rates = [quality["rate"] for quality in qualities]
    is_rated = len(qualities) == len(BATCHES) and all(rate is not None and rate >= 0.95 for rate in rates)
    short = LEAST_CATEGORIES - len(judged)
    closing = again
    if is_rated and short > 0:
        closing = f"{short} more evaluated categories"
        if simulated:
            closing += f"; {', '.join(sorted(simulated))} by {_REAL}"
        if "G17" not in judged:
            closing += "; G17 by runs with --k1n-history=FILE, after k1n baseline accept"
    return _Criterion(is_rated and short <= 0,
                      f"Quality gates: at least 95 % across {LEAST_CATEGORIES} or more categories ({len(judged)} were "
                      f"evaluated{also})", closing)  # fmt: skip


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


def _is_documented(evidence: BatchEvidence) -> bool:
    templates = [template for _, template in evidence.templates(BATCHES)]
    return bool(templates) and all(template["results"] for template in templates) and len(evidence.source) >= 3


def _open(evidence: BatchEvidence, criteria: Sequence[_Criterion]) -> list[str]:
    """Name everything that stands against the last box."""
    open_ = [each.name for each in criteria if not each.is_met]
    open_ += [f"batch {number}" for number, name in enumerate(BATCHES, 1) if not evidence.has_passed(name)]
    return open_ if _is_documented(evidence) else [*open_, "results"]


def _boxes(evidence: BatchEvidence, criteria: Sequence[_Criterion]) -> Iterator[Block]:
    yield Heading(2, "Sign-off")
    open_ = _open(evidence, criteria)
    says = f"not yet: open are {', '.join(open_)}" if open_ else "yes"
    yield Boxes([
        *((evidence.has_passed(name), f"Batch {number} passes all checks{_besides(evidence, name)}")
          for number, name in enumerate(BATCHES, 1)),
        (True, "Completion report generated"),
        (_is_documented(evidence), "All results documented"),
        (False, f"Ready for phase 5 transition, to be signed by a person; the evidence above says {says}"),
    ])  # fmt: skip
    yield Paragraph("Name: ____________________   Date: ____________________")


def _besides(evidence: BatchEvidence, name: str) -> str:
    """Say what a batch has beside passed checks: warnings, and latencies that nothing judged."""
    found = evidence.findings(name)
    warned = Counter(each["code"] for each in found if each["verdict"] == "warn" and each["code"] != NOT_MEASURABLE)
    unmeasured = sum(each["code"] == NOT_MEASURABLE for each in found)
    quality = evidence.quality(name)
    parts = list(quality["reasons"]) if quality and quality["verdict"] == "warn" else []
    parts += [f"{sum(warned.values())} warned, which fails nothing: {', '.join(warned)}"] if warned else []
    parts += [f"latencies not judged: {unmeasured}"] if unmeasured else []
    return f" that were judged ({'; '.join(parts)})" if parts else ""
