"""A worker of the official SDK: it polls for the types it is given and does next to nothing. `URL TYPE...`"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from conductor.client.automator.task_handler import TaskHandler
from conductor.client.configuration.configuration import Configuration
from conductor.client.worker.worker import Worker


def work(task):  # type: ignore[no-untyped-def]
    """Answer as the workers of this team would where a test asks for no more."""
    return {"parcel": "p-30", "paid": 30, "reserved": "o-7"}


def main() -> None:
    """Work until SIGTERM."""
    logging.disable(logging.CRITICAL)
    url, *types = sys.argv[1:]
    workers = [Worker(each, work, poll_interval=50) for each in types]
    stop = threading.Event()
    with TaskHandler(workers, Configuration(base_url=url), scan_for_annotated_workers=False) as handler:
        handler.start_processes()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        stop.wait()


if __name__ == "__main__":
    main()
