"""Several Conductor servers on one PostgreSQL: workers against all of them, one killed in the middle, queue waits.

Long (`make cluster`): each server is a JVM of a gigabyte that takes up to two minutes to start on a busy machine.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_k1n.chaos.faults import parse_injection
from pytest_k1n.chaos.judging import damage
from pytest_k1n.chaos.rig import Passed, Rig
from pytest_k1n.core.model import Json
from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.exploded import runnable
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import find_java
from pytest_k1n.servers.postgres import Postgres
from pytest_k1n.servers.process import Site

pytestmark = [pytest.mark.live, pytest.mark.long]
ROOT = Path(__file__).parents[2]
SERVERS = int(os.environ.get("K1N_CLUSTER", "3"))
AT_ONCE = int(os.environ.get("K1N_AT_ONCE", "10"))
START_WITHIN_S = 600.0


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[JarServer]]:
    folder = tmp_path_factory.mktemp("cluster")
    java = find_java()
    jar = runnable(find_jar(None, report=print), java, report=print)
    with ExitStack() as stack:
        database = stack.enter_context(Postgres())
        made = []
        for number in range(SERVERS):
            site = Site(folder=folder / f"server-{number}", run_uid=f"cluster{os.getpid()}-{number}", report=print)
            server = stack.enter_context(
                JarServer(site, jar=jar, java=java, overrides=database.properties, secrets=database.secrets)
            )
            server.start(time.monotonic() + START_WITHIN_S)
            made.append(server)
        yield made


def rig_on(servers: list[JarServer], folder: Path, *, mortal: JarServer | None = None) -> Rig:
    complete = json.loads((ROOT / "fixtures/workflows/K1N_22TASK_COMPLETE.json").read_text())
    tasks: list[dict[str, Json]] = [
        json.loads(path.read_text()) for path in sorted((ROOT / "fixtures/tasks").glob("task_*.json"))
    ]
    url = ",".join(server.endpoint.url for server in servers)
    return Rig(url, complete, tasks, folder=folder, server=mortal, work_ms=50, lease_s=20)


def told(what: str, passed: Passed, *, alone: Passed | None = None) -> None:
    waits = [
        task.started_ms - task.scheduled_ms
        for each in passed.evidence
        for task in each.execution.tasks
        if task.is_worker_task and task.started_ms and task.scheduled_ms
    ]
    rate = len(waits) / passed.took_s
    print(
        f"\n{what}: {len(passed.evidence)} x 22 tasks in {passed.took_s:.1f} s, {rate:.0f} tasks/s, "
        f"queue wait p50 {statistics.median(waits):.0f} ms, max {max(waits)} ms, load {os.getloadavg()[0]:.0f}"
    )
    if alone is not None:
        (usual,), took = durations_s(alone), durations_s(passed)
        print(
            f"  one alone took {usual:.1f} s; each p50 {statistics.median(took):.1f} s, max {max(took):.1f} s: "
            f"{statistics.median(took) / usual:.1f} and {max(took) / usual:.1f} times as long"
        )


def durations_s(passed: Passed) -> list[float]:
    """From start to end as the server says, in s."""
    spans = ((each.execution.started_ms, each.execution.ended_ms) for each in passed.evidence)
    return [(ended - started) / 1000 for started, ended in spans if ended is not None]


def assert_unharmed(passed: Passed) -> None:
    assert [str(finding) for each in passed.evidence for finding in damage(each)] == []


@pytest.mark.parametrize("count", range(1, SERVERS + 1))
def test_executions_at_once_keep_their_order_on_so_many_servers(
    servers: list[JarServer], count: int, tmp_path: Path
) -> None:
    with rig_on(servers[:count], tmp_path / "r") as rig:
        alone = rig.run(within_s=300)
        passed = rig.run(count=AT_ONCE, within_s=600)
    told(f"{count} servers", passed, alone=alone)
    assert_unharmed(passed)


def test_one_server_killed_in_the_middle_leaves_the_rest_to_finish(servers: list[JarServer], tmp_path: Path) -> None:
    """The last test: the killed server stays dead. It is the first of the list, which worker and client talk to."""
    with rig_on(servers, tmp_path / "r", mortal=servers[0]) as rig:
        passed = rig.run(parse_injection("server-killed@task_10/work"), count=3, within_s=300)
    assert passed.struck
    assert servers[0].died() is not None
    told(f"{len(servers)} servers, one killed", passed)
    assert_unharmed(passed)
