"""P9: what the plugin adds to one trivial test, without a plan and with one; beside other plugins."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from benchmarks.row import Row, row, skipped

ROUNDS = 25
PLAN = Path(__file__).parents[1] / "suites" / "plan.toml"
PEERS = {
    "pytest-timeout": "pytest_timeout",
    "pytest-xdist": "xdist.plugin",
    "pytest-benchmark": "pytest_benchmark.plugin",
}
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONSAFEPATH": "1",
}
OURS = "pytest_k1n.plugin"


def start_ms(folder: Path, plugin: str | None, cache: Path) -> float:
    """Return how long a whole pytest run of one empty test takes, with one plugin more or none."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    environment = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(cache)}  # compiled once, as an installed package is
    if plugin:
        environment["PYTEST_PLUGINS"] = plugin  # not by -p, which makes pytest read the metadata of every package
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
    """Ours against the limits of methods.md section 12; each peer in the same rounds."""
    installed = {name: module for name, module in PEERS.items() if find_spec(module.partition(".")[0])}
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
                **{peer: (without, module) for peer, module in installed.items()},
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
