"""Waiting outside the tests' own time: for the gate of the batch, the server, the execution.

All of it happens in a wrapper around pytest's protocol for one test, outside pytest-timeout's clock and `--durations`.
Nothing is raised here: what went wrong is noted on the item, and its setup tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_k1n.coordination.collection import UNBATCHED, Item
from pytest_k1n.coordination.gate_ledger import Gate
from pytest_k1n.coordination.runfolder import LaunchedExecution, RunState
from pytest_k1n.run.deadline import waiting
from pytest_k1n.run.run import Run

BLOCKED_BY = pytest.StashKey[str]()
FAILED_WAIT = pytest.StashKey[str]()
"""Why what the test needs will not come; its fixtures raise it."""
PLANLESS_WAIT_S = 4 * 3600.0
"""An upper bound on every wait: the director gives executions up long before."""


def await_needs(run: Run, item: pytest.Item, *, turn: Callable[[], None]) -> None:
    """Wait until a test may run and what it needs is there; `turn` is called in every turn of the wait.

    A blocked test gets a skip mark and says so by its own outcome; a wait that cannot succeed is left for the setup.
    """
    described = run.items.get(item.nodeid)
    if described is None:
        return
    state = _wait(run, lambda state: _gate(state, described)[0] != Gate.CLOSED, run.settings.gate_timeout_ms, turn)
    if state is None:
        pending = _gate(run.folder.state(), described)[1]
        item.stash[FAILED_WAIT] = f"the gate of batch{described.batch} stayed closed: {pending}"
        return
    gate, reason = _gate(state, described)
    if gate == Gate.BLOCKED:
        item.stash[BLOCKED_BY] = reason
        item.add_marker(pytest.mark.skip(reason=f"blocked: {reason}"))
    elif described.needs != "nothing":
        # Only once the server is known: what nothing but skipped tests observe is not launched.
        state = _wait(run, lambda state: bool(state.server or state.server_error), None, turn)
        if state is not None and not state.server_error and (unfit := unsuited(run, described, state)):
            item.add_marker(pytest.mark.skip(reason=unfit))
            return
        state = state and _wait(run, lambda state: is_ready(state, described), None, turn)
        if state is None:
            item.stash[FAILED_WAIT] = "the run's director has stopped publishing: this is a defect of pytest-k1n"
        elif state.server_error:
            item.stash[FAILED_WAIT] = state.server_error


def unsuited(run: Run, item: Item, state: RunState) -> str | None:
    """Say why a test cannot run on this server, by what its marks say that it needs; None if it can."""
    is_embedded = state.server is not None and state.server["kind"] == "embedded"
    if "virtual" in item.clocks and state.time_model != "virtual":
        where = "the embedded engine" if is_embedded else "a Conductor server"
        return f"marked virtual: it needs a clock that can jump, and {where} in {state.time_model} time has none"
    if "scaled" in item.clocks:
        from pytest_k1n.run.server_choice import own_time

        if (state.time_model if item.key else own_time(run.settings, state.time_model).name) == "real":
            return "marked scaled: it is about minutes or hours, which take that long in real time"
    if "live" in item.clocks and is_embedded:
        return "marked live: it needs a real Conductor server, and this is the embedded engine"
    return None


def relaunch_if_rerun(run: Run, item: pytest.Item) -> None:
    """Launch a new execution when a test is run again (pytest-rerunfailures); the one that failed stays on record."""
    described = run.items.get(item.nodeid)
    turn: Any = getattr(item, "execution_count", 1)
    if described is not None and described.key and isinstance(turn, int) and turn > 1:
        count = described.executions + turn - 1
        run.folder.request_relaunch(described.key, count)
        _await_relaunched(run, item, count)


def _await_relaunched(run: Run, item: pytest.Item, count: int) -> None:
    """Wait until a rerun's new execution is there: within the setup, for pytest-rerunfailures repeats only that."""
    needed = replace(run.items[item.nodeid], executions=count)
    if _wait(run, lambda state: is_ready(state, needed), None, lambda: None) is None:
        item.stash[FAILED_WAIT] = "the execution for the rerun was not launched: this is a defect of pytest-k1n"


def is_ready(state: RunState, item: Item) -> bool:
    """Whether what a test needs is there, or will certainly never be."""
    if state.server_error:
        return True
    if state.server is None:
        return False
    if item.needs == "execution":
        return _launched(state, item, lambda execution: execution.is_settled)
    if item.needs == "phase":
        return _launched(
            state, item, lambda each: each.is_settled or each.has_violation or item.phase in each.phases_ended
        )
    if item.needs in ("batch", "alone", "quality"):
        return item.batch in state.quality
    return True


def _launched(state: RunState, item: Item, is_enough: Callable[[LaunchedExecution], bool]) -> bool:
    if item.key in state.launch_errors:
        return True
    executions = state.of_key(item.key or "")
    return len(executions) >= item.executions and all(is_enough(execution) for execution in executions)


def _gate(state: RunState, item: Item) -> tuple[str, str]:
    if item.batch == UNBATCHED:
        return (Gate.OPEN, "")
    if state.server_error and not state.gates:  # it can publish nothing any more
        return (Gate.BLOCKED, state.server_error)
    return state.gates.get(str(item.batch), (Gate.CLOSED, "the director has not spoken yet"))


def _wait(
    run: Run, is_met: Callable[[RunState], bool], within_ms: int | None, turn: Callable[[], None]
) -> RunState | None:
    for _ in waiting(PLANLESS_WAIT_S if within_ms is None else within_ms / 1000):
        turn()
        state = run.folder.state()
        if is_met(state):
            return state
    return None


def fail_unless_ready(item: pytest.Item) -> None:
    """Fail a test, without a traceback, where what it waited for will not come."""
    if FAILED_WAIT in item.stash:
        pytest.fail(item.stash[FAILED_WAIT], pytrace=False)
