"""Attach a test to executions that the director launched: reads the run folder, touches nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_k1n.coordination.runfolder import ExecutionState, RunState
from pytest_k1n.coordination.watch import evidence_from
from pytest_k1n.core import wire
from pytest_k1n.core.observation import Observation, observe
from pytest_k1n.gating import FAILED_WAIT
from pytest_k1n.library import DefinitionNotFound
from pytest_k1n.observed import ObservedExecution, Recorder
from pytest_k1n.outcomes import UnknownVerdict, evidence_of
from pytest_k1n.run import Run


class FolderSource:
    """The newest snapshot of one execution that the director keeps in the run folder."""

    def __init__(self, run: Run, state: ExecutionState) -> None:
        self._run = run
        self._state = state
        self._observation: Observation | None = None
        self._updates = (-1, False)

    @property
    def workflow_id(self) -> str:
        return self._state.workflow_id

    def newest(self) -> Observation:
        """Return what is known now; read again only when the director has published more."""
        run_state = self._run.folder.state()
        state = next(each for each in run_state.executions if each.workflow_id == self.workflow_id)
        if self._observation is None or (state.updates, state.is_settled) != self._updates:
            self._observation = self._read(run_state, state)
            self._updates = (state.updates, state.is_settled)
        return self._observation

    def _read(self, run_state: RunState, state: ExecutionState) -> Observation:
        run = self._run
        execution = wire.execution(dict(run.folder.snapshot(state.workflow_id)))
        try:
            definition = run.library.workflow_definition(execution.name, execution.version)
        except DefinitionNotFound:
            definition = None
        logs, invocations = evidence_from(run.folder, state.workflow_id) if state.is_settled else (None, None)
        return observe(
            execution,
            template=run.plan.template_for(state.workflow) if run.plan else None,
            definition=definition,
            time_model=run_state.time_model,
            speed=run_state.speed,
            logs=logs,
            invocations=invocations,
            released=state.released,
            slots=run_state.slots,
            task_definitions=run.library.task_definitions,
        )


def attached(run: Run, item: pytest.Item) -> ObservedExecution:
    """Return the execution of a test's `workflow` mark: after a rerun the newest one."""
    return attached_all(run, item)[-1]


def attached_all(run: Run, item: pytest.Item) -> tuple[ObservedExecution, ...]:
    """Return the executions of a test's `workflow` mark in the order of their start: after a rerun the newest."""
    state = ready_state(run, item)
    described = run.items[item.nodeid]
    key = described.key or ""
    if key in state.launch_errors:
        pytest.fail(f"{key} could not be launched: {state.launch_errors[key]}", pytrace=False)
    return tuple(_observed(run, item, each) for each in state.of_key(key)[-described.executions :])


def attached_batch(run: Run, item: pytest.Item, *, alone: bool = False) -> Mapping[str, ObservedExecution]:
    """Return the executions of a test's batch by workflow; `alone` the reference ones that ran after it."""
    state = ready_state(run, item)
    batch = run.items[item.nodeid].batch
    launches = {launch.key: launch for launch in run.collection.launches} if run.collection else {}
    wanted = [
        key for key, launch in launches.items() if launch.batch == batch and (launch.alone if alone else launch.is_main)
    ]
    errors = [f"{key}: {state.launch_errors[key]}" for key in wanted if key in state.launch_errors]
    if errors:
        pytest.fail("not launched: " + "; ".join(errors), pytrace=False)
    found = {each.workflow: _observed(run, item, each) for key in wanted for each in state.of_key(key)}
    if alone and not found:
        raise UnknownVerdict(f"no execution ran alone to compare with: in {state.time_model} time none is launched")
    return found


def ready_state(run: Run, item: pytest.Item) -> RunState:
    """Return the run's state; fails the test, without a traceback, if what it waited for will not come."""
    if FAILED_WAIT in item.stash:
        pytest.fail(item.stash[FAILED_WAIT], pytrace=False)
    return run.folder.state()


def _observed(run: Run, item: pytest.Item, state: ExecutionState) -> ObservedExecution:
    return ObservedExecution(FolderSource(run, state), Recorder(evidence_of(item)))
