"""One sentence for each execution and each finding: what a reader sees first, in the terminal as on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_k1n.core.text import counted
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument, FindingDocument, RunDocument
from pytest_k1n.report.figures import Excess, culprits, excesses, has_missed, last_attempt, off_plan_ms

WORTH_TELLING = 0.2
"""The share of a miss from which on a cause is named."""
_ORDER = frozenset({"started-early", "scheduled-early", "retried-early"})


def about(execution: ExecutionDocument, findings: Sequence[FindingDocument]) -> list[FindingDocument]:
    """Return the findings of one execution, worst first as they stand."""
    return [each for each in findings if each["workflow_id"] == execution["workflow"]["workflow_id"]]


def sentence(execution: ExecutionDocument, findings: Sequence[FindingDocument]) -> str:
    """Say in one sentence how an execution went, and what explains its miss if it has one."""
    mine = about(execution, findings)
    took = format_ms(execution["makespan_ms"])
    if execution["is_open"]:
        why = execution["released"] or f"it is still {execution['workflow']['status']}"
        return f"Was given up after {took}: {why}." if execution["released"] else f"Runs for {took} so far: {why}."
    if execution["workflow"]["status"] != "COMPLETED":
        return _failure(execution, took)
    failed = [each for each in mine if each["verdict"] == "fail"]
    early = [each for each in failed if each["code"] in _ORDER]
    missed = f"ook {took}, {_miss(execution)}{_because(execution)}." if has_missed(execution) else ""
    if early:
        return f"{_claim(early[0])}{f'; t{missed}' if missed else '.'}"
    if missed:
        return f"T{missed}"
    if failed:
        return f"{_claim(failed[0])}."
    unknown = [each for each in mine if each["verdict"] == "unknown"]
    if unknown:
        return f"Could not be decided: {_claim(unknown[0])}."
    if execution["verdict"] == "fail" and "raised" in execution:
        return f"A test of it failed: {execution['raised'].removesuffix('.')}."
    return f"Took {took}{_plan_kept(execution)}."


def headline(document: RunDocument) -> str:
    """Say in one sentence how the run went."""
    executions = [each for each in document["executions"] if each["role"] in ("main", "own")]
    bad = [each for each in executions if each["verdict"] in ("fail", "unknown")]
    blocked = [each["name"] for each in document["batches"] if each["verdict"] == "blocked"]
    if document["server"].get("error"):
        return f"Nothing ran: {str(document['server']['error']).splitlines()[0]}"
    tests = len(document["tests"])
    if not bad and not blocked and document["verdict"] == "pass":
        told = [counted(len(executions), "workflow"), *([counted(tests, "test")] if tests else [])]
        skipped = sum(each["outcome"] == "skipped" for each in document["tests"])
        return f"{', '.join(told)}, {f'{skipped} skipped, the others' if skipped else 'all'} passed."
    parts = [_raised(document, each) or _first(each, document["findings"]) for each in bad[:1]]
    if bad[1:]:
        parts.append(f"not passed either: {', '.join(each['title'] for each in bad[1:])}")
    if blocked:
        parts.append(f"never started: {', '.join(blocked)}")
    return f"{_count(document)}{'; '.join(parts or [_unshown(document)])}."


def outcomes(document: RunDocument) -> str:
    """Count the tests by how they ended."""
    found = Counter(each["outcome"] for each in document["tests"])
    return ", ".join(f"{count} {outcome}" for outcome, count in found.items())


def _count(document: RunDocument) -> str:
    """Say how many tests failed, of several."""
    tests = document["tests"]
    failed = sum(each["outcome"] == "failed" for each in tests)
    return f"{failed} of {len(tests)} tests failed: " if failed and tests[1:] else ""


def _raised(document: RunDocument, execution: ExecutionDocument) -> str | None:
    """Say what a test has raised, where no finding about its execution says why it failed."""
    if any(each["verdict"] == "fail" for each in about(execution, document["findings"])):
        return None
    told = {test for each in document["findings"] for test in each["tests"]}
    for each in document["tests"]:
        if "message" in each and each["node_id"] not in told:
            return f"{each['node_id'].rpartition('::')[2]}: {each['message']}"
    return None


def _unshown(document: RunDocument) -> str:
    """Say what is left to say of a run that has not passed although no execution shows why."""
    tests = counted(len(document["tests"]), "test")
    if document["tests"] and all(each["outcome"] in ("passed", "skipped") for each in document["tests"]):
        return f"{tests} passed, the run did not: what failed it stands at its end in the terminal"
    return f"{tests}, not all passed"


def _first(execution: ExecutionDocument, findings: Sequence[FindingDocument]) -> str:
    told = sentence(execution, findings).removesuffix(".")
    return told if execution["title"] in told else f"{execution['title']}: {told}"


def claim(finding: FindingDocument) -> str:
    """Say one finding in one line that begins with what is at fault."""
    return f"{_claim(finding)} ({finding['code']})"


def _claim(finding: FindingDocument) -> str:
    by = f", by {finding['margin']}" if finding["margin"] else ""
    return f"{finding['subject']}: expected {finding['expected']}; observed {finding['observed']}{by}"


def _failure(execution: ExecutionDocument, took: str) -> str:
    status = execution["workflow"]["status"]
    bad = culprits(execution)
    if not bad:
        reason = f": {execution['workflow']['reason']}" if execution["workflow"]["reason"] else ""
        return f"Ended {status} after {took}{reason}."
    last = last_attempt(bad[0])
    assert last is not None
    reason = f": {last['reason']}" if last["reason"] else ""
    culprit = f"{bad[0]['ref']} was {last['status']} at attempt {last['number']}"
    return f"Ended {status} after {took}, because {culprit}{reason}."


def _miss(execution: ExecutionDocument) -> str:
    took, band, off = execution["makespan_ms"], execution["band_ms"], off_plan_ms(execution)
    if band is not None and took > band[1]:
        return f"{format_ms(took - band[1])} above its band of {shown_band(band)}"
    if band is not None and took < band[0]:
        return f"{format_ms(band[0] - took)} below its band of {shown_band(band)}"
    return f"{format_ms(off or 0)} more than the estimate of {format_ms(execution['estimate_ms'] or 0)}"


def _because(execution: ExecutionDocument) -> str:
    band, estimate = execution["band_ms"], execution["estimate_ms"]
    planned = estimate if estimate is not None else band[1] if band else 0
    miss = execution["makespan_ms"] - planned
    if miss <= 0 or (band is not None and execution["makespan_ms"] < band[0]):
        return ""  # what took longer than planned explains no time that is too short
    told = [each for each in excesses(execution) if each.ms >= WORTH_TELLING * miss][:3]
    parts = [_excess(each) for each in told]
    return f", because {' and '.join(parts)}" if parts else ""


def _excess(excess: Excess) -> str:
    """Say what took how long; where both figures read alike, by how much it was too long."""
    took, planned = format_ms(excess.took_ms), format_ms(excess.planned_ms)
    if not excess.planned_ms:
        return f"{excess.what} took {took}"
    if took == planned:
        return f"{excess.what} {format_ms(excess.ms)} more than {planned}"
    return f"{excess.what} {took} instead of {planned}"


def _plan_kept(execution: ExecutionDocument) -> str:
    off, band = off_plan_ms(execution), execution["band_ms"]
    parts = []
    if off is not None and execution["estimate_ms"]:
        words = "as estimated" if off == 0 else f"{format_ms(abs(off))} {'more' if off > 0 else 'less'} than estimated"
        parts.append(words)
    if band is not None:
        parts.append(f"within its band of {shown_band(band)}")
    return f", {', '.join(parts)}" if parts else ""


def shown_band(band: tuple[int, int]) -> str:
    """Write a band in one unit where that reads well: `25 to 40 min`."""
    low, high = format_ms(band[0]), format_ms(band[1])
    if low.rpartition(" ")[2] == high.rpartition(" ")[2] and low.count(" ") == high.count(" ") == 1:
        return f"{_bare(low)} to {_bare(high)} {high.rpartition(' ')[2]}"
    return f"{low} to {high}"


def _bare(text: str) -> str:
    number = text.partition(" ")[0]
    return number.removesuffix(".0").removesuffix(".00")
