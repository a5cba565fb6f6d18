"""The embedded engine against what the real server answered: every recorded case, no JVM."""

from __future__ import annotations

from collections import Counter

import pytest

from k1n_parity.suites import SUITES
from k1n_parity.targets import EngineTarget
from pytest_k1n.conformance.compare import differences
from pytest_k1n.conformance.corpus import read, recorded, recordings_of
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.known import known_differences, known_of
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.rest.health import VERSION
from pytest_k1n.servers.protocol import SERVER_VERSION

DOUBTED = {
    "dynamic fork, the fork's own ref": "a branch with its fork's ref takes the fork's place in the records: whatever"
    " stands where a FORK is due is doubted, and nobody names a branch so but to try it",
    "a child whose task is updated without it, COMPLETED": "the server forgets the child that an update does not name,"
    " and what is left is a SUB_WORKFLOW that completed without one, as in a record that was made up",
}
"""Cases whose true records are called doubtful, with the reason why that is left."""


class Comparison:
    """All recorded cases run once on the engine: what differs unexplained, and how often each known one was met."""

    def __init__(self):
        self.known = known_of(VERSION, SERVER_VERSION, known_differences())
        self.met = Counter()
        self.compared = Counter()
        self.doubts = {}
        self.judged = 0
        self.unexplained = {suite: self.compare(suite) for suite in SUITES}

    def compare(self, suite):
        recordings = read(recordings_of(suite))
        report = []
        for case in SUITES[suite]():
            expected = recorded(case, recordings)
            if expected is None:
                continue
            self.compared[suite] += 1
            history = run(case, EngineTarget(), "engine_")
            self.judge(case, history)
            for one in differences(expected, canonical(history)):
                explanation = next((entry.id for entry in self.known if entry.explains(one, case)), None)
                if explanation is None:
                    report.append(f"{case.name}: {one}")
                self.met[explanation] += 1
        return report

    def judge(self, case, history):
        for node in history.nodes:
            self.judged += 1
            for found in implausible(observe(wire.execution(node.workflow), time_model="virtual")):
                told = f"{node.path}: {found.code} {found.subject}: {found.observed}, expected {found.expected}"
                self.doubts.setdefault(case.name, []).append(told)


@pytest.fixture(scope="module")
def comparison():
    return Comparison()


@pytest.mark.parametrize("suite", SUITES)
def test_the_engine_does_what_the_real_server_did(comparison, suite):
    report = comparison.unexplained[suite]
    assert not report, f"{len(report)} unexplained differences:\n" + "\n".join(report[:40])
    assert comparison.compared[suite], f"no case of {suite} was compared: record it (make parity-record)"


def test_no_execution_that_came_about_so_is_doubted(comparison):
    unlisted = [f"{name}: {one}" for name, told in comparison.doubts.items() if name not in DOUBTED for one in told]
    assert not unlisted, f"{len(unlisted)} false alarms:\n" + "\n".join(unlisted[:40])
    assert DOUBTED.keys() <= comparison.doubts.keys()
    assert comparison.judged > sum(comparison.compared.values()), "each case has an execution, some have children"


def test_each_known_difference_gives_its_reason_and_is_still_met(comparison):
    assert len({entry.id for entry in comparison.known}) == len(comparison.known)
    for entry in comparison.known:
        assert entry.reason
        assert entry.upstream
        assert not entry.path.fullmatch("executions|root|tasks|another#0|status"), f"{entry.id} explains anything"
    assert [entry.id for entry in comparison.known if not comparison.met[entry.id]] == []
