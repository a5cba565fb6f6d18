"""`k1n profile task | steps | baseline | follow | analyze`: how long tasks take, and which of them are bottlenecks."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import cast

from pytest_k1n.client.address import redact
from pytest_k1n.commands.numbers import above_zero
from pytest_k1n.commands.profiling import (
    BASELINE_WORKFLOW,
    find_handler,
    keep,
    log_of,
    measure,
    read_profiles,
    speed_of,
)
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.baselines.profiles import analyse, table
from pytest_k1n.core.plan import Plan, Template

_METRICS = Path(".conductor/metrics")
_AGENTS = Path("ops/agents")


def _say(text: str) -> None:
    print(redact(text), flush=True)


def main(argv: Sequence[str]) -> int:
    """Run `k1n profile …`; a handler's own exit code for `task` and `steps`, 1 if a task of a baseline failed."""
    parser = argparse.ArgumentParser(prog="k1n profile", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    task = verbs.add_parser("task", help="run one handler and write its profile")
    steps = verbs.add_parser("steps", help="run one handler and say what its steps took")
    for each in (task, steps):
        each.add_argument("task_id", metavar="TASK")
        each.add_argument("handler", metavar="SCRIPT", type=Path, help="or a name like it in the same folder")
    task.add_argument("--into", type=Path, default=_METRICS / "profiles", metavar="DIR", help="default: %(default)s")
    steps.add_argument("--into", type=Path, default=_METRICS / "task8-breakdown.jsonl", metavar="FILE",
        help="default: %(default)s")  # fmt: skip
    baseline = verbs.add_parser("baseline", help="profile every task of a workflow, then analyse")
    baseline.add_argument("--server", metavar="URL", help="through this server; default: the handlers, one by one")
    baseline.add_argument("--workflow", default=BASELINE_WORKFLOW, metavar="NAME", help="default: %(default)s")
    baseline.add_argument("--simulated", action="store_true", help="with --server: simulate, use no handler scripts")
    baseline.add_argument("--into", type=Path, metavar="DIR", help=f"default: {_METRICS / 'baselines'}/<now>")
    follow = verbs.add_parser("follow", help="write profiles of an execution's tasks as they end")
    follow.add_argument("execution", metavar="WORKFLOW_ID")
    follow.add_argument("--server", metavar="URL", help="else K1N_SERVER")
    follow.add_argument("--speed", type=above_zero, default=1.0, help="at which its work is simulated (default: 1)")
    follow.add_argument("--within", type=above_zero, default=3 * 3600, metavar="SECONDS", help="default: 3 hours")
    follow.add_argument("--into", type=Path, metavar="DIR", help=f"default: {_METRICS / 'baselines'}/<now>")
    for each in (baseline, follow):
        each.add_argument("--plan", metavar="FILE", help="else k1n.toml or plan.toml here, suites/plan.toml")
    each = verbs.add_parser("analyze", help="rank the profiles of a folder, or of the newest baseline in it")
    each.add_argument("folder", type=Path, metavar="DIR")
    arguments = parser.parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = {
        "task": _task, "steps": _steps, "baseline": _baseline, "follow": _follow, "analyze": _analyze,
    }[arguments.verb]  # fmt: skip
    return verb(arguments)


def _task(arguments: argparse.Namespace) -> int:
    handler = find_handler(arguments.task_id, arguments.handler)
    log = log_of(arguments.task_id, arguments.into)
    profile = measure(arguments.task_id, handler, log, os.environ, _say).profile
    _say(f"Profile saved: {keep(profile, arguments.into)}")
    return profile.exit_code


def _steps(arguments: argparse.Namespace) -> int:
    from pytest_k1n.workers.script import step_timings

    handler = find_handler(arguments.task_id, arguments.handler)
    into: Path = arguments.into
    log = log_of(arguments.task_id, into.parent)
    measured = measure(arguments.task_id, handler, log, os.environ, _say)
    steps = list(step_timings(measured.lines))
    rows = [json.dumps({"operation": step.name, "duration_ms": step.ms}) for step in steps]
    replace_text(into, "".join(f"{row}\n" for row in rows))
    total = sum(step.ms for step in steps)
    _say(f"\nTask {arguments.task_id} Internal Breakdown:")
    for step in sorted(steps, key=lambda step: -step.ms):
        _say(f"{step.name:25s}: {step.ms / 1000:6.1f}s ({step.ms / total if total else 0:6.1%})")
    _say(f"{'TOTAL':25s}: {total / 1000:6.1f}s\nBreakdown saved: {into}")
    return measured.profile.exit_code


def _baseline(arguments: argparse.Namespace) -> int:
    plan, template = _planned(arguments)
    into: Path = arguments.into or _new_baseline()
    speed = speed_of(os.environ)
    agents = None if arguments.simulated or not _AGENTS.is_dir() else _AGENTS
    if arguments.server:
        from pytest_k1n.commands.serverprofile import run_profiled

        run_profiled(arguments.server, template, plan, agents=agents, speed=speed, into=into, say=_say)
        return _ranked(into)
    _say(
        f"profiling {len(template.estimates_ms)} tasks of {template.workflow} directly, "
        f"simulated time x{speed:g} shorter"
    )
    environment = {**os.environ, "K1N_WORKFLOW": template.workflow}
    for ref, estimate_ms in template.estimates_ms.items():
        task_id = ref.removeprefix("task_")
        _say(f"Profiling Task {task_id}...")
        handler = find_handler(task_id, _AGENTS / f"task-{task_id}-handler.sh")
        given = {**environment, "K1N_REF": ref, "K1N_ESTIMATE_MS": str(estimate_ms)}
        measured = measure(task_id, handler, log_of(task_id, into), given, _say)
        _say(f"Profile saved: {keep(measured.profile, into)}")
    return _ranked(into)


def _follow(arguments: argparse.Namespace) -> int:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.transport import transport_for
    from pytest_k1n.commands.serverprofile import follow
    from pytest_k1n.core.model import Json
    from pytest_k1n.core.wire import wire

    url = arguments.server or os.environ.get("K1N_SERVER")
    if not url:
        raise ValueError("no server: say --server URL, or set K1N_SERVER")
    into: Path = arguments.into or _new_baseline()
    with closing(Conductor(transport_for(url))) as client:
        execution = wire.execution(cast("Json", client.execution(arguments.execution)))
        if execution.definition is None:
            raise ValueError(f"execution {arguments.execution} carries no definition: it cannot be laid out")
        follow(client, arguments.execution, execution.definition, speed=arguments.speed,
               within_s=arguments.within, into=into, say=_say)  # fmt: skip
    return _ranked(into)


def _analyze(arguments: argparse.Namespace) -> int:
    _ranked(arguments.folder)
    return 0


def _ranked(folder: Path) -> int:
    folder, profiles = read_profiles(folder)
    analysis = analyse(profiles)
    _say("\n".join(["", "BASELINE PROFILING ANALYSIS", *table(analysis), ""]))
    summary = folder / "summary.json"
    replace_text(summary, json.dumps(analysis.summary(), indent=2) + "\n")
    _say(f"Summary saved: {summary}")
    return 1 if analysis.failed else 0


def _planned(arguments: argparse.Namespace) -> tuple[Plan, Template]:
    from pytest_k1n.plan.find import find_plan
    from pytest_k1n.plan.read import load_plan

    found = find_plan((".",), Path.cwd(), arguments.plan, None)
    if found is None:
        raise ValueError("no plan: say --plan FILE, or run it where suites/plan.toml is")
    path = found[0]
    plan = load_plan(path)
    template = plan.template_for(arguments.workflow)
    if template is None:
        names = ", ".join(each.workflow for batch in plan.batches for each in batch.templates)
        raise ValueError(f"{path} has no workflow {arguments.workflow}; it has {names}")
    return plan, template


def _new_baseline() -> Path:
    return _METRICS / "baselines" / datetime.now().astimezone().strftime("%Y%m%d_%H%M%S")
