"""What is a difference between two definitions, and what only the server's way to write one down."""

import copy

import pytest

from pytest_k1n.core.definition.difference import differences

PLANNED = {
    "name": "order",
    "version": 3,
    "x-note": "the server drops it",
    "description": "for people",
    "tasks": [
        {"name": "reserve", "taskReferenceName": "reserve", "type": "SIMPLE", "inputParameters": {"n": 1}},
        {
            "name": "split", "taskReferenceName": "split", "type": "FORK_JOIN",
            "forkTasks": [
                [{"name": "pay", "taskReferenceName": "pay"}],
                [{"name": "pack", "taskReferenceName": "pack"}],
            ],
        },
        {"name": "both", "taskReferenceName": "both", "type": "JOIN", "joinOn": ["pay", "pack"]},
        {
            "name": "way", "taskReferenceName": "way", "type": "SWITCH", "expression": "x",
            "decisionCases": {"by/air": [{"name": "fly", "taskReferenceName": "fly"}]},
        },
    ],
}  # fmt: skip


def as_served(definition):
    """The definition as Conductor 3.32.1 shows it in an execution: all defaults written out, metadata added."""

    def task(given):
        return {
            "type": "SIMPLE", "inputParameters": {}, "decisionCases": {}, "defaultCase": [], "forkTasks": [],
            "startDelay": 0, "joinOn": [], "optional": False, "defaultExclusiveJoinTask": [], "asyncComplete": False,
            "loopOver": [], "onStateChange": {}, "permissive": False, "metadata": {},
            "taskDefinition": {"name": given["name"], "retryCount": 3},
            **given,
        }  # fmt: skip

    served = copy.deepcopy(definition)
    served.pop("x-note", None)
    served["tasks"] = [task(each) for each in served["tasks"]]
    return {
        "createTime": 0, "updateTime": 1_795_880_579_420, "schemaVersion": 2, "restartable": True,
        "workflowStatusListenerEnabled": False, "timeoutPolicy": "ALERT_ONLY", "timeoutSeconds": 0, "variables": {},
        "inputTemplate": {}, "enforceSchema": True, "metadata": {}, "maskedFields": [], **served,
    }  # fmt: skip


def found(change):
    ran = as_served(PLANNED)
    change(ran)
    return [tuple(each) for each in differences(PLANNED, ran)]


def test_what_the_server_adds_and_drops_is_no_difference():
    assert found(lambda ran: None) == []


def test_a_task_that_was_left_out_is_one_difference():
    assert found(lambda ran: ran["tasks"].pop(2)) == [
        ("/tasks", "[reserve, split, both, way]", "[reserve, split, way]"),
    ]


def test_a_branch_that_moved_behind_another_names_both_branches():
    def change(ran):
        ran["tasks"][1]["forkTasks"] = [[*ran["tasks"][1]["forkTasks"][0], *ran["tasks"][1]["forkTasks"][1]]]

    assert found(change) == [
        ("/tasks/1/forkTasks/0", "[pay]", "[pay, pack]"),
        ("/tasks/1/forkTasks/1", "[pack]", "[]"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "planned", "ran"),
    [
        ("startDelay", 4, "nothing", "4"),
        ("optional", True, "nothing", "True"),
        ("retryCount", 2, "nothing", "2"),
        ("asyncComplete", True, "nothing", "True"),
        ("type", "HTTP", "nothing", "'HTTP'"),
    ],
)
def test_what_only_the_one_that_ran_says_is_a_difference(key, value, planned, ran):
    assert found(lambda it: it["tasks"][0].update({key: value})) == [(f"/tasks/0/{key}", planned, ran)]


def test_a_pointer_leads_into_inputs_and_escapes_the_names_of_cases():
    assert found(lambda ran: ran["tasks"][0]["inputParameters"].update(n=True)) == [
        ("/tasks/0/inputParameters/n", "1", "True")
    ]
    assert found(lambda ran: ran["tasks"][3]["decisionCases"]["by/air"][0].update(name="sail")) == [
        ("/tasks/3/decisionCases/by~1air/0/name", "'fly'", "'sail'")
    ]


def test_an_empty_case_is_not_the_same_as_no_case():
    assert found(lambda ran: ran["tasks"][3]["decisionCases"].update(rail=[])) == [
        ("/tasks/3/decisionCases/rail", "no such case", "a case")
    ]


def test_what_a_join_waits_for_is_shown_where_it_differs():
    assert found(lambda ran: ran["tasks"][2].update(joinOn=["pay"])) == [
        ("/tasks/2/joinOn", "['pay', 'pack']", "['pay']")
    ]


def test_a_join_waits_for_all_in_whatever_order_it_names_them_and_however_often():
    assert found(lambda ran: ran["tasks"][2].update(joinOn=["pack", "pay"])) == []
    assert found(lambda ran: ran["tasks"][2].update(joinOn=["pack", "pay", "pack"])) == []


def test_an_exclusive_join_takes_the_first_so_that_its_order_is_a_difference():
    planned, ran = (single({"type": "EXCLUSIVE_JOIN", "joinOn": names}) for names in (["a", "b"], ["b", "a"]))
    assert [str(each) for each in differences(planned, ran)] == [
        "/tasks/0/joinOn/0: planned 'a', ran 'b'",
        "/tasks/0/joinOn/1: planned 'b', ran 'a'",
    ]


@pytest.mark.parametrize("key", ["inputParameters", "maskedFields"])
def test_names_that_a_workflow_declares_are_the_same_in_any_order(key):
    planned, ran = (single({"type": "NOOP"}, **{key: names}) for names in (["a", "b"], ["b", "a"]))
    assert differences(planned, ran) == ()
    assert differences(planned, single({"type": "NOOP"}, **{key: ["b"]})) != ()


def single(task, **fields):
    return {"name": "w", "version": 1, "tasks": [{"name": "t", "taskReferenceName": "t", **task}], **fields}


@pytest.mark.parametrize(
    ("planned", "ran"),
    [
        (
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child"}}),
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child", "version": 4}}),
        ),
        (
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "c", "workflowDefinition": single({})}}),
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {
                "name": "c", "version": 1, "workflowDefinition": as_served(single({})),
            }}),
        ),
        (single({"type": "DYNAMIC", "name": "any"}), single({"type": "DYNAMIC", "name": "ship"})),
        (
            single({"type": "SET_VARIABLE", "inputParameters": {"seen": 1}}),
            single({"type": "SET_VARIABLE", "inputParameters": {"seen": 1}}, variables={"seen": True}),
        ),
        (
            single({}, inputSchema={"name": "in", "version": 1}),
            single({}, inputSchema={"name": "in", "version": 1, "createTime": 0, "updateTime": 0}),
        ),
    ],
    ids=["the version of a sub-workflow", "a definition inside", "the name of a dynamic task", "variables", "a schema"],
)  # fmt: skip
def test_what_the_server_writes_while_it_runs_is_no_difference(planned, ran):
    assert differences(planned, ran) == ()


@pytest.mark.parametrize(
    ("planned", "ran", "where"),
    [
        (
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child", "version": 3}}),
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child", "version": 4}}),
            "/tasks/0/subWorkflowParam/version",
        ),
        (
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "c", "workflowDefinition": single({})}}),
            single({"type": "SUB_WORKFLOW", "subWorkflowParam": {
                "name": "c", "workflowDefinition": single({"startDelay": 9})}}),
            "/tasks/0/subWorkflowParam/workflowDefinition/tasks/0/startDelay",
        ),
        (single({"name": "pack"}), single({"name": "ship"}), "/tasks/0/name"),
        (single({}), single({"retryCount": 0}), "/tasks/0/retryCount"),
        (single({"type": "JOIN"}), single({"type": "JOIN", "joinMode": "SYNC"}), "/tasks/0/joinMode"),
        (single({}), single({}, variables={"seen": True}), "/variables"),
    ],
)  # fmt: skip
def test_the_same_elsewhere_is_a_difference(planned, ran, where):
    assert [each.pointer for each in differences(planned, ran)] == [where]


def test_the_name_that_a_dynamic_task_was_given_at_run_time_is_no_difference():
    dynamic = {"name": "choose", "taskReferenceName": "y", "type": "DYNAMIC", "dynamicTaskNameParam": "which"}
    assert differences({"name": "w", "tasks": [dynamic]}, {"name": "w", "tasks": [{**dynamic, "name": "ship"}]}) == ()
    other = {**dynamic, "type": "SIMPLE", "name": "ship"}
    assert len(differences({"name": "w", "tasks": [{**other, "name": "pack"}]}, {"name": "w", "tasks": [other]})) == 1


def test_an_inline_child_is_compared_as_a_definition():
    def parent(child, **said):
        return {
            "name": "w",
            "tasks": [
                {
                    "name": "c",
                    "taskReferenceName": "c",
                    "type": "SUB_WORKFLOW",
                    "subWorkflowParam": {**said, "workflowDefinition": child},
                }
            ],
        }

    child = {"name": "kid", "tasks": [{"name": "a", "taskReferenceName": "a"}]}
    filled = {
        "name": "kid", "version": 1, "schemaVersion": 2, "ownerEmail": "x@y.z",
        "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE", "decisionCases": {}, "startDelay": 0}],
    }  # fmt: skip
    assert differences(parent(child, name="what it is called here"), parent(filled, name="kid", version=1)) == ()
    renamed = {**filled, "tasks": [{**filled["tasks"][0], "name": "b"}]}
    (found,) = differences(parent(child), parent(renamed, name="kid", version=1))
    assert found.pointer == "/tasks/0/subWorkflowParam/workflowDefinition/tasks/0/name"


@pytest.mark.parametrize(
    ("planned", "ran"),
    [
        (
            {"type": "HTTP", "inputParameters": {"u": 1}},
            {"type": "HTTP", "inputParameters": {"u": 1, "asyncComplete": False}},
        ),
        (
            {"type": "EVENT", "sink": "conductor:x"},
            {"type": "EVENT", "sink": "conductor:x", "inputParameters": {"asyncComplete": True, "sink": "conductor:x"}},
        ),
        (
            {"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "kid"}},
            {"type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "kid", "version": 4}},
        ),
    ],
)
def test_what_the_server_writes_into_a_snapshot_while_it_runs_is_no_difference(planned, ran):
    def of(task):
        return {"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", **task}]}

    assert differences(of(planned), of(ran)) == ()
    assert len(differences(of({**planned, "name": "b"}), of(ran))) == 1


def test_another_input_or_version_of_a_child_is_a_difference():
    def of(**task):
        return {"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", **task}]}

    asked = of(inputParameters={"asyncComplete": True})
    assert len(differences(asked, of(inputParameters={"asyncComplete": False}))) == 1
    third = of(subWorkflowParam={"name": "kid", "version": 3})
    assert len(differences(third, of(subWorkflowParam={"name": "kid", "version": 4}))) == 1
    assert len(differences(third, of(subWorkflowParam={"name": "kid"}))) == 1


def test_variables_that_tasks_set_are_no_difference_and_others_are():
    sets = {"name": "s", "taskReferenceName": "s", "type": "SET_VARIABLE", "inputParameters": {"cart": "open"}}
    nested = {"name": "f", "taskReferenceName": "f", "type": "SWITCH", "decisionCases": {"x": [sets]}}
    ran = {"name": "w", "tasks": [nested], "variables": {"cart": "open"}}
    assert differences({"name": "w", "tasks": [nested]}, ran) == ()
    assert differences({"name": "w", "tasks": [nested], "variables": {"cart": "new"}}, ran) == ()
    (found,) = differences({"name": "w", "tasks": [nested], "variables": {"limit": 3}}, ran)
    assert found.pointer == "/variables"
    (found,) = differences({"name": "w", "tasks": []}, {"name": "w", "tasks": [], "variables": {"cart": 1}})
    assert found.pointer == "/variables"


@pytest.mark.parametrize(
    ("planned", "ran"),
    [
        (
            {"inputSchema": {"name": "s", "data": {"a": 0}}},
            {"inputSchema": {"name": "s", "createTime": 0, "data": {"a": 0}}},
        ),
        ({"rateLimitConfig": {"rateLimitKey": "k"}}, {"rateLimitConfig": {"rateLimitKey": "k", "policy": "QUEUE"}}),
    ],
)
def test_defaults_inside_of_objects_are_no_difference_and_what_they_say_is(planned, ran):
    ((key, inner),) = ran.items()
    assert differences({"name": "w", "tasks": [], **planned}, {"name": "w", "tasks": [], **ran}) == ()
    other = {key: {**inner, "policy": "REJECT", "data": {"a": 1}}}
    assert differences({"name": "w", "tasks": [], **planned}, {"name": "w", "tasks": [], **other}) != ()


def test_a_version_written_as_a_text_is_the_number():
    def of(version):
        task = {"name": "a", "taskReferenceName": "a", "type": "SUB_WORKFLOW"}
        return {"name": "w", "tasks": [{**task, "subWorkflowParam": {"name": "kid", "version": version}}]}

    assert differences(of("1"), of(1)) == ()
    assert len(differences(of("1"), of(2))) == 1


def planned_as(change):
    """Differences between PLANNED changed and what the server shows of that, each then changed once more."""
    planned = copy.deepcopy(PLANNED)
    change(planned)
    return planned


@pytest.mark.parametrize(
    ("key", "planned", "ran"),
    [
        ("enforceSchema", None, False), ("enforceSchema", False, True), ("maskedFields", None, ["card"]),
        ("maskedFields", ["card"], ["card", "pin"]), ("workflowStatusListenerEnabled", True, False),
    ],
)  # fmt: skip
def test_what_a_server_does_beside_the_tasks_is_content_too(key, planned, ran):
    wanted = planned_as(lambda each: each.update({} if planned is None else {key: planned}))
    assert [each.pointer for each in differences(wanted, as_served({**wanted, key: ran}))][:1] == [f"/{key}"]
    assert differences(wanted, as_served(wanted)) == ()


@pytest.mark.parametrize(
    ("planned", "ran", "pointers"),
    [
        ({"retryCount": 2}, {"retryCount": 2, "retryLogic": "FIXED", "timeoutSeconds": 0}, []),
        ({"retryCount": 2}, {"retryCount": 1}, ["retryCount"]),
        ({"retryCount": 0}, {"name": "reserve"}, ["retryCount"]),
        ({"name": "reserve"}, {"timeoutSeconds": 9, "timeoutPolicy": "RETRY"}, ["timeoutPolicy", "timeoutSeconds"]),
        ({"inputTemplate": {"a": 1}}, {"inputTemplate": {"a": 2}}, ["inputTemplate/a"]),
        ({"inputTemplate": {}}, {"inputTemplate": None}, []),
        (None, {"retryCount": 9}, []),
    ],
)
def test_the_task_definition_that_a_task_carries_is_compared(planned, ran, pointers):
    def carry(given):
        return planned_as(lambda each: each["tasks"][0].update({} if given is None else {"taskDefinition": given}))

    found = differences(carry(planned), as_served(carry(ran)))
    assert sorted(each.pointer for each in found) == [f"/tasks/0/taskDefinition/{each}" for each in sorted(pointers)]


@pytest.mark.parametrize(
    ("planned", "ran"),
    [
        ({"name": "kid", "version": 0}, {"name": "kid", "version": 3}),
        ({"name": "kid", "workflowDef": {"name": "kid"}}, {"name": "kid"}),
        ({"name": "kid", "taskToDomain": {}}, {"name": "kid", "version": 1}),
        ({"name": "kid", "version": 2}, {"name": "kid", "version": 2, "taskToDomain": {}, "priority": None}),
    ],
)
def test_what_says_nothing_of_a_child_is_no_difference(planned, ran):
    def start(child):
        return planned_as(lambda each: each["tasks"][0].update(type="SUB_WORKFLOW", subWorkflowParam=child))

    assert differences(start(planned), as_served(start(ran))) == ()


def test_nan_is_nan():
    one, other = (planned_as(lambda each: each["tasks"][0]["inputParameters"].update(n=float("nan"))) for _ in "12")
    assert differences(one, as_served(other)) == ()
