"""Recorded executions as `k1n check` and a batch judge them: by themselves, and by what is required of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_k1n.core.expectations import completed, failed, judge_all, planned, terminated, timed_out
from pytest_k1n.core.expectations.lineage import values_arrived
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.gates import evaluate, single
from pytest_k1n.core.record.observation import Observation, observe
from pytest_k1n.core.wire import wire
from pytest_k1n.core.words import split_iteration
from pytest_k1n.plan.read import load_plan

ROOT = Path(__file__).parents[4]
FOLDERS = (ROOT / "fixtures" / "histories", ROOT / "tests" / "unit" / "core" / "histories")
PLAN = load_plan(ROOT / "suites" / "plan.toml")
ENDS = {"COMPLETED": completed, "FAILED": failed, "TIMED_OUT": timed_out, "TERMINATED": terminated}
Seen = frozenset[tuple[str, str, str]]


def recorded() -> list[str]:
    """Name every execution that a real server has answered."""
    return [path.stem for folder in FOLDERS for path in sorted(folder.glob("*.json"))]


def subject(name: str) -> Subject:
    """Return the recorded execution of this name, whole."""
    path = next(path for folder in FOLDERS if (path := folder / f"{name}.json").is_file())
    return Subject(name, _whole(json.loads(path.read_text(encoding="utf-8"))))


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    """Put back what the fixtures leave out of each record, because the definition says it as well."""
    known = {ref: task.raw for ref, task in wire.workflow_definition(document["workflowDefinition"]).by_ref.items()}
    tasks = [
        {**task, "workflowTask": known[ref]}
        if "workflowTask" not in task and (ref := split_iteration(task["referenceTaskName"])[0]) in known
        else task
        for task in document["tasks"]
    ]
    return {**document, "tasks": tasks}


def by_record_alone(document: dict[str, Any], status: str) -> tuple[Finding, ...]:
    """Judge an execution as `k1n check FILE` does, but that it shall have ended with `status`.

    Raises WireError for what is no execution.
    """
    expected = (*planned(None)[1:], _ends(status), values_arrived())
    return judge_all(expected, observe(wire.execution(document))).findings


def _ends(status: str) -> Any:
    return ENDS.get(status, completed)()


@dataclass(frozen=True)
class Subject:
    """A true execution, and what was found of it as it is."""

    name: str
    document: dict[str, Any]

    @cached_property
    def alone(self) -> Seen:
        return _seen(self._alone(self.document))

    @cached_property
    def required(self) -> Seen:
        return _seen(self._required(self.document))

    @cached_property
    def by_gates(self) -> Seen:
        return _seen(self._by_gates(self.document))

    def is_noticed_alone(self, document: dict[str, Any]) -> bool:
        """Whether its records and its own snapshot of the definition are enough: `k1n check FILE`."""
        return self._is_more(self._alone, document, self.alone)

    def is_noticed(self, document: dict[str, Any]) -> bool:
        """Whether it is noticed by what is required: definition, plan, how it shall end, or by a quality gate."""
        return self._is_more(self._required, document, self.required) or self._is_more(
            self._by_gates, document, self.by_gates
        )

    def _is_more(self, judge: Any, document: dict[str, Any], known: Seen) -> bool:
        try:
            return bool(_seen(judge(document)) - known)
        except wire.WireError:
            return True

    def _alone(self, document: dict[str, Any]) -> tuple[Finding, ...]:
        return by_record_alone(document, self.document["status"])

    def _required(self, document: dict[str, Any]) -> tuple[Finding, ...]:
        seen = self._observed(document)
        return judge_all(planned(seen.template)[1:] + self._end, seen).findings

    def _by_gates(self, document: dict[str, Any]) -> tuple[Finding, ...]:
        found = evaluate(single(self._observed(document)))
        return tuple(finding for category in found.categories for finding in category.findings)

    def _observed(self, document: dict[str, Any]) -> Observation:
        execution = wire.execution(document)
        template = PLAN.template_for(self._definition.name)
        return observe(
            execution, template=template, definition=self._definition, time_model="scaled" if template else "real",
            speed=600 if template else 1,
        )  # fmt: skip

    @cached_property
    def _definition(self) -> Any:
        return wire.workflow_definition(self.document["workflowDefinition"])

    @cached_property
    def _end(self) -> tuple[Any, ...]:
        return (_ends(self.document["status"]),)


def _seen(findings: tuple[Finding, ...]) -> Seen:
    return frozenset(
        (each.code, each.subject, str(each.verdict))
        for each in findings
        if each.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    )
