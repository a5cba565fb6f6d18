"""`k1n server start | stop | status | logs`: one server in the background for each project, whatever its tier."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from pytest_k1n.client.address import Address
from pytest_k1n.commands.numbers import count
from pytest_k1n.commands.shown import Shown
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import duration_ms, iso_utc
from pytest_k1n.servers.background import Background, Place, current, follow, start, stop
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.probe import State, health
from pytest_k1n.servers.protocol import SERVER_IMAGE, SERVER_VERSION, STARTUP_TIMEOUT_S, Kind, ServerSpec
from pytest_k1n.servers.releases import UnknownRelease, release

TIERS = (Kind.AUTO, Kind.DOCKER, Kind.JAR, Kind.EMBEDDED)
USUAL_PORT = 8080
"""Where Conductor's own tools look unless told otherwise."""
NOT_RUNNING_EXIT = 3
"""As `service NAME status` answers for a stopped service (LSB)."""


def main(argv: Sequence[str]) -> int:
    """Run `k1n server …`; 0 done, 1 the server could not be started, 2 a mistake, 3 nothing is running."""
    parser = argparse.ArgumentParser(prog="k1n server", description=__doc__)
    _add_verbs(parser)
    return run_server(parser.parse_args(argv))


def _add_verbs(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="start|stop|status|logs")
    begin = verbs.add_parser("start", help="start a server that outlives this shell")
    begin.add_argument("--tier", choices=[str(tier) for tier in TIERS], default="auto", help="default: %(default)s")
    begin.add_argument("--port", type=_port, default=USUAL_PORT, help="on loopback; 0 means any (default: %(default)s)")
    begin.add_argument("--data", type=Path, metavar="DIR", help="keep the jar tier's database in this folder")
    begin.add_argument("--jar", type=Path, metavar="FILE", default=_path("K1N_JAR"), help="boot jar of the server")
    begin.add_argument("--java", type=Path, metavar="PATH", default=_path("K1N_JAVA"), help="Java >= 21")
    begin.add_argument("--image", default=os.environ.get("K1N_IMAGE") or SERVER_IMAGE, help="default: %(default)s")
    begin.add_argument("--container-cli", metavar="COMMAND", help="default: docker, then podman")
    begin.add_argument("--conductor", "--server-version", type=_release, metavar="VERSION",
        default=os.environ.get("K1N_CONDUCTOR") or SERVER_VERSION,
        help="release that it is, or behaves as: 3.32.1, 3.15.0, ... (default: %(default)s)")  # fmt: skip
    begin.add_argument("--startup-timeout", type=_duration_s, default=STARTUP_TIMEOUT_S, metavar="DURATION")
    begin.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    begin.add_argument("engine", nargs="*", metavar="-- OPTION", help="options of the embedded engine")
    verbs.add_parser("stop", help="stop it and remove what it left; its log stays until the next start")
    status = verbs.add_parser("status", help="say whether one is running: exit code 0, else 3")
    status.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    logs = verbs.add_parser("logs", help="print its log")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it ends or Ctrl-C")
    logs.add_argument("-n", "--lines", type=count, default=200, help="from the end (default: %(default)s)")


def run_server(arguments: argparse.Namespace) -> int:
    """Do what the parsed arguments say; errors of the server are told on stderr, exit code 1."""
    verb = {"start": _start, "stop": _stop, "status": _status, "logs": _logs}[arguments.verb]
    try:
        return verb(arguments, Place.of_project(_project()))
    except ServerError as error:
        print(f"k1n server {arguments.verb}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"k1n server {arguments.verb}: {error}", file=sys.stderr)
        return 1


def _start(arguments: argparse.Namespace, place: Place) -> int:
    spec = ServerSpec(
        kind=Kind(arguments.tier),
        source="--tier",
        jar_path=arguments.jar,
        java_path=arguments.java,
        version=arguments.conductor,
        startup_timeout_s=arguments.startup_timeout,
        port=arguments.port or None,
        database=arguments.data,
        container_cli=arguments.container_cli,
        image=arguments.image,
        engine_arguments=("--conductor", arguments.conductor, *arguments.engine),
    )
    if spec.database is not None:
        spec.database.mkdir(parents=True, exist_ok=True)
    found = start(
        spec, place, run_uid=uuid.uuid4().hex[:12], report=_report, now_ms=lambda: time.time_ns() // 1_000_000
    )
    print(json.dumps(_document(found)) if arguments.json else as_lines(_lines(found)))
    return 0


def _stop(_arguments: argparse.Namespace, place: Place) -> int:
    found = stop(place)
    print(f"stopped {found.url} ({found.kind}, pid {found.pid})" if found else "no server is in the background")
    return 0


def _status(arguments: argparse.Namespace, place: Place) -> int:
    found = current(place)
    if found is None:
        print(json.dumps({"running": False}) if arguments.json else "no server is in the background")
        return NOT_RUNNING_EXIT
    answer = health(Address.parse(found.url))
    if arguments.json:
        print(json.dumps({**_document(found), "health": str(answer.state), "probe": answer.detail}))
    else:
        print("\n".join([*_lines(found), f"  health   {answer.state} ({answer.detail})"]))
    return 0 if answer.state is State.READY else NOT_RUNNING_EXIT


def _logs(arguments: argparse.Namespace, place: Place) -> int:
    if not place.log.exists():
        print("k1n server logs: no server was started in the background", file=sys.stderr)
        return NOT_RUNNING_EXIT

    def goes_on() -> bool:
        is_read = not isinstance(sys.stdout, Shown) or sys.stdout.is_read()  # `| head` has seen enough
        return arguments.follow and is_read and current(place) is not None

    for line in follow(place.log, lines=arguments.lines, goes_on=goes_on):
        print(line, end="", flush=True)
    return 0


def _lines(found: Background) -> list[str]:
    name = "embedded engine, not a Conductor server," if found.kind == Kind.EMBEDDED else "Conductor"
    return [
        f"{name} {found.version or ''} at {found.url}",
        f"  tier     {found.kind}; {'; '.join(found.notes)}",
        f"  process  {found.pid}, since {iso_utc(found.started_ms)}",
        f"  log      {found.log}",
    ]


def _document(found: Background) -> dict[str, object]:
    return {
        "running": True,
        "kind": found.kind,
        "url": found.url,
        "version": found.version,
        "pid": found.pid,
        "log": found.log,
        "started_ms": found.started_ms,
        "notes": list(found.notes),
    }


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _path(variable: str) -> Path | None:
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def _release(text: str) -> str:
    try:
        return release(text).version
    except UnknownRelease as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to 65535")
    return int(text)


def _duration_s(text: str) -> float:
    try:
        return duration_ms(text) / 1000
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _project() -> Path:
    """Return the folder whose server is meant. Raises ValueError for one that is not there: another's would be."""
    named = os.environ.get("K1N_PROJECT")
    if named and not Path(named).is_dir():
        raise ValueError(f"K1N_PROJECT={named}: no such folder; it names a project by its folder")
    return Path(named or Path.cwd())
