"""Run every example in modules' documentation: `python examples.py FILE…`; silent but for a last line where all hold.

Each is loaded from its file, so that a pattern may be called as a module of Python's own is. The last line says how
many were run: code that ends the process is no code that holds.
"""

from __future__ import annotations

import doctest
import importlib.util
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run the examples of each file; 1 if one does not hold or a module cannot be loaded."""
    for name in names:
        module_name = Path(name).stem
        spec = importlib.util.spec_from_file_location(f"generated_{module_name}", name)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:  # SystemExit is one, and would end the check
            print(f"{name} cannot be loaded: {type(error).__name__}: {error}")
            return 1
        if doctest.testmod(module).failed:
            return 1
    print(held(len(names)))
    return 0


def held(count: int) -> str:
    """Return what is said of so many modules that hold."""
    return f"{count} modules hold"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
