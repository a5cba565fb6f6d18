"""`k1n whatif RUN`: what an execution would take with other durations, order or workers; what must change for a target.

Computed from the recorded durations and waits. With several executions (more RUNs), how the answer varies over them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_k1n.commands.runs import add_run_arguments, executions, one_execution, read_runs
from pytest_k1n.core.schedule.proposals import Change, changes, plan_to
from pytest_k1n.core.schedule.whatif import Impossible, Model
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import duration_ms, format_ms, percent
from pytest_k1n.report.advice import model_of, quantiles, resampled
from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.figures import has_completed

SAMPLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What is to be different, in the order in which it is applied."""

    takes: tuple[tuple[str, str], ...]
    without: tuple[str, ...]
    parallel: tuple[tuple[str, ...], ...]
    workers: dict[str, int]

    @property
    def any(self) -> bool:
        return bool(self.takes or self.without or self.parallel or self.workers)

    def edited(self, model: Model) -> Model:
        """Apply all but the workers. Raises Impossible, ValueError."""
        for name, text in self.takes:
            for ref in model.refs_of(name):
                hold_ms = model.step(ref).hold_ms
                model = model.with_duration(ref, round(hold_ms * percent(text)) if "%" in text else duration_ms(text))
        for name in self.without:
            for ref in model.refs_of(name):
                model = model.without(ref)
        for refs in self.parallel:
            model = model.side_by_side(refs)
        return model

    def concern(self, model: Model) -> bool:
        """Whether another execution has all tasks that are named: one that took another course may lack some."""
        try:
            self.makespan_ms(model)
        except Impossible:
            return False
        return True

    def makespan_ms(self, model: Model) -> int:
        """Return how long the edited execution takes."""
        edited = self.edited(model)
        return edited.makespan_ms(edited.limited(self.workers))


def main(argv: Sequence[str]) -> int:
    """Print the answer; 0, 1 if a target is not reached, 2 for a mistake."""
    arguments = _parser().parse_args(argv)
    edits = Edits(
        takes=tuple(_pair(text, "--takes") for text in arguments.takes),
        without=tuple(arguments.without),
        parallel=tuple(tuple(part.strip() for part in text.split(",")) for text in arguments.parallel),
        workers={name: _count(text) for name, text in (_pair(text, "--workers") for text in arguments.workers)},
    )
    target_ms = duration_ms(arguments.target) if arguments.target else None
    documents = read_runs(arguments)
    answer = _Answer(documents, arguments.workflow, edits, target_ms)
    print(json.dumps(answer.document(), indent=1) if arguments.json else as_lines(answer.lines()))
    return 0 if answer.is_reached else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k1n whatif", description=__doc__)
    add_run_arguments(parser, many="+")
    parser.add_argument("--workflow", metavar="NAME", help="which workflow, where a run has several")
    parser.add_argument("--takes", action="append", default=[], metavar="REF=DURATION|PERCENT",
        help="a task takes this long, or this share of its time: task_8=8m, task_8=50%%")  # fmt: skip
    parser.add_argument("--without", action="append", default=[], metavar="REF", help="a task is left out")
    parser.add_argument("--parallel", action="append", default=[], metavar="REF,REF,...",
        help="these tasks run side by side")  # fmt: skip
    parser.add_argument("--workers", action="append", default=[], metavar="TASK=N",
        help="so many tasks of this definition run at once; measured queue waits of it are replaced")  # fmt: skip
    parser.add_argument("--target", metavar="DURATION", help="what must change to take no longer than this?")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return parser


class _Answer:
    def __init__(self, documents: Sequence[RunDocument], workflow: str | None, edits: Edits, target_ms: int | None):
        self.execution = one_execution(_chosen(documents, workflow), workflow)
        name = self.execution["workflow"]["name"]
        self.model = model_of(self.execution)
        every = list(executions(documents, name))
        alike = [each for each in every if not each["is_open"] and _is_alike(each, self.execution)]
        self.edits, self.target_ms = edits, target_ms
        self.models = [model for model in map(model_of, alike) if edits.concern(model)]
        self.left_out = Counter(each["workflow"]["status"] for each in every if each not in alike)
        self.of_another_course = len(alike) - len(self.models)
        self.edited = edits.edited(self.model)
        self.recorded_ms = self.model.makespan_ms()
        self.edited_ms = edits.makespan_ms(self.model)
        needs_more = target_ms is not None and self.edited_ms > target_ms
        self.steps: list[Change] = plan_to(self.edited, target_ms) if target_ms is not None and needs_more else []
        self.offers: list[Change] = [] if edits.any else changes(self.edited, target_ms=target_ms)
        self.reached_ms = self.steps[-1].makespan_ms if self.steps else self.edited_ms

    @property
    def is_reached(self) -> bool:
        return self.target_ms is None or self.reached_ms <= self.target_ms

    def lines(self) -> Iterator[str]:
        status = self.execution["workflow"]["status"]
        ended = "" if has_completed(self.execution) else f", {status}"
        yield f"{self.execution['title']} took {format_ms(self.recorded_ms)}{ended}"
        if self.edits.any:
            saved = self.recorded_ms - self.edited_ms
            change = f"{format_ms(abs(saved))} {'less' if saved >= 0 else 'more'}"
            yield f"it would take {format_ms(self.edited_ms)}, {change}"
        if self.target_ms is not None:
            yield from self._towards(self.target_ms)
        elif self.offers:
            yield "what would help most, each alone:"
            yield from (_line(number, each) for number, each in enumerate(self.offers, 1))
        yield from self._spread()

    def _towards(self, target_ms: int) -> Iterator[str]:
        if self.edited_ms <= target_ms:
            yield f"that is within {format_ms(target_ms)}"
            return
        alone = [each for each in self.offers if each.makespan_ms <= target_ms]
        if alone:
            yield f"any one of these reaches {format_ms(target_ms)}:"
            yield from (_line(number, each) for number, each in enumerate(alone, 1))
        elif self.is_reached:
            yield f"{'together these reach' if len(self.steps) > 1 else 'this reaches'} {format_ms(target_ms)}:"
            yield from (_line(number, each) for number, each in enumerate(self.steps, 1))
        else:
            yield f"{format_ms(target_ms)} is not reached; this comes nearest:"
            yield from (_line(number, each) for number, each in enumerate(self.steps, 1))

    def _spread(self) -> Iterator[str]:
        if len(self.models) > 1:
            figures = self._quantiles()
            shown = ", ".join(f"{name} {format_ms(ms)}" for name, ms in figures.items())
            yield f"over {len(self.models)} recorded executions, each drawn whole: {shown}"
            if self.target_ms is not None:
                yield f"within {format_ms(self.target_ms)} in {self._share(self.target_ms):.0%} of them"
        if self.of_another_course:
            yield f"left out: {self.of_another_course} without a task that is named"
        if self.left_out:
            told = ", ".join(f"{count} {status}" for status, count in self.left_out.items())
            yield f"left out: {told}, which say nothing of one that is {self.execution['workflow']['status']}"

    def _quantiles(self) -> dict[str, int]:
        drawn = resampled([self.edits.makespan_ms(model) for model in self.models], samples=SAMPLES)
        return dict(zip(("p5", "p50", "p90", "p95"), quantiles(drawn), strict=True))

    def _share(self, target_ms: int) -> float:
        return sum(self.edits.makespan_ms(model) <= target_ms for model in self.models) / len(self.models)

    def document(self) -> dict[str, object]:
        return {
            "workflow": self.execution["workflow"]["name"],
            "now_ms": self.recorded_ms,
            "then_ms": self.edited_ms,
            "target_ms": self.target_ms,
            "reached_ms": self.reached_ms,
            "is_reached": self.is_reached,
            "steps": [_json(each) for each in self.steps],
            "alone": [_json(each) for each in self.offers],
            "executions": len(self.models),
            "left_out": dict(self.left_out),
            "of_another_course": self.of_another_course,
            "quantiles_ms": self._quantiles(),
        }


def _chosen(documents: Sequence[RunDocument], workflow: str | None) -> RunDocument:
    """Return the last run in which the workflow has completed, else in which it ran, else the last."""
    ran = [each for each in documents if any(executions([each], workflow))]
    completed = [each for each in ran if any(map(has_completed, executions([each], workflow)))]
    return (completed or ran or documents)[-1]


def _is_alike(execution: ExecutionDocument, chosen: ExecutionDocument) -> bool:
    """Whether an execution ended as the chosen one did: a failed one takes the time of another course."""
    return execution["workflow"]["status"] == chosen["workflow"]["status"]


def _line(number: int, change: Change) -> str:
    note = f" ({change.note})" if change.note else ""
    return f"  {number}. {change.text}{note}: {format_ms(change.makespan_ms)}, {format_ms(change.saved_ms)} less"


def _json(change: Change) -> dict[str, object]:
    return {"text": change.text, "makespan_ms": change.makespan_ms, "saved_ms": change.saved_ms, "note": change.note}


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"{option} {text!r}: write NAME=VALUE, as in task_8=8m")
    return name, value


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ValueError(f"--workers: {text!r} is no number of workers from 1 on")
    return int(text)
