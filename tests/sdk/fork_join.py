"""Runs in the environment of the official SDK: `fork_join.py URL` registers, starts and completes a fork/join workflow.

The SDK's own clients and task runners do everything; what they did is printed, one line each. Exit code 0 if it held.
"""

import logging
import sys
import time

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models import StartWorkflowRequest, TaskDef
from conductor.client.orkes_clients import OrkesClients
from conductor.client.worker.worker_task import worker_task
from conductor.client.workflow.conductor_workflow import ConductorWorkflow
from conductor.client.workflow.task.fork_task import ForkTask
from conductor.client.workflow.task.join_task import JoinTask
from conductor.client.workflow.task.simple_task import SimpleTask

NAME = "SDK_FORK_JOIN"
WITHIN_S = 60


@worker_task(task_definition_name="sdk_charge", poll_interval_millis=10)
def charge(order: int) -> dict:
    return {"charged": order}


@worker_task(task_definition_name="sdk_pack", poll_interval_millis=10)
def pack(order: int) -> dict:
    return {"packed": order}


@worker_task(task_definition_name="sdk_ship", poll_interval_millis=10)
def ship(charged: int, packed: int) -> dict:
    return {"shipped": charged == packed}


def definition(executor):
    workflow = ConductorWorkflow(executor, name=NAME, version=1).owner_email("k1n@example.com")
    branches = [
        [SimpleTask("sdk_charge", "charge").input_parameter("order", "${workflow.input.order}")],
        [SimpleTask("sdk_pack", "pack").input_parameter("order", "${workflow.input.order}")],
    ]
    last = SimpleTask("sdk_ship", "ship")
    last.input_parameter("charged", "${charge.output.charged}").input_parameter("packed", "${pack.output.packed}")
    workflow >> ForkTask("split", branches) >> JoinTask("both", join_on=["charge", "pack"]) >> last
    return workflow.output_parameters({"shipped": "${ship.output.shipped}"})


def main(url):
    logging.disable(logging.CRITICAL)
    configuration = Configuration(base_url=url)
    clients = OrkesClients(configuration=configuration)
    metadata, executions = clients.get_metadata_client(), clients.get_workflow_client()
    for name in ("sdk_charge", "sdk_pack", "sdk_ship"):
        metadata.register_task_def(TaskDef(name=name, owner_email="k1n@example.com", retry_count=1))
    print("registered", *sorted(each.name for each in metadata.get_all_task_defs()))
    workflow = definition(clients.get_workflow_executor())
    workflow.register(overwrite=True)
    print("registered", metadata.get_workflow_def(NAME, version=1).name)
    with TaskHandler([], configuration, scan_for_annotated_workers=True) as handler:
        handler.start_processes()
        workflow_id = executions.start_workflow(StartWorkflowRequest(name=NAME, version=1, input={"order": 7}))
        print("started", workflow_id)
        deadline = time.monotonic() + WITHIN_S
        while (execution := executions.get_workflow(workflow_id, include_tasks=True)).status == "RUNNING":
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
    for task in execution.tasks:
        print(f"{task.reference_task_name:<7} {task.task_type:<10} {task.status:<10} {task.output_data}")
    found = executions.search(query=f"workflowType = {NAME} AND status = COMPLETED")
    print("found", len(found.results), "by search;", execution.status, execution.output)
    return 0 if execution.status == "COMPLETED" and execution.output == {"shipped": True} and found.results else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
