"""Every name in a plan is one that something defines, or the plan is refused with the nearest name that exists."""

import json

import pytest

from pytest_k1n.plan.library import Library
from pytest_k1n.plan.read import parse_plan
from pytest_k1n.plan.resolve import unresolved

TASKS = [
    {"name": "charge", "taskReferenceName": "charge", "type": "SIMPLE"},
    {"name": "pack", "taskReferenceName": "pack", "type": "SIMPLE"},
]
DYNAMIC = {
    "name": "d",
    "taskReferenceName": "d",
    "type": "DYNAMIC",
    "dynamicTaskNameParam": "t",
    "inputParameters": {"t": "x"},
}


@pytest.fixture
def problems(tmp_path):
    (tmp_path / "workflows").mkdir()
    (tmp_path / "tasks").mkdir()

    def judge(template="", *, head='definitions = ["workflows"]', tasks=TASKS, workflow="order_fulfilment", **how):
        document = {"name": "order_fulfilment", "version": 1, "tasks": tasks, "inputParameters": ["customer", "amount"]}
        (tmp_path / "workflows" / "order.json").write_text(json.dumps(document))
        text = f"""
            schema = "k1n-plan/1"
            {head}
            [[batch]]
            number = 1
            [[batch.template]]
            id = "01"
            slug = "order"
            workflow = "{workflow}"
            {template}
        """
        plan = parse_plan(text, source="k1n.toml", folder=tmp_path)
        return unresolved(plan, Library(plan.definitions, plan.task_definitions), **how)

    return judge


def test_a_plan_whose_names_are_all_defined_has_no_problem(problems):
    template = 'estimates = { charge = "3m", pack = "2m" }\nparallel = [["charge", "pack"]]\ninput = { customer = 1 }'
    assert problems(template) == []


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ('answers = { charge = { after = "1h" } }', "charge of order_fulfilment asks nobody: its type is SIMPLE"),
        ('estimates = { chrage = "3m" }', 'estimates: order_fulfilment has no ref \'chrage\': did you mean "charge"?'),
        ('phase = [{ number = 1, refs = ["packk"] }]', 'phase[1].refs: order_fulfilment has no ref \'packk\''),
        ('parallel = [["charge", "pakc"]]', 'did you mean "pack"?'),
        ('watch = [{ ref = "chargee", starts = ["1m", "2m"] }]', 'watch: order_fulfilment has no ref \'chargee\''),
        ('watch = [{ ref = "charge", successor = "zzz", starts = ["1m", "2m"] }]', "known here: charge, pack"),
        ("input = { custommer = 1 }", 'declares no such input: did you mean "customer"?'),
    ],
)  # fmt: skip
def test_a_misspelt_name_is_told_with_the_nearest_one(problems, template, says):
    (problem,) = problems(template)
    assert problem.startswith("k1n.toml: template 01.")
    assert says in problem


def test_a_misspelt_workflow_is_told_with_the_nearest_one(problems):
    (problem,) = problems(workflow="order_fulfillment")
    assert 'did you mean "order_fulfilment"?' in problem


@pytest.mark.parametrize(("is_complete", "count"), [(True, 1), (False, 0)])
def test_a_workflow_that_resembles_none_may_be_known_to_a_server_at_a_url(problems, is_complete, count):
    assert len(problems(workflow="monthly_report", is_complete=is_complete)) == count


def test_a_plan_without_folders_takes_its_definitions_from_the_server(problems):
    assert problems(head="", workflow="monthly_report") == []


@pytest.mark.parametrize("key", ["definitions", "task_definitions"])
def test_a_folder_that_is_not_there_is_told_with_the_one_beside_it(problems, key):
    name = {"definitions": "workflow", "task_definitions": "task"}[key]
    (problem,) = problems(head=f'{key} = ["{name}"]')
    assert f"k1n.toml: {key}:" in problem
    assert f'did you mean "{name}s"?' in problem


def test_refs_that_come_to_exist_at_run_time_may_be_named(problems):
    assert problems('estimates = { shipped_1 = "3m" }', tasks=[*TASKS, DYNAMIC]) == []
    assert len(problems('estimates = { chrage = "3m" }', tasks=[*TASKS, DYNAMIC])) == 1


def test_a_ref_that_is_misspelt_in_two_places_is_told_once(problems):
    template = 'estimates = { chrage = "3m", pack = "1m" }\nphase = [{ number = 1, refs = ["chrage"] }]'
    assert len(problems(template)) == 1


@pytest.mark.parametrize("text", ["[]", "{", '{"name": "x"}', "[" * 100_000, "\ufeff[1]"])
def test_a_file_that_holds_no_definition_is_named(problems, tmp_path, text):
    (tmp_path / "workflows" / "bad.json").write_text(text)
    (problem,) = problems()
    assert "bad.json: " in problem
    assert "\n" not in problem
    assert len(problem) < 500


def test_a_task_of_a_sub_workflow_is_told_with_the_task_whose_time_it_shares(problems, tmp_path):
    child = {
        "name": "delivery",
        "version": 1,
        "tasks": [{"name": "drive", "taskReferenceName": "drive", "type": "SIMPLE"}],
    }
    (tmp_path / "workflows").mkdir(exist_ok=True)
    (tmp_path / "workflows" / "delivery.json").write_text(json.dumps(child))
    starts = {
        "name": "deliver", "taskReferenceName": "deliver", "type": "SUB_WORKFLOW",
        "subWorkflowParam": {"name": "delivery", "version": 1},
    }  # fmt: skip
    assert problems('estimates = { deliver = "4m" }', tasks=[*TASKS, starts]) == []
    [line] = problems('estimates = { drive = "4m" }', tasks=[*TASKS, starts])
    assert (
        "estimates: drive is a task of delivery, which deliver starts: name deliver, whose tasks share its time" in line
    )


@pytest.mark.parametrize(("ref", "count"), [("cell", 0), ("cell_0", 0), ("cellss", 1)])
def test_a_branch_named_after_a_task_definition_is_no_slip_for_a_ref_like_it(problems, tmp_path, ref, count):
    (tmp_path / "tasks").mkdir(exist_ok=True)
    (tmp_path / "tasks" / "cell.json").write_text(json.dumps([{"name": "cell", "retryCount": 0}]))
    head = 'definitions = ["workflows"]\ntask_definitions = ["tasks"]'
    tasks = [*TASKS, {**DYNAMIC, "type": "FORK_JOIN_DYNAMIC", "name": "cells", "taskReferenceName": "cells"}]
    assert len(problems(f'estimates = {{ {ref} = "3m" }}', head=head, tasks=tasks)) == count


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([{"name": "choose", "taskReferenceName": "way", "type": "DYNAMIC", "dynamicTaskNameParam": "x"}], "name way"),
        ([{"name": "cell", "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("one", "two")], "name one, two"),
        ([{**DYNAMIC, "type": "FORK_JOIN_DYNAMIC", "name": "cells", "taskReferenceName": "cells"}], ""),
    ],
)
def test_an_estimate_by_a_tasks_name_is_told_the_refs_since_nothing_would_read_it(problems, tmp_path, tasks, told):
    (tmp_path / "tasks" / "cell.json").write_text(json.dumps([{"name": "cell", "retryCount": 0}]))
    head = 'definitions = ["workflows"]\ntask_definitions = ["tasks"]'
    found = problems('estimates = { cell = "3m" }', head=head, tasks=tasks)
    assert [each.rpartition(": ")[2] for each in found] == [told] * bool(told)
