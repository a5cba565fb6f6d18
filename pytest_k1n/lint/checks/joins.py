"""Forks and their JOINs."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.lint.check import Hit, Level
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskList, TaskNode, listed

FORKS = ("FORK_JOIN", "FORK_JOIN_DYNAMIC")


def fork_without_join(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find forks that no JOIN follows."""
    for task in workflow.tasks:
        following = task.following
        if task.type in FORKS and (following is None or following.type != "JOIN"):
            after = (
                f"{following.ref or following.name} ({following.type}) follows it"
                if following
                else "it is the last of its list"
            )
            yield Hit(task.path, f"no JOIN follows the fork: {after}", ref=task.ref)


def empty_branch(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find branches without a task."""
    for task in workflow.tasks:
        for number, branch in enumerate(task.lists("forkTasks")):
            if task.type == "FORK_JOIN" and not branch.tasks:
                yield Hit(branch.path, f"branch {number} has no task", ref=task.ref)


def join_on_nothing(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find JOINs of static forks with nothing in joinOn."""
    for fork, join in _static(workflow):
        if not _join_on(join) and any(branch.tasks for branch in fork.lists("forkTasks")):
            after = f": {join.following.ref} starts at once, beside the branches" if join.following else ""
            ends = [branch.tasks[-1].ref for branch in fork.lists("forkTasks") if branch.tasks]
            names = ", ".join(f'"{end}"' for end in ends[:8])
            yield Hit((*join.path, "joinOn"), f"waits for nothing{after}", f'write "joinOn": [{names}]', ref=join.ref)


def branch_not_joined(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find branches that the JOIN behind their fork does not wait for, or not to their end."""
    for fork, join in _static(workflow):
        join_on = set(_join_on(join))
        if not join_on:
            continue  # said once, by join-on-nothing
        for branch in fork.lists("forkTasks"):
            if branch.tasks and (found := _left_out(branch, join_on, join)):
                yield found


def _left_out(branch: TaskList, join_on: set[str], join: TaskNode) -> Hit | None:
    last = branch.tasks[-1]
    inside = {task.ref for task in last.walk()} if last.type != "DO_WHILE" else set()
    if last.ref in join_on and last.type not in ("SWITCH", "DECISION"):
        return None
    path = (*join.path, "joinOn")
    if last.ref in join_on:  # a SWITCH ends when it has decided, before the tasks of its case have begun
        if not inside or inside & join_on or _all_terminate(last):
            return None
        return Hit(
            path,
            f"waits for the decision of {last.ref}, not for the tasks of its cases",
            f"put a task behind {last.ref} in its branch, a NOOP will do, and wait for that",
            ref=join.ref,
        )
    if inside & join_on or last.type == "TERMINATE" or (last.type in ("SWITCH", "DECISION") and _all_terminate(last)):
        return None
    refs = {task.ref for each in branch.tasks for task in (each, *each.walk())}
    if joined := sorted(refs & join_on):
        return Hit(
            path, f"waits for {joined[-1]}, but the branch goes on to {last.ref}", f'add "{last.ref}"', ref=join.ref
        )
    return Hit(path, f"does not wait for the branch that ends with {last.ref}", f'add "{last.ref}"', ref=join.ref)


def join_on_unknown(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find JOINs that wait for what no task is called, for themselves, or for what starts after them."""
    for join, path, ref in _waits(workflow):
        if ref == join.ref:
            yield Hit(path, "waits for itself", f"remove {ref}", _mildly(join), join.ref)
        elif ref not in workflow.by_ref:
            if (round_of := _task_of_round(workflow, ref)) is not None:
                said = f"waits for {ref}, a round of the loop {round_of.ref}: for ever if the loop ends before it"
                yield Hit(path, said, f'wait for "{round_of.ref}"', Level.WARNING, join.ref)
            elif not workflow.has_dynamic_fork:
                hint = suggestion(ref, workflow.by_ref)
                yield Hit(path, f"waits for {ref!r}, which no task is called", hint, _mildly(join), join.ref)
        elif workflow.graph is not None and _is_later(workflow, ref, join):
            yield Hit(path, f"waits for {ref}, which starts only after it", f"remove {ref}", _mildly(join), join.ref)


def join_on_case(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find JOINs that wait for a task of a case, which does not run if another case is taken."""
    for join, path, ref in _waits(workflow):
        task = workflow.by_ref.get(ref)
        around = set(map(id, join.owners))
        if task is None:
            continue
        inner = task
        for owner in task.owners:
            if id(owner) in around:
                break
            if owner.type in ("SWITCH", "DECISION") and not _others_terminate(owner, inner.siblings):
                case = f"case {inner.siblings.case!r}" if inner.siblings.case else "the default case"
                yield Hit(
                    path,
                    f"waits for {ref}, which runs only if {owner.ref} takes {case}",
                    f"put a NOOP behind {owner.ref} in its branch, and wait for that",
                    _mildly(join),
                    join.ref,
                )
                break
            inner = owner


def join_across_loop(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find JOINs that wait for a task of a loop from outside of it."""
    for join, path, ref in _waits(workflow):
        task = workflow.by_ref.get(ref)
        if task is None or task.loop is join.loop or ref == join.ref:
            continue
        if task.loop is not None and task.loop not in join.owners:
            yield Hit(
                path,
                f"waits for {ref} inside the loop {task.loop.ref}",
                f'wait for "{task.loop.ref}"',
                _mildly(join),
                join.ref,
            )


def _static(workflow: WorkflowSubject) -> Iterator[tuple[TaskNode, TaskNode]]:
    for task in workflow.tasks:
        if task.type == "FORK_JOIN" and task.following is not None and task.following.type == "JOIN":
            yield task, task.following


def _waits(workflow: WorkflowSubject) -> Iterator[tuple[TaskNode, tuple[str | int, ...], str]]:
    """Yield what each JOIN names; that of a dynamic fork is told by the server, whatever it says itself."""
    for join in workflow.tasks:
        if join.type != "JOIN" or (join.preceding is not None and join.preceding.type == "FORK_JOIN_DYNAMIC"):
            continue
        seen: set[str] = set()
        for index, ref in enumerate(listed(join.fields, "joinOn")):
            if isinstance(ref, str) and ref not in seen:
                seen.add(ref)
                yield join, (*join.path, "joinOn", index), ref


def _join_on(join: TaskNode) -> list[str]:
    return [ref for ref in listed(join.fields, "joinOn") if isinstance(ref, str)]


def _mildly(join: TaskNode) -> Level | None:
    """Say how bad a JOIN without end is: a TERMINATE in a branch beside it may end the execution all the same."""
    beside = (join.preceding, *(owner for owner in join.owners if owner.type == "FORK_JOIN"))
    may_end = any(task.type == "TERMINATE" for fork in beside if fork is not None for task in fork.walk())
    return Level.WARNING if may_end else None


def _task_of_round(workflow: WorkflowSubject, ref: str) -> TaskNode | None:
    """Return the loop of whose task a ref names one round: `b__2`."""
    name, _, number = ref.rpartition("__")
    task = workflow.by_ref.get(name)
    return task.loop if task is not None and number.isdecimal() and int(number) > 0 else None


def _is_later(workflow: WorkflowSubject, ref: str, join: TaskNode) -> bool:
    graph = workflow.graph
    if graph is None:
        return False
    first, last = workflow.keys(join.ref), workflow.keys(ref)
    return bool(first and last) and graph.is_before(first[0], last[0])


def _ends_execution(tasks: TaskList) -> bool:
    last = tasks.tasks[-1] if tasks.tasks else None
    return last is not None and (last.type == "TERMINATE" or _all_terminate(last))


def _all_terminate(switch: TaskNode) -> bool:
    cases = [each for each in switch.inner if each.slot in ("decisionCases", "defaultCase")]
    has_default = any(each.slot == "defaultCase" for each in cases)
    return switch.type in ("SWITCH", "DECISION") and has_default and all(_ends_execution(each) for each in cases)


def _others_terminate(switch: TaskNode, taken: TaskList) -> bool:
    """Whether every other way through a SWITCH ends the execution."""
    cases = [each for each in switch.inner if each.slot in ("decisionCases", "defaultCase")]
    has_default = any(each.slot == "defaultCase" for each in cases)
    return has_default and all(_ends_execution(each) for each in cases if each is not taken)
