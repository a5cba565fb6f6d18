"""What to write next: for everything that was not exercised the test that would, as concrete as it can be said."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pytest_k1n.core.model import Json, WorkflowDefinition, WorkflowTask
from pytest_k1n.core.text import counted

_INPUT = re.compile(r"\$\{workflow\.input\.([\w-]+)\}")
_OUTPUT = re.compile(r"\$\{([\w-]+)\.output\.([\w-]+)\}")
_LENGTH = 80


class Advisor:
    """Knows a definition, and how its tasks are reached."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        self._definition = definition
        self._within: dict[str, tuple[str, str]] = {}  # by ref: the SWITCH and the case that a task sits in
        self._note_cases(definition.tasks, None)

    def reach(self, task: WorkflowTask) -> str:
        """Say how a task is reached."""
        within = self._within.get(task.ref)
        if within is None:
            return f"{self._run()} and let it come to {task.ref}"
        switch = self._definition.task(within[0])
        assert switch is not None
        advice = self.default_case(switch) if within[1] == "" else self.case(switch, within[1])
        return f"{advice}; then let it come to {task.ref}"

    def case(self, switch: WorkflowTask, case: str) -> str:
        """Say how a SWITCH takes a case that a value names."""
        return self._decide(switch, case, f"{switch.ref} must take case {case!r}")

    def default_case(self, switch: WorkflowTask) -> str:
        """Say how a SWITCH takes its default case."""
        other = next(text for text in ("other", "none of them", "default-case") if text not in switch.cases)
        return self._decide(switch, other, f"{switch.ref} must take its default case: no value of {_listed(switch)}")

    def rounds(self, loop: WorkflowTask, rounds: str) -> str:
        """Say how a loop is left after none, one or several rounds."""
        if loop.raw.get("items"):
            what = {"0": "no item", "1": "one item", "n": "two items or more"}[rounds]
            return f"{self._run()} with {what} in {_short(loop.raw.get('items'))} for {loop.ref}"
        what = "one round" if rounds == "1" else "two rounds or more"
        condition = _short(loop.raw.get("loopCondition"))
        return f"{self._run()} so that {loop.ref} ends after {what}; it goes on while {condition}"

    def branches(self, fork: WorkflowTask, branches: str) -> str:
        """Say how a dynamic fork gets none, one or several branches."""
        what = {"0": "no task", "1": "one task", "n": "two tasks or more"}[branches]
        name = fork.raw.get("dynamicForkTasksParam") or fork.raw.get("dynamicForkJoinTasksParam")
        source = fork.inputs.get(str(name)) if name else None
        if isinstance(source, str) and (found := _OUTPUT.fullmatch(source)):
            tasks = {"0": "[]", "1": "[task]", "n": "[task, other]"}[branches]
            return f"{self._run(handlers=f'{{{_text(found[1])}: lambda task: {{{_text(found[2])}: {tasks}, ...}}}}')}"
        return f"{self._run()} with {what} for {fork.ref} to fork"

    def retry(self, task: WorkflowTask, retries: int) -> str:
        """Say how a task is retried."""
        known = counted(retries, "retry", "retries")
        return f"let the first attempt of {task.ref} fail and the next succeed (it has {known})"

    def timeout(self, task: WorkflowTask, limit_s: int) -> str:
        """Say how a task times out."""
        return f"let {task.ref} take longer than its timeout of {limit_s} s, and expect what its policy says"

    def fail(self, task: WorkflowTask, because: str) -> str:
        """Say how a task fails for good, and why that is worth a test."""
        return f"{self._run(handlers=f'{{{_text(task.ref)}: lambda task: 1 / 0}}')} ({because})"

    def workflow_timeout(self) -> str:
        """Say how the workflow times out."""
        return f"let {self._definition.name} take longer than its timeout of {self._definition.timeout_s} s"

    def failure_workflow(self) -> str:
        """Say how the failure workflow is started."""
        task = next((each for each in self._definition.walk() if each.type == "SIMPLE"), None)
        handlers = f"{{{_text(task.ref)}: lambda task: 1 / 0}}" if task else None
        return f"{self._run(handlers=handlers)} and expect {self._definition.failure_workflow} to be started"

    def _decide(self, switch: WorkflowTask, value: str, otherwise: str) -> str:
        """Make a SWITCH evaluate to a value: by an input or an output that it is no more than handed through."""
        source = switch.inputs.get(_parameter(switch))
        if isinstance(source, str) and (given := _INPUT.fullmatch(source)):
            return self._run(given=f"{{{_text(given[1])}: {_text(value)}}}")
        if isinstance(source, str) and (made := _OUTPUT.fullmatch(source)):
            return self._run(handlers=f"{{{_text(made[1])}: lambda task: {{{_text(made[2])}: {_text(value)}}}}}")
        expression = switch.raw.get("expression") or switch.raw.get("caseExpression")
        return f"{self._run()}; {otherwise} (it evaluates {_short(expression)})"

    def _run(self, *, given: str | None = None, handlers: str | None = None) -> str:
        arguments = [_text(self._definition.name)]
        arguments += [f"input={given}"] if given else []
        arguments += [f"handlers={handlers}"] if handlers else []
        return f"conductor.run({', '.join(arguments)})"

    def _note_cases(self, tasks: Sequence[WorkflowTask], within: tuple[str, str] | None) -> None:
        for task in tasks:
            if within is not None:
                self._within[task.ref] = within
            for case, inner in task.cases.items():
                self._note_cases(inner, (task.ref, case))
            self._note_cases(task.default_case, (task.ref, ""))
            for branch in task.branches:
                self._note_cases(branch, within)
            self._note_cases(task.loop_over, within)


def _parameter(switch: WorkflowTask) -> str:
    """Return the input parameter that a SWITCH takes its value from as it is; empty if it computes one."""
    raw = switch.raw
    if raw.get("evaluatorType", "value-param") == "value-param" and isinstance(raw.get("expression"), str):
        return str(raw["expression"])
    return str(raw.get("caseValueParam") or "")


def _listed(switch: WorkflowTask) -> str:
    return ", ".join(map(repr, switch.cases)) or "none"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 3]}..."
