"""How Python's garbage collector goes about an engine: its records live long and are freed without it.

A full collection walks everything that a process holds, and what an engine adds to that makes the next ones come: a
sixth of what an execution of thousands of tasks costs. The younger generations, where what has become garbage by itself
is found, go on being collected.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEVER: Final = 2**31 - 1
_SERVED: Final = (10_000, 20, 50)
"""Of the youngest generation so many objects, of the others so many collections of the one before."""


@contextmanager
def only_young() -> Iterator[None]:
    """Leave full collections for later; they are made up for afterwards, by one."""
    young, middle, old = gc.get_threshold()
    if old == _NEVER:  # this is done around it already
        yield
        return
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


def settle_in() -> None:
    """Take what a server has loaded out of all collections to come, and have fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SERVED)
