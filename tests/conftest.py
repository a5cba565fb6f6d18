"""Live tests: only when asked for by K1N_LIVE, and then a server that cannot be had is a failure, never a skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("K1N_LIVE"):
        return
    live = [item for item in items if item.get_closest_marker("live")]
    if live:
        config.hook.pytest_deselected(items=live)
        items[:] = [item for item in items if item not in live]


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A real Conductor: the one at K1N_LIVE_URL, else one from the boot jar for this session."""
    folder = tmp_path_factory.mktemp("live")
    url, jar = os.environ.get("K1N_LIVE_URL"), os.environ.get("K1N_JAR")
    kind = Kind.URL if url else Kind.JAR
    spec = ServerSpec(kind=kind, url=url, jar_path=Path(jar) if jar else None, startup_timeout_s=300)
    with open_server(spec, run_uid=f"live{os.getpid()}", folder=folder / "server", report=print) as endpoint:
        yield endpoint
