"""Whether one execution's ids or data turn up in another one.

Of many executions each is looked through once, whatever their number: an index over all of them tells whose every text
is. Comparing each with each took most of the 27 s that judging 200 executions once did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_k1n.core.model import Execution, WorkflowDefinition
from pytest_k1n.core.record.paths import leaves
from pytest_k1n.core.standins.simulation import is_simulated_summary

MIN_LENGTH = 8
"""Shorter texts, and numbers, turn up anywhere and prove nothing."""
_WITHOUT_WORKERS = frozenset({"HTTP", "HUMAN", "INLINE", "JSON_JQ_TRANSFORM", "LAMBDA", "WAIT"})
"""Whose output no worker made. What a JOIN, a loop or a child puts out, workers may have made."""
_DIGIT = re.compile(r"\d")
_COMMON = re.compile(
    r"""\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?([+-]\d\d:?\d\d|\ ?[A-Z]{1,5})?)?  # a day, or a second of it
    | [A-Z][a-z]{2},\ \d\d\ [A-Z][a-z]{2}\ \d{4}\ \d\d:\d\d:\d\d\ GMT  # the same in a header
    | [A-Z]+(_[A-Z]+)+ | [a-z]+(_[a-z]+)+  # the words of an enumeration
    | [a-z]+/[a-z0-9.+-]+(;.*)?  # a media type
    """,
    re.VERBOSE,
)


class Taint(NamedTuple):
    """A value of one execution that was found in another."""

    subject: str
    """The ref, or the workflow, in which it was found."""
    path: str
    """Where in it: `inputData.pattern`."""
    value: str
    source: str
    """What it is in the execution that it comes from: `workflow id`, `output of task_6`."""


class Traces(NamedTuple):
    """What identifies an execution, and what its tasks produced."""

    ids: Mapping[str, str]
    """Recognised anywhere, also inside longer texts."""
    data: Mapping[str, frozenset[str]]
    """value -> the task definitions that put it out; recognised as a whole value."""
    by_itself: frozenset[str]
    """Of these values those that no worker put out first: a service's answer, a person's, what an expression gives."""


class Index:
    """What identifies each of several executions, and what their tasks produced, to be looked up by text."""

    def __init__(self, executions: Iterable[Execution]) -> None:
        self.traces: dict[str, Traces] = {}
        """By workflow id."""
        self._heads: dict[str, list[tuple[str, str, str]]] = {}
        """The first letters of an id -> (id, what it is, whose it is), in the order in which an execution has them."""
        self._makers: dict[str, dict[frozenset[str], list[str]]] = {}
        """value -> who made it -> in which executions."""
        self._correlated: dict[str, list[str]] = {}
        self._found: dict[str, tuple[Execution, WorkflowDefinition | None, Mapping[str, list[Taint]]]] = {}
        for execution in executions:
            self._add(execution)

    def _add(self, execution: Execution) -> None:
        owner = execution.workflow_id
        if owner in self.traces:
            return
        found = self.traces[owner] = traces(execution)
        for text, what in found.ids.items():
            if len(text) >= MIN_LENGTH:
                self._heads.setdefault(text[:MIN_LENGTH], []).append((text, what, owner))
        for value, names in found.data.items():
            self._makers.setdefault(value, {}).setdefault(names, []).append(owner)
        if execution.correlation_id:
            self._correlated.setdefault(execution.correlation_id, []).append(owner)

    def taints(self, execution: Execution, definition: WorkflowDefinition | None = None) -> Mapping[str, list[Taint]]:
        """Find what an execution contains of each of the others, by their workflow ids.

        A value counts that the other's tasks produced and that this one cannot have by itself: not from its own input,
        its definition, or a task of the same definition (deterministic handlers repeat themselves), nor where both
        came by it without a worker: one service answers both alike. Mere words count only where no task of this one
        has put them out. An id always counts, unless it was handed in as input, as a parent does with its child.
        """
        known = self._found.get(execution.workflow_id)
        if known is None or known[0] is not execution or known[1] is not definition:
            known = (execution, definition, self._look_through(execution, definition))
            self._found[execution.workflow_id] = known
        return known[2]

    def _look_through(self, execution: Execution, definition: WorkflowDefinition | None) -> Mapping[str, list[Taint]]:
        found: dict[str, list[Taint]] = {}
        me, own = execution.workflow_id, self.traces.get(execution.workflow_id) or traces(execution)
        given = {value for _, value in leaves(execution.input) if isinstance(value, str)}
        if definition is not None:
            given |= {value for _, value in leaves(definition.raw) if isinstance(value, str)}
        for owner in self._correlated.get(execution.correlation_id or "", ()):
            if owner != me:
                taint = Taint(execution.name, "correlationId", execution.correlation_id or "", "correlation id")
                found.setdefault(owner, []).append(taint)
        for subject, path, value, made_by in _values(execution):
            known = {owner: what for owner, what in self._ids_in(value, own, given) if owner != me}
            if value not in given and value in self._makers:
                makers = own.data.get(value, frozenset()) if made_by is None else frozenset({made_by})
                if value in own.data and not _DIGIT.search(value):
                    makers = frozenset().union(*self._makers[value])  # words: two kinds of workers come to them as well
                is_mine = value in own.by_itself
                for names, owners in self._makers[value].items():
                    if not makers & names:
                        what = f"data of {', '.join(sorted(names))}"
                        known |= {
                            owner: what
                            for owner in owners
                            if owner != me
                            and owner not in known
                            and not (is_mine and value in self.traces[owner].by_itself)
                        }
            for owner, what in known.items():
                found.setdefault(owner, []).append(Taint(subject, path, value, what))
        return found

    def _ids_in(self, value: str, own: Traces, given: set[str]) -> Iterator[tuple[str, str]]:
        """Yield (whose, what) of the ids inside a text; of one execution's the one that counts comes last."""
        if not self._heads:
            return
        hits = {
            id_
            for at in range(len(value) - MIN_LENGTH + 1)
            for id_ in self._heads.get(value[at : at + MIN_LENGTH], ())
            if value.startswith(id_[0], at) and id_[0] not in own.ids and id_[0] not in given
        }
        if hits:
            order = {text: place for _, _, owner in hits for place, text in enumerate(self.traces[owner].ids)}
            for _, what, owner in sorted(hits, key=lambda hit: -order[hit[0]]):
                yield owner, what


def is_telling(value: str) -> bool:
    """Tell whether a text is likely to be of one execution alone: no single word is, no day, no media type."""
    is_common = value.isalpha() or _COMMON.fullmatch(value) or is_simulated_summary(value)
    return len(value) >= MIN_LENGTH and not is_common


def traces(execution: Execution) -> Traces:
    """Collect what another execution must not contain."""
    ids = {execution.workflow_id: "workflow id"}
    if execution.correlation_id:
        ids[execution.correlation_id] = "correlation id"
    data: dict[str, set[str]] = {}
    by_itself: set[str] = set()
    for record in execution.tasks:
        ids[record.task_id] = f"task id of {record.ref}"
        for _, value in leaves(_own(record.output)):
            if isinstance(value, str) and is_telling(value):
                if value not in data and record.type in _WITHOUT_WORKERS:
                    by_itself.add(value)
                data.setdefault(value, set()).add(record.def_name)
    for _, value in leaves(execution.variables):
        if isinstance(value, str) and is_telling(value):
            data.setdefault(value, {"variables"})
    return Traces(ids, {value: frozenset(names) for value, names in data.items()}, frozenset(by_itself))


def _values(execution: Execution) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield (subject, path, text, task definition that put it out or None) of all data of an execution."""
    for record in execution.tasks:
        for name, document, made_by in (
            ("inputData", record.input, None),
            ("outputData", _own(record.output), record.def_name if record.is_worker_task else None),
        ):
            for path, value in leaves(document):
                if isinstance(value, str):
                    yield record.ref, f"{name}.{path}", value, made_by
    for name, document in (("output", execution.output), ("variables", execution.variables)):
        for path, value in leaves(document):
            if isinstance(value, str):
                yield execution.name, f"{name}.{path}", value, None


def _own(output: Mapping[str, object]) -> Mapping[str, object]:
    """Leave out what our worker notes there for itself."""
    return {key: value for key, value in output.items() if key != "_k1n"}
