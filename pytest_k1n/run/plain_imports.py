"""Load the modules of this package as Python does, past pytest's rewriting of asserts.

pytest rewrites the asserts of each package that brings a plugin, so that a failing one explains itself. No assert in
here is about a user's values, and rewriting costs every run: 0.2 s of 1.0 where rewritten modules are cached, 0.5 s of
1.6 where they cannot be (PYTHONDONTWRITEBYTECODE=1 in a container, an installation that the user may only read).
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PACKAGE = __name__.partition(".")[0] + "."


class PlainImports:
    """Finder of this package's modules that leaves the loading of them to Python."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the module's spec with Python's own loader; None where the module is another package's."""
        return PathFinder.find_spec(name, path, target) if name.startswith(PACKAGE) else None


def import_plainly() -> Callable[[], None]:
    """Stand before pytest's import hook, which is the first there; return the function that steps back."""
    finder = PlainImports()
    sys.meta_path.insert(0, finder)
    return lambda: sys.meta_path.remove(finder) if finder in sys.meta_path else None
