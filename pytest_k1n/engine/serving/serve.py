"""`python -m pytest_k1n.engine.serving.serve`: the embedded engine on HTTP, on loopback, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from pytest_k1n.core.extras import MissingExtra, require
from pytest_k1n.engine.dialect import CURRENT, DIALECTS
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.clock import EPOCH_MS, Clock, ElasticClock, ManualClock, ScaledClock, real_clock
from pytest_k1n.engine.runtime.collecting import settle_in
from pytest_k1n.engine.runtime.guards import MOST_AT_ONCE, Guards

CLOCKS: Final = ("virtual", "manual", "scaled", "real")
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
KEPT_ALIVE_S: Final = 75
"""Longer than any of our clients pauses: a connection that closes under a request costs it a second try."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop: 0 after a stop, 1 if the port cannot be had, 2 on bad input."""
    parser = _parser()
    try:
        require("uvicorn", extra="serve", use="serving the embedded engine over HTTP")
    except MissingExtra as missing:
        parser.error(str(missing))
    options = parser.parse_args(argv)
    if (options.rate is None) == (options.clock == "scaled"):
        parser.error("--rate and --clock scaled belong together, as in --clock scaled --rate 600")
    try:
        listener = _bound(options.host, options.port)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        remedy = "choose another --port, or stop the process that uses it"
        print(f"k1n engine: port {options.port} {why}: {remedy}", file=sys.stderr)
        return 1
    begin_ms = EPOCH_MS if options.seed is not None else int(time.time() * 1000)
    clock = _clock(options.clock, options.rate, begin_ms)
    with listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        guards = _guards(options.clock, options.most_at_once)
        engine = Engine(clock=clock, seed=options.seed or 0, guards=guards, dialect=DIALECTS[options.conductor])
        runner.run(_serve(engine, listener, options.clock, options.allow_host))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Choose uvloop where the extra `fast` has brought it, as uvicorn would."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """Choose httptools where the extra `fast` has brought it, as uvicorn would."""
    try:
        from pytest_k1n.engine.serving.no_upgrade import NoUpgrade
    except ImportError:
        return "auto"
    return NoUpgrade


async def _serve(engine: Engine, listener: socket.socket, clock: str, hosts: Sequence[str]) -> None:
    import uvicorn

    from pytest_k1n.engine.serving.app import EngineApp

    class QuietServer(uvicorn.Server):
        """Leaves signals to us: uvicorn would die of them, after it has ended cleanly."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    app = EngineApp(engine, hosts=hosts)
    config = uvicorn.Config(
        app, http=_protocol(), lifespan="off", ws="none", access_log=False, log_level="warning", date_header=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=KEPT_ALIVE_S, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = QuietServer(config)

    def stop() -> None:
        app.close()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(
        f"embedded engine, not a Conductor server, at http://{shown}:{port}, {clock} time, seed {engine.seed}",
        flush=True,
    )
    settle_in()
    await server.serve(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    """Bind a port of loopback. Raises OSError.

    The socket says that it is TCP: only then asyncio turns Nagle's algorithm off, which costs 40 ms per answer.
    """
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1" if host == "localhost" else host, port))
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener


def _clock(name: str, rate: float | None, begin_ms: int) -> Clock:
    if name == "virtual":
        return ElasticClock(begin_ms)
    if name == "manual":
        return ManualClock(begin_ms)
    return ScaledClock(rate or 1.0) if name == "scaled" else real_clock()


def _guards(clock: str, most_at_once: int) -> Guards:
    """Return the limits; where time passes by itself, what lets it pass may go on for ever, as on a server."""
    guards = Guards(max_at_once=most_at_once)
    return replace(guards, max_in_all=sys.maxsize) if clock in ("real", "scaled") else guards


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_k1n.engine.serving.serve", description=__doc__)
    add = parser.add_argument
    add("--port", type=_port, default=0, metavar="N", help="0 (the default) means any")
    add("--host", choices=LOOPBACK, default=LOOPBACK[0], help="loopback only: callers are not authenticated")
    add("--allow-host", action="append", default=[], metavar="NAME",
        help="a name beside those of loopback that leads here; a request with another Host is refused")  # fmt: skip
    add("--most-at-once", type=int, default=MOST_AT_ONCE, metavar="N",
        help="rounds of a loop, attempts of a task or starts of a workflow at one instant that count as endless "
             "(default: %(default)s)")  # fmt: skip
    add("--clock", choices=CLOCKS, default="virtual", help="default: %(default)s")
    add("--rate", type=_rate, metavar="R", help="how many times faster than the wall, with --clock scaled")
    add("--conductor", choices=tuple(DIALECTS), default=CURRENT.conductor,
        help="release that it behaves as, where that is known (default: %(default)s)")  # fmt: skip
    add("--seed", type=int, metavar="N",
        help="of ids and delays (default: 0); virtual time then begins on 2026-01-01, else now")  # fmt: skip
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 0 to 65535")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate: use a number above 0, up to a million")
    return rate


if __name__ == "__main__":
    sys.exit(main())
