"""A run of pytest that may take part: its settings and plan are read, and what it collects is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.plan.markers import markers
from pytest_k1n.run.marks import batch_of, give_aliases
from pytest_k1n.run.ours import is_ours
from pytest_k1n.run.run import RUN, Run, make_run, run_of

if TYPE_CHECKING:
    from pytest_k1n.coordination.collection import Collection


def take_notice(config: pytest.Config) -> Run:
    """Make the run and register the hooks of this module, once. Raises UsageError for a user's mistake, in one line."""
    if RUN not in config.stash:
        run = config.stash[RUN] = make_run(config)
        config.pluginmanager.register(CollectionHooks(run), "k1n-collection")
        if run.is_anything_set and run.settings.cov and not run.is_node:
            from pytest_k1n.hooks.coverage import CoverageHooks

            config.pluginmanager.register(CoverageHooks(run), "k1n-coverage")
    return run_of(config)


def plan_markers(run: Run) -> dict[str, str]:
    """Return the plan's markers, with what each means."""
    plan = run.plan
    if plan is None:
        return {}
    batches = ((batch.number, batch.title, batch.aliases) for batch in plan.batches)
    return dict(markers(batches, (phase.number for each in plan.templates for phase in each.phases), plan.source))


@contextmanager
def around_selection(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Have benchmarks of workflows measured by the workflow's clock; keep the gates of the batches that are left."""
    run = take_notice(config)
    give_aliases(items, run.plan)
    run.collected = Counter(str(batch.number) for item in items if (batch := batch_of(item, run.plan)))
    run.modules = tuple(dict.fromkeys(item.nodeid.partition("::")[0] for item in items))
    measured = [item for item in items if "workflow_benchmark" in getattr(item, "fixturenames", ())]
    if measured and run.has_benchmark:
        from pytest_k1n.fixtures.benchmark import prepare

        for item in measured:
            prepare(item)
    gates = [item for item in items if item.get_closest_marker("gate")]
    before = items[:] if config.getoption("markexpr", "") else []
    yield
    if before and not items:
        from pytest_k1n.run.misspelt import misspelt

        run.misspelt = tuple(misspelt(config, before))
    if gates:
        items.extend(_deselected_gates(run, gates, items))


def _deselected_gates(run: Run, before: list[pytest.Item], items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the quality-gate items that `-m` or `-k` deselected although tests of their batch are selected."""
    selected = {batch.number for item in items if (batch := batch_of(item, run.plan))}
    here = set(items)
    return [
        item
        for item in before
        if item not in here
        and item.get_closest_marker("gate")
        and (batch := batch_of(item, run.plan))
        and batch.number in selected
    ]


class CollectionHooks:
    """Hooks up to the end of collection; where it has found something, those of `running` follow."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._has_said = False

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Forget the run."""
        del config.stash[RUN]

    def pytest_report_header(self) -> list[str]:
        """Say at the start which server, time model, plan and seed this run would use, where any of it is set."""
        if self.run.plan is None and not self.run.is_anything_set:
            return []
        return self._header()

    def _header(self) -> list[str]:
        run = self.run
        self._has_said = True
        lines = [f"k1n: {_circumstances(run)}, run {run.uid}"]
        if run.plan is not None:
            lines.append(f"k1n: plan {run.plan.source} ({run.plan_note})")
        if run.is_parallel and run.has_benchmark:
            lines.append("k1n: pytest-benchmark is off under xdist; quality gates and regression verdicts go on")
        return lines

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Say it now, where only a test that was collected has brought the plugin in, or uses what it gives."""
        config = self.run.config
        is_hidden = self._has_said or config.get_verbosity() < 0 or config.getoption("no_header", False)
        if is_hidden:
            return []
        return self._header() if any(map(is_ours, items)) else self.pytest_report_header()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why `-m` may have selected nothing: here, as this is shown with `-q` too."""
        for line in self.run.misspelt:
            terminalreporter.write_line(line, yellow=True)

    @pytest.hookimpl(tryfirst=True)  # after --ff and shuffling plugins, before xdist sends the ids
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Sort the selected tests by batch and readiness, and describe what they need."""
        if any(is_ours(item) or batch_of(item, self.run.plan) for item in session.items):
            from pytest_k1n.hooks.execution import take_part

            take_part(self.run)
            _describe(self.run, session)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Start the director on what the first node has collected; the controller collects nothing itself."""
        from pytest_k1n.run.xdist import read_collection

        if self.run.collection is None and (collection := read_collection(self.run, node)):
            from pytest_k1n.hooks.controller import begin
            from pytest_k1n.hooks.execution import take_part

            take_part(self.run)
            begin(self.run, collection)


def _describe(run: Run, session: pytest.Session) -> None:
    """Sort the items by batch and readiness, and describe them; a node writes down what the controller must know."""
    from pytest_k1n.coordination.collection import Collection
    from pytest_k1n.run import selection, xdist

    error = None
    try:
        session.items[:] = selection.in_order(session.items, run.plan)
        collection = selection.describe(session.items, run.plan, run.library)
        collection = replace(collection, collected=dict(run.collected), modules=run.modules)
        _resolve_names(run, collection)
        _resolve_faults(run, collection)
        _resolve_fault_marks(run, session.items)
    except pytest.UsageError as usage:
        if not run.is_node:
            raise
        collection, error = Collection(error=str(usage)), usage
    run.know(collection)
    selection.limit(run, session.items)
    if run.is_node and (collection.items or error):
        run.folder.write_json(f"{xdist.COLLECTED}/{xdist.node_id(run.config)}.json", collection.to_json())


def _resolve_names(run: Run, collection: Collection) -> None:
    """Refuse a plan that names what nothing defines, before anything starts. Raises UsageError, a line a name."""
    if run.plan is None or not collection.launches:
        return
    from pytest_k1n.plan.resolve import unresolved

    if problems := unresolved(run.plan, run.library, is_complete="://" not in run.settings.server):
        raise pytest.UsageError("\n".join(problems))
    if run.is_anything_set and run.settings.conductor and not run.is_node:
        from pytest_k1n.run.newer import warn_of_newer

        launched = {launch.workflow for launch in collection.launches}
        warn_of_newer(run, [each for each in run.library.workflows if each["name"] in launched], url=None)


def _resolve_faults(run: Run, collection: Collection) -> None:
    """Refuse faults that aim at what is nowhere. Raises UsageError, a line a fault."""
    if not run.is_anything_set or not run.settings.faults:
        return
    from pytest_k1n.run.aims import misaimed
    from pytest_k1n.run.server_choice import faults_of

    faults, launched = faults_of(run.settings), [launch.workflow for launch in collection.launches]
    if problems := misaimed(faults, launched, run.library):
        raise pytest.UsageError("\n".join(problems))


def _resolve_fault_marks(run: Run, items: Sequence[pytest.Item]) -> None:
    """Refuse fault marks that aim at what is nowhere. Raises UsageError that names the test."""
    struck = [item for item in items if "struck_execution" in getattr(item, "fixturenames", ())]
    if not struck:
        return
    from pytest_k1n.run.aims import missed
    from pytest_k1n.run.fault_mark import fault_mark

    for item in struck:
        fault, mark = fault_mark(item)
        if problem := missed(fault.ref, mark.name, mark.version, run.library):
            raise pytest.UsageError(f"{item.nodeid}: {problem}")


def _circumstances(run: Run) -> str:
    settings = run.settings if run.is_anything_set else None
    seed = settings.seed if settings else 0
    if settings is None or (settings.server_source == "default" and not {"time", "conductor"} & {*settings.chosen}):
        return f"server embedded engine, virtual time, seed {seed}"  # nearly always: no kind of server is imported
    from pytest_k1n.run.server_choice import describe_server

    return f"server {describe_server(settings)}, seed {seed}"
