"""Faults of workers for `benchmarks.both_ways`: Python imports this at its start where PYTHONPATH names the folder.

K1N_MUTANT says which one; only a `k1n worker` process commits it.
"""

import os
import sys
import threading
import time

MUTANT = os.environ.get("K1N_MUTANT", "")
OPEN_S = 0.03


def gated(period_s, wanted=None):
    """Let a type be polled for a moment of every period only; `wanted` None: all types."""
    from pytest_k1n.workers.intake import Intake

    take = Intake.take

    def late(self, task_type, *known):
        is_open = time.monotonic() % period_s < OPEN_S
        return take(self, task_type, *known) if is_open or wanted not in (None, task_type) else []

    Intake.take = late


def two_at_once():
    """Work on two tasks at once, whatever has been declared."""
    from pytest_k1n.workers.intake import Intake

    take = Intake.take
    lock = threading.Lock()

    def take_one_of_two(self, task_type, *_):
        with lock:  # slow polls go side by side: four of them would all find a slot free
            self._asks.clear()  # one at a time: no batch goes past the second
            return take(self, task_type) if len(self.in_hand()) < 2 else []

    Intake.take = take_one_of_two


if MUTANT and "worker" in sys.orig_argv:
    if MUTANT == "polls-every-500-ms":
        gated(0.5)
    elif MUTANT == "one-type-late":
        gated(4.0, os.environ["K1N_MUTANT_TYPE"])
    elif MUTANT == "two-slots":
        two_at_once()
    else:
        sys.exit(f"K1N_MUTANT: {MUTANT!r} is no mutant")
