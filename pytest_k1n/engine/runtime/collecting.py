"""How Python's garbage collector goes about an engine: its records live long and are freed without it.

A full collection walks everything that a process holds, and what an engine adds to that makes the next ones come: a
sixth of what an execution of thousands of tasks costs. The younger generations, where what has become garbage by itself
is found, go on being collected.
"""

from __future__ import annotations

import gc
from typing import Final

_NEVER: Final = 2**31 - 1
_SERVED: Final = (10_000, 20, 50)
"""Of the youngest generation so many objects, of the others so many collections of the one before."""


class OnlyYoung:
    """Leave full collections for later; they are made up for afterwards, by one.

    Not by `contextmanager`, which takes twice as long: every start is in one.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = gc.get_threshold()
        if self._before[2] != _NEVER:  # else this is done around it already
            gc.set_threshold(*self._before[:2], _NEVER)

    def __exit__(self, *_raised: object) -> None:
        if self._before[2] != _NEVER:
            gc.set_threshold(*self._before)


def settle_in() -> None:
    """Take what a server has loaded out of all collections to come, and have fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SERVED)
