"""Both errors of a verdict: healthy runs that are called FAIL, and faults that are not noticed, on a real Conductor.

`python -m benchmarks.both_ways --column quiet --minutes 24` runs the K1N plan as it is, and template 03 of its second
batch under each fault, until --healthy and --faults are counted or the time is over. Every run becomes a line of
--log at once: it may be stopped at any time, and goes on where the log ends. `--table` prints the counts of all that
is in it, by column. What runs beside it makes the column: nothing, a load, another server. `--default-server` makes
it that of a Conductor in its default configuration at a URL;
`--fresh` starts one anew for every run; `--short` is ten healthy runs and five of each fault. What came out otherwise
than it should is kept whole beside the log, in a folder of its name.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOG = HERE / "results" / "both_ways.jsonl"
PLAN = ("suites", "-m", "batch1 or batch2 or batch3")
FORK = ("suites/test_template_03_parallel_execution.py", "suites/test_quality_gates.py", "-m", "batch2")
"""A fork of four and its JOIN, alone on the server: what every fault strikes, in a fifth of the plan's time."""
WITHIN_S = 900.0
SHORT_HEALTHY, SHORT_FAULTS = 10, 5
SHORT_JOBS = 2
"""Runs at once: each waits for simulated work nearly all of the time."""
SHORT_RED, SHORT_MISSED = 1, 1
"""How many healthy runs may be red, and how many of each fault unnoticed: a shared machine has its moments."""
SERVERS_SHARE = 0.25
"""Of the time, for the faults of servers: a run of them is short."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """What is done to the plan, and what of it runs."""

    name: str
    selects: tuple[str, ...] = FORK
    mutant: str = ""
    named_by: str = ""
    """Code of the finding that must fail in a run that has noticed this fault; empty: it must be red, by whatever."""
    time: str = "scaled"
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Properties of the server that differ from our profile."""


def _sweeps(ms: int) -> Mapping[str, str]:
    return {"conductor.app.systemTaskWorkerPollInterval": f"{ms}ms"}


HEALTHY = Case(name="healthy", selects=PLAN)
REAL = Case(name="healthy, batch 1 in real time", selects=("suites", "-m", "batch1"), time="real")
FAULTS = (
    # Beside the chain: all tasks of the fork are polled at one moment, which is within the 30 ms one time in eight.
    Case(name="worker polls every 500 ms", mutant="polls-every-500-ms", selects=("suites", "-m", "batch2")),
    Case(name="one type polled late", mutant="one-type-late"),
    Case(name="two slots where four are declared", mutant="two-slots"),
    # A JOIN waits for the next look: half of the interval in the mean.
    Case(name="JOIN held 1 s in the mean", named_by="joins-late", overrides=_sweeps(2000)),
    Case(name="server with 500 ms sweeps", named_by="joins-late", overrides=_sweeps(500)),
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
    if arguments.short:
        arguments.healthy, arguments.faults, arguments.jobs = SHORT_HEALTHY, SHORT_FAULTS, SHORT_JOBS
    began = len(read(arguments.log))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; what has been counted is in the log"))
    if not arguments.table:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        for outcome in outcomes(arguments):
            with arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
            print(f"{outcome.case}: exit {outcome.code}, {', '.join(outcome.failed) or 'nothing failed'}", flush=True)
    found = read(arguments.log)
    print("\n".join(table(found)))
    return 1 if arguments.short and not is_trusted(found[began:]) else 0


def outcomes(arguments: argparse.Namespace) -> Iterator[Outcome]:
    """Run every case as often as it is asked for and not in the log yet; the faults of servers only on our own."""
    known = read(arguments.log)
    done = Counter(each.case for each in known if each.column == arguments.column and not arguments.short)
    wanted = {HEALTHY: arguments.healthy, REAL: arguments.real, **dict.fromkeys(FAULTS, arguments.faults)}
    left = {case: number - done[case.name] for case, number in wanted.items() if number > done[case.name]}
    is_ours = not (arguments.server or arguments.default_server)
    began, seconds = time.monotonic(), arguments.minutes * 60
    servers = [case for case in left if case.overrides] if is_ours else []
    plain = {case: number for case, number in left.items() if not case.overrides}
    if plain and arguments.fresh:
        for case in _spread(plain):
            if time.monotonic() < began + seconds:
                with _server(arguments) as url:
                    yield run(case, url, arguments)
    elif plain:
        share = 1 - SERVERS_SHARE if servers else 1
        with _server(arguments) as url:
            yield from _runs(_spread(plain), url, arguments, began + seconds * share)
    for nth, case in enumerate(servers, start=1):
        with _server(arguments, case.overrides) as url:
            until = began + seconds * (1 - SERVERS_SHARE * (1 - nth / len(servers)))
            yield from _runs([case] * left[case], url, arguments, until)


def _spread(left: Mapping[Case, int]) -> list[Case]:
    """Order runs so that each case advances in step with the others, wherever one stops."""
    places = [((nth + 0.5) / number, case) for case, number in left.items() for nth in range(number)]
    return [case for _, case in sorted(places, key=lambda place: place[0])]


def _runs(cases: Iterable[Case], url: str, arguments: argparse.Namespace, until: float) -> Iterator[Outcome]:
    def one(case: Case) -> Outcome | None:
        return run(case, url, arguments) if time.monotonic() < until else None

    pool = ThreadPoolExecutor(arguments.jobs)
    try:
        yield from (each for each in pool.map(one, cases) if each is not None)
    finally:
        pool.shutdown(cancel_futures=True)


def _server(arguments: argparse.Namespace, overrides: Mapping[str, str] | None = None) -> AbstractContextManager[str]:
    from benchmarks.conductors import by_default, ours

    if arguments.server:
        return nullcontext(str(arguments.server))
    return by_default() if arguments.default_server else ours(overrides)


def run(case: Case, url: str, arguments: argparse.Namespace) -> Outcome:
    """Run the plan once, or of it what the case selects."""
    with tempfile.TemporaryDirectory(prefix="k1n-both-ways-") as folder:
        results = Path(folder) / "results"
        environment = {"K1N_MUTANT": case.mutant, "K1N_MUTANT_TYPE": arguments.late_type} if case.mutant else {}
        load = os.getloadavg()[0]
        selects = FORK if arguments.short and case is HEALTHY else case.selects
        done = _plan_run(url, selects, case.time, environment, results)
        outcome = _outcome(case, arguments.column, done, results, load)
        if arguments.keep or not _is_as_expected(case, outcome):
            kept = arguments.log.with_suffix("") / f"{case.name.replace(' ', '-')}-{outcome.at.replace(':', '')}"
            shutil.copytree(results, kept, dirs_exist_ok=True)
        return outcome


def _plan_run(url: str, selects: Sequence[str], time_model: str, environment: Mapping[str, str], results: Path) -> int:
    own = ("K1N_", "CONDUCTOR_", "PYTEST_")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    mutants = {"PYTHONPATH": str(HERE / "mutants")} if environment else {}
    argv = [sys.executable, "-m", "pytest", *selects, "-q", "-p", "no:cacheprovider", f"--k1n-server={url}",
            f"--k1n-time={time_model}", "--k1n-keep=always", "--benchmark-disable",
            f"--k1n-results={results}"]  # fmt: skip
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


def has_noticed(case: Case, outcome: Outcome) -> bool:
    """Whether a run under a fault is red, and names it where its name is known."""
    return outcome.code != 0 and (not case.named_by or case.named_by in outcome.failed)


def _is_as_expected(case: Case, outcome: Outcome) -> bool:
    return outcome.code == 0 if case in (HEALTHY, REAL) else has_noticed(case, outcome)


def is_trusted(found: Sequence[Outcome]) -> bool:
    """Whether the short form kept its limits in both directions."""
    red = sum(each.code != 0 for each in found if each.case == HEALTHY.name)
    missed = [sum(each.case == case.name and not has_noticed(case, each) for each in found) for case in FAULTS]
    return bool(found) and red <= SHORT_RED and max(missed) <= SHORT_MISSED


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
    known = {each.case for each in found}
    for case in (HEALTHY, *(each for each in (REAL, *FAULTS) if each.name in known)):
        cells = [_cell(case, by[case.name, column]) for column in columns]
        yield f"| {case.name} | {' | '.join(cells)} |"
    healthy = [each for each in found if each.case == HEALTHY.name]
    latencies, lost = sum(each.latencies for each in healthy), sum(each.not_measurable for each in healthy)
    yield ""
    yield f"not measurable in healthy runs: {lost} of {latencies} latency checks"


def _cell(case: Case, runs: Sequence[Outcome]) -> str:
    if not runs:
        return "not run"
    if case in (HEALTHY, REAL):
        red = sum(each.code != 0 for each in runs)
        return f"{red} of {len(runs)} red, a check failed in {sum(bool(each.failed) for each in runs)}"
    noticed = sum(has_noticed(case, each) for each in runs)
    return f"{noticed} of {len(runs)} red{', by name' if case.named_by else ''}"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):g} to {max(values):g}" if values else "none"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.both_ways", description=__doc__)
    parser.add_argument("--column", default="as it is", help="what ran beside: quiet, mixed load, ...")
    parser.add_argument("--healthy", type=int, default=100, metavar="N")
    parser.add_argument("--faults", type=int, default=40, metavar="N", help="runs of each fault")
    parser.add_argument("--real", type=int, default=0, metavar="N", help="healthy runs of batch 1 in real time")
    parser.add_argument("--minutes", type=float, default=1e6, metavar="N", help="begin no run after so long")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at once on one server")
    parser.add_argument("--short", action="store_true",
        help="ten healthy runs and five of each fault, of template 03 alone; 1 if they cannot be trusted")  # fmt: skip
    parser.add_argument("--default-server", action="store_true",
        help="start a Conductor in its default configuration, at a URL")  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="start another server for every run")
    parser.add_argument("--server", metavar="URL", help="a server that others run, instead of one of our own")
    parser.add_argument("--late-type", default="task_5", metavar="TYPE", help="the task type that is polled late")
    parser.add_argument("--keep", action="store_true", help="keep every run, also as expected: to try another rule on")
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--table", action="store_true", help="run nothing, show what has been logged")
    return parser


if __name__ == "__main__":
    sys.exit(main())
