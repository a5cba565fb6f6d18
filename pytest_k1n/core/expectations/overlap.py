"""What runs at the same time. Raw server stamps; less than 2 ms of overlap decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.latency import judge_latency
from pytest_k1n.core.expectations.standstill import fewer_by_late_answers, kept_apart
from pytest_k1n.core.expectations.subjects import (
    Other,
    is_same,
    observation_of,
    pending,
    recorded,
    steps_back,
    unfinished,
)
from pytest_k1n.core.findings import Findings, Verdict
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import is_over
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import (
    RESOLUTION_MS,
    Interval,
    max_concurrency,
    overlap_ms,
    overlap_needed_ms,
    really_overlapped,
)
from pytest_k1n.core.timing.weather import REQUESTS
from pytest_k1n.core.units import duration_ms, format_ms


@expectation
def concurrent(*refs: str) -> Judge:
    """Expect every pair of refs to overlap, in raw server time, for at least 2 ms and 10 % of the shorter.

    Raises ValueError for fewer than two refs.
    """
    if len(refs) < 2:
        raise ValueError("concurrent compares at least two refs")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        if steps_back(observation, tally, expected="stamps that follow the order of scheduling"):
            return tally.findings()
        keys = [key for ref in refs for key in recorded(observation, ref, tally, expected=_together(refs))]
        overlapping(observation, keys, tally, origin=f"concurrent: {', '.join(refs)}")
        return tally.findings()

    return judge


def overlapping(observation: Observation, keys: Iterable[TaskKey], tally: Tally, *, origin: str) -> None:
    """Judge every pair of keys; iterations of one loop are compared with those of the same number only."""
    spans: dict[TaskKey, Interval] = {}
    open_keys: list[TaskKey] = []
    for key in keys:
        if (span := observation.raw(key)) is not None and is_over(observation, key):
            spans[key] = span
        else:
            open_keys.append(key)
            unfinished(observation, key, tally, expected="to run beside the others", origin=origin)
    for key in open_keys:
        _already_missed(observation, key, spans, tally, origin)
    for first, second in combinations(spans, 2):
        if _comparable(first, second):
            why = _never_together(observation, first, second) or origin
            if not kept_apart(observation, first, second, spans, tally, why):
                _pair((label(first), label(second)), (spans[first], spans[second]), tally, why)


def _never_together(observation: Observation, first: TaskKey, second: TaskKey) -> str:
    """Say that the definition has one of two tasks wait for the other, so that no timing brings them together."""
    graph = observation.graph
    if first not in graph.nodes or second not in graph.nodes or graph.are_concurrent(first, second):
        return ""
    before, after = (first, second) if graph.is_before(first, second) else (second, first)
    if not graph.is_before(before, after):
        return ""
    return f"the definition has {label(after)} wait for {label(before)}: they can never overlap"


@expectation
def start_together(*refs: str, spread: str = "150ms") -> Judge:
    """Expect the refs to start within `spread` of each other in raw server time, whatever the speed.

    Raises ValueError for fewer than two refs or a spread that is no duration.
    """
    limit_ms = duration_ms(spread)
    if len(refs) < 2:
        raise ValueError("start_together compares at least two refs")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        if steps_back(observation, tally, expected="stamps that follow the order of scheduling"):
            return tally.findings()
        expected = f"to start within {format_ms(limit_ms)} of each other"
        starts: dict[TaskKey, int] = {}
        is_complete = True
        for ref in refs:
            keys = recorded(observation, ref, tally, expected=expected)
            is_complete = is_complete and bool(keys)
            for key in keys:
                start_ms = observation.records[key][0].started_ms
                if start_ms is None:
                    is_complete = False
                    unfinished(observation, key, tally, expected=expected)
                else:
                    starts[key] = start_ms
        for iteration in sorted({iteration for _, iteration in starts}):
            together = {key: at for key, at in starts.items() if key[1] == iteration}
            _spread(observation, together, limit_ms, is_complete, tally)
        return tally.findings()

    return judge


@expectation
def concurrency(n: int) -> Judge:
    """Expect exactly `n` worker tasks at the busiest moment of raw server time; less than 2 ms does not count."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        if steps_back(observation, tally, expected=f"a maximum concurrency of {n}"):
            return tally.findings()
        low, high, at = measured_concurrency(observation)
        subject, expected = observation.execution.name, f"a maximum concurrency of {n}"
        if low > n:
            tally.fail("wrong-concurrency", subject, expected=expected, observed=f"{low}: {at}", margin=f"+{low - n}")
        elif not observation.is_settled:
            pending(tally, subject, expected=expected, observed=f"{low} so far")
        elif low == high == n:
            tally.passed()
        elif low <= n <= high:
            observed = f"{low} or {high}: some overlap for less than {format_ms(RESOLUTION_MS)}"
            tally.unknown("overlap-undecidable", subject, expected=expected, observed=observed)
        elif not fewer_by_late_answers(
            observation, observation.worker_keys, n, tally, subject=subject, expected=expected
        ):
            tally.fail("wrong-concurrency", subject, expected=expected, observed=f"{high}: {at}", margin=f"{high - n}")
        return tally.findings()

    return judge


def measured_concurrency(observation: Observation) -> tuple[int, int, str]:
    """Return the maximum proven by overlaps of 2 ms, the maximum if shorter ones count, and the refs that ran then."""
    spans = {
        (key, record.attempt): Interval(record.started_ms, record.ended_ms)
        for key in observation.worker_keys
        for record in observation.records[key]
        if record.started_ms is not None and record.ended_ms is not None
    }
    peak = max_concurrency(spans.values(), for_ms=RESOLUTION_MS)
    at_ms = peak.at_ms
    running = [label(key) for (key, _), span in spans.items() if at_ms is not None and span[0] <= at_ms < span[1]]
    return peak.level, max_concurrency(spans.values()).level, ", ".join(running) or "nothing ran"


@expectation
def overlaps_with(other: Other) -> Judge:
    """Expect this execution and the other one to overlap, in raw server time, for at least 10 % of the shorter."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        theirs = observation_of(other)
        if is_same(observation, theirs, tally):
            return tally.findings()
        first, second = observation.execution, theirs.execution
        expected = f"to run beside {second.name}"
        if first.ended_ms is None or second.ended_ms is None:
            late = second if first.ended_ms else first
            if observation.is_settled and theirs.is_settled:
                tally.unknown("no-stamp", first.name, expected=expected, observed=f"{late.name} has no end")
            else:
                pending(tally, first.name, expected=expected, observed=f"{late.name} is {late.status}")
            return tally.findings()
        spans = (Interval(first.started_ms, first.ended_ms), Interval(second.started_ms, second.ended_ms))
        _pair((first.name, second.name), spans, tally, "executions of one batch run together")
        return tally.findings()

    return judge


def _together(refs: tuple[str, ...]) -> str:
    return f"to run beside the others of {', '.join(refs)}"


def _comparable(first: TaskKey, second: TaskKey) -> bool:
    """Whether two keys form a pair: different refs, and in a loop the same iteration."""
    return first[0] != second[0] and (first[1] == second[1] or 0 in (first[1], second[1]))


def _pair(names: tuple[str, str], spans: tuple[Interval, Interval], tally: Tally, origin: str) -> None:
    """Judge one pair; at fault is the one that started later."""
    verdict, overlap = really_overlapped(*spans), overlap_ms(*spans)
    needed = overlap_needed_ms(*spans)
    earlier, later = names if spans[0].start_ms <= spans[1].start_ms else names[::-1]
    expected = f"{' and '.join(names)} to overlap for at least {format_ms(round(needed))}"
    if verdict is Verdict.PASS:
        tally.passed()
    elif verdict is Verdict.UNKNOWN:
        observed = f"{format_ms(overlap)}, below what stamps can show{_idle(names, spans)}"
        tally.unknown("overlap-undecidable", later, expected=expected, observed=observed, origin=origin)
    else:
        observed = (
            format_ms(overlap) if overlap > 0 else f"{later} started {format_ms(-overlap)} after {earlier} had ended"
        )
        margin = format_ms(round(needed - overlap))
        tally.fail("not-concurrent", later, expected=expected, observed=observed, margin=margin, origin=origin)


def _idle(names: tuple[str, str], spans: tuple[Interval, Interval]) -> str:
    """Say how a task that took no time takes some; its handler returned at once, and virtual time stood meanwhile."""
    taken_ms, name = min((span.end_ms - span.start_ms, name) for name, span in zip(names, spans, strict=True))
    if taken_ms >= RESOLUTION_MS:
        return ""
    how = f'let its handler work, by task.sleep(1000), or takes={{"{name}": "1s"}} where it is simulated'
    return f"; {name} took {format_ms(taken_ms)}: {how}"


def _already_missed(
    observation: Observation, key: TaskKey, spans: Mapping[TaskKey, Interval], tally: Tally, origin: str
) -> None:
    """Fail what is decided before a task has ended: another one was done for good before this one could start."""
    record = observation.records[key][0]
    since = record.started_ms if record.started_ms is not None else record.scheduled_ms
    for other, span in spans.items():
        if since is not None and since > span.end_ms and _comparable(key, other):
            tally.fail(
                "not-concurrent",
                label(key),
                expected=f"{label(key)} and {label(other)} to overlap",
                observed=f"{label(other)} had ended before {label(key)} started",
                margin=format_ms(since - span.end_ms),
                origin=origin,
            )


def _spread(
    observation: Observation, starts: Mapping[TaskKey, int], limit_ms: int, is_complete: bool, tally: Tally
) -> None:
    first, last = min(starts, key=starts.__getitem__), max(starts, key=starts.__getitem__)
    spread_ms = starts[last] - starts[first]
    if spread_ms > limit_ms or is_complete:
        judge_latency(
            observation,
            tally,
            [Interval(starts[first], starts[last])],
            measured_ms=spread_ms,
            budget_ms=limit_ms,
            code="starts-apart",
            subject=label(last),
            expected=f"to start within {format_ms(limit_ms)} of {label(first)}",
            observed=f"{format_ms(spread_ms)} later",
            origin="start_together, raw server time",
            requests=REQUESTS - 1,  # it had been pushed before the first one started
        )
