"""Template 04: the whole workflow, 22 tasks in four phases, one after the other."""

import pytest

from pytest_k1n import (
    barrier,
    completed,
    critical_task,
    follows_definition,
    in_order,
    no_errors_in_logs,
    on_estimate,
    phase_within,
    ran,
    starts_within,
    within,
)

TASKS = tuple(f"task_{number}" for number in range(1, 23))

pytestmark = [pytest.mark.batch3, pytest.mark.workflow("K1N_22TASK_COMPLETE")]


@pytest.mark.phase1
def test_phase_1_takes_7_to_10_minutes(workflow_phase):
    workflow_phase.expect(phase_within(1, "7m", "10m"))


@pytest.mark.phase2
def test_phase_2_starts_after_phase_1_and_takes_45_to_50_minutes(workflow_phase):
    workflow_phase.expect(barrier(after=1, before=2), phase_within(2, "45m", "50m"))


@pytest.mark.phase2
def test_task_8_starts_37_to_60_minutes_in(workflow_phase):
    workflow_phase.expect(starts_within("task_8", "37m", "60m"))


@pytest.mark.phase3
def test_task_9_waits_for_task_8(workflow_phase):
    workflow_phase.expect(in_order("task_8", "task_9"))


@pytest.mark.phase3
def test_phase_3_starts_after_phase_2_and_takes_40_to_45_minutes(workflow_phase):
    workflow_phase.expect(barrier(after=2, before=3), phase_within(3, "40m", "45m"))


@pytest.mark.phase4
def test_phase_4_starts_after_phase_3_and_takes_30_to_35_minutes(workflow_phase):
    workflow_phase.expect(barrier(after=3, before=4), phase_within(4, "30m", "35m"))


def test_all_22_tasks_complete(workflow_execution):
    workflow_execution.expect(completed(), ran(*TASKS))


def test_no_task_starts_before_what_it_waits_for(workflow_execution):
    workflow_execution.expect(follows_definition(), in_order(*TASKS))


def test_it_takes_90_to_140_minutes(workflow_execution):
    workflow_execution.expect(within("90m", "140m"), on_estimate(tolerance="10%"))


def test_task_8_is_the_critical_task(workflow_execution):
    workflow_execution.expect(critical_task("task_8"))


def test_its_logs_hold_no_error(workflow_execution):
    workflow_execution.expect(no_errors_in_logs())


def test_the_time_of_template_04_is_recorded(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)
