"""The recordings against a running Conductor: is it still what the engine is measured by?

`K1N_PARITY_SEEDS` (FIRST:LAST) names the seeds beyond the recorded ones that are compared with the engine directly;
`K1N_PARITY_JOBS` says how many cases run on the server at once.
"""

from __future__ import annotations

import json
import os
import uuid

import pytest

from k1n_parity.grammar import generate
from k1n_parity.sightings import Question, answered
from k1n_parity.suites import SUITES
from pytest_k1n.conformance.corpus import read, recorded, recordings_of
from pytest_k1n.conformance.known import known_differences, known_of
from pytest_k1n.conformance.sightings import RunsVerdict
from pytest_k1n.conformance.target import RealTarget
from pytest_k1n.engine.rest.health import VERSION
from pytest_k1n.servers.protocol import SERVER_VERSION

JOBS = int(os.environ.get("K1N_PARITY_JOBS", "6"))
SHRINK_TRIALS, SHRINK_S = 60, 120
ASKED = [suite for suite in SUITES if suite != "matrix" or os.environ.get("K1N_LONG")]
"""The matrix asks a server for twenty minutes: `make parity` does, CI compares its recordings only."""

pytestmark = pytest.mark.live


@pytest.fixture
def say(capsys):
    """Print past pytest's capture: a race is worth reading in the log of a run that passed."""

    def say_it(lines):
        with capsys.disabled():
            print("", *lines, sep="\n  ")

    return say_it


def judged(answers, say):
    """Tell races; return what diverges, and how many cases nothing can be said of."""
    told = {verdict: [(one, seen) for one, seen in answers if seen.verdict is verdict] for verdict in RunsVerdict}
    for question, seen in (*told[RunsVerdict.RACE], *told[RunsVerdict.UNDECIDED]):
        say(question.told(seen))
    return told[RunsVerdict.DIVERGES], len(told[RunsVerdict.UNDECIDED])


@pytest.mark.parametrize("suite", ASKED)
def test_the_real_server_still_does_what_was_recorded(conductor_url, suite, say):
    uid = uuid.uuid4().hex[:6]
    recordings = read(recordings_of(suite))
    with RealTarget(conductor_url) as target:
        questions = [
            Question(
                case=case, target=target, prefix=f"v{uid}c{index}_", recorded=expected, also=recordings[case.name].also
            )
            for index, case in enumerate(SUITES[suite]())
            if (expected := recorded(case, recordings)) is not None
        ]
        diverging, undecided = judged(answered(questions, JOBS), say)
    report = [line for question, seen in diverging for line in question.told(seen)]
    assert not report, "\n".join(report[:40])
    assert undecided <= len(questions) // 100


def test_the_engine_and_the_real_server_agree_on_new_seeds(conductor_url, say):
    first, _, last = os.environ.get("K1N_PARITY_SEEDS", "100000:100040").partition(":")
    seeds, uid = range(int(first), int(last)), uuid.uuid4().hex[:6]
    known = known_of(VERSION, SERVER_VERSION, known_differences())
    with RealTarget(conductor_url) as target:
        questions = [
            Question(case=generate(seed), target=target, prefix=f"n{uid}s{seed}_", known=known) for seed in seeds
        ]
        diverging, undecided = judged(answered(questions, JOBS), say)
        report = [line for question, seen in diverging for line in question.told(seen)]
        if diverging:
            question, seen = diverging[0]
            smallest = question.smallest(seen, trials=SHRINK_TRIALS, within_s=SHRINK_S)
            report.insert(0, f"{smallest.name} made small: {json.dumps(smallest.document())}")
    assert not report, "\n".join(report[:40])
    assert undecided <= len(seeds) // 20, f"nothing can be said of {undecided} of {len(seeds)} seeds"
