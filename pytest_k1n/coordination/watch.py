"""One execution under observation: its newest snapshot, what is already wrong with it, when to give it up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.coordination.collection import Start
from pytest_k1n.coordination.people import People
from pytest_k1n.coordination.pulse import Pulse, standing
from pytest_k1n.coordination.runfolder import LaunchedExecution
from pytest_k1n.core.expectations import early_findings
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.model import Execution, Json, TaskStatus, WorkflowDefinition
from pytest_k1n.core.pending.overdue import owes_time_out
from pytest_k1n.core.pending.patience import granted_ms, is_engines_turn
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.invocations import invocation
from pytest_k1n.core.record.observation import LogLine, Observation, observe
from pytest_k1n.core.timing.checkpoints import Checkpoint, checkpoints
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.nested import Shortened, amounts_ms
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.units import SECOND_MS, format_ms
from pytest_k1n.core.wire import wire

Event = tuple[int, str]
"""(workflow time since the start in ms, what happened then)."""
UNPOLLED_MS = 10 * SECOND_MS
"""How long a task lies in its queue, raw time, before it is said that no worker asks for it."""
RUN_ENDED = "the run ended before it was terminal"
"""Why an execution is given up that an interrupted run leaves behind."""
SWEEP_GRACE_MS = 300
"""How long after a response time-out the server is asked to decide: on SQL its own sweep may be a minute late."""


@dataclass(slots=True, kw_only=True, eq=False)
class Watch:
    """Follows one execution through its snapshots; knows no clock but the `now_ms` it is given (monotonic)."""

    start: Start
    workflow_id: str
    correlation_id: str
    template: Template | None
    definition: WorkflowDefinition | None
    time: TimeScale
    deadline_ms: int
    """Of the monotonic clock."""
    look_every_ms: int = 50
    say: Callable[[str], None]
    start_request: Interval | None = None
    """From when to when the request that started it was with the server, epoch ms."""
    next_look_ms: int = 0
    state: LaunchedExecution = field(init=False)
    observation: Observation | None = None
    people: People | None = None
    """Who answers what it asks, where the plan says what."""
    nested: Mapping[str, Shortened] = field(default_factory=dict)
    """By how much the speed has shortened its ended sub-workflows, by task id, in raw time."""
    checkpoints: tuple[Checkpoint, ...] = ()
    _told: set[tuple[str, str]] = field(default_factory=set)
    _seen_ms: dict[str, tuple[object, int]] = field(default_factory=dict)
    _granted_until_ms: int = 0
    _phases: tuple[int, ...] = ()
    _pulse: Pulse = field(default_factory=Pulse)

    def __post_init__(self) -> None:
        self.state = LaunchedExecution(
            workflow_id=self.workflow_id,
            workflow=self.start.workflow,
            key=self.start.key,
            batch=self.start.batch,
            round=self.start.round,
            correlation_id=self.correlation_id,
        )

    @property
    def title(self) -> str:
        """How lines about it begin: its workflow, and which one it is where there are several."""
        is_one_of_many = self.start.round > 0 or not self.start.is_main
        which = " (alone)" if self.start.alone else f" #{self.start.round + 1}" if is_one_of_many else ""
        return f"{self.start.workflow}{which}"

    @property
    def waited_ms(self) -> Mapping[str, int]:
        """What the speed has shortened beside work: how long people let tasks wait, and sub-workflows; raw, by task."""
        return {**(self.people.waited_ms if self.people else {}), **amounts_ms(self.nested)}

    def see(
        self,
        document: Mapping[str, Json],
        now_ms: int,
        *,
        weather: Weather | None = None,
        slept_ms: Callable[[], Mapping[str, int]] = dict,
    ) -> bool:
        """Take in a snapshot: say what is new, note which phases have ended; False if it is the one seen last.

        `slept_ms` tells what handlers slept of declared work, where that was shortened.
        """
        execution = wire.execution(dict(document))
        if self.observation is not None and self.observation.execution == execution:
            self._tell_events(self._new_checkpoints())
            self._tell_unpolled(now_ms)
            self._tell_standing(now_ms)
            return False
        self.observation = observe(
            execution,
            template=self.template,
            definition=self.definition,
            time_model=self.time.name,
            speed=self.time.speed,
            weather=weather,
            slept_ms={**slept_ms(), **self.waited_ms},
            start_request=self.start_request,
        )
        self._pulse.is_due(now_ms)
        for task in execution.tasks:
            mark = (task.status, task.updated_ms)
            if self._seen_ms.get(task.task_id, (None, 0))[0] != mark:
                self._seen_ms[task.task_id] = (mark, now_ms)
        findings = early_findings(self.observation).worst_first()
        self._tell_findings(findings)
        self._tell_events((*self._new_checkpoints(), *self._new_phases()))
        if execution.is_terminal:
            self.say(f"{self.title} at {self._now()}: {self.observation.state}")
        self.state = replace(
            self.state,
            status=str(execution.status),
            is_settled=execution.is_terminal,
            phases_ended=self._phases,
            has_violation=any(finding.verdict is Verdict.FAIL for finding in findings),
            updates=self.state.updates + 1,
        )
        return True

    def complete(
        self,
        logs: Mapping[str, tuple[LogLine, ...]],
        invocations: Sequence[Mapping[str, Json]] | None,
        weather: Weather | None = None,
    ) -> None:
        """Add what the server's task logs, the workers' ledger and the meters say; None where there are none."""
        if self.observation is not None:
            entries = None if invocations is None else tuple(invocation(entry) for entry in invocations)
            self.observation = observe(
                self.observation.execution,
                template=self.template,
                definition=self.definition,
                time_model=self.time.name,
                speed=self.time.speed,
                logs=logs,
                invocations=entries,
                released=self.observation.released,
                weather=weather,
                slept_ms=self.waited_ms,
                start_request=self.start_request,
            )

    def release(self, reason: str) -> None:
        """Give the execution up: nothing more is expected of it."""
        if self.observation is not None:
            self.observation = replace(self.observation, released=reason)
        self.say(f"{self.title} is given up, {self.state.status}: {reason}")
        self.state = replace(self.state, is_settled=True, released=reason)

    def overdue(self, now_ms: int, epoch_ms: int, family: Callable[[], Sequence[Execution]] = tuple) -> str | None:
        """Say that the deadline has passed, and what it waits for; None before. `epoch_ms`: real time.

        What its definitions have it wait for in real time is granted beside it, and so is the engine's own repair.
        `family` reads it and its sub-workflows, once a second at most.
        """
        if now_ms < max(self.deadline_ms, self._granted_until_ms):
            return None
        if self.time.name != "virtual" and (known := family()):
            until_ms = self.deadline_ms + granted_ms(known, epoch_ms)
            if now_ms < until_ms or is_engines_turn(known, epoch_ms):
                self._granted_until_ms = now_ms + SECOND_MS
                return None
        return f"not terminal by its deadline; {self.waits_for()}"

    @property
    def worker_task_ids(self) -> list[str]:
        """The ids of the tasks that a worker had or is to have."""
        tasks = self.observation.execution.tasks if self.observation else ()
        return [task.task_id for task in tasks if task.is_worker_task]

    def waits_for(self) -> str:
        """Say which tasks are open, for messages."""
        tasks = self.observation.execution.tasks if self.observation else ()
        open_ = [f"{task.ref} {task.status}" for task in tasks if not task.status.is_terminal and task.is_worker_task]
        return f"open: {', '.join(open_)}" if open_ else "no task of a worker is open"

    def wants_decision(self, now_ms: int, epoch_ms: int) -> bool:
        """Whether a time-out is due that the server's own sweep may be late for; `epoch_ms`: real time."""
        if self.observation is None or self.observation.execution.is_terminal:
            return False
        if self.time.name != "virtual" and owes_time_out(self.observation, epoch_ms - SWEEP_GRACE_MS):
            return True
        return any(
            task.status is TaskStatus.IN_PROGRESS
            and task.response_timeout_s > 0
            and now_ms - self._seen_ms[task.task_id][1] > task.response_timeout_s * SECOND_MS + SWEEP_GRACE_MS
            for task in self.observation.execution.tasks
        )

    def _tell_standing(self, now_ms: int) -> None:
        """Say how it stands where nothing has been said for long; never in virtual time, which does not last."""
        if self.observation is None or self.observation.execution.is_terminal or not self._pulse.is_due(now_ms):
            return
        raw_ms = now_ms - (self._pulse.begun_ms or now_ms)
        self._pulse.spoke(now_ms)
        how = standing(self.observation, raw_ms=raw_ms, speed=self.time.speed)
        self.say(f"{self.title} for {format_ms(raw_ms)}: {how}")

    def _tell_unpolled(self, now_ms: int) -> None:
        """Say once of each task that no worker asks for it; never in virtual time, which does not last."""
        for task in self.observation.execution.tasks if self.observation and self.time.name != "virtual" else ():
            is_waiting = task.status is TaskStatus.SCHEDULED and task.is_worker_task and not task.poll_count
            if not is_waiting or ("unpolled", task.task_id) in self._told or task.start_delay_ms:
                continue
            if (for_ms := now_ms - self._seen_ms[task.task_id][1]) >= UNPOLLED_MS:
                self._told.add(("unpolled", task.task_id))
                domain = f" in domain {task.domain}" if task.domain else ""
                self.say(
                    f"{self.title}: {task.ref}: no worker has polled in {format_ms(for_ms)}: "
                    f"is one running for type {task.type}{domain}?"
                )

    def _tell_findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            identity = (finding.code, finding.subject)
            if identity not in self._told:
                self._told.add(identity)
                self.say(f"{self.title} at {self._now()}: {finding}")

    def _tell_events(self, events: Iterable[Event]) -> None:
        """Say what has happened, each at its time; of a repetition only the end is worth a line."""
        for at_ms, text in sorted(events) if self.start.is_main else ():
            self.say(f"{self.title} at {format_ms(at_ms)}: {text}")

    def _new_checkpoints(self) -> Iterable[Event]:
        if self.observation is None or self.template is None or not self.template.checkpoint_every_ms:
            return []
        known = len(self.checkpoints)
        self.checkpoints = checkpoints(
            self.observation.timeline,
            self.observation.definition,
            every_ms=self.template.checkpoint_every_ms,
            now_ms=self.observation.elapsed_ms,
        )
        return [(checkpoint.at_ms, str(checkpoint)) for checkpoint in self.checkpoints[known:]]

    def _new_phases(self) -> Iterable[Event]:
        if self.observation is None or self.template is None:
            return []
        finals = {ref: record for (ref, _), record in self.observation.execution.finals.items()}
        ended = [
            phase
            for phase in self.template.phases
            if all(ref in finals and finals[ref].status.is_terminal for ref in phase.refs)
        ]
        found: list[Event] = []
        for phase in ended:
            window = self.observation.timeline.window(phase.refs)
            if phase.number not in self._phases and window is not None and window.duration_ms is not None:
                took = format_ms(window.duration_ms)
                found.append(
                    (window.start_ms + window.duration_ms, f"phase {phase.number} ({phase.name}) ended, {took}")
                )
        self._phases = tuple(phase.number for phase in ended)
        return found

    def _now(self) -> str:
        assert self.observation is not None
        return format_ms(self.observation.elapsed_ms)
