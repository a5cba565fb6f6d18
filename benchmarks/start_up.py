"""P9: what the plugin adds to one trivial test, without a plan and with one; beside other plugins.

Plugins are loaded as for users, by their entry points; every other one is blocked. `bare` blocks all of them, so that
pytest's search for entry points is in no figure.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.row import Row, row, skipped

ROUNDS = 60
PLAN = Path(__file__).parents[1] / "suites" / "plan.toml"
OURS = "pytest-k1n"
PEERS = ("pytest-timeout", "pytest-xdist", "pytest-benchmark")
PLUGINS = [(point.name, point.dist.name) for point in entry_points(group="pytest11") if point.dist]
"""Name of each plugin, and the distribution that brings it."""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")},
    "PYTHONSAFEPATH": "1",
}


def start_ms(folder: Path, distribution: str | None, cache: Path) -> float:
    """Return how long a whole pytest run of one empty test takes, with the plugins of one distribution or none."""
    blocked = [f"-pno:{name}" for name, owner in PLUGINS if owner != distribution]
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *blocked]
    environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(cache)}  # compiled once, as an installed package is
    began = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def added_ms(variants: Mapping[str, tuple[Path, str | None]], cache: Path) -> dict[str, float]:
    """Measure all variants in turns; return each one's median of the paired differences to `bare`."""
    rounds: list[dict[str, float]] = []
    names = list(variants)
    for number in range(ROUNDS + 1):
        turn = names[number % len(names) :] + names[: number % len(names)]  # nobody always follows the same one
        rounds.append({name: start_ms(*variants[name], cache) for name in turn})
    warm = rounds[1:]  # the first one wrote the .pyc files
    return {name: statistics.median(each[name] - each["bare"] for each in warm) for name in names if name != "bare"}


def rows() -> Iterator[Row]:
    """Ours against the limits of docs/how-to/benchmarks.md; each peer in the same rounds."""
    installed = [peer for peer in PEERS if peer in {owner for _, owner in PLUGINS}]
    with tempfile.TemporaryDirectory(prefix="k1n-start-") as name:
        without, planned = Path(name, "without"), Path(name, "planned")
        for folder in (without, planned):
            folder.mkdir()
            (folder / "pyproject.toml").write_text(
                "[tool.pytest]\n"
            )  # so pytest itself reads TOML, as in most projects
            (folder / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
        shutil.copy(PLAN, planned / "k1n.toml")
        added = added_ms(
            {
                "bare": (without, None),
                "without": (without, OURS),
                "planned": (planned, OURS),
                **{peer: (without, peer) for peer in installed},
            },
            Path(name, "cache"),
        )
    slowest = max(installed, key=lambda peer: added[peer], default="")
    yield row("P9 start-up, no plan", added["without"], "ms", limit=5, peer=slowest, peer_value=added.get(slowest))
    yield row("P9 start-up, plan", added["planned"], "ms", limit=10, peer=slowest, peer_value=added.get(slowest))
    for peer in PEERS:
        if peer in installed:
            yield row(f"P9 {peer}", added[peer], "ms")
        else:
            yield skipped(f"P9 {peer}", f"{peer} is not installed")


if __name__ == "__main__":
    for each in rows():
        print(each)
