"""The plan: which workflow definitions form which batch, in which phases, and how long they should take.

Values only; `pytest_k1n.plan.read` reads them from TOML. A plan without batches is a valid plan: everything that
does not ask for a batch works with it.

Named tuples, made by keyword: every run that uses a plan waits for this import. Six frozen dataclasses take 5 ms to
define, six of these 1 ms.
"""

# No `from __future__ import annotations` here: a named tuple compiles each annotation that is a string, 30 µs a field.

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_k1n.core.standins.jitter import JITTER

if TYPE_CHECKING:
    from pytest_k1n.core.model import TaskDefinition, WorkflowDefinition
    from pytest_k1n.core.schedule.nested_estimates import Find
    from pytest_k1n.core.standins.answers import PlannedAnswer

PLAN_SCHEMA = "k1n-plan/1"

Band = tuple[int, int]
"""(low_ms, high_ms) of workflow time, both inclusive."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Phase(NamedTuple):
    """Consecutive tasks of one execution; lasts from its first scheduled to its last end."""

    number: int
    name: str
    refs: tuple[str, ...]
    band_ms: Band | None = None
    estimate_ms: int | None = None
    """Planned duration; `None` until `Template.planned_on` has seen the definition, unless the plan file says it."""


class WatchPoint(NamedTuple):
    """A task whose start is expected in a window, and the successor that must wait for its end."""

    ref: str
    low_ms: int
    """Earliest start, workflow time since the execution started."""
    high_ms: int
    successor: str | None = None


class BatchSchedule(NamedTuple):
    """Where a batch sits on the wall clock of the whole plan, since its start; shown in reports, judges nothing."""

    start_ms: int
    complete_ms: int
    buffer_ms: int


class Template(NamedTuple):
    """One workflow of the plan with what is expected of its execution."""

    id: str
    """Two digits by habit ("02"); part of the results file's name."""
    slug: str
    workflow: str
    batch: int
    version: int | None = None
    """`None`: the server's latest."""
    title: str = ""
    band_ms: Band | None = None
    estimates_ms: Mapping[str, int] = _NOTHING
    """ref -> planned work; belongs to (workflow, ref), so `task_4` may differ between templates."""
    total_estimate_ms: int | None = None
    """Planned makespan; `None` until `planned_on` has seen the definition, unless the plan file says it."""
    total_origin: str = ""
    """What `total_estimate_ms` was computed from; "" where the plan file says it."""
    total_untold: str = ""
    """Which task keeps the planned makespan from being computed, and what to write."""
    children_ms: Mapping[str, int] = _NOTHING
    """ref -> how long a sub-workflow without an estimate takes by the estimates of its own tasks."""
    loops_within: Mapping[str, str] = _NOTHING
    """ref -> a loop in the sub-workflow that it starts: simulated, its tasks share the estimate for one round."""
    phases: tuple[Phase, ...] = ()
    watch: tuple[WatchPoint, ...] = ()
    parallel: tuple[tuple[str, ...], ...] = ()
    """Groups of refs that must overlap pairwise."""
    start_spread_ms: int = 150
    """How far apart (raw server time) the refs of a parallel group may start."""
    checkpoint_every_ms: int | None = None
    finishes_before: str | None = None
    """Workflow of the same batch whose execution must end later."""
    min_speedup: float | None = None
    """Least work/makespan that passes."""
    expected_speedup: float | None = None
    """Reported beside the measured one; judges nothing."""
    jitter: float = 0.0
    """Seeded variation of simulated work, as a fraction of the estimate."""
    tolerance: float = 0.10
    """Fraction of the estimate by which a task or makespan may be slower."""
    input: Mapping[str, Any] = _NOTHING
    answers: Mapping[str, "PlannedAnswer"] = _NOTHING
    """ref -> what a person or another system answers it."""

    @property
    def results_name(self) -> str:
        """Name of the results file within the results folder."""
        return f"template-{self.id}-{self.slug}-results.json"

    def phase(self, number: int) -> Phase | None:
        """Find a phase by its number."""
        return next((phase for phase in self.phases if phase.number == number), None)

    def phase_of(self, ref: str) -> Phase | None:
        """Find the phase a ref belongs to."""
        return next((phase for phase in self.phases if ref in phase.refs), None)

    @property
    def known_ms(self) -> Mapping[str, int]:
        """How long the plan lets refs take: those that work their estimates, those that ask people until the answer."""
        answers_ms = {ref: answer.after_ms for ref, answer in self.answers.items()}
        return {**self.children_ms, **answers_ms, **self.estimates_ms}

    def without_durations(self) -> "Template":
        """Leave out what a batch's execution should take: a test's own has input and work of its own."""
        phases = tuple(phase._replace(band_ms=None, estimate_ms=None) for phase in self.phases)
        return self._replace(
            estimates_ms=_NOTHING,
            total_estimate_ms=None,
            band_ms=None,
            phases=phases,
            watch=(),
            finishes_before=None,
            min_speedup=None,
        )

    def planned_on(
        self, definition: "WorkflowDefinition", task_definitions: "Mapping[str, TaskDefinition]" = _NOTHING
    ) -> "Template":
        """Fill in the makespan and phase estimates that the plan file leaves out, from the definition's structure.

        The makespan only where it can be known: not where loops, dynamic branches, children, people, limits decide.
        """
        from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule

        leaves_out_total = self.total_estimate_ms is None and bool(self.known_ms) and not self.total_untold
        if not leaves_out_total and all(phase.estimate_ms is not None for phase in self.phases):
            return self
        schedule = planned_schedule(definition, self.known_ms)
        total = _total(self, definition, makespan_ms(schedule), task_definitions) if leaves_out_total else {}
        phases = []
        for phase in self.phases:
            spans = [schedule[ref] for ref in phase.refs if ref in schedule]
            if phase.estimate_ms is None and spans:
                start_ms, end_ms = min(start for start, _ in spans), max(end for _, end in spans)
                phase = phase._replace(estimate_ms=end_ms - start_ms)
            phases.append(phase)
        return self._replace(phases=tuple(phases), **total)

    def readiness_ms(self, phase: int | None = None) -> int:
        """Return when a test can be decided, in planned workflow time: at its phase's end, else at the execution's.

        Without estimates the upper ends of the bands serve: only the order of tests hangs on it.
        """
        ends_ms = 0
        for each in self.phases:
            ends_ms += self._phase_estimate_ms(each)
            if each.number == phase:
                return ends_ms
        if self.total_estimate_ms is not None:
            return self.total_estimate_ms
        band_end_ms = self.band_ms[1] if self.band_ms else 0
        return ends_ms or band_end_ms or sum(self.estimates_ms.values())

    def _phase_estimate_ms(self, phase: Phase) -> int:
        if phase.estimate_ms is not None:
            return phase.estimate_ms
        return phase.band_ms[1] if phase.band_ms else sum(self.estimates_ms.get(ref, 0) for ref in phase.refs)


def _total(
    template: Template,
    definition: "WorkflowDefinition",
    computed_ms: int,
    task_definitions: "Mapping[str, TaskDefinition]",
) -> dict[str, Any]:
    from pytest_k1n.core.schedule.whole import untold

    name = template.workflow
    if task := untold(definition, template.known_ms, task_definitions):
        remedy = f'for a verdict write the estimate of {name} into the plan: estimate = "20m"'
        return {"total_untold": f"how long {name} takes depends on {task}; {remedy}"}
    origin = f"makespan of {name} computed from the estimates of its tasks in the plan"
    return {"total_estimate_ms": computed_ms, "total_origin": origin}


class Batch(NamedTuple):
    """Templates launched at the same moment; starts only when the batches before it have passed."""

    number: int
    title: str = ""
    aliases: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()
    timeline: BatchSchedule | None = None

    @property
    def name(self) -> str:
        """The marker's name: `batch2`."""
        return f"batch{self.number}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every marker that selects this batch, its own name first."""
        return (self.name, *self.aliases)


class Plan(NamedTuple):
    """All batches in the order of their numbers, and where they were read."""

    schema: str = PLAN_SCHEMA
    batches: tuple[Batch, ...] = ()
    source: str = "no plan"
    """The file, for messages."""
    definitions: tuple[str, ...] = ()
    """Folders with workflow definitions, absolute."""
    task_definitions: tuple[str, ...] = ()
    """Folders with task definitions, absolute."""

    @property
    def templates(self) -> tuple[Template, ...]:
        return tuple(template for batch in self.batches for template in batch.templates)

    @property
    def estimates_ms(self) -> dict[tuple[str, str], int]:
        """(workflow, ref) -> planned work in workflow time, of every template."""
        return {(each.workflow, ref): ms for each in self.templates for ref, ms in each.estimates_ms.items()}

    @property
    def jitters(self) -> dict[str, float]:
        """Workflow -> how much its simulated work varies; by "" that of all others: the one that all of these have."""
        found = {each.workflow: each.jitter for each in self.templates}
        values = set(found.values())
        return {**found, "": values.pop() if len(values) == 1 else JITTER}

    def planned(
        self,
        template: Template,
        definition: "WorkflowDefinition",
        find: "Find",
        task_definitions: "Mapping[str, TaskDefinition]" = _NOTHING,
    ) -> Template:
        """Fill in what a template leaves out, and what follows from the estimates of its sub-workflows' own tasks."""
        if any(task.type == "SUB_WORKFLOW" for task in definition.walk()):
            from pytest_k1n.core.schedule.whole import children_ms, loops_within

            template = template._replace(loops_within=loops_within(definition, template.estimates_ms, find))
            if template.total_estimate_ms is None:
                found = children_ms(definition, template.known_ms, find, self._known_of)
                template = template._replace(children_ms=found)
        return template.planned_on(definition, task_definitions)

    def _known_of(self, workflow: str) -> Mapping[str, int]:
        template = self.template_for(workflow)
        return template.known_ms if template else _NOTHING

    def template_for(self, workflow: str) -> Template | None:
        """Find the template of a workflow, given as `NAME` or `NAME:VERSION`."""
        name = workflow.partition(":")[0]
        of_all = (template for batch in self.batches for template in batch.templates)
        return next((template for template in of_all if template.workflow == name), None)

    def template(self, template_id: str) -> Template | None:
        """Find a template by its id ("02"; "2" is understood)."""
        wanted = template_id.lstrip("0")
        return next((template for template in self.templates if template.id.lstrip("0") == wanted), None)

    def batch_named(self, name: str | int) -> Batch | None:
        """Find a batch by number, marker name or alias: `2`, `"2"`, `"batch2"`, `"optimized"`."""
        text = str(name)
        return next((batch for batch in self.batches if text == str(batch.number) or text in batch.names), None)
