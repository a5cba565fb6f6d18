"""Whether durations have become worse: examples, properties, and how often the verdict errs."""

import math
from random import Random
from statistics import mean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from k1n_support.regressions import simulate
from pytest_k1n.core.baselines.regression import SeriesState, doubt, judge_series, needs_confirmation
from pytest_k1n.core.baselines.series import SeriesKey
from pytest_k1n.core.statistics.moderated import Pair, compare, holm

EXEC = SeriesKey("pack", "exec")
TOTAL = SeriesKey("", "makespan")


def one(base, new, *, exact=False, key=EXEC):
    (verdict,) = judge_series([{key: ms} for ms in base], [{key: ms} for ms in new], exact=exact)
    return verdict


def test_a_clear_slow_down_is_a_regression_and_names_its_size():
    verdict = one([1000, 1010, 990, 1005, 995], [1300, 1310, 1295])
    assert verdict.state is SeriesState.REGRESSION
    assert verdict.effect == pytest.approx(0.30, abs=0.01)
    assert (verdict.base_ms, verdict.new_ms) == (1000, 1300)


def test_a_slow_down_below_a_tenth_is_none_however_significant():
    assert one([10_000, 10_010, 9_990, 10_005], [10_900, 10_910, 10_905]).state is SeriesState.PASS


def test_a_slow_down_of_less_than_two_polls_is_none_however_large():
    assert one([40, 40, 41, 40], [58, 59, 58]).state is SeriesState.PASS


def test_what_is_faster_is_an_improvement_by_the_same_test():
    verdict = one([1000, 1010, 990, 1005, 995], [700, 710, 705])
    assert (verdict.state, verdict.is_improvement) == (SeriesState.PASS, True)


def test_two_accepted_executions_judge_nothing_and_the_series_is_listed():
    verdict = one([1000, 1000], [2000, 2000, 2000])
    assert (verdict.state, verdict.note) == (SeriesState.UNKNOWN, "2 accepted executions, at least 3 are needed")


def test_a_series_that_only_one_side_knows_is_unknown_not_left_out():
    old, new = SeriesKey("old", "exec"), SeriesKey("new", "exec")
    verdicts = judge_series([{old: 1}] * 3, [{new: 1}], exact=False)
    assert [(each.key.ref, each.note) for each in verdicts] == [
        ("new", "it is not in the baseline"),
        ("old", "it did not run"),
    ]


def test_one_noisy_execution_among_many_tasks_is_suspected_and_four_more_decide():
    base = [1000, 1080, 950, 1020, 980]
    others = [SeriesKey(f"t{number}", "exec") for number in range(9)]

    def state(*new):
        accepted = [dict.fromkeys((EXEC, *others), ms) for ms in base]
        fresh = [{EXEC: ms, **dict.fromkeys(others, 1000)} for ms in new]
        verdicts = judge_series(accepted, fresh, exact=False)
        return verdicts[0].state, needs_confirmation(verdicts)

    assert state(1180) == (SeriesState.SUSPECT, True)
    assert state(1180, 1190, 1200, 1170, 1210) == (SeriesState.REGRESSION, False)
    assert state(1180, 1000, 990, 1010, 1030) == (SeriesState.PASS, False)


def test_in_virtual_time_one_accepted_execution_is_enough_and_no_probability_is_given():
    verdict = one([360_000], [480_000], exact=True)
    assert (verdict.state, verdict.chance, verdict.detectable) == (SeriesState.REGRESSION, None, 0.0)
    assert one([360_000], [360_000], exact=True).state is SeriesState.PASS
    assert one([0, 0], [60_000], exact=True).state is SeriesState.REGRESSION
    assert not needs_confirmation([verdict])


def test_nothing_compared_is_no_doubt():
    assert doubt([]) == ""


def test_a_baseline_without_any_noise_does_not_divide_by_zero():
    assert one([500] * 5, [500]).state is SeriesState.PASS
    assert one([500] * 5, [600] * 3).state is SeriesState.REGRESSION
    assert one([0] * 3, [0] * 3).state is SeriesState.PASS


def test_a_lone_series_is_students_two_sample_t_on_logarithms(scipy):
    base, new = [1000, 1100, 950, 1020], [1200, 1150, 1300]
    (shift,) = compare([Pair(base=base, new=new)], level=0.05)
    slow, usual = [math.log(ms) for ms in new], [math.log(ms) for ms in base]
    degrees = len(slow) + len(usual) - 2
    pooled = sum((len(side) - 1) * variance(side) for side in (slow, usual)) / degrees
    t = (mean(slow) - mean(usual)) / math.sqrt(pooled * (1 / len(slow) + 1 / len(usual)))
    assert shift.slower == pytest.approx(scipy.stdtr(degrees, -t), rel=1e-3)  # whole milliseconds add a little


def test_many_series_lend_each_other_their_variance():
    """A series that happens to look calm is not believed: its neighbours say how noisy such tasks are."""
    random = Random(1)
    noisy = [Pair(base=[round(random.gauss(1000, 100)) for _ in range(4)], new=[round(random.gauss(1000, 100))])
             for _ in range(30)]  # fmt: skip
    calm = Pair(base=[1000, 1001, 1000, 999], new=[1150])
    alone, among = compare([calm], level=0.05)[0], compare([*noisy, calm], level=0.05)[-1]
    assert alone.slower < 1e-6
    assert among.slower > 1e-3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_the_step_down_procedure_rejects(chances):
    adjusted = holm(chances)
    for level in (0.01, 0.05, 0.3):
        rejected, order = set(), sorted(range(len(chances)), key=chances.__getitem__)
        for rank, place in enumerate(order):
            if chances[place] * (len(chances) - rank) > level:
                break
            rejected.add(place)
        assert {place for place, chance in enumerate(adjusted) if chance <= level} == rejected


durations = st.lists(st.integers(0, 10**7), min_size=1, max_size=6)


@share(0.6)
@given(st.lists(st.tuples(durations, durations), min_size=1, max_size=6), st.booleans())
def test_every_series_gets_one_verdict_whatever_the_durations(pairs, exact):
    longest = max(len(side) for pair in pairs for side in pair)
    keys = [SeriesKey(f"t{number}", "exec") for number in range(len(pairs))]

    def executions(side):
        return [
            {key: pair[side][at] for key, pair in zip(keys, pairs, strict=True) if at < len(pair[side])}
            for at in range(longest)
        ]

    verdicts = judge_series(executions(0), executions(1), exact=exact)
    assert sorted(each.key for each in verdicts) == keys
    for each in verdicts:
        assert each.chance is None or 0 <= each.chance <= 1
        assert not (each.is_improvement and each.state is SeriesState.REGRESSION)


def test_false_alarms_are_rare_and_a_slow_task_among_twenty_is_found():
    """The seeded short form of `make power`, whose table is in the docs; the limits leave room for 120 trials."""
    rates = simulate(base=5, new=3, trials=120, slower=(1.2, 1.3))
    assert rates.any_false <= 0.10
    assert rates.found[1.2] >= 0.65
    assert rates.found[1.3] >= 0.85
