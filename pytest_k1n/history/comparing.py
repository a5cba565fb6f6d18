"""Choosing what new executions compare with, and saying why where nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pytest_k1n.core.baselines.regression import AgainstBaseline, judge_series
from pytest_k1n.core.baselines.series import Sample
from pytest_k1n.core.units import HOUR_MS
from pytest_k1n.history.store import Baseline

ACCEPT = "k1n baseline accept"
_DAY_MS = 24 * HOUR_MS


def against_baseline(
    baselines: Sequence[Baseline], new: Sequence[Sample], *, title: str, is_exact: bool, now_ms: int, age_ms: int
) -> AgainstBaseline:
    """Compare executions of one workflow in one environment with its baseline.

    `baselines` are all of the workflow. Where the one of this definition and environment is missing, every series is
    unknown, and the nearest one says what has changed. In virtual time one accepted execution is enough: all are alike.
    """
    first = new[0]
    mine = next((each for each in baselines if each.group[1:] == (first.definition, first.environment)), None)
    base = [each.durations for each in mine.samples] if mine else []
    stale, note = "", ""
    if mine is None:
        stale = _what_changed(baselines, first)
        note = stale or f"there is no baseline: {ACCEPT} makes recorded runs one"
    elif now_ms - mine.accepted_ms > age_ms:
        days, day = (now_ms - mine.accepted_ms) // _DAY_MS, datetime.fromtimestamp(mine.accepted_ms / 1000, UTC)
        stale = f"the baseline was accepted {days} days ago, on {day:%Y-%m-%d}"
    return AgainstBaseline(
        title=title,
        workflow=first.workflow,
        verdicts=tuple(judge_series(base, [each.durations for each in new], exact=is_exact)),
        is_exact=is_exact,
        is_simulated=first.is_simulated,
        accepted=len(base),
        note=note,
        stale=stale,
    )


def _what_changed(baselines: Sequence[Baseline], new: Sample) -> str:
    """Say what has moved since the newest baseline that is for something else; nothing without one."""
    same_place = [each for each in baselines if each.group.environment == new.environment]
    if same_place:
        return f"the definition has changed since the baseline was accepted: {_refs_moved(same_place[0], new)}"
    if baselines:
        there = "; ".join(dict.fromkeys(each.group.environment for each in baselines))
        return f"the baseline is of another environment ({there}), this one is {new.environment}"
    return ""


def _refs_moved(baseline: Baseline, new: Sample) -> str:
    old = baseline.samples[-1].names
    gone = [ref for ref in old if ref not in new.names]
    come = [ref for ref in new.names if ref not in old]
    parts = []
    for ref in list(gone):
        heirs = [each for each in come if new.names[each] == old[ref]]
        rivals = [each for each in gone if old[each] == old[ref]]
        if len(heirs) == 1 == len(rivals):
            parts.append(f"{ref} is now called {heirs[0]}")
            gone.remove(ref)
            come.remove(heirs[0])
    parts += [f"{', '.join(gone)} gone"] if gone else []
    parts += [f"{', '.join(come)} new"] if come else []
    return "; ".join(parts) or "same tasks, in another order or with other inputs"
