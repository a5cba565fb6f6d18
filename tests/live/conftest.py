"""A server of this session's own for tests that kill it; started once, because a start takes a quarter of a minute."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.exploded import runnable
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import find_java
from pytest_k1n.servers.process import Site

START_WITHIN_S = 600.0


@pytest.fixture(scope="module")  # an idle server takes a third of a core from the tests that come after
def mortal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JarServer]:
    """A real Conductor that may be killed, frozen and started again."""
    java = find_java()
    named = os.environ.get("K1N_JAR")
    jar = runnable(find_jar(Path(named) if named else None, report=print), java, report=print)
    site = Site(folder=tmp_path_factory.mktemp("mortal") / "server", run_uid=f"mortal{os.getpid()}", report=print)
    with JarServer(site, jar=jar, java=java) as running:
        running.start(time.monotonic() + START_WITHIN_S)
        yield running
