"""What can go wrong with a server, said so that the reader knows what to do next.

ServerError
├── ServerStartTimeout (TimeoutError)        it lives, but did not become ready
├── ServerDied (RuntimeError)                it ended by itself
├── PortTaken (OSError)                      another process listens on its port
├── ServerTooOld (RuntimeError)              older than the first line with SQLite inside
├── ServerRefused (PermissionError)          it may not be used without being asked for
├── NoAnswer (ConnectionError)               an explicit URL does not answer
├── NotAConductor (ValueError)               something answers, but no Conductor
├── JavaNotFound (FileNotFoundError)
├── JarNotFound (FileNotFoundError)
├── JarDamaged (ValueError)
├── TierUnavailable (RuntimeError)           this kind of server cannot run here
│   └── NothingWorks                         nor can any other that `auto` tries
├── WrongClock (ValueError)                  an embedded engine whose clock does not suit the run
└── SupervisorFailed (RuntimeError)          the supervising process itself could not do its work
"""

from __future__ import annotations


class ServerError(Exception):
    """A server cannot be used: what happened, the facts, and what to do.

    `facts` are (label, text) rows; `remedy` starts with a verb or names the option to change.
    """

    def __init__(self, what: str, *facts: tuple[str, str], remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.facts = facts
        self.remedy = remedy

    def __str__(self) -> str:
        if not self.facts:
            return self.line
        rows = [*self.facts, *([("try", self.remedy)] if self.remedy else [])]
        width = max(len(label) for label, _ in rows)
        return "\n".join([self.what, *(f"  {label:<{width}} : {text}" for label, text in rows)])

    @property
    def line(self) -> str:
        """The same on one line, for headers and for the list of tiers passed over."""
        what = self.what.removesuffix(".")
        return f"{what}; try {self.remedy}" if self.remedy else what


class ServerStartTimeout(ServerError, TimeoutError):
    """The server is alive and did not become ready before the deadline."""


class ServerDied(ServerError, RuntimeError):
    """The server's process ended by itself."""


class PortTaken(ServerError, OSError):
    """Another process listens on the port that the server was given."""


class ServerTooOld(ServerError, RuntimeError):
    """The server is older than the first release that we support."""


class ServerRefused(ServerError, PermissionError):
    """Using this server needs an explicit word of the user."""


class NoAnswer(ServerError, ConnectionError):
    """Nothing answers at an explicitly given URL."""


class NotAConductor(ServerError, ValueError):
    """Something answers at the URL, and it is not a Conductor server."""


class JavaNotFound(ServerError, FileNotFoundError):
    """No Java of the needed version."""


class JarNotFound(ServerError, FileNotFoundError):
    """The server's boot jar is nowhere and cannot be fetched."""


class JarDamaged(ServerError, ValueError):
    """The file is not the boot jar that it should be."""


class TierUnavailable(ServerError, RuntimeError):
    """This kind of server cannot run on this machine."""


class NothingWorks(TierUnavailable):
    """None of the kinds that `auto` tries can run; `notes` say why, one line each."""

    notes: tuple[str, ...] = ()


class WrongClock(ServerError, ValueError):
    """The embedded engine at a URL has another clock than the run needs."""


class SupervisorFailed(ServerError, RuntimeError):
    """The supervising process did not start or did not answer."""
