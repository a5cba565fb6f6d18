"""Whether a workflow has become slower than its accepted baseline, series by series.

In real and scaled time: moderated t and Holm's correction, and an effect of at least 10 % and of two polls, because
neither significance nor size alone means anything to a person. In virtual time nothing is random: an exact comparison.
How often this errs: docs/explanation/regressions.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from statistics import median

from pytest_k1n.core.baselines.series import Segment, SeriesKey
from pytest_k1n.core.statistics.moderated import Pair, compare, holm

LEAST_BASE = 3
"""Executions that a baseline needs where durations vary: fewer give no idea of the noise."""
LEAST_EFFECT = 0.10
FLOOR_MS = 20
"""Two polls of 10 ms: what polling alone can add."""
LEVELS: Mapping[Segment, float] = {"exec": 0.04, "queue": 0.01, "makespan": 0.01}
"""The error allowed to each family of series: waits and the total only repeat what tasks say.

4 % for tasks, because with few executions a moderated t errs a little more often than it says: 5 % became 5.4 in 1,500
simulated workflows.
"""
SINGLE_LEVEL = 0.01
"""The same for one new execution that is not run again: its own noise cannot be seen."""
DOUBT_LEVEL = 0.01
"""The error of one series, uncorrected, from which on it is worth a doubt: one healthy run in ten is run again."""
CONFIRMED_BY = 5
"""New executions after which a doubt is decided: the suspected one and four more."""
_DRAWS = 1000


class SeriesState(StrEnum):
    """What is known of one series."""

    PASS = "pass"
    SUSPECT = "suspect"
    REGRESSION = "regression"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesVerdict:
    """One series beside its baseline. Durations are raw ms; None where there is nothing to compare."""

    key: SeriesKey
    state: SeriesState
    base: tuple[int, ...]
    new: tuple[int, ...]
    effect: float | None = None
    chance: float | None = None
    """Holm-adjusted probability of so much by chance alone; None where the comparison is exact."""
    detectable: float | None = None
    """The least effect that could have been noticed; 0 where the comparison is exact."""
    is_improvement: bool = False
    note: str = ""

    @property
    def base_ms(self) -> float | None:
        return median(self.base) if self.base else None

    @property
    def new_ms(self) -> float | None:
        return median(self.new) if self.new else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstBaseline:
    """A workflow's new executions beside what is accepted of it."""

    title: str
    """How the execution is called in this run."""
    workflow: str
    verdicts: tuple[SeriesVerdict, ...]
    is_exact: bool
    """Whether virtual time made statistics needless."""
    is_simulated: bool
    """Whether work was simulated: its durations prove themselves."""
    accepted: int
    """Executions in the baseline; 0: there is none."""
    note: str = ""
    """Why nothing was compared."""
    stale: str = ""
    """Why the baseline should be accepted anew."""

    def of(self, *states: SeriesState) -> list[SeriesVerdict]:
        """Return the series in one of some states."""
        return [each for each in self.verdicts if each.state in states]

    @property
    def improvements(self) -> list[SeriesVerdict]:
        return [each for each in self.verdicts if each.is_improvement]

    @property
    def state(self) -> SeriesState:
        """The worst state of a series; unknown only where nothing could be compared."""
        for state in (SeriesState.REGRESSION, SeriesState.SUSPECT, SeriesState.PASS):
            if self.of(state):
                return state
        return SeriesState.UNKNOWN


def judge_series(
    base: Sequence[Mapping[SeriesKey, int]],
    new: Sequence[Mapping[SeriesKey, int]],
    *,
    exact: bool,
    floor_ms: int = FLOOR_MS,
    least_base: int = LEAST_BASE,
) -> list[SeriesVerdict]:
    """Judge every series of the new executions of a workflow against the accepted ones, in their order.

    A series that has too few accepted values, or that only one side knows, is unknown: never left out.
    """
    order = list(dict.fromkeys(key for each in (*new, *base) for key in each))
    verdicts: dict[SeriesKey, SeriesVerdict] = {}
    known: dict[SeriesKey, Pair] = {}
    for key in order:
        pair = Pair(base=[each[key] for each in base if key in each], new=[each[key] for each in new if key in each])
        if not pair.new:
            verdicts[key] = _unknown(key, pair, "it did not run")
        elif not pair.base:
            verdicts[key] = _unknown(key, pair, "it is not in the baseline")
        elif exact:
            verdicts[key] = _exactly(key, pair, floor_ms)
        elif len(pair.base) < least_base:
            verdicts[key] = _unknown(
                key, pair, f"{len(pair.base)} accepted executions, at least {least_base} are needed"
            )
        else:
            known[key] = pair
    for segment, level in LEVELS.items():
        family = {key: pair for key, pair in known.items() if key.segment == segment}
        verdicts.update((each.key, each) for each in _family(family, level=level, floor_ms=floor_ms))
    return [verdicts[key] for key in order]


def needs_confirmation(verdicts: Sequence[SeriesVerdict]) -> bool:
    """Whether more executions would decide a doubt, or make sure of a regression that one execution shows."""
    doubtful = (SeriesState.SUSPECT, SeriesState.REGRESSION)
    return any(each.state in doubtful and each.chance is not None and len(each.new) == 1 for each in verdicts)


def doubt(compared: Sequence[AgainstBaseline]) -> str:
    """Say what should be run again to make sure; nothing where nothing is doubtful."""
    for each in compared:
        if needs_confirmation(each.verdicts):
            found = max(each.of(SeriesState.SUSPECT, SeriesState.REGRESSION), key=lambda one: one.effect or 0)
            return f"{found.key} of {each.title} is {found.effect:+.0%} against its baseline"
    return ""


def _family(family: Mapping[SeriesKey, Pair], *, level: float, floor_ms: int) -> Iterator[SeriesVerdict]:
    shifts = compare(list(family.values()), level=level)
    slower, faster = holm([each.slower for each in shifts]), holm([each.faster for each in shifts])
    for (key, pair), shift, chance, gain in zip(family.items(), shifts, slower, faster, strict=True):
        is_large = shift.effect >= LEAST_EFFECT and shift.new_ms - shift.base_ms >= floor_ms
        is_gain = shift.effect <= -LEAST_EFFECT and shift.base_ms - shift.new_ms >= floor_ms
        limit = min(level, SINGLE_LEVEL) if len(pair.new) == 1 else level
        state = SeriesState.PASS
        if is_large and chance < limit:
            state = SeriesState.REGRESSION
        elif is_large and (shift.slower < DOUBT_LEVEL if len(pair.new) < CONFIRMED_BY else _is_surely_above(key, pair)):
            state = SeriesState.SUSPECT
        yield SeriesVerdict(
            key=key,
            state=state,
            base=tuple(pair.base),
            new=tuple(pair.new),
            effect=shift.effect,
            chance=chance if shift.effect > 0 else gain,
            detectable=max(LEAST_EFFECT, shift.detectable),
            is_improvement=is_gain and gain < limit,
        )


def _exactly(key: SeriesKey, pair: Pair, floor_ms: int) -> SeriesVerdict:
    """Compare with the slowest accepted execution, to the ms: repeated under one seed they are all the same."""
    usual, now = median(pair.base), median(pair.new)
    effect = now / usual - 1 if usual else float(now > 0)
    is_slower = now > max(pair.base) and now - usual >= floor_ms and effect >= LEAST_EFFECT
    return SeriesVerdict(
        key=key,
        state=SeriesState.REGRESSION if is_slower else SeriesState.PASS,
        base=tuple(pair.base),
        new=tuple(pair.new),
        effect=effect,
        detectable=0.0,
        is_improvement=now < min(pair.base) and usual - now >= floor_ms and effect <= -LEAST_EFFECT,
    )


def _is_surely_above(key: SeriesKey, pair: Pair) -> bool:
    """Whether the ratio of medians is above 1 in 95 % of resamples, drawn the same way each time."""
    draw = Random(str(key))
    ratios = (median(draw.choices(pair.new, k=len(pair.new))) - median(draw.choices(pair.base, k=len(pair.base)))
              for _ in range(_DRAWS))  # fmt: skip
    return sum(ratio <= 0 for ratio in ratios) < 0.05 * _DRAWS


def _unknown(key: SeriesKey, pair: Pair, note: str) -> SeriesVerdict:
    return SeriesVerdict(key=key, state=SeriesState.UNKNOWN, base=tuple(pair.base), new=tuple(pair.new), note=note)
