"""What several runs of a case say: a race is told from a difference by asking again."""

from __future__ import annotations

from pytest_k1n.conformance.driver import DisturbedError
from pytest_k1n.conformance.sightings import RUNS, RunsVerdict, sightings


def seen_in(*histories, most=RUNS, clock=lambda: 0.0):
    """Ask a server that shows these histories in turn; "engine" is the expected one, None a disturbed run."""
    turn = iter(histories)

    def ask():
        history = next(turn)
        if history is None:
            raise DisturbedError("locked")
        return {"shows": history}

    return sightings(ask, lambda history: history["shows"] == "engine", most, clock)


def test_a_first_run_that_shows_what_is_expected_settles_it():
    seen = seen_in("engine")
    assert (seen.verdict, seen.runs) == (RunsVerdict.AGREES, 1)


def test_what_any_run_shows_is_a_race_with_its_count():
    seen = seen_in("a", "b", "a", "engine")
    assert seen.verdict is RunsVerdict.RACE
    assert "seen in 1 of 4 runs, the commonest other in 2" in str(seen)


def test_what_no_run_shows_is_a_divergence():
    seen = seen_in(*["a", "b"] * (RUNS // 2))
    assert (seen.verdict, seen.commonest, seen.runs) == (RunsVerdict.DIVERGES, {"shows": "a"}, RUNS)


def test_nothing_is_decided_by_runs_of_which_no_two_agree_or_that_were_disturbed():
    assert seen_in("a", "b", "c", None, most=4).verdict is RunsVerdict.UNDECIDED
    assert seen_in(None, None, None, most=3).verdict is RunsVerdict.UNDECIDED


def test_a_run_after_a_disturbed_one_counts_for_itself():
    assert seen_in(None, "engine").verdict is RunsVerdict.AGREES
    assert (seen_in("a", most=1) + seen_in("engine")).verdict is RunsVerdict.RACE


def test_a_case_that_stalls_is_not_asked_for_ever():
    hours = iter(range(0, 3600 * 100, 3600))
    assert seen_in("a", "a", "engine", clock=lambda: float(next(hours))).verdict is RunsVerdict.DIVERGES
