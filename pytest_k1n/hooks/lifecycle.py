"""From collection to director: describe what was selected, hand it over, feed it with reports, end the run."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.coordination.collection import UNBATCHED, Collection
from pytest_k1n.coordination.ledger import ItemOutcome
from pytest_k1n.run import selection, xdist
from pytest_k1n.run.outcomes import outcome_of
from pytest_k1n.run.run import Run
from pytest_k1n.run.waiting import await_relaunched
from pytest_k1n.settings import DEFAULT_SERVER

if TYPE_CHECKING:
    from pytest_k1n.coordination.director import Director

REPORTED = pytest.StashKey[dict[str, ItemOutcome]]()
"""Controller: the worst outcome of each of our tests so far."""


def keep_gate_items(run: Run, before: list[pytest.Item], items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the quality-gate items that `-m` or `-k` deselected although tests of their batch are selected."""
    from pytest_k1n.run.marks import batch_of

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


def describe(run: Run, session: pytest.Session) -> None:
    """Sort the items by batch and readiness, and describe them; a node writes down what the controller must know."""
    error = None
    try:
        session.items[:] = selection.in_order(session.items, run.plan)
        collection = selection.describe(session.items, run.plan, run.library)
        _resolve_names(run, collection)
    except pytest.UsageError as usage:
        if not run.is_node:
            raise
        collection, error = Collection(error=str(usage)), usage
    run.know(collection)
    _limit(run, session.items)
    if run.is_node and (collection.items or error):
        run.folder.write_json(f"collection/{xdist.node_id(run.config)}.json", collection.to_json())


def _resolve_names(run: Run, collection: Collection) -> None:
    """Refuse a plan that names what nothing defines, before anything starts. Raises UsageError, a line a name."""
    if run.plan is None or not collection.launches:
        return
    from pytest_k1n.plan.resolve import unresolved

    if problems := unresolved(run.plan, run.library, is_complete="://" not in run.settings.server):
        raise pytest.UsageError("\n".join(problems))


def _limit(run: Run, items: list[pytest.Item]) -> None:
    """Give tests of the plan a `timeout` mark where pytest-timeout is installed; one of their own wins.

    Waits happen outside the test's time, so this is for a judgement that hangs: the execution's deadline is ample.
    """
    if not run.config.pluginmanager.has_plugin("timeout") or run.plan is None:
        return
    from pytest_k1n.backends.choice import longest_speed
    from pytest_k1n.coordination.starts import deadline_ms

    speed = longest_speed(run.settings)
    longest = max((deadline_ms(each, None, {}, speed=speed) for each in run.plan.templates), default=0)
    for item in items:
        described = run.items.get(item.nodeid)
        if longest and described and described.batch and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(longest / 1000))


def begin(run: Run, collection: Collection) -> None:
    """Start the director on a collection. Raises UsageError for a distribution mode or settings that cannot work."""
    from pytest_k1n.run.folders import sweep
    from pytest_k1n.run.reports import check_reports
    from pytest_k1n.run.results import check_results_folder
    from pytest_k1n.run.termination import end_on_sigterm

    if collection.error:
        raise pytest.UsageError(collection.error)
    xdist.check_mode(run.config, collection)
    if run.director is None and collection.items:
        run.know(collection)
        if collection.launches:
            check_results_folder(run)
            check_reports(run)
        run.started_ms = time.time_ns() // 1_000_000
        run.director = _make_director(run, collection)
        _import_for_threads(run)
        sweep()
        run.folder.make()
        end_on_sigterm()
        run.director.start()


def _make_director(run: Run, collection: Collection) -> Director:
    """Make the director of a run. Raises UsageError for settings that contradict each other."""
    from functools import partial

    from pytest_k1n.backends.choice import spec_of, time_of
    from pytest_k1n.backends.opening import faults_of, open_backend
    from pytest_k1n.coordination.director import Director, Setup
    from pytest_k1n.fixtures.quality import judge
    from pytest_k1n.run.recorded_passes import recorded_passes
    from pytest_k1n.run.results import write_batch
    from pytest_k1n.servers.protocol import Kind

    spec = spec_of(run.settings)
    if spec.kind is not Kind.AUTO:
        time_of(run.settings, spec.kind)
    settings = run.settings
    faults_of(settings)
    setup = Setup(
        collection=collection,
        plan=run.plan,
        library=run.library,
        folder=run.folder,
        uid=run.uid,
        open_backend=partial(open_backend, run, spec),
        register_policy=settings.register,
        gate_policy=settings.gate,
        recorded_passes=recorded_passes(run),
        unknown_blocks=settings.unknown == "fail",
        sequential=settings.sequential,
        judge=partial(judge, run),
        report=lambda batch: write_batch(run, director, batch),
    )
    director = Director(setup, say=run.say)
    return director


def _import_for_threads(run: Run) -> None:
    """Import before the director's thread begins what it and this one would import at the same time.

    pytest parses our modules to rewrite their asserts, and two threads that parse at once end in `SystemError: AST
    constructor recursion depth mismatch` on CPython before 3.11.8 and 3.12.1 (gh-106905).
    """
    import pytest_k1n.core.gates
    import pytest_k1n.core.planned_schedule
    import pytest_k1n.fixtures.batch
    import pytest_k1n.fixtures.conductor
    import pytest_k1n.fixtures.on_engine
    import pytest_k1n.hooks.terminal
    import pytest_k1n.validation.schema

    if run.settings.server == DEFAULT_SERVER:
        import pytest_k1n.backends.embedded
        import pytest_k1n.engine.rest.router  # noqa: F401


def feed(run: Run, report: pytest.TestReport) -> None:
    """Pass a report on to the director, and remember the worst outcome of each test."""
    from pytest_k1n.run.results import take_evidence

    if run.director is None or report.nodeid not in run.items:
        return
    if str(report.outcome) == "rerun":  # pytest-rerunfailures
        run.director.rerun(report.nodeid)
        return
    take_evidence(run, report)
    outcome = outcome_of(report)
    reported = run.config.stash.setdefault(REPORTED, {})
    reported[report.nodeid] = max(reported.get(report.nodeid, ItemOutcome.PASSED), outcome, key=list(ItemOutcome).index)
    run.director.record(report.nodeid, outcome, phase=report.when)  # xdist says "???" where a node crashed


def finish(run: Run, session: pytest.Session) -> None:
    """End the director and give the run an exit code that tells of blocked and unknown tests."""
    if run.director is None:
        return
    from pytest_k1n.run.recorded_passes import record_passes
    from pytest_k1n.run.results import write_batch

    if not run.director.close():
        run.say("the director did not end within a minute: a server or worker may be left running")
    director = run.director
    numbers = [batch.number for batch in director.batches if batch.number != UNBATCHED]
    for number in numbers:
        write_batch(run, director, number)
    finished = {number: director.ledger.passed(number) for number in numbers if director.ledger.is_finished(number)}
    record_passes(run, finished)
    reported = run.config.stash.get(REPORTED, {})
    if session.exitstatus == pytest.ExitCode.OK:
        unknown_fails = run.settings.unknown == "fail"
        stopping = (ItemOutcome.BLOCKED, ItemOutcome.FAILED, *((ItemOutcome.UNKNOWN,) if unknown_fails else ()))
        if any(outcome in stopping for outcome in reported.values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _keep_in_last_failed(run, reported)
    failed = session.exitstatus != pytest.ExitCode.OK
    if run.settings.keep == "always" or (run.settings.keep == "failed" and failed):
        run.kept = run.settings.results / "runs" / run.uid
    if director.collection.launches:
        _report(run, director, reported, session)


def _report(run: Run, director: Director, reported: dict[str, ItemOutcome], session: pytest.Session) -> None:
    """Write the run's document and the reports made from it; a report that cannot be written fails the run."""
    from pytest_k1n.run.document import run_document
    from pytest_k1n.run.reports import keep_reports, write_reports

    document = run_document(
        run,
        director,
        outcomes=reported,
        started_ms=run.started_ms,
        ended_ms=time.time_ns() // 1_000_000,
        exit_code=int(session.exitstatus),
    )
    try:
        run.reports = write_reports(run, document)
        if run.kept:
            keep_reports(run, document)
    except OSError as error:
        run.say(str(error))
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _keep_in_last_failed(run: Run, reported: dict[str, ItemOutcome]) -> None:
    """Put blocked and unknown tests back into what `--lf` runs: pytest takes skipped ones out of it."""
    cache = getattr(run.config, "cache", None)
    if cache is None or run.config.getoption("cacheshow", None):
        return
    unfinished = {
        node_id for node_id, outcome in reported.items() if outcome in (ItemOutcome.BLOCKED, ItemOutcome.UNKNOWN)
    }
    if unfinished:
        failed = dict(cache.get("cache/lastfailed", {}))
        cache.set("cache/lastfailed", {**failed, **dict.fromkeys(unfinished, True)})


def settle_folder(run: Run) -> None:
    """Move the run folder to where it is kept, or remove it; says nothing: the summary has named the place."""
    from pytest_k1n.run.termination import forget_sigterm

    if run.is_node or not run.folder_path.exists():
        return
    forget_sigterm()
    if run.kept is None:
        shutil.rmtree(run.folder_path, ignore_errors=True)
        return
    run.kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(run.folder_path, run.kept)


def relaunch_if_rerun(run: Run, item: pytest.Item) -> None:
    """Launch a new execution when a test is run again (pytest-rerunfailures); the one that failed stays on record."""
    described = run.items.get(item.nodeid)
    turn: Any = getattr(item, "execution_count", 1)
    if described is not None and described.key and isinstance(turn, int) and turn > 1:
        count = described.executions + turn - 1
        run.folder.request_relaunch(described.key, count)
        await_relaunched(run, item, count)
