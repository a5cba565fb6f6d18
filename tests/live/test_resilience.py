"""What production does to a workflow, done to a real Conductor on purpose; after each fault nothing may be amiss.

Server and workers are processes that are really killed and frozen; what happens to requests happens in a proxy. After
each fault: COMPLETED within the budget, in the definition's order, every effect made once, queues empty, no process
left. The server is this session's own, because it is killed. Seven of these tests are the core that
`tests/validate_conductor_resilience.sh` runs and counts.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_k1n.chaos.faults import KINDS, parse_injection
from pytest_k1n.chaos.judging import damage
from pytest_k1n.chaos.rig import Passed, Rig
from pytest_k1n.client.address import Address
from pytest_k1n.core.model import Json
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.probe import State, ask, health
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]


def step(name: str) -> dict[str, Json]:
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE"}


DEFINITION: dict[str, Json] = {
    "name": "RESILIENT", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
    "tasks": [
        step("first"),
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[step("left")], [step("right")]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["left", "right"], "joinMode": "SYNC"},
        step("last"),
    ],
}  # fmt: skip
TASKS: list[dict[str, Json]] = [
    {"name": name, "retryCount": 1, "retryDelaySeconds": 0} for name in ("first", "left", "right", "last")
]

STRIKES = (
    "worker-killed@last/report",
    "worker-frozen@first/work",
    "work-slow@last",
    "server-frozen@last/report",
    "disk-full@last/report",
    "response-dropped@first/report",
    "response-dropped@last/delivery",
    "request-duplicated@right/report",
    "connection-reset@last/report",
    "latency@first/delivery",
)


@pytest.fixture(scope="module")
def rig(mortal_server: JarServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("rig") / "r"
    with Rig(mortal_server.endpoint.url, DEFINITION, TASKS, folder=folder, server=mortal_server) as made:
        yield made


def of_the_plan(name: str) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    tasks = [json.loads(path.read_text()) for path in sorted((ROOT / "fixtures/tasks").glob("task_*.json"))]
    return json.loads((ROOT / f"fixtures/workflows/{name}.json").read_text()), tasks


def assert_unharmed(passed: Passed) -> None:
    assert [str(finding) for evidence in passed.evidence for finding in damage(evidence)] == []


def test_a_tier_that_cannot_start_is_passed_over_and_said_why(tmp_path: Path) -> None:
    spec = ServerSpec(kind=Kind.AUTO, container_cli="/nowhere/docker", jar_path=Path("/nowhere/conductor.jar"))
    with open_server(spec, run_uid="tiers", folder=tmp_path / "tiers") as endpoint:
        assert endpoint.is_embedded
        assert [note.split(" passed over: ")[0] for note in endpoint.notes[:2]] == ["docker", "jar"]


def test_both_health_endpoints_say_that_it_is_well(mortal_server: JarServer) -> None:
    address = Address.parse(mortal_server.endpoint.url)
    assert health(address).state is State.READY
    assert ask(address, "GET", "/actuator/health", timeout_s=10).json()["status"] == "UP"  # type: ignore[index,call-overload]


def test_a_dependency_chain_keeps_its_order(mortal_server: JarServer, tmp_path: Path) -> None:
    chain, tasks = of_the_plan("K1N_TEMPLATE_02")
    with Rig(mortal_server.endpoint.url, chain, tasks, folder=tmp_path / "r", work_ms=50) as rig:
        assert_unharmed(rig.run())


def test_22_tasks_are_done_within_their_budget(mortal_server: JarServer, tmp_path: Path) -> None:
    """A budget that a busy machine keeps as well: it took 2 s where nothing else ran, 15 s beside five test runs."""
    complete, tasks = of_the_plan("K1N_22TASK_COMPLETE")
    with Rig(mortal_server.endpoint.url, complete, tasks, folder=tmp_path / "r", work_ms=50, lease_s=10) as rig:
        passed = rig.run(within_s=60)
    assert len(passed.evidence[0].execution.tasks) >= 22
    assert_unharmed(passed)


def test_a_server_killed_in_the_middle_resumes_on_its_database(rig: Rig) -> None:
    """It may have had the JOIN in hand, which the rig then puts back as an operator would (`chaos.lostjoins`)."""
    passed = rig.run(parse_injection("server-killed@left/work"))
    assert passed.struck
    assert_unharmed(passed)


def test_a_join_that_the_killed_server_had_reserved_for_an_hour_is_put_back(
    rig: Rig, mortal_server: JarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill amid the JOIN's evaluation leaves behind, made certain: 3 of 40 waiting JOINs were found so."""
    restart = mortal_server.restart

    def with_it_reserved(deadline: float) -> Endpoint:
        later = "strftime('%Y-%m-%d %H:%M:%f', 'now', '+3600 seconds')"
        with sqlite3.connect(mortal_server.site.folder / "conductor.db") as database:
            database.execute(f"update queue_message set popped = 1, deliver_on = {later} where queue_name = 'JOIN'")
        return restart(deadline)

    monkeypatch.setattr(mortal_server, "restart", with_it_reserved)
    passed = rig.run(parse_injection("server-killed@left/work"))
    assert passed.put_back == 1
    assert_unharmed(passed)


def test_a_killed_workers_task_is_tried_again_with_one_effect(rig: Rig) -> None:
    passed = rig.run(parse_injection("worker-killed@left/work"))
    attempts = [task.attempt for task in passed.evidence[0].execution.tasks if task.ref == "left"]
    assert attempts == [0, 1]
    assert_unharmed(passed)


@pytest.mark.parametrize("spec", STRIKES)
def test_an_execution_comes_through_a_fault_unharmed(rig: Rig, spec: str) -> None:
    passed = rig.run(parse_injection(spec))
    assert passed.struck
    assert_unharmed(passed)


def test_every_kind_of_fault_is_tried_here_but_the_one_that_waits_for_ten_seconds() -> None:
    tried = {"server-killed", "worker-killed", *(parse_injection(spec).kind for spec in STRIKES)}
    assert set(KINDS) - tried == {"half-open"}


def test_a_handler_that_is_not_idempotent_is_found_out(mortal_server: JarServer, tmp_path: Path) -> None:
    """The control of all of this: its effect is made by both attempts."""
    with Rig(mortal_server.endpoint.url, DEFINITION, TASKS, folder=tmp_path / "r", handler="again") as careless:
        found = damage(careless.run(parse_injection("worker-killed@last/report")).evidence[0])
    assert [(finding.code, finding.subject) for finding in found] == [("effect-repeated", "last")]


@pytest.mark.parametrize(
    ("bug", "strike"), [("extends no lease", "work-slow@last"), ("reports once", "connection-reset@last/report")]
)
def test_a_bug_in_a_worker_is_noticed_by_a_fault(
    mortal_server: JarServer, tmp_path: Path, bug: str, strike: str
) -> None:
    """The good worker comes through the same strikes above."""
    worker = (sys.executable, str(ROOT / "tests/support/k1n_support/mutant_worker.py"), bug)
    with Rig(mortal_server.endpoint.url, DEFINITION, TASKS, folder=tmp_path / "r", worker=worker) as buggy:
        found = damage(buggy.run(parse_injection(strike)).evidence[0])
    assert ("attempt-lost", "last") in [(finding.code, finding.subject) for finding in found]


@pytest.mark.long  # see below
def test_three_22_task_workflows_at_once_keep_their_order(mortal_server: JarServer, tmp_path: Path) -> None:
    complete, tasks = of_the_plan("K1N_22TASK_COMPLETE")
    with Rig(mortal_server.endpoint.url, complete, tasks, folder=tmp_path / "r", work_ms=50, lease_s=10) as rig:
        passed = rig.run(count=3)
    assert len(passed.evidence) == 3
    assert_unharmed(passed)


@pytest.mark.long
def test_twenty_workflows_at_once_are_all_done_once(mortal_server: JarServer, tmp_path: Path) -> None:
    """In one of three runs a JOIN's end was stamped 4.8 s after what follows it had been scheduled.

    Two evaluations of it had met, it seems (docs/reference/conductor.md); the record does not tell that from a JOIN
    that let something pass, so the check stays as it is.
    """
    with Rig(mortal_server.endpoint.url, DEFINITION, TASKS, folder=tmp_path / "r", work_ms=50, lease_s=10) as rig:
        passed = rig.run(count=20)
    assert len(passed.evidence) == 20
    assert_unharmed(passed)
