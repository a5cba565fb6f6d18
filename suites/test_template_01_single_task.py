"""Template 01: one task, once, on time."""

import pytest

from pytest_k1n import attempts, completed, follows_definition, invoked_once, no_errors_in_logs, on_estimate, within

pytestmark = [pytest.mark.batch1, pytest.mark.workflow("K1N_TEMPLATE_01")]


def test_it_completes(workflow_execution):
    workflow_execution.expect(completed(), follows_definition())


def test_its_handler_ran_exactly_once(workflow_execution):
    workflow_execution.expect(attempts("task_1", 1), invoked_once("task_1"))


def test_it_takes_5_to_8_minutes(workflow_execution):
    workflow_execution.expect(within("5m", "8m"), on_estimate(tolerance="10%"))


def test_its_logs_hold_no_error(workflow_execution):
    workflow_execution.expect(no_errors_in_logs())


def test_the_time_of_template_01_is_recorded(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)
