"""The embedded engine against what the real server answered: every recorded case, no JVM."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from k1n_parity.compare import differences
from k1n_parity.corpus import read, recorded, recordings_of
from k1n_parity.driver import run
from k1n_parity.known import known_differences
from k1n_parity.normalise import canonical
from k1n_parity.suites import SUITES
from k1n_parity.targets import EngineTarget

FIXTURES = Path(__file__).parents[2] / "fixtures" / "parity"


class Comparison:
    """All recorded cases run once on the engine: what differs unexplained, and how often each known one was met."""

    def __init__(self):
        self.known = known_differences(FIXTURES / "known_differences.toml")
        self.met = Counter()
        self.compared = Counter()
        self.unexplained = {suite: self.compare(suite) for suite in SUITES}

    def compare(self, suite):
        recordings = read(recordings_of(suite, FIXTURES))
        report = []
        for case in SUITES[suite]():
            expected = recorded(case, recordings)
            if expected is None:
                continue
            self.compared[suite] += 1
            for one in differences(expected, canonical(run(case, EngineTarget(), "engine_"))):
                explanation = next((entry.id for entry in self.known if entry.explains(one, case.name)), None)
                if explanation is None:
                    report.append(f"{case.name}: {one}")
                self.met[explanation] += 1
        return report


@pytest.fixture(scope="module")
def comparison():
    return Comparison()


@pytest.mark.parametrize("suite", SUITES)
def test_the_engine_does_what_the_real_server_did(comparison, suite):
    report = comparison.unexplained[suite]
    assert not report, f"{len(report)} unexplained differences:\n" + "\n".join(report[:40])
    assert comparison.compared[suite], f"no case of {suite} was compared: record it (make parity-record)"


def test_each_known_difference_gives_its_reason_and_is_still_met(comparison):
    assert len({entry.id for entry in comparison.known}) == len(comparison.known)
    for entry in comparison.known:
        assert entry.reason
        assert entry.upstream
        assert not entry.path.fullmatch("executions|root|tasks|another#0|status"), f"{entry.id} explains anything"
    assert [entry.id for entry in comparison.known if not comparison.met[entry.id]] == []
