"""What the history of runs adds to a run, in sentences: the same in the terminal, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ComparisonDocument, RunDocument, SeriesDocument

APART = 0.05
LEAST_SHOWN = 0.01
MOST = 3
"""Series that a sentence names."""


def remembered(document: RunDocument) -> Iterator[tuple[str, str]]:
    """Yield (state, sentence) for every execution that was compared, those that could not be for one reason in one."""
    told: dict[str, list[str]] = {}
    for compared in document.get("baseline", {}).get("compared", []):
        if compared["state"] == "unknown":
            told.setdefault(_why_not(compared), []).append(compared["title"])
        else:
            yield compared["state"], sentence(compared)
    yield from (("unknown", f"{', '.join(titles)} not judged: {why}") for why, titles in told.items())


def sentence(compared: ComparisonDocument) -> str:
    """Say how an execution compares with its baseline, and what could not have been seen."""
    found = [each for each in compared["series"] if each["state"] in ("regression", "suspect")]
    gains = [each for each in compared["series"] if each["is_improvement"]]
    if compared["state"] == "unknown":
        return f"{compared['title']} not judged: {_why_not(compared)}"
    parts = [f"{each['state'].upper()} {_moved(each)}" for each in found[:MOST]]
    parts += [f"{len(found) - MOST} more"] if found[MOST:] else []
    parts += [f"faster: {_moved(each)}" for each in gains[:1]]
    parts = parts or ["no regression", *_too_small(compared)]
    if compared["unknown"]:
        parts.append(f"{compared['unknown']} series not judged")
    if compared["stale"]:
        parts.append(f"stale: {compared['stale']}")
    return f"{compared['title']} {'; '.join(parts)} ({_basis(compared)})"


def name(series: SeriesDocument) -> str:
    """Name a series: a task, its wait in the queue, or the makespan."""
    return {"exec": series["ref"], "queue": f"{series['ref']} in the queue", "makespan": "makespan"}[series["segment"]]


def _why_not(compared: ComparisonDocument) -> str:
    return compared["note"] or (compared["series"][0]["note"] if compared["series"] else "nothing was measured")


def _too_small(compared: ComparisonDocument) -> Iterator[str]:
    """Name what has certainly become slower, because the comparison is exact, and yet by too little to count."""
    slower = [each for each in compared["series"] if each["segment"] == "exec" and (each["effect"] or 0) >= LEAST_SHOWN]
    if compared["is_exact"] and slower:
        yield f"{_moved(max(slower, key=lambda each: each['effect'] or 0))}, below the 10% that count"


def _moved(series: SeriesDocument) -> str:
    """Say by how much a series has moved: a mean, which one outlier can draw away from the medians beside it."""
    base, new, effect = series["base_ms"] or 0, series["new_ms"] or 0, series["effect"] or 0
    is_apart = bool(base) and abs(new / base - 1 - effect) > APART
    mean, medians = (" on average", "medians ") if is_apart else ("", "")
    return f"{name(series)} {effect:+.0%}{mean} ({medians}{format_ms(round(base))} -> {format_ms(round(new))})"


def _basis(compared: ComparisonDocument) -> str:
    accepted = f"baseline of {compared['accepted']}"
    if compared["is_exact"]:
        return f"{accepted}, virtual time: exact"
    judged = [each["detectable"] for each in compared["series"] if each["detectable"] and each["segment"] == "exec"]
    if not judged:
        return accepted
    low, high = f"{min(judged):+.0%}", f"{max(judged):+.0%}"
    return f"{accepted}; what it can see: {low if low == high else f'{low} to {high}, by task'}"
