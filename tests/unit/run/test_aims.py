"""What faults aim at: names that are nowhere, and workflows that no selected test launches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_k1n.plan.library import Library
from pytest_k1n.run.aims import idle, misaimed, missed
from pytest_k1n.workers.misbehaviour import Fault


def simple(ref: str) -> dict[str, object]:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}


CHILD = {
    "name": "parcel", "taskReferenceName": "parcel", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "parcel"}
}  # fmt: skip
DYNAMIC = {"name": "d", "taskReferenceName": "d", "type": "DYNAMIC", "dynamicTaskNameParam": "t"}
WORKFLOWS = {"order": [simple("charge"), CHILD], "parcel": [simple("pack"), DYNAMIC], "refund": [simple("repay")]}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name, tasks in WORKFLOWS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"name": name, "version": 1, "tasks": tasks}))
    return Library([tmp_path])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("order/charge:fail", ""),
        ("order/*:fail", ""),
        ("*/charge:fail", ""),
        ("*/pack:fail", ""),
        ("parcel/pack:fail", ""),
        ("parcel/brought:fail", ""),
        ("*/brought:fail", ""),
        ("refund/repay:fail", ""),
        ("ordre/charge:fail", "there is no workflow 'ordre': did you mean \"order\"?"),
        ("stock/charge:fail", "there is no workflow 'stock': known here: order, parcel, refund"),
        ("order/chrage:fail", "no ref 'chrage' in order: did you mean \"charge\"?"),
        ("refund/zzz:fail", "no ref 'zzz' in refund: known here: repay"),
        ("parcel/pakc:fail", "no ref 'pakc' in parcel: did you mean \"pack\"?"),
        ("*/pakc:fail", "no ref 'pakc' in any workflow of this run: did you mean \"pack\"?"),
    ],
)
def test_a_name_that_is_nowhere_is_told_with_the_nearest(library: Library, fault: str, says: str) -> None:
    told = misaimed([Fault.parse(fault)], ["order"], library)
    assert told == ([f"--k1n-fault={fault}: {says}"] if says else [])


@pytest.mark.parametrize(
    ("fault", "is_told"), [("stock/count:fail", False), ("elsewhere/a:fail", False), ("ordre/a:fail", True)]
)
def test_of_a_workflow_that_only_a_server_defines_nothing_is_known(library: Library, fault: str, is_told: bool) -> None:
    assert bool(misaimed([Fault.parse(fault)], ["order", "stock"], library)) is is_told


def test_a_fault_is_idle_whose_workflow_no_selected_test_launches(library: Library) -> None:
    faults = [Fault.parse(f"{name}/*:fail") for name in ("order", "parcel", "refund", "*")]
    assert idle(faults, ["order"], library) == [
        "--k1n-fault=refund/*:fail struck nothing: no selected test launches refund"
    ]
    assert len(idle(faults, [], library)) == len(faults)


@pytest.mark.parametrize(
    ("ref", "workflow", "version", "says"),
    [
        ("charge", "order", None, ""),
        ("brought", "parcel", 1, ""),
        ("chrage", "order", 1, "no ref 'chrage' in order: did you mean \"charge\"?"),
        ("charge", "ordre", None, 'did you mean "order"?'),
        ("charge", "order", 2, "there is version 1"),
    ],
)
def test_a_fault_mark_names_what_is_on_disk(
    library: Library, ref: str, workflow: str, version: int | None, says: str
) -> None:
    told = missed(ref, workflow, version, library)
    assert bool(told) is bool(says)
    assert says in told
