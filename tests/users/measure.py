"""Run the tests of a team on every kind of server; what came of them is the table of docs/reference/servers.md.

`python tests/users/measure.py --url http://127.0.0.1:8080` needs a Conductor there; `--jar` also starts one of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE / "project"
KEPT = HERE.parents[1] / "build" / "servers"
"""What each setting brought: all of them take a quarter of an hour, one after the other."""
PAGE = HERE.parents[1] / "docs" / "reference" / "servers.md"
SERVE = [sys.executable, "-m", "pytest_k1n.engine.serving.serve"]
WITHIN_S = 900
_OWN = ("K1N_", "CONDUCTOR_", "PYTEST_")
_NO_BATCHES = ("-m", "not batch1 and not batch2")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to run the tests: a column of the table."""

    name: str
    time: str
    options: tuple[str, ...] = ()
    server: str = ""
    """`engine`: an engine process; `conductor`: the one at the URL; empty: what the options say."""
    worker: str = ""
    """What works beside the run: `ours` or `sdk`; empty: the run's own workers."""


SETTINGS = (
    Setting(name="embedded, in process", time="virtual"),
    Setting(name="embedded, in process, `-n 2`", time="virtual", options=("-n", "2")),
    Setting(name="embedded, at a URL", time="virtual", server="engine"),
    Setting(name="Conductor, at a URL", time="scaled", server="conductor", options=("--k1n-time=scaled",)),
    Setting(name="Conductor, `-n 2`", time="scaled", server="conductor", options=("--k1n-time=scaled", "-n", "2")),
    Setting(name="Conductor, at a URL", time="real", server="conductor", options=("--k1n-time=real", *_NO_BATCHES)),
    Setting(name="Conductor, `k1n worker` outside", time="scaled", server="conductor", worker="ours",
            options=("--k1n-time=scaled", "--k1n-workers=external")),
    Setting(name="Conductor, SDK worker outside", time="scaled", server="conductor", worker="sdk",
            options=("--k1n-time=scaled", "--k1n-workers=external", *_NO_BATCHES)),
    Setting(name="Conductor, from its jar", time="scaled", options=("--k1n-server=jar",)),
)  # fmt: skip


@dataclass(kw_only=True)
class Measured:
    """What came of the tests in one setting."""

    setting: Setting
    outcomes: dict[str, str] = field(default_factory=dict)
    """Test -> `passed`, `failed`, or the mark that had it skipped."""
    wall_s: float = 0.0
    text: str = ""

    def count(self, outcome: str) -> int:
        return sum(each == outcome for each in self.outcomes.values())


def measure(setting: Setting, *, url: str | None = None) -> Measured:
    """Run a copy of the project in one setting."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k1n-users-")))
        project = folder / "project"
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__", "test-results"))
        where = {"engine": lambda: stack.enter_context(engine()), "conductor": lambda: url}.get(setting.server)
        server = where() if where else None
        if setting.worker:
            stack.enter_context(worker(setting.worker, str(server), project))
        report = folder / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *setting.options]
        command += [f"--k1n-server={server}"] if server else []
        began = time.monotonic()
        ran = subprocess.run(
            command, cwd=project, env=environment(), capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
        measured = Measured(setting=setting, wall_s=time.monotonic() - began, text=ran.stdout + ran.stderr)
        if report.exists():
            measured.outcomes = dict(outcomes(report))
        return measured


def outcomes(report: Path) -> Iterator[tuple[str, str]]:
    """Read a JUnit report: each test, and what came of it."""
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{str(case.get('classname')).replace('.', '::')}::{case.get('name')}"
        skipped = case.find("skipped")
        marked = re.match(r"marked (\w+):", skipped.get("message") or "") if skipped is not None else None
        if marked:
            yield name, marked[1]
        else:
            bad = skipped is not None or any(case.find(kind) is not None for kind in ("failure", "error"))
            yield name, "failed" if bad else "passed"


def environment() -> Mapping[str, str]:
    """Return the environment of somebody who has set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}


@contextmanager
def engine() -> Iterator[str]:
    """Serve an embedded engine in virtual time; gives its URL."""
    with subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+:\d+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.terminate()


@contextmanager
def worker(kind: str, url: str, project: Path) -> Iterator[None]:
    """Have a worker that is no part of the run poll for the project's tasks."""
    types = [path.stem for path in sorted((project / "tasks").glob("*.json"))] + ["users_book", "users_go", "users_one",
             "users_after", "users_extra", "users_small", "users_large", "users_once", "users_shaky", "users_inner",
             "users_ask", "users_dyn"]  # fmt: skip
    ours = [sys.executable, "-m", "pytest_k1n", "worker", "--types", *types, "--speed", "600", "--no-hints",
            "--plan", "k1n.toml"]  # fmt: skip
    sdk = [os.environ.get("K1N_SDK_PYTHON", sys.executable), str(HERE / "sdk_worker.py"), url, *types]
    with subprocess.Popen(
        ours if kind == "ours" else sdk, cwd=project, env={**environment(), "K1N_SERVER": url}, stderr=subprocess.PIPE
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=30)


def page(measured: Sequence[Measured]) -> str:
    """Write the table."""
    tests = list(dict.fromkeys(name for each in measured for name in each.outcomes))
    total = sum(each.count("failed") for each in measured)
    lines = [
        "# The same tests on every server",
        "",
        f"The {len(tests)} tests of a team (`tests/users/project`) on {len(measured)} kinds of servers: {total} fail.",
        "Skipped is only where its mark says so: `virtual` needs a clock that can jump, `scaled` hours that take less,",
        "`live` a real Conductor.",
        "Tests of batches, whose plan says minutes, are left out in real time, and where nobody simulates.",
        "`make servers-table` writes this page.",
        "",
        "| | server | time | passed | skipped by mark | failed | wall time |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number, each in enumerate(measured, start=1):
        skipped = (
            ", ".join(f"{count} {mark}" for mark in ("virtual", "scaled", "live") if (count := each.count(mark))) or "0"
        )
        lines.append(
            f"| {number} | {each.setting.name} | {each.setting.time} | {each.count('passed')} | {skipped} | "
            f"{each.count('failed')} | {each.wall_s:.0f} s |"
        )
    numbers = [str(number) for number in range(1, len(measured) + 1)]
    lines += ["", f"| test | {' | '.join(numbers)} |", f"| --- |{' --- |' * len(numbers)}"]
    shown = {"passed": "✓", "failed": "**✗**", "": "·"}
    for name in tests:
        cells = [each.outcomes.get(name, "") for each in measured]
        lines.append(f"| {name} | {' | '.join(shown.get(cell, cell) for cell in cells)} |")
    return "\n".join([*lines, ""])


def kept_ones() -> Iterator[Measured]:
    """Read what the last run of each setting on this machine has brought."""
    for number, setting in enumerate(SETTINGS):
        path = KEPT / f"{number}.json"
        if path.exists():
            yield Measured(setting=setting, **json.loads(path.read_text(encoding="utf-8")))


def main() -> int:
    """Run all settings that can be run here; 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a Conductor to run on; without one only the embedded engine's columns are run")
    parser.add_argument("--jar", action="store_true", help="also on a server from the boot jar")
    parser.add_argument(
        "--sdk", action="store_true", help="also with workers of conductor-python, in the environment of K1N_SDK_PYTHON"
    )
    parser.add_argument(
        "--only",
        type=int,
        action="append",
        help="only these columns, counted from 1; the others stay as they were measured last",
    )
    parser.add_argument("--show", action="store_true", help="show what failing runs print")
    options = parser.parse_args()
    wanted = [
        setting
        for number, setting in enumerate(SETTINGS, start=1)
        if (options.url or setting.server != "conductor")
        and (options.jar or "--k1n-server=jar" not in setting.options)
        and (options.sdk or setting.worker != "sdk")
        and (not options.only or number in options.only)
    ]
    found = []
    KEPT.mkdir(parents=True, exist_ok=True)
    for setting in wanted:
        each = measure(setting, url=options.url)
        found.append(each)
        kept = {"outcomes": each.outcomes, "wall_s": each.wall_s}
        (KEPT / f"{SETTINGS.index(setting)}.json").write_text(json.dumps(kept), encoding="utf-8")
        passed, failed = each.count("passed"), each.count("failed")
        print(f"{setting.name}, {setting.time} time: {passed} passed, {failed} failed, {each.wall_s:.0f} s", flush=True)
        if (failed or not passed) and options.show:
            print(each.text[-6000:])
    PAGE.write_text(page(list(kept_ones())), encoding="utf-8")
    print(f"wrote {PAGE}")
    return int(any(each.count("failed") or not each.count("passed") for each in found))


if __name__ == "__main__":
    sys.exit(main())
