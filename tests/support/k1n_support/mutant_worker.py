"""`k1n worker` with one bug put in on purpose: `python mutant_worker.py BUG [options of k1n worker]`."""

from __future__ import annotations

import sys

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.worker import main
from pytest_k1n.workers.delivery import ResultDelivery
from pytest_k1n.workers.heartbeat import Heartbeat


def extend_no_lease() -> None:
    Heartbeat.keep = lambda *_: None  # type: ignore[method-assign]


def report_once() -> None:
    def deliver(self, result):  # type: ignore[no-untyped-def]
        try:
            self._client.update(result)
        except ConductorError:
            return "gone"
        return "delivered"

    ResultDelivery.deliver = deliver  # type: ignore[method-assign]


BUGS = {"extends no lease": extend_no_lease, "reports once": report_once}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
