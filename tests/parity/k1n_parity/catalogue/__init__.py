"""Cases written by hand: every task type on its own, and the semantics that a random case seldom meets."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue import (
    breaking,
    choosing,
    clients,
    coincidences,
    control,
    deadends,
    endings,
    forking,
    http,
    inputs,
    joining,
    limits,
    looping,
    loops,
    mappers,
    nesting,
    operators,
    outside,
    parenting,
    plan,
    rerunning,
    strangers,
    transforming,
    versions,
    waiting,
    workers,
)
from pytest_k1n.conformance.cases import Case


def catalogue() -> Iterator[Case]:
    """Yield all cases written by hand."""
    yield from workers.simple_tasks()
    yield from workers.retries()
    yield from workers.timeouts()
    yield from control.branching()
    yield from control.forks()
    yield from control.dynamic()
    yield from loops.loops()
    yield from breaking.breaking()
    yield from loops.sub_workflows()
    yield from operators.operators()
    yield from operators.expressions()
    yield from endings.endings()
    yield from coincidences.coincidences()
    yield from http.http()
    yield from clients.clients()
    yield from plan.plan()
    yield from nesting.nesting()
    yield from parenting.parenting()
    yield from joining.joining()
    yield from forking.forking()
    yield from looping.looping()
    yield from choosing.choosing()
    yield from limits.limits()
    yield from versions.versions()
    yield from inputs.inputs()
    yield from waiting.waiting()
    yield from strangers.strangers()
    yield from transforming.transforming()
    yield from rerunning.rerunning()
    yield from deadends.dead_ends()
    yield from mappers.mappers()
    yield from outside.outside()
