"""The embedded engine against what the real server answered: every recorded case, no JVM."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from k1n_parity.compare import differences
from k1n_parity.corpus import read, recorded
from k1n_parity.driver import run
from k1n_parity.known import known_differences, unexplained
from k1n_parity.normalise import canonical
from k1n_parity.suites import SUITES
from k1n_parity.targets import EngineTarget

FIXTURES = Path(__file__).parents[2] / "fixtures" / "parity"
KNOWN = known_differences(FIXTURES / "known_differences.toml")
NEEDS = {
    "INLINE": "quickjs",
    "LAMBDA": "quickjs",
    "DO_WHILE": "quickjs",
    "javascript": "quickjs",
    "JSON_JQ_TRANSFORM": "jq",
}


def missing_library(case):
    """Name the library of the `scripts` extra that a case needs and this environment lacks."""
    text = str(case.workflows)
    needed = {library for word, library in NEEDS.items() if word in text}
    return next((library for library in sorted(needed) if importlib.util.find_spec(library) is None), None)


@pytest.mark.parametrize("suite", SUITES)
def test_the_engine_does_what_the_real_server_did(suite):
    recordings = read(FIXTURES / "recorded" / f"{suite}.jsonl")
    compared, report = 0, []
    for case in SUITES[suite]():
        expected = recorded(case, recordings)
        if expected is None or missing_library(case):
            continue
        compared += 1
        found = unexplained(
            list(differences(expected, canonical(run(case, EngineTarget(), "engine_")))), case.name, KNOWN
        )
        report += [f"{case.name}: {one}" for one in found]
    assert not report, f"{len(report)} unexplained differences:\n" + "\n".join(report[:40])
    assert compared, f"no case of {suite} was compared: record it (make parity-record)"


def test_each_known_difference_says_why_and_is_still_met():
    texts = [path.read_text(encoding="utf-8") for path in (FIXTURES / "recorded").glob("*.jsonl")]
    assert texts
    for entry in KNOWN:
        assert entry.reason
        assert entry.upstream
    assert len({entry.id for entry in KNOWN}) == len(KNOWN)
