"""`k1n doctor`: is everything there that a run needs? One line per point, and what to do about each that is not."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pytest_k1n.client.address import redact
from pytest_k1n.commands.checklist import SCRIPTS, TASK_DEFINITIONS, Check, CheckOutcome, Examined, checks
from pytest_k1n.commands.inifile import ini_rows, words
from pytest_k1n.core.plan import Plan
from pytest_k1n.core.text import as_lines
from pytest_k1n.plan.find import PlanError, find_plan, shown
from pytest_k1n.plan.read import load_plan
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.external import URL_VARIABLE, server_from_environment
from pytest_k1n.servers.protocol import Kind, ServerSpec, parse_server

DEFAULT = Kind.EMBEDDED


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
    parser.add_argument("--task-definitions", type=Path, metavar="DIR", help="default: the plan's folders")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run_doctor(arguments: argparse.Namespace) -> int:
    """Examine, print, and return 1 if anything fails. Raises ValueError for an ini file that cannot be read."""
    found = [
        replace(check, detail=redact(check.detail), remedy=redact(check.remedy))
        for check in checks(subject_of(arguments, os.environ, Path.cwd()))
    ]
    failed = sum(check.outcome is CheckOutcome.FAIL for check in found)
    if arguments.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(check) for check in found]}, indent=1))
    else:
        print(as_lines(_lines(found)))
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
    usual = folder / TASK_DEFINITIONS
    folders = tuple(map(Path, plan.task_definitions)) if plan else (usual,) if usual.is_dir() else ()
    spec, trouble = _spec(arguments.server, environ, rows)
    if spec is not None:
        spec = ServerSpec(
            kind=spec.kind,
            url=spec.url,
            source=spec.source,
            jar_path=path("jar", arguments.jar),
            java_path=path("java", arguments.java),
            version=setting("conductor") or spec.version,
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


def _lines(found: Sequence[Check]) -> list[str]:
    width = max(len(check.name) for check in found)
    lines = []
    for check in found:
        lines.append(f"{check.outcome:<10}  {check.name:<{width}}  {check.detail}")
        if check.remedy:
            lines.append(f"{'':<10}  {'':<{width}}  -> {check.remedy}")
    return lines
