"""`k1n chaos`: run a definition through faults that a seed draws, and say what came through unharmed."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_k1n.chaos.faults import Injection, draw, in_words, injection, kind_named
from pytest_k1n.chaos.judging import damage
from pytest_k1n.chaos.tried import Tried, shown
from pytest_k1n.commands.definitionfile import beside, chosen, object_of, pairs, task_definitions
from pytest_k1n.commands.numbers import count
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Json
from pytest_k1n.core.text import as_lines, from_json
from pytest_k1n.core.units import duration_ms, format_ms
from pytest_k1n.plan.library import read_definitions
from pytest_k1n.validation.bounded import read_at_most

_BUDGET = 3
"""How many times as long as without a fault a run may take, beside the fault itself."""
_FINDINGS = 3
"""Findings shown of one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of one run."""

    number: int
    injection: Injection
    struck: bool
    took_ms: int
    findings: tuple[Finding, ...]
    digest: str | None = None
    put_back: int = 0

    @property
    def is_harmed(self) -> bool:
        return bool(self.findings) or not self.struck


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where runs happen: their server, the tasks that can be struck at, the faults that can be committed."""

    where: str
    refs: tuple[str, ...]
    kinds: tuple[str, ...]
    undisturbed_ms: int
    """How long it takes without a fault."""
    run: Callable[[int, Injection], Ran]


def main(argv: Sequence[str]) -> int:
    """Run and report; 0 nothing was harmed, 1 something was, 2 for what cannot be read or run."""
    arguments = _parser().parse_args(argv)
    definitions = list(read_definitions(arguments.file))
    definition = chosen(definitions, arguments)
    tasks = task_definitions(arguments.task_definitions or _beside_tasks(arguments.file))
    takes_ms = {ref: duration_ms(value) for ref, value in pairs("--takes", arguments.takes, "R=12m").items()}
    with ExitStack() as stack:
        if arguments.server == "embedded":
            stage = _embedded(arguments, definition, beside(arguments, definition, definitions), tasks, takes_ms)
        else:
            stage = stack.enter_context(_real(arguments, definition, tasks))
        tried = Tried(workflow=str(definition["name"]), refs=stage.refs, kinds=stage.kinds)
        _add_earlier(tried, arguments.coverage)
        runs = [stage.run(number, each) for number, each in _drawn(arguments, stage)]
    for ran in runs:
        if ran.struck:
            tried.note(ran.injection, harmed=bool(ran.findings))
    if arguments.coverage:
        replace_text(arguments.coverage, json.dumps(tried.document(), indent=1) + "\n")
    if arguments.json:
        print(json.dumps(_document(arguments, stage, runs, tried), indent=1, ensure_ascii=False))
    else:
        print(as_lines(_text(arguments, stage, runs, tried)))
    return int(any(ran.is_harmed for ran in runs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="k1n chaos", epilog=in_words(), formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run a workflow definition through faults that a seed draws.\n"
        "After each one nothing may be lost, done twice, out of order or left over.")  # fmt: skip
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a workflow definition (JSON), or a list of which the first is run")
    add("--name", metavar="NAME", help="of several definitions in the file: which one")
    add("--seed", type=int, default=1, metavar="N", help="what the faults are drawn by (default 1)")
    add("--runs", type=count, default=200, metavar="M", help="how many runs, each with one fault (default 200)")
    add("--run", type=count, metavar="K", help="only the K-th of them, to see it again")
    add("--fault", action="append", default=[], metavar="KIND", help="draw among these faults only (repeatable)")
    add("--at", action="append", default=[], metavar="REF", help="draw among these tasks only (repeatable)")
    add("--phase", choices=("delivery", "work", "report"), help="with --fault and --at: that one and no other")
    add("--server", default="embedded", metavar="embedded|jar|URL",
        help="embedded: virtual time, worker and wire simulated; jar: a Conductor of our own, really killed; "
        "URL: faults of workers and wire only (default: embedded)")  # fmt: skip
    add("--input", metavar="JSON|FILE", help="the workflow's input (embedded)")
    add("--takes", action="append", default=[], metavar="REF=12m",
        help="how long a task takes (embedded, repeatable)")  # fmt: skip
    add("--children", action="append", default=[], type=Path, metavar="FILE|FOLDER",
        help="definitions of sub-workflows (default: the folder of FILE)")  # fmt: skip
    add("--task-definitions", action="append", default=[], type=Path, metavar="FILE|FOLDER",
        help="task definitions: retries, time-outs (default: the folder tasks beside that of FILE)")  # fmt: skip
    add("--coverage", type=Path, metavar="FILE",
        help="JSON: which fault has been tried at which task and phase; what it says already is added to")  # fmt: skip
    add("--keep", type=Path, metavar="DIR",
        help="what harmed runs on a server left: their executions and invocations, the server's log")  # fmt: skip
    add("--jar", type=Path, metavar="FILE", help="the server's boot jar (with --server jar)")
    add("--startup-timeout", default="4m", metavar="DURATION", help="for a server of our own (default 4m)")
    add("--json", action="store_true", help="print one JSON object instead of text")
    return parser


def _drawn(arguments: argparse.Namespace, stage: Stage) -> Iterator[tuple[int, Injection]]:
    """Yield the numbered faults that are asked for. Raises ValueError."""
    kinds = tuple(kind_named(name).name for name in arguments.fault) or stage.kinds
    for name in kinds:
        if name not in stage.kinds:
            raise ValueError(f"--fault {name}: it cannot be committed on {stage.where}")
    refs = tuple(arguments.at) or stage.refs
    for ref in refs:
        if ref not in stage.refs:
            raise ValueError(f"--at {ref}: no task of a worker that is reached; there are {', '.join(stage.refs)}")
    numbers = [arguments.run] if arguments.run else range(1, arguments.runs + 1)
    for number in numbers:
        drawn = draw(arguments.seed, number, refs, kinds)
        if arguments.phase:
            drawn = injection(drawn.kind, drawn.ref, arguments.phase, lasts=drawn.lasts)
        yield number, drawn


def _embedded(
    arguments: argparse.Namespace,
    definition: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    takes_ms: Mapping[str, int],
) -> Stage:
    from pytest_k1n.chaos.simulated_run import SIMULATED_KINDS, Simulation, worker_refs

    given = object_of("--input", arguments.input) if arguments.input else {}
    simulation = Simulation(definition=definition, others=others, tasks=tasks, input=given, takes_ms=takes_ms)
    undisturbed = simulation.run(seed=arguments.seed)
    if found := [finding for each in undisturbed.evidence for finding in damage(each)]:
        raise ValueError(f"{definition['name']} does not come through without a fault: {found[0]}")
    lease_s = max((int(task.get("responseTimeoutSeconds", 3600)) for task in tasks), default=3600)

    def run(number: int, drawn: Injection) -> Ran:
        budget_ms = _BUDGET * undisturbed.took_ms + 5000 * max(lease_s, 60)
        ran = simulation.run(drawn, seed=arguments.seed, budget_ms=budget_ms)
        findings = tuple(finding for each in ran.evidence for finding in damage(each))
        return Ran(
            number=number, injection=drawn, struck=ran.struck, took_ms=ran.took_ms, findings=findings, digest=ran.digest
        )

    return Stage(
        where="the embedded engine, in virtual time (worker and wire simulated)",
        refs=worker_refs(undisturbed),
        kinds=SIMULATED_KINDS,
        undisturbed_ms=undisturbed.took_ms,
        run=run,
    )


@contextmanager
def _real(
    arguments: argparse.Namespace, definition: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]
) -> Iterator[Stage]:
    from pytest_k1n.chaos.kept import keep
    from pytest_k1n.chaos.rig import Rig, kinds_on
    from pytest_k1n.servers.jar import JarServer
    from pytest_k1n.servers.opening import running_server
    from pytest_k1n.servers.protocol import ServerSpec, parse_server

    spec: ServerSpec = replace(parse_server(arguments.server, source="--server"), jar_path=arguments.jar)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k1n-chaos-")))
        server = stack.enter_context(
            running_server(
                spec,
                run_uid=folder.name,
                folder=folder / "server",
                startup_timeout_s=duration_ms(arguments.startup_timeout) / 1000,
                log_path=arguments.keep and arguments.keep / "server.log",
            )
        )
        own = server if isinstance(server, JarServer) else None
        rig = stack.enter_context(Rig(server.endpoint.url, definition, tasks, folder=folder / "rig", server=own))
        undisturbed = rig.run()
        if found := damage(undisturbed.evidence[0]):
            raise ValueError(f"{definition['name']} does not come through without a fault: {found[0]}")
        reached = {record.ref for record in undisturbed.evidence[0].execution.tasks}

        def run(number: int, drawn: Injection) -> Ran:
            passed = rig.run(drawn)
            findings = tuple(finding for each in passed.evidence for finding in damage(each))
            took_ms = round(passed.took_s * 1000)
            if arguments.keep and (findings or not passed.struck):
                keep(arguments.keep, number, drawn, passed, findings)
            return Ran(
                number=number, injection=drawn, struck=passed.struck, took_ms=took_ms, findings=findings,
                put_back=passed.put_back,
            )  # fmt: skip

        yield Stage(
            where=f"Conductor {server.endpoint.version} at {server.endpoint.shown_url}",
            refs=tuple(ref for ref in rig.refs if ref in reached),
            kinds=kinds_on(own),
            undisturbed_ms=round(undisturbed.took_s * 1000),
            run=run,
        )


def _text(arguments: argparse.Namespace, stage: Stage, runs: Sequence[Ran], tried: Tried) -> Iterator[str]:
    yield f"{tried.workflow} on {stage.where}: {len(runs)} runs by seed {arguments.seed}, one fault each"
    undisturbed = format_ms(stage.undisturbed_ms)
    yield f"  {'fault':<20}{'runs':>6}{'unharmed':>10}{'harmed':>8}   longest (undisturbed {undisturbed})"
    for kind in dict.fromkeys(ran.injection.kind for ran in sorted(runs, key=lambda each: each.injection.kind)):
        of_kind = [ran for ran in runs if ran.injection.kind == kind]
        harmed = sum(ran.is_harmed for ran in of_kind)
        longest = format_ms(max(ran.took_ms for ran in of_kind))
        yield f"  {kind:<20}{len(of_kind):>6}{len(of_kind) - harmed:>10}{harmed:>8}   {longest}"
    for ran in (each for each in runs if each.is_harmed):
        yield f"run {ran.number}: {ran.injection}, for {ran.injection.lasts} leases; again: {_again(arguments, ran)}"
        if not ran.struck:
            yield "  the fault never struck: its task was not reached"
        yield from (f"  {finding}" for finding in ran.findings[:_FINDINGS])
        if len(ran.findings) > _FINDINGS:
            yield f"  and {len(ran.findings) - _FINDINGS} more"
    if put_back := [ran for ran in runs if ran.put_back]:
        count, numbers = sum(ran.put_back for ran in put_back), ", ".join(str(ran.number) for ran in put_back)
        yield f"{count} JOINs that the server had lost were put back, as an operator would (runs {numbers})"
    yield from tried.table()
    if tried.never:
        yield f"  never tried: {shown(tried.never)}"
    harmed = sum(ran.is_harmed for ran in runs)
    yield f"HARMED: {harmed} of {len(runs)} runs" if harmed else f"UNHARMED: all {len(runs)} runs"


def _again(arguments: argparse.Namespace, ran: Ran) -> str:
    """Write the command that repeats one run."""
    words = [f"k1n chaos {arguments.file} --seed {arguments.seed} --run {ran.number}"]
    words += [f"--server {arguments.server}"] if arguments.server != "embedded" else []
    words += [f"--fault {kind}" for kind in arguments.fault] + [f"--at {ref}" for ref in arguments.at]
    return " ".join([*words, f"--phase {arguments.phase}"] if arguments.phase else words)


def _document(arguments: argparse.Namespace, stage: Stage, runs: Sequence[Ran], tried: Tried) -> dict[str, Json]:
    return {
        "workflow": tried.workflow,
        "where": stage.where,
        "seed": arguments.seed,
        "undisturbed_ms": stage.undisturbed_ms,
        "harmed": sum(ran.is_harmed for ran in runs),
        "runs": [
            {
                "run": ran.number,
                "fault": ran.injection.kind,
                "ref": ran.injection.ref,
                "phase": ran.injection.phase,
                "lasts_leases": ran.injection.lasts,
                "struck": ran.struck,
                "took_ms": ran.took_ms,
                "put_back": ran.put_back,
                "digest": ran.digest,
                "findings": [str(finding) for finding in ran.findings],
            }
            for ran in runs
        ],
        "coverage": tried.document(),
    }


def _add_earlier(tried: Tried, path: Path | None) -> None:
    try:
        if path and (path.exists() or path.is_symlink()):
            tried.add(from_json(read_at_most(path, 64)))
    except ValueError as error:
        raise ValueError(f"--coverage {path}: {error}") from None


def _beside_tasks(file: Path) -> list[Path]:
    folder = file.resolve().parent.parent / "tasks"
    return [folder] if folder.is_dir() else []
