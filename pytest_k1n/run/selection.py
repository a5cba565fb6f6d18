"""From collected items to data: what each test waits for, what is to be launched, and in which order they run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

import pytest

from pytest_k1n.coordination.collection import UNBATCHED, Collection, Item, Launch, Need
from pytest_k1n.core.model import Json
from pytest_k1n.core.pending.patience import deadline_ms
from pytest_k1n.core.plan import Batch, Plan
from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound, Library
from pytest_k1n.plan.toml import closest
from pytest_k1n.run.marks import WorkflowMark, batch_of, phase_of, workflow_mark
from pytest_k1n.run.ours import (
    BATCH_FIXTURES,
    CLOCK_MARKS,
    EXECUTION_FIXTURES,
    QUALITY_FIXTURES,
    SERVER_FIXTURES,
    is_ours,
)
from pytest_k1n.run.run import Run


def describe(items: Iterable[pytest.Item], plan: Plan | None, library: Library) -> Collection:
    """Describe the selected items and what must be launched for them. Raises UsageError for a user's mistake."""
    described: list[Item] = []
    launches: dict[str, Launch] = {}
    for item in items:
        batch = batch_of(item, plan)
        if not is_ours(item):
            if batch:
                described.append(Item(node_id=item.nodeid, batch=batch.number))
            continue
        mark = workflow_mark(item)
        launch = _launch(item, mark, batch, plan, library) if mark else None
        if launch:
            launches.setdefault(launch.key, launch)
            _refuse_unknown_phase(item, launch, plan)
        described.append(_item(item, batch, launch))
    for item_, batch_ in _batch_wide(items, plan):
        for extra in _batch_launches(item_, batch_, launches.values()):
            launches.setdefault(extra.key, extra)
    return Collection(items=tuple(described), launches=tuple(launches.values()))


def in_order(items: Iterable[pytest.Item], plan: Plan | None) -> list[pytest.Item]:
    """Sort tests by batch, then planned readiness, then original position; quality gates last in their batch.

    Tests outside every batch come last: what is measured should not share the machine with them.
    """

    def rank(item: pytest.Item) -> tuple[int, int, int]:
        batch = batch_of(item, plan)
        if plan is None or batch is None:
            return (len(plan.batches) + 1 if plan else 0, 0, 0)
        mark, names = workflow_mark(item), set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("gate"):
            return (plan.batches.index(batch), 3, 0)
        if "executions_alone" in names or (mark and (mark.at_once > 1 or mark.in_a_row > 1)):
            return (plan.batches.index(batch), 2, 0)
        template = plan.template_for(mark.name) if mark else None
        ready = template.readiness_ms(phase_of(item)) if template else max(t.readiness_ms() for t in batch.templates)
        return (plan.batches.index(batch), 1, ready)

    return sorted(items, key=rank)


def limit(run: Run, items: Iterable[pytest.Item]) -> None:
    """Give tests of the plan a `timeout` mark where pytest-timeout is installed; one of their own wins.

    Waits happen outside the test's time, so this is for a judgement that hangs: the execution's deadline is ample.
    """
    if not run.config.pluginmanager.has_plugin("timeout") or run.plan is None:
        return
    from pytest_k1n.run.server_choice import longest_speed

    speed = longest_speed(run)
    longest = max((deadline_ms(each, None, {}, speed=speed) for each in run.plan.templates), default=0)
    for item in items:
        described = run.items.get(item.nodeid)
        if longest and described and described.batch and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(longest / 1000))


def _item(item: pytest.Item, batch: Batch | None, launch: Launch | None) -> Item:
    names = set(getattr(item, "fixturenames", ()))
    phase = phase_of(item)
    needs: Need
    if not QUALITY_FIXTURES.isdisjoint(names):
        needs = "quality"
    elif not BATCH_FIXTURES.isdisjoint(names):
        needs = "alone" if "executions_alone" in names else "batch"
    elif launch is not None and not EXECUTION_FIXTURES.isdisjoint(names):
        needs = "phase" if phase is not None else "execution"
    elif not EXECUTION_FIXTURES.isdisjoint(names):
        raise pytest.UsageError(
            f"{item.nodeid}: asks for {sorted(EXECUTION_FIXTURES & names)[0]} but names no workflow: "
            "mark it (or its module) with pytest.mark.workflow('NAME')"
        )
    else:
        needs = "server" if not SERVER_FIXTURES.isdisjoint(names) else "nothing"
    if "workflow_phase" in names and phase is None:
        raise pytest.UsageError(f"{item.nodeid}: asks for workflow_phase but has no phase mark: add pytest.mark.phase1")
    if batch is None and needs in ("batch", "alone", "quality"):
        raise pytest.UsageError(f"{item.nodeid}: asks for a whole batch but has no batch mark: add pytest.mark.batch1")
    return Item(
        node_id=item.nodeid,
        batch=batch.number if batch else UNBATCHED,
        phase=phase,
        key=launch.key if launch else None,
        executions=launch.at_once * launch.in_a_row if launch else 0,
        needs=needs,
        gate=item.get_closest_marker("gate") is not None,
        clocks=tuple(mark for mark in CLOCK_MARKS if item.get_closest_marker(mark)),
        measures="workflow_benchmark" in names,
    )


def _refuse_unknown_phase(item: pytest.Item, launch: Launch, plan: Plan | None) -> None:
    """Refuse a phase that the plan's template does not have: the test would wait for the whole execution instead."""
    phase = phase_of(item)
    template = plan.template_for(launch.workflow) if plan else None
    if phase is None or (template and template.phase(phase)):
        return
    known = ", ".join(str(each.number) for each in template.phases) if template else ""
    has = f"phases {known}" if known else "no phases"
    where = f"in {plan.source}" if plan else "without a plan"
    raise pytest.UsageError(f"{item.nodeid}: marked phase{phase}, but {launch.workflow} has {has} {where}")


def _launch(
    item: pytest.Item, mark: WorkflowMark, batch: Batch | None, plan: Plan | None, library: Library
) -> Launch | None:
    if EXECUTION_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return None
    name, _, version = mark.name.partition(":")
    template = plan.template_for(name) if plan else None
    if plan and template and batch and template.batch != batch.number:
        raise pytest.UsageError(
            f"{item.nodeid}: marked {batch.name}, but {name} is of batch{template.batch} in {plan.source}: "
            "mark it for that batch, or move the template"
        )
    if plan and batch and template is None:
        mates = [each.workflow for each in batch.templates]
        hint = closest(name, mates) or f"{batch.name} has {', '.join(mates)}"
        raise pytest.UsageError(
            f"{item.nodeid}: marked {batch.name}, but {name} is in no batch of {plan.source}: {hint}; "
            "or leave the mark of the batch out"
        )
    wanted = int(version) if version.isdigit() else mark.version
    if wanted is None and template:
        wanted = template.version
    parameters = _parameters(item, name, wanted, library)
    given = {**(template.input if template else {}), **mark.input, **parameters}
    module = item.nodeid.partition("::")[0]
    own = {"version": mark.version, "input": dict(mark.input), "parameters": parameters, "within": mark.within,
           "at_once": mark.at_once, "in_a_row": mark.in_a_row, "batch": batch.number if batch else 0}  # fmt: skip
    plain = {"version": None, "input": {}, "parameters": {}, "within": None, "at_once": 1, "in_a_row": 1,
             "batch": own["batch"]}  # fmt: skip
    suffix = "" if own == plain else f"[{_digest(own)}]"
    return Launch(
        key=f"{module}::{name}{suffix}",
        workflow=name,
        version=wanted,
        batch=batch.number if batch else UNBATCHED,
        input=given,
        at_once=mark.at_once,
        in_a_row=mark.in_a_row,
        within_ms=mark.within_ms,
    )


def _parameters(item: pytest.Item, workflow: str, version: int | None, library: Library) -> dict[str, Json]:
    """Take the parametrisation that the definition declares as its input; the rest is the test's own business."""
    parameters = getattr(getattr(item, "callspec", None), "params", None)
    if not parameters:
        return {}
    try:
        declared = library.workflow(workflow, version).get("inputParameters")
    except (DefinitionNotFound, DefinitionError):
        # A definition that only the server has; the launch says so where the server has none.
        return {}
    names = declared if isinstance(declared, list) else []
    return {name: cast("Json", value) for name, value in parameters.items() if name in names}


def _batch_wide(items: Iterable[pytest.Item], plan: Plan | None) -> list[tuple[pytest.Item, Batch]]:
    wide = BATCH_FIXTURES | QUALITY_FIXTURES
    found = ((item, batch_of(item, plan)) for item in items if not wide.isdisjoint(getattr(item, "fixturenames", ())))
    return [(item, batch) for item, batch in found if batch is not None]


def _batch_launches(item: pytest.Item, batch: Batch, known: Iterable[Launch]) -> list[Launch]:
    """Launch what a batch-wide test needs: every template of the batch, once more alone where it asks for that.

    A quality gate judges what its batch launched; it launches a batch only where nothing else of it is selected.
    """
    names = set(getattr(item, "fixturenames", ()))
    present = {launch.workflow for launch in known if launch.batch == batch.number and launch.is_main}
    wanted: list[Launch] = []
    for template in batch.templates:
        common = Launch(
            key=f"{batch.name}::{template.workflow}",
            workflow=template.workflow,
            version=template.version,
            batch=batch.number,
            input=dict(template.input),
        )
        if template.workflow not in present and (
            "batch_execution" in names or "executions_alone" in names or not present
        ):
            wanted.append(common)
        if "executions_alone" in names:
            wanted.append(_alone(common))
    return wanted


def _alone(launch: Launch) -> Launch:
    return replace(launch, key=f"{launch.key}::alone", alone=True)


def _digest(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:8]
