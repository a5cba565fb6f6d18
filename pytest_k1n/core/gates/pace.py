"""Gates on durations (G6 to G8, workflow time) and on what server and workers add (G9, G10, raw time)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_k1n.core.expectations.estimates import slower_than_allowed, tasks_on_estimate, total_origin
from pytest_k1n.core.expectations.latency import judge_latency, not_measurable
from pytest_k1n.core.expectations.queueing import queue_wait
from pytest_k1n.core.gates.category import Exempt, not_applicable
from pytest_k1n.core.gates.control import joins_on_time
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.gates.limits import held_back
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import attempts_by_hand
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.schedule.critical import OVERHEAD, SegmentKind, critical_path
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.statistics.stats import binomial_tail, quantile
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.timing.weather import Pace, pace
from pytest_k1n.core.units import format_ms

SHARE = 0.95
"""Of the tasks that must keep the queue's budget."""
FEW = 20
"""Fewer tasks than this have no 95 % quantile but their maximum."""


def estimates(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G6: no task is slower than its estimate by more than the tolerance; faster warns."""
    template = observation.template
    if template is None or not template.estimates_ms:
        return not_applicable(f"the plan has no estimates for {observation.execution.name}")
    tasks_on_estimate(observation, template.tolerance, tally, quantum_ms=settings.quantum_ms)
    return None


def makespan(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G7: the makespan is at most its estimate and the tolerance, and no shorter than the longest path."""
    taken_ms, name = observation.timeline.end_ms, observation.execution.name
    if taken_ms is None:
        tally.unknown("no-stamp", name, expected="a makespan", observed=observation.state)
        return None
    longest_ms = schedule(observation.graph, durations(observation.timeline)).span_ms
    if longest_ms > taken_ms:
        tally.fail(
            "bound-broken",
            name,
            expected=f"a makespan of at least its longest path, {format_ms(longest_ms)}",
            observed=format_ms(taken_ms),
            margin=format_ms(longest_ms - taken_ms),
            origin="happens-before of the definition",
        )
    else:
        tally.passed()
    template = observation.template
    if template is None or template.total_estimate_ms is None:
        untold = template.total_untold if template else ""
        tally.note(f"only the bound was judged: {untold or f'the plan has no estimate for {name}'}")
        return None
    estimate_ms, simulated = template.total_estimate_ms, observation.any_simulated
    if slower_than_allowed(taken_ms, estimate_ms, template.tolerance, settings.quantum_ms):
        tally.fail(
            "slower-than-estimate",
            name,
            expected=f"at most {format_ms(estimate_ms)} + {template.tolerance:.0%}",
            observed=format_ms(taken_ms),
            margin=f"{100 * (taken_ms - estimate_ms) / max(1, estimate_ms):+.1f}%",
            origin=total_origin(template),
            simulated=simulated,
        )
    else:
        tally.passed(simulated=simulated)
    return None


def speed_up(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G8: work over makespan is at least what the plan declares, and at most what the graph allows."""
    least = observation.template.min_speedup if observation.template else None
    name, taken_ms = observation.execution.name, observation.timeline.end_ms
    if least is None:
        return not_applicable(f"the plan declares no least speed-up for {name}")
    if not taken_ms:
        tally.unknown("no-stamp", name, expected=f"a speed-up of at least {least}", observed=observation.state)
        return None
    plan = schedule(observation.graph, durations(observation.timeline))
    reached = plan.speed_up(taken_ms)
    if not least <= reached <= plan.largest_speed_up + 1e-9:
        tally.fail(
            "wrong-speed-up",
            name,
            expected=f"{least} to {plan.largest_speed_up:.2f} (work over the longest path)",
            observed=f"{reached:.2f}: {format_ms(plan.work_ms)} of work in {format_ms(taken_ms)}",
            margin=f"{min(reached - least, plan.largest_speed_up - reached):+.2f}",
            origin=f"min_speedup of {name} in the plan",
            simulated=observation.any_simulated,
        )
    else:
        tally.passed(simulated=observation.any_simulated)
    return None


def overhead(
    observation: Observation, batch: BatchObservation, key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G9: queue and engine add no more to the critical path than the budgets of its hops together (raw time).

    One slow hop that the others make up for is remarked on, no failure: on a busy machine some hop always is. A JOIN's
    lag is the server's own configuration, which no other hop makes up for: each is judged by itself, and beside them
    those of a control execution, whose being late blocks.
    """
    raw, path = observation.timeline, observation.path
    if raw.speed != 1:
        raw = rebuild(observation.execution, observation.graph)
        path = critical_path(raw, observation.graph)
    if not path.tasks:
        return not_applicable("nothing ran")
    hops: dict[TaskKey | None, list[Interval]] = {task: [] for task in path.tasks}
    by_hand = attempts_by_hand(observation)
    for segment in path.segments:
        is_persons = segment.kind is SegmentKind.ENGINE and (segment.key, segment.attempt) in by_hand
        if segment.kind in OVERHEAD and not is_persons:
            begin_ms = raw.started_ms + segment.start_ms
            hops.setdefault(segment.key, []).append(Interval(begin_ms, begin_ms + segment.duration_ms))
    joins = {task: hops.pop(task) for task in list(hops) if _is_join(observation, task)}
    for held in held_back(observation, batch):
        hops.pop(held, None)
    budgets = queue_budgets(observation, batch, key, settings)
    limits = {task: _hop_limit_ms(observation, task, budgets, settings) for task in hops}
    added = {task: sum(each.duration_ms for each in windows) for task, windows in hops.items()}
    added_ms, limit_ms = sum(added.values()), sum(limits.values())
    everywhere = [each for windows in hops.values() for each in windows]
    whole = pace(added_ms, limit_ms, everywhere, observation.weather)
    origin = f"raw server time; {format_ms(added_ms)} of {format_ms(limit_ms)} for the whole path without its JOINs"
    for task, windows in hops.items():
        verdict = pace(added[task], limits[task], windows, observation.weather)
        if verdict is not Pace.KEPT and whole is not Pace.LATE:
            verdict = whole
        remark = _Remark(
            code="overhead",
            subject=label(task) if task else "end of the execution",
            expected=f"at most {format_ms(limits[task])} of queue and engine on the critical path",
            measured_ms=added[task],
            budget_ms=limits[task],
            origin=origin,
        )
        _count(observation, remark, verdict, everywhere if whole is Pace.UNMEASURABLE else windows, tally)
    _join_lags(observation, joins, 0 if observation.time_model is TimeModel.VIRTUAL else settings.join_ms, tally)
    joins_on_time(observation, batch, settings, tally)
    return None


def _is_join(observation: Observation, task: TaskKey | None) -> bool:
    node = observation.graph.nodes.get(task) if task else None
    return node is not None and node.type in ("JOIN", "EXCLUSIVE_JOIN")


def _join_lags(
    observation: Observation, joins: Mapping[TaskKey | None, Sequence[Interval]], limit_ms: int, tally: Tally
) -> None:
    for task, windows in joins.items():
        judge_latency(
            observation,
            tally,
            windows,
            measured_ms=sum(each.duration_ms for each in windows),
            budget_ms=limit_ms,
            code="join-lag",
            subject=label(task) if task else "",
            expected=f"to end within {format_ms(limit_ms)} of its last branch",
            origin="raw server time",
        )


def queues(
    observation: Observation, batch: BatchObservation, key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G10: 95 % of the first attempts wait no longer for a worker than their place in the graph allows (raw time).

    Retries wait for the server's delayed queue as well and are G11's.
    """
    classes: dict[int, list[tuple[Interval, TaskKey]]] = {}
    held = held_back(observation, batch)
    for task, budget_ms in queue_budgets(observation, batch, key, settings).items():
        if task not in held and (wait := queue_wait(observation.records[task][0])) is not None:
            classes.setdefault(budget_ms, []).append((wait, task))
    for budget_ms, waits in classes.items():
        paces = [pace(wait.duration_ms, budget_ms, [wait], observation.weather) for wait, _ in waits]
        measured = [
            wait.duration_ms for (wait, _), each in zip(waits, paces, strict=True) if each is not Pace.UNMEASURABLE
        ]
        is_kept = _is_kept(measured, budget_ms)
        for (wait, task), verdict in zip(waits, paces, strict=True):
            remark = _Remark(
                code="waited-long",
                subject=label(task),
                expected=f"a queue wait of at most {format_ms(budget_ms)}",
                measured_ms=wait.duration_ms,
                budget_ms=budget_ms,
                origin=f"budget for {SHARE:.0%} of {len(measured)} tasks, raw time",
            )
            is_spared = verdict is Pace.LATE and is_kept
            _count(observation, remark, Pace.KEPT if is_spared else verdict, [wait], tally)
    return None if classes else not_applicable("no task waited for a worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remark:
    """A latency of one of many, and what to say of it if it is above its budget."""

    code: str
    subject: str
    expected: str
    measured_ms: int
    budget_ms: int
    origin: str


def _count(observation: Observation, remark: _Remark, verdict: Pace, windows: Sequence[Interval], tally: Tally) -> None:
    """Count one of many latencies; one above its budget that the others make up for (KEPT) is remarked on."""
    tally.latencies += 1
    observed, margin = format_ms(remark.measured_ms), format_ms(remark.measured_ms - remark.budget_ms)
    if remark.measured_ms <= remark.budget_ms:
        tally.passed()
    elif verdict is Pace.UNMEASURABLE:
        not_measurable(
            observation.weather, tally, windows, subject=remark.subject, expected=remark.expected,
            observed=observed, margin=margin, origin=f"{remark.code}; {remark.origin}",
        )  # fmt: skip
    else:
        (tally.warn if verdict is Pace.KEPT else tally.fail)(
            remark.code,
            remark.subject,
            expected=remark.expected,
            observed=observed,
            margin=margin,
            origin=remark.origin,
        )


def _is_kept(waits_ms: list[int], budget_ms: int) -> bool:
    """Whether 95 % of the waits are within the budget; of few, whether so many beyond it are no mere chance.

    Below 20 tasks a 95 % quantile is the maximum. There, a budget is broken if as many waits beyond it had a chance
    below 5 % where 5 % of all are: two of two, two of four, but never one alone.
    """
    if len(waits_ms) >= FEW:
        return quantile(waits_ms, SHARE) <= budget_ms
    beyond = sum(waited_ms > budget_ms for waited_ms in waits_ms)
    return binomial_tail(beyond, len(waits_ms), 1 - SHARE) > 1 - SHARE - 1e-9


def queue_budgets(
    observation: Observation, batch: BatchObservation, key: str, settings: GateSettings
) -> Mapping[TaskKey, int]:
    """Return how long each worker task may wait: by the engine, the workers, and what else wants them meanwhile."""
    if settings.engine or observation.time_model is TimeModel.VIRTUAL:
        return dict.fromkeys(observation.worker_keys, settings.queue_engine_ms)
    if settings.workers == "external":
        return dict.fromkeys(observation.worker_keys, settings.queue_foreign_ms)
    if not batch.is_alone(key):
        return dict.fromkeys(observation.worker_keys, settings.queue_busy_ms)
    beside = observation.graph.beside_others
    return {
        task: settings.queue_busy_ms if task in beside else settings.queue_chain_ms for task in observation.worker_keys
    }


def _hop_limit_ms(
    observation: Observation, task: TaskKey | None, budgets: Mapping[TaskKey, int], settings: GateSettings
) -> int:
    if observation.time_model is TimeModel.VIRTUAL:
        return 0
    node = observation.graph.nodes.get(task) if task else None
    queue_ms = budgets.get(task, settings.queue_chain_ms) if task else settings.queue_chain_ms
    begin_ms = settings.begin_ms if node is not None and task and not observation.graph.predecessors(task) else 0
    return settings.engine_hop_ms + queue_ms + begin_ms
