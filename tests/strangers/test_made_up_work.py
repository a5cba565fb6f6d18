"""Work that is made up does not fail by the time limits that a definition has."""

import pytest

from pytest_k1n import completed, timed_out

SHORT = {"timeoutSeconds": 30, "responseTimeoutSeconds": 20, "timeoutPolicy": "TIME_OUT_WF", "retryCount": 0}


def limited(make, **fields):
    return {**make.simple("greet"), "taskDefinition": {"name": "greet", **SHORT}, **fields}


def test_the_workflows_own_limit_is_kept(conductor, make):
    flow = make.workflow(make.simple("a"), make.simple("b"), timeoutSeconds=60, timeoutPolicy="TIME_OUT_WF")
    conductor.run(flow).expect(completed())


def test_a_tasks_limit_is_kept_whether_the_task_carries_it_or_it_is_given(conductor, make):
    conductor.run(make.workflow(limited(make))).expect(completed())
    given = [{"name": "greet", "ownerEmail": "me@example.com", **SHORT}]
    conductor.run(make.workflow(make.simple("greet", ref="first")), task_definitions=given).expect(completed())


def test_a_childs_limit_is_kept(conductor, make):
    child = make.workflow(make.simple("a"), name="short_child", timeoutSeconds=10, timeoutPolicy="TIME_OUT_WF")
    conductor.run(make.workflow(make.sub("kid", "short_child")), children=[child]).expect(completed())


@pytest.mark.virtual
@pytest.mark.parametrize("key", ["greet", "first"])
def test_what_the_test_says_counts_by_ref_and_by_name(conductor, make, key):
    flow = make.workflow(limited(make, taskReferenceName="first"))
    conductor.run(flow, takes={key: "40s"}).expect(timed_out())
