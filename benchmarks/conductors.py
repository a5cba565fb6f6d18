"""Real Conductors for measurements: of our own profile, with properties of their own, or as anybody starts one."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_k1n.client.address import Address
from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.configuration import environment
from pytest_k1n.servers.exploded import runnable
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import Java, find_java
from pytest_k1n.servers.probe import State, health
from pytest_k1n.servers.process import Site, pick_port
from pytest_k1n.servers.supervised import Supervised

START_WITHIN_S = 300.0


@contextmanager
def ours(overrides: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a server with our low-latency profile, `overrides` before it, and give its URL."""
    java, jar = _java_and_jar()
    with tempfile.TemporaryDirectory(prefix="k1n-bench-") as folder:
        site = Site(folder=Path(folder) / "server", run_uid=f"bench{os.getpid()}", report=lambda _: None)
        with JarServer(site, jar=jar, java=java, overrides=overrides) as server:
            yield server.start(time.monotonic() + START_WITHIN_S).url


@contextmanager
def by_default(port: int | None = None) -> Iterator[str]:
    """Start a server as its README says, but for port, address and a database of its own; give its URL when healthy."""
    java, jar = _java_and_jar()
    with tempfile.TemporaryDirectory(prefix="k1n-bench-") as folder:
        chosen = pick_port(port)
        database = f"jdbc:sqlite:{folder}/conductor.db?busy_timeout=15000&journal_mode=WAL"
        flags = [f"-Djava.io.tmpdir={folder}", "-XX:-UsePerfData"]
        own = [f"--server.port={chosen}", "--server.address=127.0.0.1", f"--spring.datasource.url={database}"]
        argv = [str(java.path), *flags, "-jar", str(jar), *own]
        with Supervised(argv, log_path=Path(folder) / "server.log", env=environment(os.environ, "")) as process:
            _await_health(process, address := Address.parse(f"http://127.0.0.1:{chosen}"))
            yield address.url
            process.kill()


def _java_and_jar() -> tuple[Java, Path]:
    java = find_java()
    named = os.environ.get("K1N_JAR")
    return java, runnable(find_jar(Path(named) if named else None, report=print), java, report=print)


def _await_health(process: Supervised, address: Address) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while health(address).state is not State.READY:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"a Conductor did not become healthy on port {address.port} (exit code {process.poll()})")
        time.sleep(0.2)
