"""Loops that do not end: what is said of one when an execution has run out of the time it was given."""

from __future__ import annotations

import json
from typing import Final

from pytest_k1n.core.model import Execution

_WIDTH: Final = 300


def loop_in_words(*, workflow: str, ref: str, iteration: int, condition: object, last: object) -> str:
    """Name a loop, its condition, the values of its last round, and what would end it."""
    values = json.dumps(_shown(last), default=str)
    values = values if len(values) <= _WIDTH else f"{values[:_WIDTH]}…"
    return (
        f"the loop {ref} of {workflow} is in iteration {iteration} and its condition `{condition}` has held each "
        f"time; last values: {values}. It ends when the condition is false: give a task of its body a handler whose "
        "output says so, or bound it by the iteration"
    )


def loops_of(execution: Execution) -> list[str]:
    """Say of each loop that is going round, from its second iteration on, what would end it."""
    tasks = {task.ref: task for task in execution.definition.walk()} if execution.definition else {}
    found = []
    for record in execution.tasks:
        task = tasks.get(record.ref)
        if task is None or task.type != "DO_WHILE" or record.status.is_terminal:
            continue
        body = {inner.ref for inner in task.loop_over}
        rounds = [each for each in execution.tasks if each.ref in body and each.status.is_terminal]
        iteration = max((each.iteration for each in rounds), default=0)
        if iteration > 1:
            last = {each.ref: dict(each.output) for each in rounds if each.iteration == iteration}
            condition = task.raw.get("loopCondition")
            found.append(
                loop_in_words(
                    workflow=execution.name, ref=record.ref, iteration=iteration, condition=condition, last=last
                )
            )
    return found


def _shown(value: object) -> object:
    """Leave out what the worker says about itself."""
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items() if key != "_k1n"}
    return value
