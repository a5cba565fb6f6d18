"""Runs that are killed: what is left of them, and with which exit code they end.

`python -m benchmarks.kills` starts a run of two workflows again and again, on the embedded engine in process, on one
that it serves, and on a Conductor from its jar, each plain and on two nodes, and ends it at a moment drawn by a seed:
`kill -9` and SIGTERM to pytest, Ctrl-C to all of its group. Counted are processes that live on, folders in the
temporary folder before and after the next run, and drafts of results. Exit code 1 if something is left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MARK = "K1N_KILLED_RUN"
"""Variable by which every process of a cycle is known: all of them inherit it."""
ENDED_WITHIN_S = 90.0
HUNG = 999
"""Shown as the exit code of a run that had to be killed after all."""
GONE_WITHIN_S = 20.0
"""A supervisor ends a server's group politely first."""
SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]
[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "one"
workflow = "ONE"
estimates = { a = "5m", b = "5m" }
[[batch]]
number = 2
[[batch.template]]
id = "02"
slug = "two"
workflow = "TWO"
estimates = { a = "5m", b = "5m" }
"""
TEST = """
import time
import pytest
from pytest_k1n import completed
pytestmark = [pytest.mark.batch{number}, pytest.mark.workflow("{name}")]

def test_it(workflow_execution):
    workflow_execution.expect(completed())
    time.sleep(1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A server to be killed beside, and how long a run on it lasts."""

    name: str
    options: tuple[str, ...]
    lasts_s: float


KINDS = (
    Kind(name="embedded", options=("--k1n-server=embedded",), lasts_s=4),
    Kind(name="embedded, served", options=("--k1n-server=embedded", "--k1n-time=scaled"), lasts_s=7),
    Kind(name="jar", options=("--k1n-server=jar",), lasts_s=40),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One run, and how it is ended."""

    number: int
    kind: Kind
    nodes: int
    signal: str
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a cycle has left."""

    cycle: Cycle
    code: int
    orphans: int


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts beside it inherits a deaf ear
    chance = random.Random(arguments.seed)
    counts = dict(zip(KINDS, (arguments.embedded, arguments.served, arguments.jar), strict=True))
    planned = list(cycles(counts, chance))
    until = time.monotonic() + arguments.minutes * 60
    with tempfile.TemporaryDirectory(prefix="k1n-kills-") as name:
        folder = Path(name)
        _project(folder)
        with ThreadPoolExecutor(arguments.jobs) as pool:
            left = []
            for each in pool.map(lambda cycle: strike(folder, cycle) if time.monotonic() < until else None, planned):
                if each is None:
                    continue
                left.append(each)
                if each.orphans:
                    print(f"{each.cycle}: {each.orphans} processes live on", flush=True)
        before, drafts = len(_folders(folder)), _age_drafts(folder)
        code = _command(folder, KINDS[0], 0).wait()
        after = len(_folders(folder)), _age_drafts(folder)
    print("\n".join(table(left)))
    print(f"folders and drafts before the next run: {before} and {drafts}; after it: {after[0]} and {after[1]}")
    print(f"the next run ended with {code}; seed {arguments.seed}, load {os.getloadavg()[0]:.1f}")
    return 1 if any(each.orphans or each.code == HUNG for each in left) or any(after) or code else 0


def cycles(counts: dict[Kind, int], chance: random.Random) -> Iterator[Cycle]:
    """Yield `counts` cycles of each kind for each signal and number of nodes, in an order drawn."""
    made = [
        (kind, nodes, name) for kind, count in counts.items() for nodes in (0, 2) for name in SIGNALS
        for _ in range(count)
    ]  # fmt: skip
    chance.shuffle(made)
    for number, (kind, nodes, name) in enumerate(made):
        yield Cycle(
            number=number, kind=kind, nodes=nodes, signal=name, after_s=round(chance.uniform(0.1, kind.lasts_s), 2)
        )


def strike(folder: Path, cycle: Cycle) -> Left:
    """Run one cycle and see what is left."""
    mark = f"{os.getpid()}.{cycle.number}"
    process = _command(folder, cycle.kind, cycle.nodes, mark)
    try:
        process.wait(cycle.after_s)
    except subprocess.TimeoutExpired:
        if cycle.signal == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(SIGNALS[cycle.signal])
    try:
        code = process.wait(ENDED_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        code = HUNG
    deadline = time.monotonic() + GONE_WITHIN_S
    while (orphans := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    return Left(cycle=cycle, code=code, orphans=len(orphans))


def _command(folder: Path, kind: Kind, nodes: int, mark: str = "") -> subprocess.Popen[bytes]:
    own = ("K1N_", "CONDUCTOR_", "PYTEST_")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(own) or name == "K1N_JAR"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *kind.options]
    return subprocess.Popen(
        [*argv, f"-n{nodes}"] if nodes else argv, cwd=folder, start_new_session=True,
        env={**outside, "TMPDIR": str(folder / "tmp"), MARK: mark},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _marked(mark: str) -> list[int]:
    """Find the processes of a cycle by what they have inherited."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            is_ours = entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if is_ours:
            found.append(int(entry.name))
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted((folder / "tmp").glob("k1n-*"))


def _age_drafts(folder: Path) -> int:
    """Count drafts of results, and make them old: a young one may be another run's."""
    drafts = list((folder / "test-results").rglob(".*.tmp"))
    for each in drafts:
        os.utime(each, (0, 0))
    return len(drafts)


def _project(folder: Path) -> None:
    (folder / "tmp").mkdir()
    (folder / "workflows").mkdir()
    (folder / "k1n.toml").write_text(PLAN)
    for number, name in enumerate(("ONE", "TWO"), start=1):
        tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("a", "b")]
        definition = {"name": name, "version": 1, "ownerEmail": "me@example.com", "tasks": tasks}
        (folder / "workflows" / f"{name}.json").write_text(json.dumps(definition))
        (folder / f"test_{number}.py").write_text(TEST.format(number=number, name=name))


def table(left: Sequence[Left]) -> Iterator[str]:
    """Show the counts as Markdown."""
    yield "| server | ended by | cycles | processes left | exit codes |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in KINDS:
        for name in SIGNALS:
            mine = [each for each in left if (each.cycle.kind, each.cycle.signal) == (kind, name)]
            if mine:
                codes = Counter(each.code for each in mine)
                shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
                yield f"| {kind.name} | {name} | {len(mine)} | {sum(each.orphans for each in mine)} | {shown} |"
    yield ""
    yield f"{len(left)} cycles"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--embedded", type=int, default=20, metavar="N", help="cycles of each signal and node count")
    parser.add_argument("--served", type=int, default=10, metavar="N")
    parser.add_argument("--jar", type=int, default=4, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="cycles at once")
    parser.add_argument("--minutes", type=float, default=1e6, metavar="N", help="begin no cycle after so long")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
