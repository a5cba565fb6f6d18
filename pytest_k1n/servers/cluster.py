"""Several Conductor servers of our own on one PostgreSQL: to clients and workers one Conductor with several URLs."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.postgres import Postgres
from pytest_k1n.servers.process import ProcessServer, Site
from pytest_k1n.servers.protocol import Endpoint

Maker = Callable[[Site, Postgres], JarServer]
"""Makes one server of its site and its database."""
_CONNECTIONS = 30
"""Of the database, for each server: Conductor's pool has ten, and its lock and its queue open more beside it."""


class Cluster(ProcessServer):
    """A database server and Conductor servers, started one after the other, because each start takes a core or two."""

    def __init__(self, site: Site, make: Maker, *, servers: int) -> None:
        super().__init__(site)
        self._make = make
        self._count = servers
        self._stack = ExitStack()
        self.members: tuple[JarServer, ...] = ()

    def stop(self) -> None:
        """End them all, the database last."""
        self.members = ()
        self._stack.close()

    def died(self) -> str | None:
        """Say that the last one is dead; as long as one lives, work goes on."""
        ends = [member.died() for member in self.members]
        return f"all {self._count} servers are dead: {ends[0]}" if ends and None not in ends else None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the first server, whom clients and workers talk to unless it fails them."""
        self.members[0].kill(number)

    def release(self) -> int:
        """Refuse: nothing would end the database."""
        raise NotImplementedError("a cluster cannot be left running")

    def _start(self, deadline: float) -> Endpoint:
        site = self.site
        self._stack.callback(shutil.rmtree, site.folder, ignore_errors=True)
        database = self._stack.enter_context(
            Postgres(connections=_CONNECTIONS * max(self._count, 4), launched=site.launched)
        )
        site.report("PostgreSQL is ready")
        members: list[JarServer] = []
        for number in range(self._count):
            log = (
                site.log_path.with_stem(f"{site.log_path.stem}-{number}") if site.log_path and number else site.log_path
            )
            own = replace(
                site, folder=site.folder / f"server-{number}", log_path=log, port=None if number else site.port
            )
            member = self._stack.enter_context(self._make(own, database))
            members.append(member)
            member.start(deadline)
        self.members = tuple(members)
        first = members[0].endpoint
        url = ",".join(member.endpoint.url for member in members)
        notes = (*first.notes, f"{self._count} servers on one PostgreSQL")
        # The first was alone when it was warmed up; the last one knows what all of them make of the machine. Our own
        # budgets are those of one server on SQLite.
        forks = [fork_ms for member in members if (fork_ms := member.endpoint.fork_ms) is not None]
        return replace(first, url=url, notes=notes, fork_ms=max(forks, default=None), capability=members[-1].capability)
