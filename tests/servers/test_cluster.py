"""Several servers on one database are to a run one server: its URL, its end, how late the slowest of them is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_k1n.core.timing.capability import Capability
from pytest_k1n.servers.cluster import Cluster
from pytest_k1n.servers.foreign import warmed
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.postgres import Postgres
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.protocol import Endpoint, Kind


class Member(JarServer):
    """A server that is there at once."""

    def __init__(self, site: Site, *, fork_ms: int | None, ends: dict[str, str | None]) -> None:
        super().__init__(site, jar=Path("server.jar"), java=Java(path=Path("java"), major=25, version="25", origin="t"))
        self._fork_ms, self._ends = fork_ms, ends
        self.capability = Capability(first_ms=1000, runs=10, fork_ms=fork_ms)

    def _start(self, deadline: float) -> Endpoint:
        name = self.site.folder.name
        self.site.folder.mkdir(parents=True)
        return Endpoint(kind=Kind.JAR, url=f"http://127.0.0.1:1/{name}", version="3.32.1", fork_ms=self._fork_ms)

    def died(self) -> str | None:
        return self._ends.get(self.site.folder.name)


@pytest.fixture
def ends() -> dict[str, str | None]:
    """How members have ended, by name."""
    return {}


@pytest.fixture
def cluster(
    tmp_path: Path,
    open_root: Path,
    postgres_programs: Path,
    ends: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cluster]:
    monkeypatch.setattr(tempfile, "tempdir", str(open_root))
    forks = iter([20, 180, 90])

    def make(site: Site, _database: Postgres) -> Member:
        return Member(site, fork_ms=next(forks), ends=ends)

    made = Cluster(Site(folder=tmp_path / "server", run_uid="r1"), make, servers=3)
    yield made
    made.stop()


def test_it_has_the_urls_of_all_and_the_pace_of_the_slowest(cluster: Cluster) -> None:
    """The first one is warmed up while it is alone on the machine."""
    endpoint = cluster.start(time.monotonic() + 60)
    assert endpoint.url.split(",") == [f"http://127.0.0.1:1/server-{number}" for number in range(3)]
    assert endpoint.fork_ms == 180
    assert endpoint.capability == Capability(first_ms=1000, runs=10, fork_ms=90), "of the last: all of them ran by then"
    assert warmed(endpoint, uid="r1", register="always", within_s=1).capability == endpoint.capability
    assert endpoint.notes[-1] == "3 servers on one PostgreSQL"


def test_it_is_dead_when_the_last_one_is(cluster: Cluster, ends: dict[str, str | None]) -> None:
    cluster.start(time.monotonic() + 60)
    ends |= {"server-0": "signal SIGKILL", "server-2": "signal SIGKILL"}
    assert cluster.died() is None
    ends["server-1"] = "code 1"
    assert cluster.died() == "all 3 servers are dead: signal SIGKILL"


def test_it_leaves_nothing(cluster: Cluster, tmp_path: Path, open_root: Path) -> None:
    cluster.start(time.monotonic() + 60)
    assert list(open_root.glob("k1n-*"))
    cluster.stop()
    assert not (tmp_path / "server").exists()
    assert not list(open_root.glob("k1n-*"))


def test_the_password_is_in_no_command_line(
    fake_java: Path, tmp_path: Path, open_root: Path, postgres_programs: Path, home: Path
) -> None:
    java = Java(path=fake_java, major=25, version="25.0.1", origin="test")
    with Postgres(root=open_root) as database:
        server = JarServer(
            Site(folder=tmp_path / "server", run_uid="r1"), jar=Path("server.jar"), java=java,
            overrides=database.properties, secrets=database.secrets,
        )  # fmt: skip
        with server:
            pid = server.start(time.monotonic() + 60).pid
            ((name, password),) = database.secrets.items()
            assert password not in Path(f"/proc/{pid}/cmdline").read_text()
            assert f"{name}={password}" in Path(f"/proc/{pid}/environ").read_text().split("\0")
