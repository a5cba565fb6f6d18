"""What tests hold in their hands: an execution that is observed, lazily, and judged by `expect`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_k1n.core.expectations import Expected, judge_all
from pytest_k1n.core.findings import Findings, Verdict
from pytest_k1n.core.model import Execution, Json, TaskRecord
from pytest_k1n.core.observation import Observation
from pytest_k1n.outcomes import ExpectationFailed, UnknownVerdict
from pytest_k1n.report.results import finding_json
from pytest_k1n.run import waiting

if TYPE_CHECKING:
    from pytest_k1n.core.timeline import Timeline

LAZY_WAIT_S = 4 * 3600.0
"""Bound on waits inside a test; whoever feeds the source gives an execution up long before."""


class Source(Protocol):
    """Where the newest observation of one execution comes from."""

    @property
    def workflow_id(self) -> str:
        """Conductor's id of the execution."""
        ...

    def newest(self) -> Observation:
        """Return what is known now; the same object as long as nothing has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Recorder:
    """Takes down, for the test report, what was judged and with which result."""

    evidence: dict[str, Any]

    def add(self, source: Source, findings: Findings) -> None:
        """Add one judgement of one execution."""
        self.evidence["findings"] += [
            {**finding_json(finding), "workflow_id": source.workflow_id} for finding in findings.worst_first()
        ]
        self.evidence["passed"] += findings.passed
        self.evidence["simulated"] += findings.simulated
        if source.workflow_id not in self.evidence["executions"]:
            self.evidence["executions"].append(source.workflow_id)


class ObservedExecution:
    """An execution under observation. Reading it waits for nothing; `expect` waits only while the verdict is open."""

    def __init__(self, source: Source, recorder: Recorder) -> None:
        self._source = source
        self._recorder = recorder

    def __repr__(self) -> str:
        execution = self.observation.execution
        return f"<execution {execution.name} {execution.status} {self.workflow_id}>"

    @property
    def workflow_id(self) -> str:
        return self._source.workflow_id

    @property
    def observation(self) -> Observation:
        """Everything that is known about it now."""
        return self._source.newest()

    @property
    def execution(self) -> Execution:
        """The execution as the server last recorded it."""
        return self.observation.execution

    @property
    def status(self) -> str:
        return str(self.execution.status)

    @property
    def output(self) -> Mapping[str, Json]:
        return self.execution.output

    @property
    def timeline(self) -> Timeline:
        """Its history in workflow time."""
        return self.observation.timeline

    def task(self, ref: str, *, iteration: int = 0) -> TaskRecord:
        """Return the last attempt of a task. Raises LookupError that lists the refs on record."""
        records = self.execution.final_records()
        if (ref, iteration) in records:
            return records[ref, iteration]
        known = ", ".join(each for each, _ in records) or "none yet"
        raise LookupError(f"{ref} is not on record in {self!r}; on record: {known}")

    def expect(self, *expectations: Expected) -> None:
        """Judge the execution; waits for more of it only as long as nothing has failed and something is open.

        Raises ExpectationFailed with every finding, worst first; UnknownVerdict where nothing failed but something
        could not be decided. Both are AssertionErrors.
        """
        __tracebackhide__ = True
        if not expectations:
            raise TypeError("expect() needs at least one expectation, such as completed()")
        observation, findings = self._judged(expectations)
        self._recorder.add(self._source, findings)
        if findings.verdict is Verdict.FAIL:
            raise ExpectationFailed(message(observation, findings))
        if findings.verdict is Verdict.UNKNOWN:
            raise UnknownVerdict(message(observation, findings))

    def judge(self, *expectations: Expected) -> Findings:
        """Judge the execution like `expect`, but return the findings instead of raising."""
        _, findings = self._judged(expectations)
        self._recorder.add(self._source, findings)
        return findings

    def _judged(self, expectations: tuple[Expected, ...]) -> tuple[Observation, Findings]:
        observation = self.observation
        findings = judge_all(expectations, observation)
        for newer in self._changes(observation):
            if observation.is_settled or findings.verdict is not Verdict.UNKNOWN:
                break
            observation, findings = newer, judge_all(expectations, newer)
        return observation, findings

    def _changes(self, seen: Observation) -> Iterator[Observation]:
        for _ in waiting(LAZY_WAIT_S):
            newest = self._source.newest()
            if newest is not seen:
                seen = newest
                yield newest
            elif seen.is_settled:
                yield newest


def message(observation: Observation, findings: Findings) -> str:
    """Write the findings out, one line each under a line that names the execution."""
    execution = observation.execution
    shown = [finding for finding in findings.worst_first() if finding.verdict is not Verdict.PASS]
    counts = f"{findings.failed} failed, {findings.unknown} unknown, {findings.passed + findings.simulated} passed"
    head = f"{execution.name} {execution.workflow_id} ({observation.state}): {counts}"
    return "\n".join([head, *(f"  {finding}" for finding in shown)])
