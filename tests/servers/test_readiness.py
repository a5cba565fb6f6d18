"""The wait for a server asks first whether it lives, and knows one deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from pytest_k1n.servers.errors import ServerDied, ServerStartTimeout
from pytest_k1n.servers.probe import Health, State, version_number
from pytest_k1n.servers.readiness import wait_ready

READY = Health(State.READY, "GET /health -> 200, ready")
REFUSED = Health(State.SILENT, "GET /health on port 1 -> connection refused")


@dataclass
class World:
    """A clock that only sleeping moves, and what was said and asked."""

    now: float = 100.0
    said: list[str] = field(default_factory=list)
    probes: int = 0

    def sleep(self, seconds: float) -> None:
        assert seconds <= 0.05
        self.now += seconds


def wait(
    world: World,
    probes: Iterator[Health],
    *,
    within_s: float,
    died: Callable[[], str | None] = lambda: None,
    name: str = "Conductor",
) -> float:
    def probe() -> Health:
        world.probes += 1
        return next(probes)

    return wait_ready(
        name=name,
        what="jar: x.jar, pid 4711",
        died=died,
        probe=probe,
        deadline=world.now + within_s,
        facts=lambda: (("log tail", "x.log: BindException"),),
        remedy="--k1n-server=embedded",
        report=world.said.append,
        clock=lambda: world.now,
        sleep=world.sleep,
    )


def refusing() -> Iterator[Health]:
    while True:
        yield REFUSED


def test_the_time_it_took_is_returned() -> None:
    assert wait(World(), iter([REFUSED] * 20 + [READY]), within_s=60) == pytest.approx(1.0)


def test_death_is_noticed_before_the_next_probe() -> None:
    world = World()
    with pytest.raises(ServerDied) as caught:
        wait(world, refusing(), within_s=60, died=lambda: "code 1" if world.now > 103.2 else None)
    assert world.probes < 100
    assert str(caught.value).splitlines() == [
        "Conductor ended before it was ready (jar: x.jar, pid 4711).",
        "  exited     : code 1 after 3.2s",
        "  last probe : GET /health on port 1 -> connection refused",
        "  log tail   : x.log: BindException",
        "  try        : --k1n-server=embedded",
    ]


def test_a_dead_server_is_never_probed() -> None:
    world = World()
    with pytest.raises(ServerDied):
        wait(world, iter([]), within_s=60, died=lambda: "signal SIGKILL")
    assert world.probes == 0


def test_the_deadline_is_absolute() -> None:
    world = World()
    with pytest.raises(ServerStartTimeout, match="did not become ready within 2s"):
        wait(world, refusing(), within_s=2)
    assert world.now == pytest.approx(102.0, abs=0.1)


def test_progress_is_said_every_few_seconds() -> None:
    world = World()
    with pytest.raises(ServerStartTimeout):
        wait(world, refusing(), within_s=17)
    assert [line.partition("4711) for ")[2][:3] for line in world.said] == ["5s:", "10s", "15s"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3.32.1", (3, 32)),
        ("v3.24.0-rc18", (3, 24)),
        ("3.22.0.rc1", (3, 22)),
        ("<html>", None),
        ("3", None),
        ("", None),
    ],
    ids=repr,
)
def test_versions_are_read_tolerantly(text: str, number: tuple[int, int] | None) -> None:
    assert version_number(text) == number


def test_a_server_that_is_no_conductor_is_called_by_its_name() -> None:
    with pytest.raises(ServerDied, match=r"^the embedded engine ended before it was ready \("):
        wait(World(), refusing(), within_s=60, died=lambda: "code 2", name="the embedded engine")
