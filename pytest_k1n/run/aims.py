"""What the faults of a run aim at: a fault that hits nothing would let a negative control pass for no reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_k1n.core.model import WorkflowDefinition
from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound, Library, started_workflows
from pytest_k1n.plan.resolve import bring_refs, known_here, unknown_ref
from pytest_k1n.plan.toml import closest
from pytest_k1n.workers.misbehaviour import Fault

ANY = "*"


def misaimed(faults: Iterable[Fault], launched: Sequence[str], library: Library) -> list[str]:
    """Name the faults whose workflow or ref is nowhere, a line each, with the nearest name that exists.

    `launched` are the workflows of the selected tests. Of one that only a server defines no ref is known, and none of
    what a dynamic task brings: a name that resembles a known one is refused there, any other may be right.
    """
    reached = _reached(launched, library)
    known = {*reached, *(str(each["name"]) for each in library.workflows)}
    is_complete = all(library.known_definition(name) for name in reached)
    problems = []
    for fault in faults:
        if fault.workflow not in {ANY, *known}:
            hint = closest(fault.workflow, known)
            if hint or is_complete:
                problems.append(
                    f"{_typed(fault)}: there is no workflow {fault.workflow!r}: {hint or known_here(sorted(known))}"
                )
        elif problem := _of_workflows(fault, reached, library):
            problems.append(f"{_typed(fault)}: {problem}")
    return problems


def idle(faults: Iterable[Fault], launched: Sequence[str], library: Library) -> list[str]:
    """Name the faults that strike nothing, because no selected test launches their workflow, a line each."""
    reached = _reached(launched, library)
    if not reached:
        return [f"{_typed(fault)} struck nothing: no selected test launches a workflow of a batch" for fault in faults]
    return [
        f"{_typed(fault)} struck nothing: no selected test launches {fault.workflow}"
        for fault in faults
        if fault.workflow not in {ANY, *reached} and library.known_definition(fault.workflow)
    ]


def _reached(names: Iterable[str], library: Library) -> set[str]:
    """Return workflows and those that they start by name, at any depth."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            definitions = (each for each in library.workflows if each.get("name") == name)
            waiting += (started for each in definitions for started, _version in started_workflows(each))
    return reached


def missed(ref: str, workflow: str, version: int | None, library: Library) -> str:
    """Say why a fault at a ref of a workflow on disk would strike nothing, with the nearest name; empty if it may."""
    try:
        definition = library.workflow_definition(workflow, version)
    except DefinitionNotFound as error:
        hint = closest(workflow, [str(each["name"]) for each in library.workflows])
        return f"{error}{f': {hint}' if hint else ''}"
    except DefinitionError as error:
        return str(error)
    return _unknown_ref(ref, workflow, [definition], may_lack=False)


def _of_workflows(fault: Fault, reached: Iterable[str], library: Library) -> str:
    """Say that none of the workflows which a fault may concern has its ref; empty if one may."""
    names = sorted(reached) if fault.workflow == ANY else [fault.workflow]
    definitions = [found for name in names if (found := library.known_definition(name)) is not None]
    where = "any workflow of this run" if fault.workflow == ANY else fault.workflow
    return _unknown_ref(fault.ref, where, definitions, may_lack=len(definitions) < len(names))


def _unknown_ref(ref: str, where: str, definitions: Sequence[WorkflowDefinition], *, may_lack: bool) -> str:
    tasks = [task for definition in definitions for task in definition.walk()]
    meant = "" if ref == ANY else unknown_ref(ref, {task.ref for task in tasks}, may_be=may_lack or bring_refs(tasks))
    return f"no ref {ref!r} in {where}: {meant}" if meant else ""


def _typed(fault: Fault) -> str:
    return f"--k1n-fault={fault.workflow}/{fault.ref}:{fault.kind}"
