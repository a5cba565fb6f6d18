"""What tasks were given, what came out, and which task reads which task's data."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_k1n.core.definition.references import references
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.subjects import known, pending, recorded
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import Json
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import is_over
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import MISSING, Missing, equal, lookup, shown, steps
from pytest_k1n.core.tally import Tally

_ERROR = re.compile(r"\b(?:ERROR|FATAL|CRITICAL)\b")


@expectation
def task_input(ref: str, path: str, *, equals: object = MISSING) -> Judge:
    """Expect a task's inputData to have a value at `path` (`order.items[0].price`), and that one if given.

    Raises ValueError for a bad path.
    """
    steps(path)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        for key in recorded(observation, ref, tally, expected=_wanted(path, equals)):
            if observation.is_settled or is_over(observation, key):
                document = observation.finals[key].input
                _compare(label(key), document, path, equals, tally, "inputData of the last attempt")
            else:
                pending(tally, label(key), expected=_wanted(path, equals), observed="it may be retried, with new input")
        return tally.findings()

    return judge


@expectation
def task_output(ref: str, path: str, *, equals: object = MISSING) -> Judge:
    """Expect a task's outputData to have a value at `path`, and that one if given. Raises ValueError for a bad path."""
    steps(path)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        for key in recorded(observation, ref, tally, expected=_wanted(path, equals)):
            record = observation.finals[key]
            if observation.is_settled or is_over(observation, key):
                _compare(label(key), record.output, path, equals, tally, "outputData of the last attempt")
            else:
                pending(tally, label(key), expected=_wanted(path, equals), observed=f"still {record.status}")
        return tally.findings()

    return judge


@expectation
def output(path: str, *, equals: object = MISSING) -> Judge:
    """Expect a value at `path` of the execution's output, and that one if given. Raises ValueError for a bad path."""
    steps(path)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        name = observation.execution.name
        if observation.is_settled:
            _compare(name, observation.execution.output, path, equals, tally, "output of the execution")
        else:
            pending(tally, name, expected=_wanted(path, equals), observed=observation.state)
        return tally.findings()

    return judge


@expectation
def independent(*refs: str) -> Judge:
    """Expect that no ref reads another one's data by `${…}`, directly or over tasks in between.

    A property of the definition: it holds before anything has run. Raises ValueError for fewer than two refs.
    """
    if len(refs) < 2:
        raise ValueError("independent compares at least two refs")

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        names = known(observation, refs, tally)
        reads = _reads(observation)
        for ref in names:
            for other in names:
                if ref != other:
                    _reads_nothing(ref, other, reads, tally)
        return tally.findings()

    return judge


@expectation
def no_errors_in_logs(*refs: str) -> Judge:
    """Expect no log line with the word ERROR, FATAL or CRITICAL, of the refs given or of all tasks."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        name, expected = observation.execution.name, "no ERROR line in the tasks' logs"
        wanted = known(observation, refs, tally)
        if observation.logs is None:
            tally.unknown("no-logs", name, expected=expected, observed="the logs were not fetched")
            return tally.findings()
        is_clean = True
        for record in observation.execution.tasks:
            if refs and record.ref not in wanted:
                continue
            lines = [text for _, text in observation.logs.get(record.task_id, ()) if is_error_line(text)]
            if lines:
                is_clean = False
                more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
                observed = f"{shown(lines[0].strip(), 160)}{more}"
                origin = f"log of attempt {record.attempt + 1}"
                tally.fail("error-in-log", label(record.key), expected=expected, observed=observed, origin=origin)
            elif record.status.is_terminal:
                tally.passed()
        if is_clean and not observation.is_settled:
            pending(tally, name, expected=expected, observed="none so far")
        return tally.findings()

    return judge


def is_error_line(text: str) -> bool:
    """Whether a log line reports an error, by the words that loggers write."""
    return bool(_ERROR.search(text))


def _wanted(path: str, equals: object) -> str:
    return f"a value at {path}" if isinstance(equals, Missing) else f"{path} = {shown(equals)}"


def _compare(subject: str, document: Mapping[str, Json], path: str, equals: object, tally: Tally, origin: str) -> None:
    value = lookup(document, path)
    if not isinstance(value, Missing) and (isinstance(equals, Missing) or equal(value, equals)):
        tally.passed()
        return
    observed = f"nothing there; it has {', '.join(document) or 'no keys'}" if value is MISSING else shown(value)
    tally.fail("wrong-value", subject, expected=_wanted(path, equals), observed=observed, origin=origin)


def _reads(observation: Observation) -> Mapping[str, Mapping[str, str]]:
    """consumer ref -> producer ref -> the expression that reads it."""
    found: dict[str, dict[str, str]] = {}
    for reference in references(observation.definition):
        if reference.consumer is not None and reference.is_of_task:
            place = f"{reference.expression} in input {reference.where} of {reference.consumer}"
            found.setdefault(reference.consumer, {}).setdefault(reference.source, place)
    return found


def _reads_nothing(ref: str, other: str, reads: Mapping[str, Mapping[str, str]], tally: Tally) -> None:
    """Judge that no data leads from `other` to `ref`."""
    trail: dict[str, tuple[str, ...]] = {ref: ()}
    frontier = [ref]
    while frontier:
        consumer = frontier.pop()
        for producer, place in reads.get(consumer, {}).items():
            if producer not in trail:
                trail[producer] = (*trail[consumer], place)
                frontier.append(producer)
    if other in trail:
        tally.fail(
            "data-dependency",
            ref,
            expected=f"to read nothing that comes from {other}",
            observed=", ".join(trail[other]),
            origin="inputParameters of the definition",
        )
    else:
        tally.passed()
