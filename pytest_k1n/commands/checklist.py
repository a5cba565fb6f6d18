"""The points that a run needs in order: server, engine, Java, jar, plan, definitions, bridge, scripts, folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pytest_k1n.client.address import Address
from pytest_k1n.coordination.leftovers import leftovers
from pytest_k1n.core.plan import Plan
from pytest_k1n.plan.find import shown
from pytest_k1n.plan.library import Library
from pytest_k1n.plan.resolve import unresolved
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.external import ExternalServer
from pytest_k1n.servers.probe import ask, reason_of
from pytest_k1n.servers.protocol import Kind, ServerSpec
from pytest_k1n.validation.bounded import files_in

SCRIPTS = ("tests/*.sh", "ops/agents/*.sh", "ops/scripts/*.sh", ".conductor/metrics/*.sh")
TASK_DEFINITIONS = Path("fixtures/tasks")
_MOST_LEFT = 3


class CheckOutcome(StrEnum):
    """How a point came out."""

    PASS = "pass"
    FAIL = "fail"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list."""

    name: str
    outcome: CheckOutcome
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is examined."""

    spec: ServerSpec | None
    """None where the settings name no usable server: `trouble` says why."""
    trouble: str = ""
    containers: tuple[str, ...] = ()
    container_cli: str | None = None
    bridge: str = ""
    """Command line of an MCP bridge."""
    folder: Path = Path()
    scripts: tuple[str, ...] = SCRIPTS
    task_definitions: tuple[Path, ...] = (TASK_DEFINITIONS,)
    plan: Plan | None = None
    plan_trouble: str = ""
    results: Path = Path("test-results")


def checks(subject: Examined) -> list[Check]:
    """Examine every point; none stops the others."""
    return [examine(subject) for examine in _EXAMINATIONS]


def _server(subject: Examined) -> Check:
    name = "server"
    if subject.spec is None:
        return Check(name, CheckOutcome.FAIL, subject.trouble)
    what = subject.spec.shown_url or str(subject.spec.kind)
    return Check(name, CheckOutcome.PASS, f"{what} (from {subject.spec.source})")


def _needs(subject: Examined, kind: Kind) -> bool:
    return subject.spec is not None and subject.spec.kind in (kind, Kind.AUTO)


def _failed(subject: Examined, name: str, error: ServerError) -> Check:
    if subject.spec is not None and subject.spec.kind is Kind.AUTO:
        return Check(
            name, CheckOutcome.NOT_NEEDED, f"auto passes this tier over: {error.what.removesuffix('.')}", error.remedy
        )
    facts = "; ".join(text for _, text in error.facts)
    return Check(name, CheckOutcome.FAIL, error.what.removesuffix(".") + (f" ({facts})" if facts else ""), error.remedy)


def _container_engine(subject: Examined) -> Check:
    from pytest_k1n.servers.container import find_engine

    name = "container engine"
    if not _needs(subject, Kind.DOCKER):
        return Check(name, CheckOutcome.NOT_NEEDED, "only the docker tier uses one")
    try:
        engine = find_engine(subject.container_cli)
    except ServerError as error:
        return _failed(subject, name, error)
    return Check(name, CheckOutcome.PASS, f"{engine.command} {engine.version}")


def _containers(subject: Examined) -> Check:
    from pytest_k1n.servers.container import find_engine, running_containers

    name = "containers"
    if not _needs(subject, Kind.DOCKER) or not subject.containers:
        why = "none is expected (ini k1n_containers)" if not subject.containers else "only the docker tier uses them"
        return Check(name, CheckOutcome.NOT_NEEDED, why)
    try:
        running = running_containers(find_engine(subject.container_cli))
    except ServerError as error:
        return _failed(subject, name, error)
    missing = [each for each in subject.containers if each not in running]
    if missing:
        return Check(
            name, CheckOutcome.FAIL, f"not running: {', '.join(missing)}", "start them, or change k1n_containers"
        )
    return Check(name, CheckOutcome.PASS, f"{len(subject.containers)} of {len(subject.containers)} are running")


def _java(subject: Examined) -> Check:
    from pytest_k1n.servers.java import find_java

    name = "Java"
    if not _needs(subject, Kind.JAR):
        return Check(name, CheckOutcome.NOT_NEEDED, "only the jar tier uses it")
    assert subject.spec is not None
    try:
        java = find_java(subject.spec.java_path)
    except ServerError as error:
        return _failed(subject, name, error)
    return Check(name, CheckOutcome.PASS, f"{java.version} at {java.path} (from {java.origin})")


def _boot_jar(subject: Examined) -> Check:
    from pytest_k1n.servers.bootjar import find_jar

    name = "boot jar"
    if not _needs(subject, Kind.JAR):
        return Check(name, CheckOutcome.NOT_NEEDED, "only the jar tier uses it")
    assert subject.spec is not None
    try:
        jar = find_jar(subject.spec.jar_path, version=subject.spec.version, report=lambda _text: None, fetch=False)
    except ServerError as error:
        if subject.spec.jar_path is None and shutil.which("mvn"):
            return Check(name, CheckOutcome.PASS, f"Maven will fetch {subject.spec.version} at the first start")
        return _failed(subject, name, error)
    return Check(name, CheckOutcome.PASS, f"{jar.version or 'unnamed version'} at {jar.path} (from {jar.origin})")


def _healthy(subject: Examined) -> Check:
    name = "server healthy"
    if subject.spec is None or subject.spec.kind is not Kind.URL:
        return Check(name, CheckOutcome.NOT_NEEDED, "the run starts its own")
    try:
        endpoint = ExternalServer(subject.spec).start(float("inf"))
    except ServerError as error:
        return _failed(subject, name, error)
    return Check(name, CheckOutcome.PASS, f"Conductor {endpoint.version} at {endpoint.shown_url}")


def _left(_subject: Examined) -> Check:
    """Show what killed runs of this machine may have left on servers that are not theirs; nothing is asked of them."""
    name, found = "left by killed runs", leftovers()
    if not found:
        return Check(name, CheckOutcome.PASS, "nothing")
    shown_ = [
        f"run {each.uid} at {each.url}" + "".join(f", {name}" for name, _ in each.definitions[:_MOST_LEFT])
        for each in found[:_MOST_LEFT]
    ]
    more = f", and {len(found) - _MOST_LEFT} more" if len(found) > _MOST_LEFT else ""
    remedy = "k1n sweep, or a run at that server, ends what runs there and takes the definitions away"
    return Check(name, CheckOutcome.FAIL, f"{'; '.join(shown_)}{more}", remedy)


def _plan(subject: Examined) -> Check:
    name, plan = "plan", subject.plan
    if plan is None and not subject.plan_trouble:
        return Check(name, CheckOutcome.NOT_NEEDED, "none here (k1n.toml, plan.toml, suites/plan.toml)")
    problems = subject.plan_trouble.splitlines()
    if plan is not None:
        is_complete = subject.spec is None or subject.spec.kind is not Kind.URL
        problems = unresolved(plan, Library(plan.definitions, plan.task_definitions), is_complete=is_complete)
    if problems or plan is None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Check(name, CheckOutcome.FAIL, problems[0] + more, "k1n validate FILE tells all of it")
    size = f"{len(plan.batches)} batches, {len(plan.templates)} workflows"
    return Check(name, CheckOutcome.PASS, f"{plan.source}: {size}")


def _task_definitions(subject: Examined) -> Check:
    name = "task definitions"
    try:
        wanted = {each for folder in subject.task_definitions for each in _defined(folder)}
    except ValueError as error:
        return Check(name, CheckOutcome.FAIL, str(error), "mend the file")
    where = ", ".join(shown(folder, subject.folder.resolve()) for folder in subject.task_definitions) or "the plan"
    if not subject.task_definitions and subject.plan is None:
        return Check(name, CheckOutcome.NOT_NEEDED, "no plan says where they are (or --task-definitions DIR)")
    if not wanted:
        return Check(name, CheckOutcome.NOT_NEEDED, f"{where} defines none")
    if subject.spec is None or subject.spec.kind is not Kind.URL or subject.spec.url is None:
        return Check(name, CheckOutcome.PASS, f"{len(wanted)} in {where}, registered by each run")
    try:
        answer = ask(Address.parse(subject.spec.url), "GET", "/api/metadata/taskdefs", timeout_s=5).json()
    except OSError as error:
        return Check(name, CheckOutcome.FAIL, f"the server does not tell ({reason_of(error)})", "see `server healthy`")
    loaded = {each.get("name") for each in answer if isinstance(each, dict)} if isinstance(answer, list) else set()
    missing = sorted(wanted - loaded)
    if missing:
        first = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        return Check(
            name,
            CheckOutcome.FAIL,
            f"{len(wanted) - len(missing)} of {len(wanted)} are loaded; missing: {first}",
            "a run with --k1n-register=missing (the default on loopback) registers them",
        )
    return Check(name, CheckOutcome.PASS, f"{len(wanted)} of {len(wanted)} are loaded")


def _defined(folder: Path) -> set[str]:
    """Return the names of the task definitions in a folder. Raises ValueError that names a file which has none."""
    names = set()
    for path in files_in(folder):
        try:
            document = json.loads(path.read_text("utf-8-sig"))
            found = document if isinstance(document, list) else [document]
            names |= {str(each["name"]) for each in found}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is no task definition ({type(error).__name__}: {error})") from None
    return names


def _bridge(subject: Examined) -> Check:
    name = "MCP bridge"
    if not subject.bridge:
        return Check(name, CheckOutcome.NOT_NEEDED, "none is configured (ini k1n_mcp)")
    try:
        command = shlex.split(subject.bridge)[0]
    except (ValueError, IndexError) as error:
        return Check(name, CheckOutcome.FAIL, f"k1n_mcp is no command line ({error})", "mend k1n_mcp")
    found = shutil.which(command)
    if found is None:
        return Check(name, CheckOutcome.FAIL, f"{command} is not on PATH", "install it, or drop k1n_mcp")
    return Check(name, CheckOutcome.PASS, found)


def _scripts(subject: Examined) -> Check:
    name = "scripts"
    found = [path for pattern in subject.scripts for path in sorted(subject.folder.glob(pattern))]
    if not found:
        return Check(name, CheckOutcome.NOT_NEEDED, f"none here ({', '.join(subject.scripts)})")
    # A file without a `#!` line is sourced by others, never run.
    found = [path for path in found if os.access(path, os.X_OK) or path.read_bytes()[:2] == b"#!"]
    blocked = [str(path.relative_to(subject.folder)) for path in found if not os.access(path, os.X_OK)]
    if blocked:
        return Check(name, CheckOutcome.FAIL, f"not executable: {', '.join(blocked)}", f"chmod +x {' '.join(blocked)}")
    return Check(name, CheckOutcome.PASS, f"{len(found)} are executable")


def _results(subject: Examined) -> Check:
    name = "results folder"
    folder = subject.results
    standing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))
    if not standing.is_dir():
        return Check(name, CheckOutcome.FAIL, f"{standing} is not a folder", "another --k1n-results")
    try:
        # Really written: permission bits say nothing of a read-only file system, or of root.
        with tempfile.TemporaryFile(dir=standing):
            pass
    except OSError as error:
        return Check(
            name, CheckOutcome.FAIL, f"{standing} cannot be written ({error.strerror})", "another --k1n-results"
        )
    return Check(name, CheckOutcome.PASS, f"{folder}" + ("" if folder.exists() else " (will be made)"))


_EXAMINATIONS: tuple[Callable[[Examined], Check], ...] = (
    _server,
    _container_engine,
    _containers,
    _java,
    _boot_jar,
    _healthy,
    _plan,
    _task_definitions,
    _bridge,
    _scripts,
    _results,
    _left,
)
