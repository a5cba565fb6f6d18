"""One suite on several tiers: what each of them said of every test, and why they differ where they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_k1n.core.codes import CODES
from pytest_k1n.report.blocks import Block, Grid, Heading, Items, Paragraph
from pytest_k1n.report.document import FindingDocument, RunDocument
from pytest_k1n.report.story import claim

ABSENT = "not run"
_LATENCY = frozenset({"overhead", "waited-long", "starts-apart", "slower-together", "batch-too-long", "join-lag"})
"""Findings about milliseconds: a tier that is another process, or a machine that stalls, differs in them."""


@dataclass(frozen=True, slots=True)
class TierResult:
    """What came of one tier: the document of its run, or why there is none."""

    name: str
    document: RunDocument | None
    reason: str = ""

    @property
    def outcomes(self) -> Mapping[str, str]:
        """Outcome by test; empty where the tier could not be used."""
        return {each["node_id"]: each["outcome"] for each in self.document["tests"]} if self.document else {}

    def findings(self, node_id: str) -> list[FindingDocument]:
        """Return what a test found."""
        found = self.document["findings"] if self.document else []
        return [each for each in found if node_id in each["tests"] and each["verdict"] in ("fail", "unknown")]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A test that the tiers do not agree about."""

    node_id: str
    outcomes: tuple[str, ...]
    why: str


def tier_of(name: str, document: RunDocument | None, reason: str = "") -> TierResult:
    """Make a result; a run that never had its server counts as none, with the reason that it gives."""
    if document is not None:
        error = document["server"].get("error")
        if error:
            return TierResult(name, None, " ".join(str(error).split()))
    return TierResult(name, document, reason)


def differences(tiers: Sequence[TierResult]) -> list[Disagreement]:
    """Return the tests about which the tiers that ran do not agree, in order of the first that has them."""
    ran = [tier for tier in tiers if tier.document is not None]
    ids = dict.fromkeys(node_id for tier in ran for node_id in tier.outcomes)
    found = []
    for node_id in ids:
        outcomes = tuple(tier.outcomes.get(node_id, ABSENT) for tier in ran)
        if len(set(outcomes)) > 1:
            found.append(Disagreement(node_id, outcomes, _why(ran, node_id)))
    return found


def agrees(tiers: Sequence[TierResult]) -> bool:
    """Whether at least one tier ran, all that did agree, and no test failed on any."""
    ran = [tier for tier in tiers if tier.document is not None]
    bad = {"failed", "error", "unknown", "blocked"}
    return bool(ran) and not differences(tiers) and not any(bad & set(tier.outcomes.values()) for tier in ran)


def blocks(tiers: Sequence[TierResult]) -> Iterator[Block]:
    """Write the comparison."""
    yield Heading(1, "One suite on every tier")
    yield Grid(("tier", "server", "time", "verdict", "tests", "executions"), [_row(tier) for tier in tiers])
    ran = [tier for tier in tiers if tier.document is not None]
    passed_over = [f"{tier.name} was passed over: {tier.reason}" for tier in tiers if tier.document is None]
    if passed_over:
        yield Items(passed_over)
    if len(ran) < 2:
        yield Paragraph("Fewer than two tiers ran: there is nothing to compare.")
        return
    found = differences(tiers)
    count = len({node_id for tier in ran for node_id in tier.outcomes})
    yield Paragraph(f"{count - len(found)} of {count} tests have the same verdict on {', '.join(t.name for t in ran)}.")
    if found:
        yield Heading(2, "Where they differ")
        yield Grid(("test", *(tier.name for tier in ran), "why"), list(_gathered(found)))
    yield Heading(2, "Makespans")
    yield Grid(("workflow", *(tier.name for tier in ran)), list(_makespans(ran)))


def _row(tier: TierResult) -> tuple[object, ...]:
    document = tier.document
    if document is None:
        return (tier.name, "", "", "passed over", "", "")
    server, outcomes = document["server"], tier.outcomes
    named = f"{server.get('kind')} {server.get('version') or ''}".strip()
    counts = [f"{list(outcomes.values()).count(each)} {each}" for each in sorted(set(outcomes.values()))]
    time = f"{document['time']['model']} x{document['time']['speed']:g}"
    return (tier.name, named, time, document["verdict"], ", ".join(counts), len(document["executions"]))


def _why(ran: Sequence[TierResult], node_id: str) -> str:
    reasons = []
    for tier in ran:
        outcome = tier.outcomes.get(node_id, ABSENT)
        if outcome == "passed":
            continue
        said = [_told(each) for each in tier.findings(node_id)]
        if outcome in ("failed", "error", "unknown", "blocked") and not said:
            said = list(_of_batch(tier, node_id))
        reasons += [f"{tier.name}: {each}" for each in said or [f"{outcome}; see its log"]]
    return " ".join(dict.fromkeys(reasons))


def _told(finding: FindingDocument) -> str:
    kind = "latency: " if finding["code"] in _LATENCY else ""
    meaning = CODES.get(finding["code"])
    return f"{kind}{claim(finding)}.{f' {meaning.cause}' if meaning else ''}"


def _of_batch(tier: TierResult, node_id: str) -> Iterator[str]:
    """Say why a test without findings did not pass: what blocked its batch, or what its gates lacked."""
    assert tier.document is not None
    name = next(each["batch"] for each in tier.document["tests"] if each["node_id"] == node_id)
    for batch in tier.document["batches"]:
        if batch["name"] != name:
            continue
        if batch["reason"]:
            yield batch["reason"]
        elif batch["quality"]:
            yield from batch["quality"]["reasons"]


def _gathered(found: Sequence[Disagreement]) -> Iterator[tuple[object, ...]]:
    """Show tests that differ alike for the same reason in one row."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for each in found:
        alike.setdefault((each.outcomes, each.why), []).append(each.node_id)
    for (outcomes, why), ids in alike.items():
        yield (ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more", *outcomes, why)


def _makespans(ran: Sequence[TierResult]) -> Iterator[tuple[object, ...]]:
    names: dict[str, None] = {}
    by_tier = []
    for tier in ran:
        assert tier.document is not None
        main = [each for each in tier.document["executions"] if each["role"] == "main"]
        by_tier.append({each["title"]: f"{each['makespan_ms'] / 60_000:.2f} min" for each in main})
        names |= dict.fromkeys(by_tier[-1])
    for name in names:
        yield (name, *(each.get(name, ABSENT) for each in by_tier))
