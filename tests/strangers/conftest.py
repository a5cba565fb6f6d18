"""Definitions of people who have never seen this project, in the shapes they have; the tests run on any server."""

import pytest


def simple(name, ref=None, **inputs):
    return {"name": name, "taskReferenceName": ref or name, "type": "SIMPLE", "inputParameters": inputs}


def workflow(*tasks, name="strangers", **fields):
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "me@example.com", "tasks": [*tasks], **fields}


def sub(ref, name, **parameter):
    return {
        "name": ref,
        "taskReferenceName": ref,
        "type": "SUB_WORKFLOW",
        "subWorkflowParam": {"name": name, **parameter},
    }


class Make:
    """What the tests build their definitions of."""

    simple = staticmethod(simple)
    workflow = staticmethod(workflow)
    sub = staticmethod(sub)

    @staticmethod
    def fork_over(tasks, inputs):
        fork = {
            "name": "each",
            "taskReferenceName": "each",
            "type": "FORK_JOIN_DYNAMIC",
            "dynamicForkTasksParam": "tasks",
            "dynamicForkTasksInputParamName": "inputs",
            "inputParameters": {"tasks": tasks, "inputs": inputs},
        }
        return fork, {"name": "all", "taskReferenceName": "all", "type": "JOIN"}


@pytest.fixture
def make():
    return Make
