"""What `${…}` expressions read, and whether it is there when they read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

from pytest_k1n.core.model import TaskKey
from pytest_k1n.engine.language.expressions import TASK_FIELDS, WORKFLOW_FIELDS
from pytest_k1n.lint.check import Hit, Level, Path
from pytest_k1n.lint.reads import Read
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, listed, mapping, texts

_MOST_SUGGESTIONS = 50
_UNBRACED = re.compile(r"\$?workflow\.(?:input|variables)(?:\.[A-Za-z_][\w-]*)+")
_IS_SCRIPT = re.compile(r"(?i)expression|script|query|code|path|failureWorkflow")
"""Keys under which such a text may be meant as it stands: a script's name for something, a failure workflow's."""
OF_ITEMS = ("loopItem", "loopIndex")
"""What a loop with items tells of its round: in its output, and to its condition."""


def malformed_expression(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that the server refuses, and those that never close."""
    for task, path, message, is_refused in workflow.misreadings:
        if "is not valid" in message:
            body = message.partition("value: ")[2].removesuffix(" is not valid")
            level = Level.ERROR if is_refused else Level.WARNING
            yield Hit(path, f"${{{body}}} cannot be read", level=level, ref=task.ref)
    for task in workflow.tasks:
        for path, text in texts(dict(task.inputs), (*task.path, "inputParameters")):
            if text.startswith("${") and "}" not in text and path[-1] not in ("expression", "scriptExpression"):
                yield Hit(path, f"{text[:60]!r} never closes: it stays as it is", "add }", Level.WARNING, task.ref)


def unbraced(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find texts that are an expression but for its braces: they stay as they are."""
    for task in workflow.tasks:
        for key in ("inputParameters", "sink", "items"):
            for path, text in texts(task.fields.get(key), (*task.path, key)):
                if _UNBRACED.fullmatch(text) and not any(
                    _IS_SCRIPT.search(str(part)) for part in path[len(task.path) :]
                ):
                    yield Hit(path, f"{text!r} has no braces: it stays as it is", _braced(text), ref=task.ref)
    for path, text in texts(workflow.fields.get("outputParameters"), (*workflow.path, "outputParameters")):
        if _UNBRACED.fullmatch(text):
            yield Hit(path, f"{text!r} has no braces: it stays as it is", _braced(text))


def _braced(text: str) -> str:
    return f"write ${{{text.lstrip('$')}}}"


def unknown_ref(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that name no task: refused where the server looks, null elsewhere."""
    refused: set[Path] = set()
    hints = _Hints(workflow)
    for task, path, message, is_refused in workflow.misreadings:
        if is_refused and "is not defined" in message:
            refused.add(path)
            root = message.removeprefix("taskReferenceName: ").partition(" for given task")[0]
            known = root.partition("[")[0] in workflow.by_ref
            hint = "write ${ref.output…}" if known else hints.of(root, task) or _through_join(workflow, root)
            yield Hit(path, f"reads {root}, but no task is called that", hint, ref=task.ref)
    for read in _of_tasks(workflow):
        if read.root in workflow.by_ref or not read.root or read.path in refused:
            continue
        if not workflow.has_dynamic_fork:  # else a task that the fork brings along may be called that
            said = f"reads {read.expression}, but no task is called that: it is always null"
            yield Hit(read.path, said, hints.of(read.root, read.reader), Level.WARNING, _ref(read))


def _through_join(workflow: WorkflowSubject, ref: str) -> str:
    """Say how a branch of a dynamic fork is read: its own name is refused (3.32.1), the JOIN's is not."""
    for task in workflow.tasks:
        if task.type == "FORK_JOIN_DYNAMIC" and task.following is not None and task.following.type == "JOIN":
            return f"a branch of the dynamic fork is read through its JOIN: ${{{task.following.ref}.output.{ref}}}"
    return ""


class _Hints:
    """Says what was meant, for the first so many names: in a large definition it takes its time."""

    def __init__(self, workflow: WorkflowSubject) -> None:
        self._refs = workflow.by_ref
        self._left = _MOST_SUGGESTIONS

    def of(self, name: str, reader: TaskNode | None) -> str:
        if name in OF_ITEMS and reader is not None and reader.loop is not None:
            return f"write ${{{reader.loop.ref}.output.{name}}}"
        inner, _, number = name.rpartition("__")
        if number.isdecimal() and (task := self._refs.get(inner)) is not None and task.loop is not None:
            return f"of a round of its own the loop tells: ${{{task.loop.ref}.output.{number}.{inner}}}"
        self._left -= 1
        return suggestion(name, self._refs) if self._left >= 0 else ""


def unknown_field(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that read what a task or a workflow does not have."""
    for read in workflow.reads:
        if read.section is None or not read.section or "*" in read.section:
            continue
        if read.root == "workflow":
            known, what = WORKFLOW_FIELDS, "a workflow"
        elif read.root in workflow.by_ref:
            known, what = TASK_FIELDS, "a task"
        else:
            continue
        if read.section not in known:
            better = f"${{{read.root}.output.{read.section}{read.rest}}}"
            hint = suggestion(read.section, known) or (f"write {better}" if read.root != "workflow" else "")
            yield Hit(
                read.path, f"reads {read.expression}, but {what} has no {read.section}: it is always null", hint,
                ref=_ref(read),
            )  # fmt: skip


def read_too_early(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that read a task which starts only after the reader, or the reader itself."""
    if workflow.graph is not None:
        yield from _always_null(workflow, workflow.graph.is_before, "runs only after it")
    for read in _of_tasks(workflow):
        reader = read.reader
        if (
            reader is None
            or workflow.by_ref.get(read.root) is not reader
            or read.section not in ("output", "input", None)
        ):
            continue
        if all(owner.type != "DO_WHILE" for owner in (reader, *reader.owners)):
            said = f"reads {read.expression}, what it puts out itself: null, but for what a failed attempt has left"
            yield Hit(read.path, said, ref=reader.ref)


def read_of_other_case(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that read a task which runs only if the reader does not."""
    if workflow.graph is not None:
        yield from _always_null(workflow, workflow.graph.are_exclusive, "is in another case")


def _always_null(workflow: WorkflowSubject, parts: Callable[[TaskKey, TaskKey], bool], why: str) -> Iterator[Hit]:
    """Find reads of a task that stands so to its reader that it never has an output when it is read."""
    found = list(_between_tasks(workflow))
    both = {(reader.ref, source.ref) for _, reader, source in found}
    for read, reader, source in found:
        if source in reader.owners or _share_loop(reader, source):
            continue
        pairs = product(workflow.keys(reader.ref), workflow.keys(source.ref))
        if any(parts(mine, theirs) for mine, theirs in pairs):
            in_turn = f" (and {source.ref} reads {reader.ref})" if (source.ref, reader.ref) in both else ""
            said = f"reads {read.expression}, but {source.ref} {why}: it is always null{in_turn}"
            yield Hit(read.path, said, ref=reader.ref)


def read_in_parallel(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions that read a task which may still be running."""
    graph = workflow.graph
    for read, reader, source in _between_tasks(workflow):
        if graph is None or source in reader.owners or reader in source.owners:
            continue
        if read.section not in ("output", None):
            continue
        if any(
            graph.are_concurrent(mine, theirs)
            for mine in workflow.keys(reader.ref)
            for theirs in workflow.keys(source.ref)
            if mine != theirs
        ) and not _brought_by_switch(workflow, reader, source):
            yield Hit(
                read.path, f"reads {read.expression}, but nothing makes it wait for {source.ref}: a race",
                f"put a JOIN on {source.ref} before it, or run the two one after the other", ref=reader.ref,
            )  # fmt: skip


def variable_never_set(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find variables that are read, and that nothing in the definition sets."""
    known = set(mapping(workflow.fields, "variables"))
    for task in workflow.tasks:
        if task.type == "SET_VARIABLE":
            known.update(task.inputs)
    said: set[str] = set()
    for read in workflow.reads:
        name = read.rest[1:].partition(".")[0].partition("[")[0]
        if read.root == "workflow" and read.section == "variables" and name and name not in known and name not in said:
            said.add(name)
            hint = suggestion(name, known)
            yield Hit(read.path, f"reads {read.expression}, which no SET_VARIABLE sets", hint, ref=_ref(read))


def _of_tasks(workflow: WorkflowSubject) -> Iterator[Read]:
    return (read for read in workflow.reads if read.is_of_task)


def _between_tasks(workflow: WorkflowSubject) -> Iterator[tuple[Read, TaskNode, TaskNode]]:
    """Yield the reads of one task by another: read, reader, source."""
    for read in _of_tasks(workflow):
        source = workflow.by_ref.get(read.root)
        if source is not None and read.reader is not None and source is not read.reader:
            yield read, read.reader, source


def _share_loop(reader: TaskNode, source: TaskNode) -> bool:
    """Whether both run in each round of one loop: the reader then has what the round before has left."""
    loops = [owner for owner in (reader, *reader.owners) if owner.type == "DO_WHILE"]
    return any(owner in loops for owner in (source, *source.owners) if owner.type == "DO_WHILE")


def _brought_by_switch(workflow: WorkflowSubject, reader: TaskNode, source: TaskNode) -> bool:
    """Whether the two are unordered only because a JOIN waits for a SWITCH's decision: said by another check."""
    graph = workflow.graph
    if graph is None:
        return False
    return any(
        owner.type in ("SWITCH", "DECISION") and graph.is_before(theirs, mine)
        for owner in source.owners
        if owner not in reader.owners
        for theirs in workflow.keys(owner.ref)
        for mine in workflow.keys(reader.ref)
    )


def _ref(read: Read) -> str:
    return read.reader.ref if read.reader else ""


def declared_never_read(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find declared inputs that nothing reads."""
    names, reads_all = workflow.inputs_read
    if reads_all:
        return
    for index, name in enumerate(listed(workflow.fields, "inputParameters")):
        if isinstance(name, str) and name not in names and not _describes(name):
            yield Hit((*workflow.path, "inputParameters", index), f"nothing reads the input {name}")


def _describes(declared: str) -> bool:
    """Whether a declaration is no name but a description of inputs, as some SDKs write: JSON in a text."""
    return not declared or declared[0] in "{["


_GIVEN_TO_FAILURE_WORKFLOWS = frozenset({"reason", "workflowId", "failureStatus", "failureTaskId", "failedWorkflow"})


def read_never_declared(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find inputs that are read, and that the definition does not declare though it declares others."""
    declared = {name for name in listed(workflow.fields, "inputParameters") if isinstance(name, str)}
    if not declared or any(map(_describes, declared)):
        return
    schema = mapping(mapping(workflow.fields, "inputSchema"), "data")
    known = declared | set(mapping(workflow.fields, "inputTemplate")) | set(mapping(schema, "properties"))
    said: set[str] = set()
    for read in workflow.reads:
        name = read.rest[1:].partition(".")[0].partition("[")[0]
        if read.root != "workflow" or read.section != "input" or not name or name in known | said:
            continue
        said.add(name)
        if name.isidentifier() and name not in _GIVEN_TO_FAILURE_WORKFLOWS:
            hint = suggestion(name, declared)
            yield Hit(read.path, f"reads {read.expression}, an input that is not declared", hint, ref=_ref(read))
