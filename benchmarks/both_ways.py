"""Both errors of a verdict: healthy runs that are called FAIL, and faults that are not noticed, on a real Conductor.

`python -m benchmarks.both_ways --column quiet --healthy 100 --faults 40` runs the K1N plan that often as it is, and its
second batch under each fault; all runs of a column share one server, started here, or at --server. Every run becomes
a line of --log; `--table` prints the counts of all that is in it, by column. What runs beside it makes the column:
nothing, a load, another server.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOG = HERE / "results" / "both_ways.jsonl"
PLAN = "batch1 or batch2 or batch3"
WITHIN_S = 300.0
JOIN_HELD_MS = 2000
"""A JOIN waits for the next look, half of this in the mean: a second."""
SLOW_SWEEPS_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is done to the plan, and what of it runs."""

    name: str
    selects: str = PLAN
    mutant: str = ""
    named_by: frozenset[str] = frozenset()
    """Codes of findings of which one must fail in a run that has noticed this fault; empty: the run must be red."""
    system_tasks_every_ms: int | None = None
    """How often the server looks after its system tasks, JOINs among them; None as our profile says, 10 ms."""


HEALTHY = Case(name="healthy", selects=PLAN)
LAGGED = frozenset({"join-lag"})
FAULTS = (
    Case(name="worker polls every 500 ms", mutant="polls-every-500-ms"),
    Case(name="one type polled late", mutant="one-type-late"),
    Case(name="two slots where four are declared", mutant="two-slots"),
    Case(name="JOIN held 1 s in the mean", system_tasks_every_ms=JOIN_HELD_MS, named_by=LAGGED),
    Case(name="server with 500 ms sweeps", system_tasks_every_ms=SLOW_SWEEPS_MS, named_by=LAGGED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run of the plan."""

    column: str
    case: str
    code: int
    failed: tuple[str, ...]
    """Codes of findings that failed, of tests and of gates, those that do not block among them."""
    not_measurable: int
    latencies: int
    host_ms: int
    server_ms: int
    load: float
    at: str


def main() -> int:
    arguments = _parser().parse_args()
    if not arguments.table:
        for outcome in outcomes(arguments):
            arguments.log.parent.mkdir(parents=True, exist_ok=True)
            with arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
            print(f"{outcome.case}: exit {outcome.code}, {', '.join(outcome.failed) or 'nothing failed'}", flush=True)
    print("\n".join(table(read(arguments.log))))
    return 0


def outcomes(arguments: argparse.Namespace) -> Iterator[Outcome]:
    """Run every case as often as it is asked for; the faults of a server only where it is our own to configure."""
    workers = [case for case in FAULTS if case.system_tasks_every_ms is None]
    servers = [case for case in FAULTS if case.system_tasks_every_ms is not None and not arguments.server]
    with served(arguments.server, None) as url:
        for number in range(max(arguments.healthy, arguments.faults)):
            if number < arguments.healthy:
                yield run(HEALTHY, url, arguments)
            if number < arguments.faults:
                yield from (run(case, url, arguments) for case in workers)
    for case in servers if arguments.faults else ():
        with served(None, case.system_tasks_every_ms) as url:
            for _ in range(arguments.faults):
                yield run(case, url, arguments)


@contextmanager
def served(url: str | None, system_tasks_every_ms: int | None) -> Iterator[str]:
    """Give the URL of a server, started here unless there is one, with the plan registered."""
    from pytest_k1n.servers import jar
    from pytest_k1n.servers.opening import open_server
    from pytest_k1n.servers.protocol import Kind, ServerSpec

    with ExitStack() as stack:
        if url is None:
            ours = jar.properties
            if system_tasks_every_ms is not None:
                every = {"conductor.app.systemTaskWorkerPollInterval": f"{system_tasks_every_ms}ms"}
                jar.properties = lambda **options: {**ours(**options), **every}
                stack.callback(setattr, jar, "properties", ours)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k1n-both-ways-"))) / "server"
            spec = ServerSpec(kind=Kind.JAR, jar_path=Path(named) if (named := os.environ.get("K1N_JAR")) else None)
            url = stack.enter_context(
                open_server(spec, run_uid=uuid.uuid4().hex[:8], folder=folder, startup_timeout_s=300)
            ).url
            _plan_run(url, ["-m", PLAN, "--k1n-register=always"], {}, folder.with_name("registering"))
        yield url


def run(case: Case, url: str, arguments: argparse.Namespace) -> Outcome:
    """Run the plan once. A server that we started keeps the budgets of our own: nothing is measured beforehand."""
    with tempfile.TemporaryDirectory(prefix="k1n-both-ways-") as folder:
        results = Path(folder) / "results"
        options = ["-m", case.selects, *([] if arguments.server else ["--k1n-register=never"])]
        environment = {"K1N_MUTANT": case.mutant, "K1N_MUTANT_TYPE": arguments.late_type} if case.mutant else {}
        load = os.getloadavg()[0]
        done = _plan_run(url, options, environment, results)
        return _outcome(case, arguments.column, done, results, load)


def _plan_run(url: str, options: Sequence[str], environment: Mapping[str, str], results: Path) -> int:
    own = ("K1N_", "CONDUCTOR_", "PYTEST_")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    mutants = {"PYTHONPATH": str(HERE / "mutants")} if environment else {}
    argv = [sys.executable, "-m", "pytest", "suites", "-q", "-p", "no:cacheprovider", f"--k1n-server={url}",
            "--k1n-time=scaled", "--k1n-keep=never", "--benchmark-disable",
            f"--k1n-results={results}", *options]  # fmt: skip
    done = subprocess.run(
        argv, cwd=ROOT, env={**outside, **mutants, **environment}, capture_output=True, text=True,
        timeout=WITHIN_S, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(
            f"the plan could not be run (exit code {done.returncode}):\n{done.stdout[-3000:]}{done.stderr}"
        )
    return done.returncode


def _outcome(case: Case, column: str, code: int, results: Path, load: float) -> Outcome:
    failed: set[str] = set()
    for path in results.glob("template-*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        failed |= {finding["code"] for finding in document["findings"] if finding["verdict"] == "fail"}
    whole: dict[str, Any] = json.loads((results / "run.json").read_text(encoding="utf-8"))
    weather = whole.get("weather") or {"host": [], "server": [], "checks": 0, "not_measurable": 0}
    return Outcome(
        column=column,
        case=case.name,
        code=code,
        failed=tuple(sorted(failed)),
        not_measurable=weather["not_measurable"],
        latencies=weather["checks"],
        host_ms=sum(end - start for start, end in weather["host"]),
        server_ms=sum(end - start for start, end in weather["server"]),
        load=round(load, 1),
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def read(log: Path) -> list[Outcome]:
    """Read every run that has been logged."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [Outcome(**{**document, "failed": tuple(document["failed"])}) for document in map(json.loads, lines)]


def table(found: Sequence[Outcome]) -> Iterator[str]:
    """Show the counts as Markdown: a row per case, a column per column."""
    columns = list(dict.fromkeys(each.column for each in found))
    by: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for each in found:
        by[each.case, each.column].append(each)
    yield f"machine: {os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    yield f"load average before the runs: {_span([each.load for each in found])}"
    yield ""
    yield f"| | {' | '.join(columns)} |"
    yield f"|---{'|---' * len(columns)}|"
    for case in (HEALTHY, *FAULTS):
        cells = [_cell(case, by[case.name, column]) for column in columns]
        yield f"| {case.name} | {' | '.join(cells)} |"
    healthy = [each for each in found if each.case == HEALTHY.name]
    latencies, lost = sum(each.latencies for each in healthy), sum(each.not_measurable for each in healthy)
    yield ""
    yield f"not measurable in healthy runs: {lost} of {latencies} latency checks"


def _cell(case: Case, runs: Sequence[Outcome]) -> str:
    if not runs:
        return "not run"
    red = sum(each.code != 0 for each in runs)
    named = sum(not LAGGED.isdisjoint(each.failed) for each in runs)
    if case == HEALTHY:
        failed = sum(bool(each.failed) for each in runs)
        return f"{red} of {len(runs)} red, a check failed in {failed}, a JOIN's in {named}"
    return f"noticed in {named} of {len(runs)}, {red} red" if case.named_by else f"{red} of {len(runs)} red"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):g} to {max(values):g}" if values else "none"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.both_ways", description=__doc__)
    parser.add_argument("--column", default="as it is", help="what ran beside: quiet, mixed load, ...")
    parser.add_argument("--healthy", type=int, default=100, metavar="N")
    parser.add_argument("--faults", type=int, default=40, metavar="N", help="runs of each fault")
    parser.add_argument("--server", metavar="URL", help="a server that others run, instead of one of our own")
    parser.add_argument("--late-type", default="task_5", metavar="TYPE", help="the task type that is polled late")
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--table", action="store_true", help="run nothing, show what has been logged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
