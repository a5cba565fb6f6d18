"""What the REST interface refuses, with the statuses Conductor answers.

Problem
├── Unknown         404
├── WrongState      409
├── Invalid         400, with the violations if a document broke constraints
├── Illegal         500: Conductor answers most illegal states and malformed requests like this
├── Transient       500, and says that it may be tried again
├── NotAllowed      405
├── Forbidden       403: of this engine only, Conductor lets every caller in
├── TooLarge        413: of this engine only
└── EngineStopped         503: of this engine only
"""

from __future__ import annotations

from typing import Any


class InvalidInput(Exception):
    """Input that a task cannot be made of: its execution fails with this reason, also in a call that evaluates it."""


class Problem(Exception):
    """A refused request: HTTP status and message."""

    status = 500
    is_retryable = False

    def __init__(self, message: str, *, violations: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.violations = violations
        self.chain: tuple[str, ...] = ()
        """Where in a document that cannot be read it was found, outermost first."""


class Unknown(Problem):
    """No such execution, task, definition or route."""

    status = 404


class WrongState(Problem):
    """Not in a state that allows it."""

    status = 409


class Invalid(Problem):
    """A document that breaks constraints, or an illegal argument."""

    status = 400


class Illegal(Problem):
    """An illegal state, or a request that cannot be read."""


class Transient(Problem):
    """What the server takes for a failure of its database."""

    is_retryable = True


class NestedTooDeeply(Problem):
    """A document whose expressions hold one another deeper than anything the engine takes."""

    status = 400


class NotAllowed(Problem):
    """A method that a path does not have."""

    status = 405


class Forbidden(Problem):
    """A request that may have been sent by a page in a browser."""

    status = 403


class TooLarge(Problem):
    """A body that is not worth its memory."""

    status = 413


class EngineStopped(Problem):
    """An engine that is being stopped, and does not finish what it was asked for."""

    status = 503
