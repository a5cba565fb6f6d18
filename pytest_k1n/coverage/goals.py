"""What of a workflow definition can be exercised: one goal for everything that an execution may or may not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_k1n.core.model import SYSTEM_TASK_TYPES, TaskDefinition, WorkflowDefinition, WorkflowTask
from pytest_k1n.coverage.advisor import Advisor

NONE, ONE, SEVERAL = "0", "1", "n"


class GoalKind(StrEnum):
    """What kind of thing a goal is, in the order in which tables show them."""

    TASK = "task"
    CASE = "case"
    DEFAULT = "default case"
    LOOP = "loop"
    FORK = "fork"
    RETRY = "retry"
    TIMEOUT = "timeout"
    OPTIONAL = "optional"
    PERMISSIVE = "permissive"
    SUB_WORKFLOW = "sub-workflow"
    TERMINATION = "termination"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing to exercise; what it is to be told by is its kind, place and detail."""

    kind: GoalKind
    ref: str = ""
    """The task; empty for the workflow itself."""
    detail: str = ""
    """The case, or how many rounds or branches: 0, 1 or n."""
    advice: str = field(default="", compare=False)
    """What to write to exercise it."""

    @property
    def name(self) -> str:
        """Whose goal it is."""
        return self.ref or "the workflow"

    @property
    def what(self) -> str:
        """Name it in words."""
        return _WORDS[self.kind].format(ref=self.name, detail=self.detail or "", times=_TIMES.get(self.detail, ""))


_TIMES = {NONE: "none", ONE: "one", SEVERAL: "several"}
_WORDS: Mapping[GoalKind, str] = {
    GoalKind.TASK: "{ref} runs",
    GoalKind.CASE: "{ref} takes case {detail!r}",
    GoalKind.DEFAULT: "{ref} takes its default case",
    GoalKind.LOOP: "{ref} is left after {detail} rounds",
    GoalKind.FORK: "{ref} forks {times}",
    GoalKind.RETRY: "{ref} is retried",
    GoalKind.TIMEOUT: "{ref} times out",
    GoalKind.OPTIONAL: "{ref} fails, being optional",
    GoalKind.PERMISSIVE: "{ref} fails, being permissive",
    GoalKind.SUB_WORKFLOW: "{ref} runs its sub-workflow",
    GoalKind.TERMINATION: "{ref} terminates the workflow",
    GoalKind.FAILURE: "the failure workflow {detail} is started",
}


def goals_of(
    definition: WorkflowDefinition, task_definitions: Mapping[str, TaskDefinition] | None = None
) -> tuple[Goal, ...]:
    """Return the goals of a definition, in its order.

    `task_definitions` by name say of tasks that carry no definition of their own whether they are retried and time
    out; of a task without a definition that is unknown, and no goal.
    """
    advisor = Advisor(definition)
    goals = [goal for task in definition.walk() for goal in _of_task(task, task_definitions or {}, advisor)]
    if definition.timeout_s and definition.timeout_policy == "TIME_OUT_WF":
        goals.append(Goal(GoalKind.TIMEOUT, "", "", advisor.workflow_timeout()))
    if definition.failure_workflow:
        goals.append(Goal(GoalKind.FAILURE, "", definition.failure_workflow, advisor.failure_workflow()))
    return tuple(dict.fromkeys(goals))


def _of_task(task: WorkflowTask, known: Mapping[str, TaskDefinition], advisor: Advisor) -> Iterator[Goal]:
    kind = _RUNS.get(task.type, GoalKind.TASK)
    yield Goal(kind, task.ref, "", advisor.reach(task))
    if task.type in ("SWITCH", "DECISION"):
        for case in task.cases:
            yield Goal(GoalKind.CASE, task.ref, case, advisor.case(task, case))
        yield Goal(GoalKind.DEFAULT, task.ref, "", advisor.default_case(task))
    elif task.type == "DO_WHILE":
        # A loop with a condition goes round at least once; one over items may have none.
        for rounds in (NONE, ONE, SEVERAL) if task.raw.get("items") else (ONE, SEVERAL):
            yield Goal(GoalKind.LOOP, task.ref, rounds, advisor.rounds(task, rounds))
    elif task.type == "FORK_JOIN_DYNAMIC":
        for branches in (NONE, ONE, SEVERAL):
            yield Goal(GoalKind.FORK, task.ref, branches, advisor.branches(task, branches))
    definition = task.task_definition or known.get(task.name)
    if task.type not in SYSTEM_TASK_TYPES:
        retries = task.retry_count if task.retry_count is not None else definition.retry_count if definition else 0
        if retries:
            yield Goal(GoalKind.RETRY, task.ref, "", advisor.retry(task, retries))
    if definition and (task.type not in SYSTEM_TASK_TYPES or _is_asked(task)):
        limit_s = definition.timeout_s or definition.poll_timeout_s or definition.total_timeout_s
        if limit_s:
            yield Goal(GoalKind.TIMEOUT, task.ref, "", advisor.timeout(task, limit_s))
    if task.optional:
        yield Goal(GoalKind.OPTIONAL, task.ref, "", advisor.fail(task, "optional: what follows must still run"))
    if task.permissive:
        yield Goal(
            GoalKind.PERMISSIVE, task.ref, "", advisor.fail(task, "permissive: its branch goes on until the JOIN")
        )


def _is_asked(task: WorkflowTask) -> bool:
    """Whether somebody outside ends a task, who may be too late: a WAIT that names no time of its own is one."""
    return task.type == "HUMAN" or (task.type == "WAIT" and not {"duration", "until"} & task.inputs.keys())


_RUNS = {"SUB_WORKFLOW": GoalKind.SUB_WORKFLOW, "TERMINATE": GoalKind.TERMINATION}
