"""`k1n doctor`: is everything there that a run needs? One line per point, and what to do about each that is not."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pytest_k1n.client.address import Address
from pytest_k1n.commands.inifile import ini_rows, words
from pytest_k1n.core.plan import Plan
from pytest_k1n.plan.find import PlanError, find_plan, shown
from pytest_k1n.plan.library import Library
from pytest_k1n.plan.read import load_plan
from pytest_k1n.plan.resolve import unresolved
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.external import URL_VARIABLE, ExternalServer, server_from_environment
from pytest_k1n.servers.probe import ask, reason_of
from pytest_k1n.servers.protocol import SERVER_VERSION, Kind, ServerSpec, parse_server

SCRIPTS = ("tests/*.sh", "ops/agents/*.sh", "ops/scripts/*.sh", ".conductor/metrics/*.sh")
DEFAULT = Kind.EMBEDDED
TASK_DEFINITIONS = Path("fixtures/tasks")


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


def main(argv: Sequence[str]) -> int:
    """Run `k1n doctor`; 0 if nothing fails, 1 if something does, 2 for a mistake."""
    parser = argparse.ArgumentParser(prog="k1n doctor", description=__doc__)
    _add_arguments(parser)
    return run_doctor(parser.parse_args(argv))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", metavar="KIND|URL", help="as --k1n-server (else K1N_SERVER, the ini file)")
    parser.add_argument("--jar", type=Path, metavar="FILE", help="as --k1n-jar")
    parser.add_argument("--java", type=Path, metavar="PATH", help="as --k1n-java")
    parser.add_argument("--image", help="as --k1n-image")
    parser.add_argument("--container-cli", metavar="COMMAND", help="as --k1n-container-cli")
    parser.add_argument("--results", type=Path, metavar="DIR", help="as --k1n-results")
    parser.add_argument("--task-definitions", type=Path, metavar="DIR", help=f"default: {TASK_DEFINITIONS}")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run_doctor(arguments: argparse.Namespace) -> int:
    """Examine, print, and return 1 if anything fails. Raises ValueError for an ini file that cannot be read."""
    found = checks(subject_of(arguments, os.environ, Path.cwd()))
    failed = sum(check.outcome is CheckOutcome.FAIL for check in found)
    if arguments.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(check) for check in found]}, indent=1))
    else:
        print("\n".join(_lines(found)))
        print(f"{failed} of {len(found)} points fail" if failed else f"all {len(found)} points are in order")
    return 1 if failed else 0


def subject_of(arguments: argparse.Namespace, environ: Mapping[str, str], folder: Path) -> Examined:
    """Resolve the settings as a run would: command line, then environment, then the ini file."""
    rows = ini_rows(folder)

    def setting(name: str, given: object = None) -> str | None:
        for value in (given, environ.get(f"K1N_{name.upper()}"), rows.get(f"k1n_{name}")):
            if value is not None:
                return str(value)
        return None

    def path(name: str, given: Path | None) -> Path | None:
        text = setting(name, given)
        return Path(text).expanduser() if text else None

    plan, plan_trouble = _read_plan(setting("plan"), folder)
    folders = tuple(map(Path, plan.task_definitions)) if plan else (folder / TASK_DEFINITIONS,)
    spec, trouble = _spec(arguments.server, environ, rows)
    if spec is not None:
        spec = ServerSpec(
            kind=spec.kind,
            url=spec.url,
            source=spec.source,
            jar_path=path("jar", arguments.jar),
            java_path=path("java", arguments.java),
            image=setting("image", arguments.image) or spec.image,
        )
    return Examined(
        spec=spec,
        trouble=trouble,
        containers=words(environ.get("K1N_CONTAINERS") or rows.get("k1n_containers")),
        container_cli=setting("container_cli", arguments.container_cli),
        bridge=setting("mcp") or "",
        folder=folder,
        scripts=words(rows.get("k1n_scripts")) or SCRIPTS,
        task_definitions=(folder / arguments.task_definitions,) if arguments.task_definitions else folders,
        plan=plan,
        plan_trouble=plan_trouble,
        results=folder / (path("results", arguments.results) or "test-results"),
    )


def _read_plan(named: str | None, folder: Path) -> tuple[Plan | None, str]:
    """Find and read the plan as a run of pytest in this folder would; else say what is wrong with it."""
    try:
        found = find_plan((".",), folder, None, named)
        return (load_plan(found[0], shown=shown(found[0], folder.resolve())), "") if found else (None, "")
    except PlanError as error:
        return None, str(error)


def _spec(option: str | None, environ: Mapping[str, str], rows: Mapping[str, object]) -> tuple[ServerSpec | None, str]:
    try:
        if option is not None:
            return parse_server(option, source="--server"), ""
        if environ.get("K1N_SERVER"):
            return parse_server(environ["K1N_SERVER"], source="K1N_SERVER"), ""
        if environ.get(URL_VARIABLE):
            return server_from_environment(environ[URL_VARIABLE]), ""
        if rows.get("k1n_server"):
            return parse_server(str(rows["k1n_server"]), source="ini k1n_server"), ""
        return parse_server(DEFAULT, source="default"), ""
    except (ValueError, ServerError) as error:
        return None, str(error)


def checks(subject: Examined) -> list[Check]:
    """Examine every point; none stops the others."""
    return [examine(subject) for examine in _EXAMINATIONS]


def _lines(found: Sequence[Check]) -> list[str]:
    width = max(len(check.name) for check in found)
    lines = []
    for check in found:
        lines.append(f"{check.outcome:<10}  {check.name:<{width}}  {check.detail}")
        if check.remedy:
            lines.append(f"{'':<10}  {'':<{width}}  -> {check.remedy}")
    return lines


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
        jar = find_jar(subject.spec.jar_path, report=lambda _text: None, fetch=False)
    except ServerError as error:
        if subject.spec.jar_path is None and shutil.which("mvn"):
            return Check(name, CheckOutcome.PASS, f"Maven will fetch {SERVER_VERSION} at the first start (458 MB)")
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
    for path in sorted(folder.rglob("*.json")):
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
)
