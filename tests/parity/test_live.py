"""The recordings against a running Conductor: is it still what the engine is measured by?

`K1N_PARITY_SEEDS` (FIRST:LAST) names the seeds beyond the recorded ones that are compared with the engine directly;
`K1N_PARITY_JOBS` says how many cases run on the server at once.
"""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from k1n_parity.agreement import agreed, reaches
from k1n_parity.compare import differences
from k1n_parity.corpus import read, recorded
from k1n_parity.driver import DisturbedError, run
from k1n_parity.grammar import generate
from k1n_parity.known import known_differences, unexplained
from k1n_parity.normalise import canonical
from k1n_parity.suites import SUITES
from k1n_parity.targets import EngineTarget, RealTarget

FIXTURES = Path(__file__).parents[2] / "fixtures" / "parity"
JOBS = int(os.environ.get("K1N_PARITY_JOBS", "6"))

pytestmark = pytest.mark.live


def spread(work, cases):
    """Do one piece of work per case, `JOBS` at once, and return the results in order."""
    with ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(work, cases))


@pytest.mark.parametrize("suite", SUITES)
def test_the_real_server_still_does_what_was_recorded(conductor_url, suite):
    uid = uuid.uuid4().hex[:6]
    recordings = read(FIXTURES / "recorded" / f"{suite}.jsonl")
    cases = [(case, expected) for case in SUITES[suite]() if (expected := recorded(case, recordings)) is not None]

    def ask(numbered):
        index, (case, expected) = numbered
        shown = reaches(case, target, f"v{uid}c{index}_", expected)
        return [] if shown is None else [f"{case.name}: {one}" for one in differences(expected, shown)]

    with RealTarget(conductor_url) as target:
        report = [line for lines in spread(ask, enumerate(cases)) for line in lines]
    assert not report, "\n".join(report[:40])


def test_the_engine_and_the_real_server_agree_on_new_seeds(conductor_url):
    first, _, last = os.environ.get("K1N_PARITY_SEEDS", "100000:100020").partition(":")
    seeds, uid = range(int(first), int(last)), uuid.uuid4().hex[:6]
    known = known_differences(FIXTURES / "known_differences.toml")

    def ask(seed):
        case = generate(seed)
        try:
            expected = agreed(case, target, f"n{uid}s{seed}_").history
        except DisturbedError:
            return None
        if expected is None:
            return None
        shown = canonical(run(case, EngineTarget(), "engine_"))
        return [f"{case.name}: {one}" for one in unexplained(list(differences(expected, shown)), case.name, known)]

    with RealTarget(conductor_url) as target:
        answers = spread(ask, seeds)
    report = [line for lines in answers if lines for line in lines]
    assert not report, "\n".join(report[:40])
    undecided = answers.count(None)
    assert undecided <= len(seeds) // 20, (
        f"the real server does not agree with itself on {undecided} of {len(seeds)} seeds"
    )
