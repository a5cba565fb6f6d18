"""Template 03: tasks 4, 5, 6 and 7 start together and run side by side."""

import pytest

from pytest_k1n import (
    completed,
    concurrency,
    concurrent,
    follows_definition,
    no_errors_in_logs,
    on_estimate,
    start_together,
    within,
)

TASKS = ("task_4", "task_5", "task_6", "task_7")

pytestmark = [pytest.mark.batch2, pytest.mark.workflow("K1N_TEMPLATE_03")]


def test_every_task_completes(workflow_execution):
    workflow_execution.expect(completed(), follows_definition())


def test_the_four_tasks_start_together(workflow_execution):
    workflow_execution.expect(start_together(*TASKS, spread="150ms"))


def test_all_four_run_at_the_same_time(workflow_execution):
    workflow_execution.expect(concurrent(*TASKS), concurrency(4))


def test_it_takes_13_to_20_minutes(workflow_execution):
    workflow_execution.expect(within("13m", "20m"), on_estimate(tolerance="10%"))


def test_its_logs_hold_no_error(workflow_execution):
    workflow_execution.expect(no_errors_in_logs())


def test_the_time_of_template_03_is_recorded(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)
