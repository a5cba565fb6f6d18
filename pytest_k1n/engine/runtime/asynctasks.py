"""EVENT and KAFKA_PUBLISH: system tasks that reach beyond their execution by what they publish."""

from __future__ import annotations

from typing import Final

from pytest_k1n.engine.decide.systemtasks import UNQUEUED
from pytest_k1n.engine.ids import INSTANCE
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED

_KAFKA_LACKS: Final = {
    "bootStrapServers": "No boot strap servers specified",
    "topic": "Missing Kafka topic. See documentation for KafkaTask for required input parameters",
    "value": "Missing Kafka value.  See documentation for KafkaTask for required input parameters",
}
"""What a request may lack, in the order in which the server looks, and what it says then."""


def run_event(task: TaskState) -> None:
    """Write down what is published to the internal queue; there is no other, and a task that names one fails."""
    execution = task.execution
    sink = task.input.get("sink")
    task.output = {
        **task.input,
        "workflowInstanceId": execution.workflow_id,
        "workflowType": execution.definition.name,
        "workflowVersion": execution.definition.version,
        "correlationId": execution.correlation_id,
        "taskToDomain": None if execution.lacks_domains and _is_as_it_was_started(execution) else execution.domains,
    }
    if sink is None:  # of a dynamic task the server resolves no sink
        task.status = FAILED
        task.reason = 'Cannot invoke "String.startsWith(String)" because "sinkValue" is null'
        return
    sink = str(sink)
    task.output["event_produced"] = sink
    kind, colon, name = sink.partition(":")
    if kind != "conductor":
        problem = f"Unknown queue type {kind}" if ":" in sink else f"Illegal event {sink}"
        task.status = FAILED
        task.reason = f"Error loading queue:{sink}, for task:{task.task_id}, error: {problem}"
        return
    task.output["event_produced"] = f"conductor:{execution.definition.name}:{name if colon else task.ref}"
    task.status = COMPLETED


def _is_as_it_was_started(execution: ExecutionState) -> bool:
    """Tell whether the server has not read an execution again since its start: nothing but its decider has ended it."""
    return all(task.is_open or task.type in _AT_ONCE for task in execution.tasks)


_AT_ONCE: Final = (UNQUEUED - {"JOIN"}) | {"FORK", "EVENT"}


def kafka_refusal(task: TaskState) -> str | None:
    """Say why the server sends nothing for a task that publishes to Kafka; None: it would, and a worker may instead.

    Only a dynamic task gets here: a definition that has one is refused.
    """
    request = task.input.get("kafka_request")
    if request is None:
        return (
            "Missing Kafka request. Task input MUST have a 'kafka_request' key with KafkaTask.Input as value. "
            "See documentation for KafkaTask for required input parameters"
        )
    if not isinstance(request, dict):
        return None
    return next((reason for field, reason in _KAFKA_LACKS.items() if request.get(field) in (None, "")), None)


def refuse_kafka(task: TaskState) -> None:
    """Fail a task that publishes to Kafka for what its request lacks."""
    task.status, task.reason, task.worker_id = FAILED, kafka_refusal(task), INSTANCE
