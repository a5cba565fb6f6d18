"""Run by `test_sdk_workers.py` where the official SDK is installed: a module of its workers as handlers."""

from pytest_k1n import attempts, completed, failed


def task(name, **inputs):
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE", "inputParameters": inputs}


def workflow(*tasks):
    return {"name": "w", "version": 1, "ownerEmail": "me@example.com", "tasks": list(tasks)}


def test_decorated_functions_and_worker_objects_serve_their_tasks(conductor):
    order = {"id": "o1", "total": 3}
    flow = workflow(task("charge", order=order), task("pack", what="tea"), task("export"), task("plain"))
    execution = conductor.run(flow, handlers="shop_workers")
    execution.expect(completed())
    assert execution.task("charge").output["number"] == "o1-3EUR"
    assert execution.task("pack").output["packed"] == "tea"
    assert execution.task("export").ended_ms - execution.task("export").scheduled_ms == 60_000
    assert execution.task("plain").output["plain"] == "plain"
    logs = execution.observation.logs[execution.task("charge").task_id]
    assert [line for _, line in logs] == ["charging o1"]


def test_a_refusal_for_good_is_not_retried_and_a_missing_input_is_none(conductor):
    rules = [{"name": "refuse", "retryCount": 3, "retryDelaySeconds": 1, "ownerEmail": "me@example.com"}]
    execution = conductor.run(workflow(task("refuse")), handlers="shop_workers", task_definitions=rules)
    execution.expect(failed(reason="never: None"), attempts("refuse", 1))


def test_one_decorated_function_is_a_handler_under_any_key(conductor):
    import shop_workers

    flow = workflow(task("other", order={"id": "o2"}))
    execution = conductor.run(flow, handlers={"other": shop_workers.charge_it})
    assert execution.task("other").output["number"] == "o2-0EUR"
