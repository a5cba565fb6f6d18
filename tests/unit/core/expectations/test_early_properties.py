"""What is said early is never taken back: prefixes of random histories against their ends."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_k1n.core.expectations import (
    attempts,
    barriers_hold,
    completed,
    concurrency,
    concurrent,
    critical_task,
    early_findings,
    follows_definition,
    in_order,
    judge_all,
    max_queue_wait,
    no_errors_in_logs,
    not_scheduled,
    on_estimate,
    phase_within,
    planned,
    ran,
    start_together,
    starts_at_once,
    starts_within,
    task_within,
    within,
)
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.model import TaskStatus, WorkflowStatus
from pytest_k1n.core.plan import Phase, Template
from pytest_k1n.core.record.observation import observe


def seen_at(execution, now_ms):
    """The execution as a client would have seen it at an instant of the server's clock."""
    if execution.ended_ms is not None and now_ms >= execution.ended_ms:
        return execution
    records = []
    for record in execution.tasks:
        if record.scheduled_ms is None or record.scheduled_ms > now_ms:
            continue
        if record.ended_ms is not None and record.ended_ms > now_ms:
            is_started = record.started_ms is not None and record.started_ms <= now_ms
            record = replace(
                record,
                ended_ms=None,
                started_ms=record.started_ms if is_started else None,
                status=TaskStatus.IN_PROGRESS if is_started else TaskStatus.SCHEDULED,
                retried=False,
                output={},
            )
        records.append(record)
    newest = {record.key: record.attempt for record in sorted(records, key=lambda record: record.attempt)}
    records = [replace(record, retried=False) if record.attempt == newest[record.key] else record for record in records]
    return replace(execution, tasks=tuple(records), ended_ms=None, status=WorkflowStatus.RUNNING)


def instants(execution):
    """Every instant at which something changed, where judgements may change with it."""
    stamps = {execution.started_ms, execution.ended_ms}
    for record in execution.tasks:
        stamps |= {record.scheduled_ms, record.started_ms, record.ended_ms}
    return st.sampled_from(sorted(stamp for stamp in stamps if stamp is not None))


def plan(definition, rng):
    refs = [task.ref for task in definition.walk() if task.type == "SIMPLE"]
    half = len(refs) // 2
    return Template(
        id="1", slug="s", workflow="W", batch=1, band_ms=(0, rng.randrange(1, 2000)),
        estimates_ms={ref: rng.randrange(1, 100) for ref in refs},
        parallel=((refs[0], refs[-1]),) if half else (),
        phases=(
            Phase(number=1, name="one", refs=tuple(refs[:half]), band_ms=(0, rng.randrange(1, 900))),
            Phase(number=2, name="two", refs=tuple(refs[half:]), band_ms=(0, rng.randrange(1, 900))),
        ) if half else (),
    )  # fmt: skip


def said(findings):
    return {(finding.code, finding.subject) for finding in findings.findings if finding.verdict is Verdict.FAIL}


@pytest.fixture(scope="session")
def examples(history):
    return history


@given(data=st.data(), seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_what_fails_early_fails_in_the_end(examples, data, seed, rng):
    made = examples(seed, 8, violate=rng.choice((0.0, 0.3)), max_work_ms=120)
    execution = made.execution
    template = plan(made.definition, rng)
    final = observe(execution, template=template)
    in_the_end = said(judge_all(planned(final.template), final))
    now_ms = data.draw(instants(execution))
    live = observe(seen_at(execution, now_ms), definition=execution.definition, template=template, now_ms=now_ms)
    early = early_findings(live)
    assert said(early) <= in_the_end
    assert all(finding.verdict is not Verdict.UNKNOWN for finding in early.findings)


def asked(refs, rng):
    """Expectations of all kinds on some refs, with limits that may or may not be met."""
    first, second = rng.sample(refs, 2)
    limit = f"{rng.randrange(1, 300)}ms"
    return [
        completed(), follows_definition(), barriers_hold(), in_order(first, second), concurrent(first, second),
        start_together(first, second), concurrency(rng.randrange(1, 4)), attempts(first, rng.randrange(1, 3)),
        ran(first, second), not_scheduled(first), within("0ms", limit), task_within(first, "0ms", limit),
        starts_within(first, "0ms", limit), starts_at_once(first, within=limit), max_queue_wait(limit),
        phase_within(1), on_estimate(), on_estimate(refs=[first]), critical_task(first), no_errors_in_logs(),
    ]  # fmt: skip


@given(data=st.data(), seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_what_is_decided_early_stays_decided(examples, data, seed, rng):
    made = examples(seed, 8, violate=rng.choice((0.0, 0.3)), max_work_ms=120)
    execution = made.execution
    refs = sorted({task.ref for task in made.definition.walk() if task.type == "SIMPLE"})
    types = {(record.key, record.type) for record in execution.tasks}
    # The simulator retries WAITs too, under another type; no server does.
    assume(len(refs) > 1 and len(types) == len({key for key, _ in types}))
    template = plan(made.definition, rng)
    now_ms = data.draw(instants(execution))
    live = observe(
        seen_at(execution, now_ms), definition=execution.definition, template=template, now_ms=now_ms, logs={}
    )
    final = observe(execution, template=template, logs={})
    # A loop that ends before its body leaves nothing to rely on; `follows_definition` says so.
    assume("ended-early" not in {finding.code for finding in follows_definition().judge(final).findings})
    for expectation in asked(refs, rng):
        early, late = expectation.judge(live).verdict, expectation.judge(final).verdict
        assert early in (Verdict.UNKNOWN, late) or {early, late} == {Verdict.PASS, Verdict.WARN}, expectation


@given(seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_pairs_in_order_and_pairs_at_once_exclude_each_other(examples, seed, rng):
    execution = examples(seed, 6, violate=0.5).execution
    seen = observe(execution)
    refs = sorted({ref for ref, iteration in seen.worker_keys if not iteration})
    if len(refs) < 2:
        return
    first, second = rng.sample(refs, 2)
    ordered = in_order(first, second).judge(seen)
    together = concurrent(first, second).judge(seen)
    assert not (ordered.verdict is Verdict.PASS and together.verdict is Verdict.PASS)
    span, other = seen.raw((first, 0)), seen.raw((second, 0))
    if span and other and len(seen.records[first, 0]) == len(seen.records[second, 0]) == 1:
        started_early = other.start_ms < span.end_ms
        assert ("started-early" in {finding.code for finding in ordered.findings}) == started_early
