"""Template 02: tasks 6, 7 and 8 run strictly one after the other."""

import pytest

from pytest_k1n import completed, follows_definition, in_order, no_errors_in_logs, on_estimate, starts_at_once, within

pytestmark = [pytest.mark.batch2, pytest.mark.workflow("K1N_TEMPLATE_02")]


def test_every_task_completes(workflow_execution):
    workflow_execution.expect(completed(), follows_definition())


def test_task_6_starts_at_once(workflow_execution):
    workflow_execution.expect(starts_at_once("task_6"))


def test_the_chain_runs_in_order_without_premature_starts(workflow_execution):
    workflow_execution.expect(in_order("task_6", "task_7", "task_8"))


def test_it_takes_25_to_40_minutes(workflow_execution):
    workflow_execution.expect(within("25m", "40m"), on_estimate(tolerance="10%"))


def test_its_logs_hold_no_error(workflow_execution):
    workflow_execution.expect(no_errors_in_logs())


def test_the_time_of_template_02_is_recorded(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)
