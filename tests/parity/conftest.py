"""Put the differential harness (`k1n_parity`) on the import path; give the live tests a real Conductor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def conductor_url(tmp_path_factory):
    """Name the Conductor of `K1N_PARITY_SERVER`, or start one from its boot jar (`K1N_JAR`, cache, Maven).

    Unlike the plugin's own profile its JOINs look once a second only: they race with the retry of a failed branch
    (`k1n_parity.agreement`), the more the oftener they look.
    """
    if url := os.environ.get("K1N_PARITY_SERVER"):
        yield url
        return
    from pytest_k1n.servers.configuration import LOW_LATENCY
    from pytest_k1n.servers.opening import open_server
    from pytest_k1n.servers.protocol import Kind, ServerSpec

    named = os.environ.get("K1N_JAR")
    spec = ServerSpec(kind=Kind.JAR, jar_path=Path(named) if named else None, startup_timeout_s=240)
    folder = tmp_path_factory.mktemp("parity") / "server"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LOW_LATENCY, "conductor.app.systemTaskPostponeThreshold", "0")
        with open_server(spec, run_uid=f"parity-{os.getpid()}", folder=folder, report=print) as endpoint:
            yield endpoint.url
