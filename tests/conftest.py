"""Tests that need more than Python run when asked for, and then what they need and is not there is a failure."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pytest_k1n.engine.runtime.collecting import settle_in
from pytest_k1n.run.run import RUN
from pytest_k1n.servers.folders import new_run_folder, sweep
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec

# No deadline: how long an example takes says how busy the machine is. The same tree gives the same verdict: examples
# are drawn from the test's name. The gate (`make test`) draws 100 of each property, a contributor's loop the first 20
# of them, `make explore` others, and more.
settings.register_profile("loop", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("gate", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("explore", deadline=None, max_examples=int(os.environ.get("K1N_EXAMPLES", "2000")))
settings.load_profile("loop")

LEFT = pytest.StashKey[list[str]]()
TEMPORARY = pytest.StashKey[Path]()
"""A temporary folder of this run alone, so that it can tell what it left; named as the folder of a run is."""


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment of everything that tests start."""
    take_signals()
    if not hasattr(config, "workerinput"):  # nodes of xdist inherit the folder
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # tmp_path stays where it is looked for
        sweep()  # what a killed session of tests has left
        folder = config.stash[TEMPORARY] = new_run_folder(secrets.token_hex(4))
        folder.mkdir(mode=0o711)  # a PostgreSQL, which does not run as root, has its own folder in it
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that leaves anything in the temporary folder."""
    folder = session.config.stash.get(TEMPORARY, Path(os.devnull))
    run = session.config.stash.get(RUN, None)  # its folder goes when the session itself is over
    own = run.folder_path.name if run is not None else ""
    names = (path.name for path in folder.glob("*"))
    left = sorted(name for name in names if not name.startswith("pytest-of-") and name != own)  # tmp_path of runs
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    session.config.stash[LEFT] = left


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash.get(LEFT, []):
        terminalreporter.write_line(f"left in the temporary folder: {', '.join(left)}", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(TEMPORARY, None):
        shutil.rmtree(folder, ignore_errors=True)


def take_signals() -> None:
    """Let the processes that tests start take signals, also where a script runs us in its background.

    Shells have background jobs ignore SIGINT, nohup has them ignore SIGHUP, and children inherit that; a handler that
    does nothing keeps us as we are, and exec gives children the default again.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unwanted = {mark for mark in ("live", "container", "slow", "long") if not os.environ.get(f"K1N_{mark.upper()}")}
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if unwanted.isdisjoint(mark.name for mark in item.iter_markers()) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Collect thousands of tests without the garbage collector, and leave them out of all collections to come."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    settle_in()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A real Conductor: the one at K1N_LIVE_URL, else one from the boot jar for this session."""
    folder = tmp_path_factory.mktemp("live")
    url, jar = os.environ.get("K1N_LIVE_URL"), os.environ.get("K1N_JAR")
    kind = Kind.URL if url else Kind.JAR
    spec = ServerSpec(kind=kind, url=url, jar_path=Path(jar) if jar else None, startup_timeout_s=300)
    with open_server(spec, run_uid=f"live{os.getpid()}", folder=folder / "server", report=print) as endpoint:
        yield endpoint
