"""The Gantt stays readable whatever the plan says and however short a phase was."""

import copy
import json

from pytest_k1n.report.picture.gantt import gantt
from pytest_k1n.report.picture.rows import rows


def test_a_plan_that_goes_on_far_beyond_what_ran_is_not_drawn(recorded):
    execution = recorded("template-04")["executions"][0]
    drawn = gantt(execution)
    assert drawn.is_without_plan
    assert drawn.end_ms < 1.1 * execution["makespan_ms"]
    assert 'class="plan"' not in str(drawn.bars)
    assert "planned-end" not in str(drawn.bars)


def test_a_plan_of_the_same_size_is_drawn_as_ghosts(recorded):
    execution = copy.deepcopy(recorded("template-04")["executions"][0])
    execution["estimate_ms"] //= 300
    for task in execution["tasks"]:
        task["planned"] = task["planned"] and [each // 300 for each in task["planned"]]
    drawn = gantt(execution)
    assert not drawn.is_without_plan
    assert str(drawn.bars).count('class="plan"') == 22
    assert "planned-end" in str(drawn.bars)


def test_names_of_phases_are_not_written_over_one_another(recorded):
    execution = copy.deepcopy(recorded("template-04")["executions"][0])
    first, second, third, last = execution["phases"]
    for phase, at in ((first, 0), (second, 200), (third, 9_000), (last, 9_300)):
        phase["start_ms"] = at
    bars = str(gantt(execution).bars)
    assert [name for name in ("P1", "P2", "P1-P2", "P3", "P3-P4") if f">{name}<" in bars] == ["P1-P2", "P3-P4"]
    assert all(f"phase {phase['number']}: " in bars for phase in execution["phases"])


def test_a_document_that_was_read_again_has_rows_for_what_ran_and_for_what_did_not(recorded):
    execution = json.loads(json.dumps(recorded("template-04")["executions"][0]))
    execution["tasks"][-1]["attempts"] = []  # as where the run was ended before it
    shown = rows(execution).shown
    assert shown[-1]["planned"]
    assert not shown[-1]["attempts"]


def test_a_bar_says_which_work_was_simulated(recorded):
    execution = copy.deepcopy(recorded("template-04")["executions"][0])
    for task in execution["tasks"]:
        task["is_simulated"] = task["ref"] == "task_2"
    bars = str(gantt(execution).bars)
    assert ">task_2: COMPLETED (simulated), from" in bars
    assert ">task_3: COMPLETED, from" in bars
