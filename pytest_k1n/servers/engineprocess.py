"""The embedded engine as a process of its own, on HTTP: for the background, for several clients, for `auto`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from pytest_k1n.client.address import Address
from pytest_k1n.core.extras import MissingExtra, require
from pytest_k1n.servers.configuration import RUN_UID
from pytest_k1n.servers.errors import TierUnavailable
from pytest_k1n.servers.probe import health, reason_of, version
from pytest_k1n.servers.process import ProcessServer, Site, elapsed_note, pick_port
from pytest_k1n.servers.protocol import Endpoint, Kind
from pytest_k1n.servers.readiness import wait_ready

ENGINE_MODULE = "pytest_k1n.engine.serving.serve"
"""Run as `python -m MODULE --port N`, it serves on loopback until SIGTERM."""


class EngineServer(ProcessServer):
    """One process that serves the embedded engine; `arguments` are handed to it."""

    def __init__(self, site: Site, *, arguments: Sequence[str] = ()) -> None:
        super().__init__(site)
        self._arguments = tuple(arguments)

    def _start(self, deadline: float) -> Endpoint:
        began = time.monotonic()
        try:
            require("uvicorn", extra="serve", use="the embedded engine as a process of its own")
        except MissingExtra as missing:
            raise TierUnavailable(str(missing)) from None
        address = Address.parse(f"http://127.0.0.1:{pick_port(self.site.port)}")
        process = self._launch(
            [sys.executable, "-m", ENGINE_MODULE, "--port", str(address.port), *self._arguments],
            env={**os.environ, RUN_UID: self.site.run_uid},
        )
        wait_ready(
            name="the embedded engine",
            what=f"pid {process.pid}",
            died=self.died,
            probe=lambda: health(address),
            deadline=deadline,
            facts=self._facts,
            remedy="another --port, or the line in the log",
            report=self.site.report,
        )
        try:
            found = version(address)
        except OSError as error:
            raise TierUnavailable(f"the embedded engine fell silent ({reason_of(error)})") from None
        return Endpoint(
            kind=Kind.EMBEDDED,
            url=address.url,
            version=found,
            pid=process.pid,
            log_path=self.site.log,
            owned=True,
            notes=(*self.site.notes, elapsed_note(began)),
        )
