"""Conductor 3.15.0: what it does otherwise is known, and the embedded engine does so too where that is marked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from k1n_parity.targets import EngineTarget
from pytest_k1n.conformance.compare import HistoryDifference, differences
from pytest_k1n.conformance.corpus import read, read_all
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.known import EMBEDDED, RACE, explanation, known_differences, known_of, unexplained
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.engine.dialect import CURRENT, DIALECTS, dialect_of
from pytest_k1n.engine.rest.table import ROUTES
from pytest_k1n.servers.releases import KNOWN, OLDER, PINNED

RECORDED = Path(__file__).parents[2] / "fixtures" / "parity" / f"conductor-{OLDER}.jsonl.xz"


@pytest.fixture(scope="module")
def older():
    """What 3.15.0 did with some of the cases; the live test asks about more."""
    return read(RECORDED)


@pytest.fixture(scope="module")
def current(older):
    return {one.name: one for one in read_all() if one.name in older}


def test_every_difference_between_the_two_is_a_known_one(older, current):
    known = known_of(OLDER, PINNED, [entry for entry in known_differences() if entry.on != RACE])
    met, report = Counter(), []
    for name, one in older.items():
        assert one.case.digest() == current[name].case.digest()
        for difference in differences(current[name].history, one.history):
            entry = explanation(difference, one.case, known)
            met[entry.id if entry else None] += 1
            if entry is None:
                report.append(f"{one.title}: {difference}")
    assert not report, "\n".join(report[:40])
    assert [entry.id for entry in known if not met[entry.id]] == []
    assert len(older) > 600


def test_the_engine_as_the_older_one_does_what_is_marked(older):
    """Differences that it does not model it shows turned round: it does there what 3.32.1 does."""
    every = known_differences()
    left_out = tuple(entry for entry in every if entry.on == OLDER and not entry.modelled)
    embedded = tuple(entry for entry in every if entry.on == EMBEDDED)
    report, whole = [], 0
    for one in older.values():
        shown = canonical(run(one.case, EngineTarget(conductor=OLDER), "engine_"))
        found = list(differences(one.history, shown))
        whole += not found
        for each in unexplained(found, one.case, embedded):
            turned = HistoryDifference(each.path, each.right, each.left)
            if explanation(turned, one.case, left_out) is None:
                report.append(f"{one.title}: {each}")
    assert not report, f"{len(report)} differences, {whole} cases whole:\n" + "\n".join(report[:40])
    assert whole > len(older) // 2


def test_the_releases_of_the_jar_tier_and_of_the_engine_are_the_same():
    assert set(DIALECTS) == set(KNOWN) == {PINNED, OLDER}
    assert CURRENT is dialect_of(PINNED)
    with pytest.raises(ValueError, match=r"does not behave as '3\.31\.2': it does as 3\.32\.1 or 3\.15\.0"):
        dialect_of("3.31.2")


def test_what_the_older_one_does_not_have_is_a_route_of_the_current_one():
    known = {f"{route.method} {route.path}" for route in ROUTES}
    assert [each for each in DIALECTS[OLDER].unknown_routes if each not in known] == []
