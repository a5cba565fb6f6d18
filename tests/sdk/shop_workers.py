"""Workers as a team writes them for the official SDK; `test_sdk_workers.py` runs them without it polling anything."""

from dataclasses import dataclass

from conductor.client.context.task_context import TaskInProgress, get_task_context
from conductor.client.http.models import Task, TaskResult
from conductor.client.http.models.task_result_status import TaskResultStatus
from conductor.client.worker.exception import NonRetryableException
from conductor.client.worker.worker import Worker
from conductor.client.worker.worker_task import worker_task

ASKED = []


@dataclass
class Order:
    id: str
    total: int = 0


@dataclass
class Receipt:
    number: str


@worker_task(task_definition_name="charge")
def charge_it(order: Order, currency: str = "EUR") -> Receipt:
    get_task_context().add_log(f"charging {order.id}")
    return Receipt(number=f"{order.id}-{order.total}{currency}")


@worker_task(task_definition_name="pack")
async def pack(task: Task) -> TaskResult:
    result = TaskResult(task_id=task.task_id, workflow_instance_id=task.workflow_instance_id)
    result.status = TaskResultStatus.COMPLETED
    result.add_output_data("packed", task.input_data["what"])
    return result


@worker_task(task_definition_name="export")
def export(task):
    ASKED.append(task.retry_count)
    return {"done": True} if len(ASKED) > 1 else TaskInProgress(callback_after_seconds=60, output={"progress": 50})


@worker_task(task_definition_name="refuse")
def refuse(why: str):
    raise NonRetryableException(f"never: {why}")


def helper(x):
    return x


plain = Worker("plain", lambda task: {"plain": task.reference_task_name})
