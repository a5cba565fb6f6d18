"""`python -m benchmarks [ID ...]`: measure, print a table, write JSON.

A row is `{id, value, unit, limit, peer, peer_value, ok}`.

Every module here with a function `rows()` takes part; it yields rows, or `skipped(...)` with the reason. With ids
(`P10 P11`) only modules that name one of them in their docstring run, and only those rows are shown.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from benchmarks.row import Row, passed, table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests/support"))  # what the tests measure determinism by


def modules(ids: Iterable[str]) -> list[ModuleType]:
    """Choose by source, before anything is imported: the peers' scripts here need other environments."""
    wanted, chosen = list(ids), []
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = ast.get_docstring(tree) or ""
        has_rows = any(isinstance(each, ast.FunctionDef) and each.name == "rows" for each in tree.body)
        if has_rows and (not wanted or any(re.search(rf"\b{id_}\b", named) for id_ in wanted)):
            chosen.append(importlib.import_module(f"benchmarks.{path.stem}"))
    return chosen


def measure(ids: list[str]) -> list[Row]:
    rows: list[Row] = []
    for module in modules(ids):
        began = time.monotonic()
        found = [dict(row) for row in module.rows()]
        rows += [row for row in found if not ids or str(row["id"]).split()[0] in ids]
        print(f"{module.__name__}: {time.monotonic() - began:.1f}s", file=sys.stderr)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the targets, P1 to P25.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="measure these only, as in P10 P11")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "rows.json", metavar="FILE")
    options = parser.parse_args()
    rows = measure(options.ids)
    if not rows:
        parser.error(f"nothing measures {' '.join(options.ids)}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    host = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": list(os.getloadavg())}
    options.json.write_text(json.dumps({"host": host, "rows": rows}, indent=1) + "\n")
    print(table(rows))
    print(f"load {host['load'][0]:.1f} on {host['cpus']} cpus; rows in {options.json}")
    return 0 if all(passed(row) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
