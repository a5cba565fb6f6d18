"""Expectations: values with a `judge(observation) -> Findings`, what `execution.expect(...)` takes."""

from pytest_k1n.core.expectations.bands import phase_within, starts_within, task_within, within
from pytest_k1n.core.expectations.course import attempts, invoked_once, not_scheduled, ran, took_branch
from pytest_k1n.core.expectations.data import independent, no_errors_in_logs, output, task_input, task_output
from pytest_k1n.core.expectations.estimates import on_estimate
from pytest_k1n.core.expectations.expectation import Expectation, Expected, judge_all
from pytest_k1n.core.expectations.isolation import finishes_before, isolated_from
from pytest_k1n.core.expectations.order import barrier, barriers_hold, follows_definition, in_order
from pytest_k1n.core.expectations.outcome import completed, failed, terminated, timed_out
from pytest_k1n.core.expectations.overlap import concurrency, concurrent, overlaps_with, start_together
from pytest_k1n.core.expectations.pairs import not_slower_than, spans_batch
from pytest_k1n.core.expectations.path import critical_task, on_critical_path
from pytest_k1n.core.expectations.persistence import answered_by, compensated_by, never, retried, waited
from pytest_k1n.core.expectations.planned import early_findings, planned
from pytest_k1n.core.expectations.queueing import max_queue_wait, starts_at_once

__all__ = [
    "Expectation",
    "Expected",
    "answered_by",
    "attempts",
    "barrier",
    "barriers_hold",
    "compensated_by",
    "completed",
    "concurrency",
    "concurrent",
    "critical_task",
    "early_findings",
    "failed",
    "finishes_before",
    "follows_definition",
    "in_order",
    "independent",
    "invoked_once",
    "isolated_from",
    "judge_all",
    "max_queue_wait",
    "never",
    "no_errors_in_logs",
    "not_scheduled",
    "not_slower_than",
    "on_critical_path",
    "on_estimate",
    "output",
    "overlaps_with",
    "phase_within",
    "planned",
    "ran",
    "retried",
    "spans_batch",
    "start_together",
    "starts_at_once",
    "starts_within",
    "task_input",
    "task_output",
    "task_within",
    "terminated",
    "timed_out",
    "took_branch",
    "waited",
    "within",
]
