"""Template 05: the optimised workflow, the same 22 tasks in 60 to 90 minutes."""

import pytest

from pytest_k1n import (
    barriers_hold,
    completed,
    concurrent,
    follows_definition,
    independent,
    no_errors_in_logs,
    on_estimate,
    phase_within,
    ran,
    task_within,
    within,
)

WORKFLOW = "K1N_22TASK_OPTIMIZED"
TASKS = tuple(f"task_{number}" for number in range(1, 23))

pytestmark = [pytest.mark.batch4, pytest.mark.workflow(WORKFLOW)]


@pytest.mark.phase2
def test_tasks_3_4_and_5_run_side_by_side_and_share_no_data(workflow_phase):
    workflow_phase.expect(concurrent("task_3", "task_4", "task_5"), independent("task_3", "task_4", "task_5"))


@pytest.mark.phase2
def test_task_8_takes_less_than_10_minutes(workflow_phase):
    workflow_phase.expect(task_within("task_8", "0m", "10m"))


def test_all_22_tasks_complete_in_order(workflow_execution):
    workflow_execution.expect(completed(), ran(*TASKS), follows_definition(), barriers_hold())


def test_every_phase_is_in_its_band(workflow_execution):
    workflow_execution.expect(*(phase_within(number) for number in (1, 2, 3, 4)))


def test_it_takes_60_to_90_minutes(workflow_execution):
    workflow_execution.expect(within("60m", "90m"), on_estimate(tolerance="10%"))


def test_its_logs_hold_no_error(workflow_execution):
    workflow_execution.expect(no_errors_in_logs())


def test_the_time_of_template_05_is_recorded(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)


@pytest.mark.workflow(WORKFLOW, in_a_row=3)
def test_three_runs_in_a_row_are_stable(workflow_executions):
    for execution in workflow_executions:
        execution.expect(completed(), follows_definition(), within("60m", "90m"))


@pytest.mark.workflow(WORKFLOW, at_once=3)
def test_three_at_once_are_stable(workflow_executions):
    for execution in workflow_executions:
        execution.expect(completed(), follows_definition(), within("60m", "90m"))


@pytest.mark.gate
def test_its_quality_is_not_below_that_of_template_04(batch_quality):
    batch_quality.check_not_below("batch3")
