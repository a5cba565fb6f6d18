"""`k1n worker`: serve tasks of a Conductor server until told to stop."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.client.address import Address, urls_in
from pytest_k1n.client.clock import WORLD_VARIABLE, in_world, is_embedded
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.numbers import above_zero, checked, count
from pytest_k1n.core.model import WorkflowDefinition, worker_types
from pytest_k1n.core.schedule.nested_estimates import with_nested
from pytest_k1n.core.text import why_not_json
from pytest_k1n.core.units import duration_ms
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.library import Library
from pytest_k1n.plan.read import load_plan
from pytest_k1n.validation.bounded import read_at_most
from pytest_k1n.workers.handler import NamedHandler
from pytest_k1n.workers.hints import follow, is_piped
from pytest_k1n.workers.ledger import InvocationLedger
from pytest_k1n.workers.meters import Meters, asking
from pytest_k1n.workers.misbehaviour import Fault
from pytest_k1n.workers.registry import Handlers, Mode, handler_from, handlers_in
from pytest_k1n.workers.script import default_agents
from pytest_k1n.workers.settings import WorkerSettings, default_worker_id
from pytest_k1n.workers.worker import Worker

_STDIN = 0

Estimates = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What there is to serve, and what is known of it."""

    definitions: tuple[WorkflowDefinition, ...]
    estimates_ms: Estimates
    jitters: Mapping[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker: 0 after a stop (SIGTERM, SIGINT, end of hints), 1 if the server cannot be used, 2 on bad input."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        url = _server(options.server, os.environ)
        headers = in_world(os.environ.get(WORLD_VARIABLE))
        client = Conductor(transport_for(url, headers=headers), patience_s=0)
        work = _work(options)
        agents = Path(options.agents) if options.agents else default_agents()
        sys.path.insert(0, str(Path.cwd()))
        offered = handlers_in(options.handlers) if options.handlers not in ("auto", "simulated") else {}
        mode: Mode = "simulated" if options.handlers == "simulated" else "auto"
        handlers = Handlers(_named(options.handler, agents), offered=offered, agents=agents, mode=mode)
        settings = _settings(options, work, handlers)
        if options.ready:
            Path(options.ready).unlink(missing_ok=True)
        ledger = InvocationLedger(Path(options.ledger) if options.ledger else None)
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        parser.error(str(error))
    try:
        return _serve(client, work, handlers, settings, ledger, options)
    except ConductorError as error:
        _report(f"the server cannot be used: {error}")
        return 1
    finally:
        client.close()


def _serve(
    client: Conductor,
    work: _Work,
    handlers: Handlers,
    settings: WorkerSettings,
    ledger: InvocationLedger,
    options: argparse.Namespace,
) -> int:
    version = client.version()
    if is_embedded(version):
        settings = replace(settings, declares=client.clock()["clock"] in ("virtual", "manual"))
    if settings.declares:
        client.declare_work(settings.worker_id)
    stop = threading.Event()
    ready = partial(_announce, Path(options.ready), settings.worker_id) if options.ready else _no_one
    weather = _meters(client, Path(options.weather), ledger) if options.weather and not settings.declares else None
    worker = Worker(client, work.definitions, handlers, settings, ledger=ledger, report=_report, ready=ready)

    def order_to_stop(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, order_to_stop)
    if is_piped(_STDIN) if options.hints is None else options.hints:
        follow(_STDIN, launched=worker.launched, ended=stop.set, report=_report)
    types = len(settings.types or worker_types(work.definitions))
    domain = f", domain {settings.domain}" if settings.domain else ""
    kind = "embedded engine" if is_embedded(version) else "Conductor"
    declares = ", declaring simulated work" if settings.declares else ""
    _report(
        f"{settings.worker_id} serves {types} task types of {client.url} ({kind} {version or '?'}{domain}{declares})"
    )
    try:
        worker.run(stop)
    finally:
        if weather is not None:
            weather.close()
    _report(f"{settings.worker_id} has stopped")
    return 0


def _meters(client: Conductor, path: Path, ledger: InvocationLedger) -> Meters | None:
    """Begin to measure the weather; a log that cannot be written is no reason not to work."""
    try:
        return Meters(path, asking(client), lambda: ledger.begun)
    except OSError as error:
        _report(f"--weather: {path} cannot be written: {error.strerror}")
        return None


def _announce(path: Path, worker_id: str) -> None:
    """Write the file of --ready, all at once: a process that waits for it may read it as soon as it is there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(f"{worker_id}\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        _report(f"--ready: {path} cannot be written: {error.strerror}")


def _no_one() -> None:
    """Do nothing once the worker is ready."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k1n worker", description="Serve tasks of a Conductor server.")
    add = parser.add_argument
    add(
        "--server",
        metavar="URL",
        help="or URL,URL: servers of one Conductor; else K1N_SERVER, else CONDUCTOR_SERVER_URL on loopback",
    )
    add("--definitions", action="append", default=[], metavar="DIR", help="workflow definitions to serve (repeatable)")
    add("--plan", metavar="FILE", help="take definitions, estimates and jitter from a plan")
    add("--jitters", metavar="FILE", help='JSON: {workflow: fraction}; "" stands for all others')
    add("--estimates", metavar="FILE", help="JSON: {workflow: {ref: ms}} or [[workflow, ref, ms], …]")
    add("--types", nargs="+", default=[], metavar="TYPE", help="serve these task types and no others")
    add("--domain", help="serve tasks of this domain")
    add("--handlers", default="auto", metavar="auto|simulated|MODULE",
        help="auto: scripts where there are some; a module (here, or installed): all its handlers")  # fmt: skip
    add("--handler", action="append", default=[], metavar="TASK=HANDLER",
        help="task type or ref = module:callable, script file, or simulated (repeatable)")  # fmt: skip
    add("--agents", metavar="DIR", help="folder of handler scripts (default: ops/agents, if there is one)")
    add("--slots", type=count, default=4, metavar="N", help="tasks of one type at once (default 4)")
    add("--speed", type=above_zero, default=1.0, metavar="X", help="shorten simulated work by this factor (default 1)")
    add("--seed", type=int, default=0, metavar="N", help="seed of simulated work")
    add("--grace", type=_seconds, default=5.0, metavar="TIME", help="at a stop: time for tasks in hand (default 5s)")
    add("--ledger", metavar="FILE", help="append one line per invocation to this file")
    add("--ready", metavar="FILE", help="write this file as soon as the server has answered the first poll")
    add("--fault", action="append", default=[], metavar="SPEC",
        help="misbehave: WORKFLOW/REF[#ATTEMPT]:slow=1.3, fail, terminal, hang, twice, die, leak=WORKFLOW")  # fmt: skip
    add("--weather", metavar="FILE", help="measure when this machine or the server stands still, and write it there")
    add("--worker-id", metavar="ID", help="unique among the server's workers (default: k1n-RUN-N or k1n-HOST-PID)")
    add("--number", type=count, default=1, metavar="N", help="N of the worker id, for several workers of one run")
    add("--hints", action=argparse.BooleanOptionalAction, default=None,
        help="read hints on standard input, stop at its end (default: if it is a pipe)")  # fmt: skip
    return parser


def _server(option: str | None, environ: Mapping[str, str]) -> str:
    """Choose the server. Raises ValueError; an inherited URL counts on loopback only, it may be production's."""
    if url := option or environ.get("K1N_SERVER"):
        for each in urls_in(url):
            Address.parse(each)
        return url
    if url := environ.get("CONDUCTOR_SERVER_URL"):
        address = Address.parse(url)
        if not address.is_loopback:
            raise ValueError(
                f"CONDUCTOR_SERVER_URL names {address.url}, which is not on this host: to work there, say --server URL"
            )
        return url
    raise ValueError("no server: say --server URL, or set K1N_SERVER")


def _work(options: argparse.Namespace) -> _Work:
    folders, estimates, jitters = list(options.definitions), Estimates(), dict[str, float]()
    if options.plan:
        plan = load_plan(Path(options.plan))
        folders += plan.definitions
        jitters = plan.jitters
        for template in (template for batch in plan.batches for template in batch.templates):
            estimates |= {(template.workflow, ref): ms for ref, ms in template.estimates_ms.items()}
    if options.estimates:
        estimates |= read_estimates(Path(options.estimates))
    if options.jitters:
        jitters = {**jitters, **read_jitters(Path(options.jitters))}
    documents = Library(folders).workflows
    definitions = tuple(wire.workflow_definition(document) for document in documents)  # type: ignore[arg-type]
    if not options.estimates:  # a run has handed them down already
        estimates = with_nested(estimates, definitions, lambda name, version: _newest(definitions, name, version))
    offers = options.handlers not in ("auto", "simulated") or options.handler
    if not definitions and not options.types and not offers and options.hints is False:
        raise ValueError(
            "nothing to serve: say --definitions DIR, --plan FILE, --handlers MODULE, --handler TASK=HANDLER or "
            "--types TYPE …"
        )
    return _Work(definitions=definitions, estimates_ms=estimates, jitters=jitters)


def _newest(definitions: Sequence[WorkflowDefinition], name: str, version: int | None) -> WorkflowDefinition | None:
    found = [each for each in definitions if each.name == name and version in (None, each.version)]
    return max(found, key=lambda each: each.version, default=None)


def read_estimates(path: Path) -> Estimates:
    """Read estimates: `{workflow: {ref: ms}}` or `[[workflow, ref, ms], …]`, where ms may be a text like `6.5m`.

    Raises ValueError that names the entry, and OSError.
    """
    document = _read_json(path)
    if isinstance(document, dict) and all(isinstance(refs, dict) for refs in document.values()):
        rows: list[object] = [[name, ref, value] for name, refs in document.items() for ref, value in refs.items()]
    elif isinstance(document, list):
        rows = document
    else:
        raise ValueError(f"{path}: expected {{workflow: {{ref: ms}}}} or [[workflow, ref, ms], …]")
    estimates = Estimates()
    for row in rows:
        if not isinstance(row, list) or len(row) != 3:
            raise ValueError(f"{path}: expected [workflow, ref, ms], got {row!r}")
        workflow, ref, value = row
        estimate = duration_ms(value) if isinstance(value, str) else value
        if isinstance(estimate, bool) or not isinstance(estimate, int) or estimate < 0:
            raise ValueError(f"{path}: the estimate of {workflow}/{ref} must be whole ms, or a text like 6.5m")
        estimates[str(workflow), str(ref)] = estimate
    return estimates


def read_jitters(path: Path) -> dict[str, float]:
    """Read how much simulated work varies: `{workflow: fraction}`. Raises ValueError that names the entry, OSError."""
    document = _read_json(path)
    if not isinstance(document, dict):
        raise ValueError(f'{path}: expected {{workflow: fraction}}, as in {{"shop": 0.05, "": 0.01}}')  # noqa: TRY004 - a file of a user
    for workflow, jitter in document.items():
        if isinstance(jitter, bool) or not isinstance(jitter, int | float) or not 0 <= jitter < float("inf"):
            raise ValueError(
                f"{path}: the jitter of {workflow or 'all others'} must be a fraction, as in 0.05, not {jitter!r:.60}"
            )
    return document


def _read_json(path: Path) -> object:
    try:
        return cast("object", json.loads(read_at_most(path, 16)))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {why_not_json(error)}") from None


def _settings(options: argparse.Namespace, work: _Work, handlers: Handlers) -> WorkerSettings:
    run = os.environ.get("K1N_RUN_UID")
    named = f"k1n-{run}-{options.number}" if run else default_worker_id()
    return WorkerSettings(
        worker_id=options.worker_id or named,
        domain=options.domain,
        types=tuple(options.types) or (() if work.definitions else handlers.named),
        slots=options.slots,
        speed=options.speed,
        seed=options.seed,
        jitters=work.jitters,
        estimates_ms=work.estimates_ms,
        faults=tuple(Fault.parse(text) for text in options.fault),
        grace_s=options.grace,
        tells_sleep=not options.ledger,
    )


def _named(specs: Sequence[str], agents: Path | None) -> dict[str, NamedHandler]:
    named = {}
    for spec in specs:
        task, separator, text = spec.partition("=")
        if not separator or not task or not text:
            raise ValueError(f"--handler {spec!r}: write TASK=HANDLER, as in task_1=mypackage.work:check")
        named[task] = handler_from(text, agents)
    return named


def _seconds(text: str) -> float:
    return checked(lambda given: duration_ms(given) / 1000, text, "a duration: use 500ms, 5s, 1m")


def _report(text: str) -> None:
    now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
    print(f"{now} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
