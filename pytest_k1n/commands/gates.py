"""`k1n gates`: evaluate the quality gates of a finished execution.

A saved execution is judged right here; one on a server by the workflow K1N_QUALITY_GATES, run there.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands.numbers import percentage
from pytest_k1n.commands.probes import WORKFLOW, results
from pytest_k1n.commands.subject import add_subject_arguments, is_path, read_subject
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import (
    CategoryResult,
    Facts,
    GateSettings,
    Quality,
    budgets,
    evaluate,
    quality_document,
    single,
)
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.text import as_lines, one_line
from pytest_k1n.servers.external import defaults_for
from pytest_k1n.servers.foreign import warmed
from pytest_k1n.servers.protocol import STARTUP_TIMEOUT_S, Endpoint, Kind

EXIT = {Verdict.PASS: 0, Verdict.WARN: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 1}
LINES = 5
"""Findings shown per category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An execution, what its quality gates say, and what evaluated them."""

    observation: Observation
    quality: Quality
    source: str
    probes_id: str | None = None
    """The execution of K1N_QUALITY_GATES, where a server ran it."""


def main(argv: Sequence[str]) -> int:
    """Evaluate and print; 0 pass or warn, 1 fail or unknown, 2 for what cannot be judged."""
    if "--self-test" in argv:
        return _self_test()
    arguments = _parser().parse_args(argv)
    judged = _judge(arguments)
    if arguments.json:
        print(json.dumps(_document(judged), indent=1, ensure_ascii=False))
    else:
        print(as_lines(_text(judged)))
    return EXIT[judged.quality.verdict]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k1n gates", description=__doc__)
    add_subject_arguments(parser)
    parser.add_argument("--workers", choices=("own", "external"),
        help="what did its work: external workers may poll more slowly (default: what their ids say)")  # fmt: skip
    parser.add_argument("--min-pass-rate", type=percentage, default=0.95, metavar="PERCENT",
        help="percentage of checks that must pass (default: 95)")  # fmt: skip
    parser.add_argument("--register", "--k1n-register", choices=("missing", "always", "never"),
        help=f"may {WORKFLOW} be registered on the server (default: missing on loopback, else never)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument("--self-test", action="store_true",
        help="judge nothing: break each gate once, on the embedded engine, and show that it notices")  # fmt: skip
    return parser


def _self_test() -> int:
    """Show that each gate can fail; 1 if one of them did not."""
    from pytest_k1n.commands.selftest import lines, self_test

    found = list(self_test(_validate))
    print(as_lines(lines(found)))
    return 0 if all(each.has_noticed for each in found) else 1


def _judge(arguments: argparse.Namespace) -> Judged:
    subject = read_subject(arguments)
    execution = subject.observation.execution
    if not execution.is_terminal:
        raise ValueError(
            f"execution {one_line(execution.workflow_id)} is still {execution.status}: "
            "quality gates judge finished ones; k1n check tells how it stands"
        )
    ours = GateSettings(
        min_pass_rate=arguments.min_pass_rate,
        workers=arguments.workers or ("own" if _is_ours(execution) else "external"),
        engine=subject.observation.time_model == "virtual",
        validate=_validate,
    )
    if is_path(arguments.execution):
        settings = budgets(subject.capability, ours)
        batch = replace(single(subject.observation), facts=Facts(control=subject.control))
        quality = evaluate(batch, settings)
        return Judged(observation=subject.observation, quality=quality, source=subject.source)
    from pytest_k1n.commands.probing import run_probes

    # As `read_subject` did: it would have refused to go on without a URL.
    url = arguments.server or os.environ["K1N_SERVER"]
    endpoint = _endpoint(url)
    policy = arguments.register or defaults_for(endpoint).register
    # As a run does before its first batch: the two must not differ in what they hold the server to.
    warm = warmed(endpoint, uid=uuid.uuid4().hex[:8], register=policy, within_s=STARTUP_TIMEOUT_S)
    settings = budgets(warm.capability, ours)
    probes = run_probes(
        url,
        arguments.execution,
        read=_reader(arguments, {arguments.execution: subject.observation}),
        settings=settings,
        policy=policy,
    )
    quality = Quality(categories=results(probes), settings=settings, definitions=())
    return Judged(observation=subject.observation, quality=quality, source=subject.source, probes_id=probes.workflow_id)


def _is_ours(execution: Execution) -> bool:
    """Whether our workers did all the work: the run that started it judged it by their budgets."""
    ids = {task.worker_id for task in execution.tasks if task.is_worker_task and task.worker_id}
    return bool(ids) and all(each.startswith("k1n-") for each in ids)


def _reader(arguments: argparse.Namespace, known: Mapping[str, Observation]) -> Callable[[str], Observation]:
    """Return what reads the execution that a probe's input names: once, for all eighteen."""

    def read(workflow_id: str) -> Observation:
        if workflow_id in known:
            return known[workflow_id]
        other = copy.copy(arguments)
        other.execution = workflow_id
        return read_subject(other).observation

    return read


def _endpoint(url: str) -> Endpoint:
    client = Conductor(transport_for(url))
    try:
        return Endpoint(kind=Kind.URL, url=url, version=client.version())
    finally:
        client.close()


def _validate(schema: Mapping[str, Json], document: Json) -> list[str]:
    from pytest_k1n.validation.schema import problems_of

    return problems_of(schema, document)


def _text(judged: Judged) -> Iterator[str]:
    execution, quality = judged.observation.execution, judged.quality
    name = f"{execution.name} version {execution.version}, execution {execution.workflow_id}"
    yield f"{one_line(name)}, {one_line(judged.observation.state)}"
    yield f"  from     {judged.source}"
    if judged.probes_id:
        yield f"  probes   {WORKFLOW}, execution {judged.probes_id}"
    rows = [("", "quality gate", "verdict", "checks", "", "note"), *map(_row, quality.categories)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for category in quality.categories:
        yield from _findings(category)
    yield from (f"  note     {reason}" for reason in quality.reasons)
    yield f"{quality.verdict.upper()}: {_figures(quality)}"


def _row(category: CategoryResult) -> tuple[str, ...]:
    checks = f"{category.passed}/{category.evaluated} {category.unit}" if category.evaluated else "-"
    extras = [f"{category.unknown} unknown"] if category.unknown else []
    extras += [f"{category.simulated} on simulated work"] if category.simulated else []
    note = "; ".join([*extras, category.note] if category.note else extras)
    blocking = "blocking" if category.blocking else ""
    return (category.id, category.title, str(category.verdict), checks, blocking, note)


def _findings(category: CategoryResult) -> Iterator[str]:
    shown = [each for each in category.findings if each.verdict is not Verdict.PASS]
    yield from (f"  {category.id:<4} {finding}" for finding in shown[:LINES])
    if len(shown) > LINES:
        yield f"  {category.id:<4} and {len(shown) - LINES} more"


def _figures(quality: Quality) -> str:
    checks = quality.checks
    rate = "no check was evaluated" if quality.rate is None else f"{quality.rate:.1%} of {checks.evaluated} checks"
    return (
        f"{rate} (Wilson lower bound {quality.wilson_low:.1%}), {checks.unknown} unknown, "
        f"{checks.simulated} on simulated work; {quality.categories_passed} of {len(quality.evaluated)} categories"
    )


def _document(judged: Judged) -> dict[str, object]:
    execution = judged.observation.execution
    return {
        "workflow": {"name": execution.name, "version": execution.version, "workflow_id": execution.workflow_id},
        "source": judged.source,
        "probes_workflow_id": judged.probes_id,
        **quality_document(judged.quality),
    }
