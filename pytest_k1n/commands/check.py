"""`k1n check`: judge executions launched elsewhere: order, outcome, what a stuck one waits for. Reads only."""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pytest_k1n.commands.checked import Checked, document, text
from pytest_k1n.commands.saved import NoExecution
from pytest_k1n.commands.subject import Reader, Subject, add_subject_arguments
from pytest_k1n.commands.totals import Totals, many_document, table
from pytest_k1n.core.expectations import judge_all, planned
from pytest_k1n.core.expectations.lineage import values_arrived
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.pending.stalled import judged_steps
from pytest_k1n.core.text import as_lines

UNREADABLE_EXIT = 2


def main(argv: Sequence[str]) -> int:
    """Judge and print; 0 pass or warn, 1 fail or unknown, 2 for what cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n check", description=__doc__)
    add_subject_arguments(parser, many=True)
    parser.add_argument(
        "--skipped", action="append", default=[], metavar="REF", help="a task that was skipped on purpose; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    arguments = parser.parse_args(argv)
    with _no_garbage_collected():
        return _check(arguments)


def _check(arguments: argparse.Namespace) -> int:
    with closing(Reader(arguments)) as reader:
        results = _judged(reader, arguments)
        is_many = len(arguments.executions) > 1 or Path(arguments.executions[0]).is_dir()
        first = None if is_many else next(results, None)
        following = None if is_many else next(results, None)
        if isinstance(first, NoExecution) and following is None:
            raise ValueError(f"{first.source}: {first.reason}")
        if first is not None and following is None:
            return _show_one(first, as_json=arguments.json)
        begun = (each for each in (first, following) if each is not None)
        return _show_many(chain(begun, results), arguments)


def judge(subject: Subject, *, skipped: Sequence[str] = ()) -> Checked:
    """Judge what the plan and the definition ask for; of an open execution also say what it waits for.

    `skipped`: refs of tasks that were skipped on purpose.
    """
    observation = subject.observation
    findings = judge_all((*planned(observation.template, skipped=skipped), values_arrived()), observation)
    steps = list(judged_steps(observation.as_run, now_ms=subject.as_of_ms))
    if steps:
        waits = {step.subject for step, _ in steps}
        decided = [each for each in findings.findings if each.code != "pending" or each.subject not in waits]
        findings = replace(findings, findings=(*decided, *(finding for _, finding in steps)))
    once = tuple(dict.fromkeys(findings.findings))
    findings = replace(findings, findings=once, notes=(*subject.notes, *findings.notes))
    return Checked(subject=subject, findings=findings, path=observation.path, steps=tuple(step for step, _ in steps))


def _judged(reader: Reader, arguments: argparse.Namespace) -> Iterator[Checked | NoExecution]:
    for subject in reader.subjects(arguments.executions):
        yield subject if isinstance(subject, NoExecution) else judge(subject, skipped=arguments.skipped)


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Keep the collector from going through a million objects again and again: nothing here refers to itself."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _show_one(checked: Checked | NoExecution, *, as_json: bool) -> int:
    assert isinstance(checked, Checked)
    if as_json:
        print(json.dumps(document(checked), indent=1, ensure_ascii=False))
    else:
        print(as_lines(text(checked)))
    return _exit(checked.findings.verdict)


def _show_many(results: Iterator[Checked | NoExecution], arguments: argparse.Namespace) -> int:
    totals = Totals()
    for result in results:
        totals.add(result)
    for place, subject in totals.with_children():
        totals.judged_again(place, judge(subject, skipped=arguments.skipped))
    totals.compare_kin()
    if arguments.json:
        print(json.dumps(many_document(totals), indent=1, ensure_ascii=False))
    else:
        print(as_lines(table(totals)))
    if code := _exit(totals.verdict):
        return code
    return UNREADABLE_EXIT if totals.damaged or not totals.rows else 0


def _exit(verdict: Verdict) -> int:
    return int(verdict in (Verdict.FAIL, Verdict.UNKNOWN))
