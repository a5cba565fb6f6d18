"""Workers written for conductor-python, recognised where a team has imported it; it is never imported here."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_k1n.workers.handler import TaskContext

_REGISTRY = "conductor.client.automator.task_handler"
_TASK = "conductor.client.http.models.task"
_RESULT = "conductor.client.http.models.task_result"
_CONTEXT = "conductor.client.context.task_context"


def worker_names() -> dict[int, str]:
    """Return the task type of each function decorated with `@worker_task` so far, by the function's identity."""
    decorated = getattr(sys.modules.get(_REGISTRY), "_decorated_functions", None) or {}
    return {id(record["func"]): str(name) for (name, _domain), record in decorated.items()}


def task_type_of(target: object) -> str | None:
    """Return the task type that a decorated function or a worker object serves; None for anything else."""
    if _REGISTRY in sys.modules and callable(target) and not inspect.isclass(target):
        name = worker_names().get(id(inspect.unwrap(target)))
        if name is not None:
            return name
    if not inspect.isclass(target) and callable(getattr(target, "execute", None)):
        named = getattr(target, "get_task_definition_name", None)
        return str(named()) if callable(named) else None
    return None


def is_worker(function: Callable[..., object]) -> bool:
    """Tell whether a function was decorated with `@worker_task`."""
    return _REGISTRY in sys.modules and id(inspect.unwrap(function)) in worker_names()


def is_task_type(annotation: object) -> bool:
    """Tell whether an annotation is conductor-python's Task."""
    return getattr(annotation, "__name__", "") == "Task" and getattr(annotation, "__module__", "") == _TASK


def task(context: TaskContext, wanted: Any = None) -> Any:
    """Return the task in conductor-python's form; as it is where that library is not loaded."""
    kind = wanted if is_task_type(wanted) else getattr(sys.modules.get(_TASK), "Task", None)
    if kind is None:
        return context
    return kind(
        task_id=context.task_id,
        task_type=context.task_type,
        task_def_name=context.task_type,
        reference_task_name=context.ref,
        workflow_instance_id=context.workflow_id,
        workflow_type=context.workflow_name,
        correlation_id=context.correlation_id,
        input_data=dict(context.input),
        retry_count=context.attempt,
        iteration=context.iteration,
        status="IN_PROGRESS",
    )


@contextmanager
def task_context(context: TaskContext) -> Iterator[None]:
    """Let `get_task_context()` work in a decorated function, and keep the lines it logs."""
    module = sys.modules.get(_CONTEXT)
    kind = getattr(sys.modules.get(_RESULT), "TaskResult", None)
    if module is None or kind is None:
        yield
        return
    result = kind(workflow_instance_id=context.workflow_id, task_id=context.task_id)
    module._set_task_context(task(context), result)
    try:
        yield
    finally:
        module._clear_task_context()
        for entry in getattr(result, "logs", None) or ():
            context.log(str(getattr(entry, "log", entry)))
