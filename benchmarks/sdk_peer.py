"""Runs in the SDK's environment: answers one JSON line per question on standard input."""

import json
import logging
import sys
import time

from conductor.client.automator.task_runner import TaskRunner
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.api.task_resource_api import TaskResourceApi
from conductor.client.http.api_client import ApiClient
from conductor.client.http.models.task_result import TaskResult
from conductor.client.worker.worker import Worker

logging.disable(logging.CRITICAL)
configuration = Configuration(server_api_url=sys.argv[1])
out, sys.stdout = sys.stdout, sys.stderr


def pairs(count):
    """Time poll + update, in microseconds each."""
    api = TaskResourceApi(ApiClient(configuration))
    times = []
    for _ in range(count):
        began = time.perf_counter()
        task = api.batch_poll("type_0", count=1, timeout=0, workerid="w")[0]
        api.update_task(
            TaskResult(task_id=task.task_id, workflow_instance_id=task.workflow_instance_id, worker_id="w",
                       status="COMPLETED", output_data={"x": 1})
        )  # fmt: skip
        times.append((time.perf_counter() - began) * 1e6)
    return times


def throughput(seconds):
    """Count what one task runner does, on its threads."""
    done = 0

    def work(task):  # noqa: ARG001 - the SDK's signature
        nonlocal done
        done += 1
        return {"x": 1}

    runner = TaskRunner(Worker("type_0", work, thread_count=16, poll_interval=1), configuration)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        runner.run_once()
    return done


for line in sys.stdin:
    question = json.loads(line)
    if question["what"] == "pairs":
        answer = {"times": pairs(question["count"])}
    elif question["what"] == "throughput":
        began = time.monotonic()
        done = throughput(question["seconds"])
        answer = {"rate": done / (time.monotonic() - began)}
    else:
        answer = {"ready": 1}
    print(json.dumps(answer), file=out, flush=True)
