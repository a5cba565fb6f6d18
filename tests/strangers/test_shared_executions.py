"""One execution that many tests judge."""

import pytest

from pytest_k1n import completed, in_order


@pytest.fixture(scope="module")
def calls():
    return []


@pytest.fixture(scope="module")
def paid(conductor_module, calls):
    tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("charge", "ship")]
    document = {"name": "shared", "version": 1, "ownerEmail": "me@example.com", "tasks": tasks}
    return conductor_module.run(
        document, handlers={"charge": lambda task: calls.append("charge"), "ship": lambda: None}
    )


def test_it_completes(paid):
    paid.expect(completed())


def test_it_ships_after_charging_and_has_run_once(paid, calls):
    paid.expect(in_order("charge", "ship"))
    assert calls == ["charge"]
