"""What the terminal shows: lines of progress, the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.core.text import harmless, one_line
from pytest_k1n.core.units import MINUTE_MS, format_ms, minutes
from pytest_k1n.run.run import Run

if TYPE_CHECKING:
    from pytest_k1n.coordination.director import Director
    from pytest_k1n.coordination.runfolder import RunState
    from pytest_k1n.run.controller import Controller
    from pytest_k1n.run.result import Result


def summary(controller: Controller, reporter: pytest.TerminalReporter) -> None:
    """Show executions, quality gates, where the time went and the files written: one screen high."""
    from pytest_k1n.client.address import redact
    from pytest_k1n.report.weather import weather_line

    run, director = controller.run, controller.director
    run.progress.show(is_over=True)
    _show_unknown(run, reporter)
    for line in controller.trouble:
        reporter.ensure_newline()
        reporter.write_line(f"k1n: {one_line(redact(line), most=2000)}", red=True)
    for line in _idle_faults(run):
        reporter.ensure_newline()
        reporter.write_line(f"k1n: {one_line(line)}", yellow=True)
    blocked = Counter(_blocked_by(reporter))
    if not (director.state.executions or director.state.server_error or blocked):
        _tell_where(controller, reporter)
        return
    shown, folded = _folded(controller.results)
    reporter.ensure_newline()
    reporter.section("k1n: workflows on Conductor", sep="-")
    reporter.write_line(_ran_on(run, director.state))
    for reason, count in blocked.items():
        reporter.write_line(f"blocked  {count} tests: {one_line(reason)}")
    rows = _table([_execution_row(director, result) for result in shown])
    for row, result in zip(rows, shown, strict=True):
        reporter.write_line(row, **_COLOURS.get(result.document["verdict"], {}))
    if folded:
        reporter.write_line(folded)
    for line in (*_quality_lines(run, director.state), *filter(None, map(_time_line, shown))):
        reporter.write_line(one_line(line, most=2000))
    if controller.document and (weather := controller.document.get("weather")):
        reporter.write_line(f"weather  {weather_line(weather)}")
    for state, line in _regression_lines(controller):
        reporter.write_line(one_line(f"regress  {line}", most=2000), **_REGRESSION_COLOURS.get(state, {}))
    for line in _why_lines(controller):
        reporter.write_line(one_line(line, most=2000), bold=True)
    for line in _diagnosis_lines(controller):
        reporter.write_line(one_line(line, most=2000))
    files = [_shown(run, result.path) for result in controller.results if result.path.exists()]
    files += [_shown(run, path) for path in controller.reports]
    if files:
        reporter.write_line(f"files    {_common(files)}")
    if controller.replaced:
        told = f"run {controller.replaced} wrote into the same folder while this one ran, and its files are replaced"
        reporter.write_line(one_line(f"replaced {told}: give each run a --k1n-results of its own"), yellow=True)
    if controller.kept:
        reporter.write_line(f"evidence {_shown(run, controller.kept)}")


ROWS = 12
"""Of more executions those that did not pass go first, and the rest is counted."""


def _folded(results: Sequence[Result]) -> tuple[Sequence[Result], str]:
    """Choose what has a row of its own, in the order of the plan; say what the others came to."""
    if len(results) <= ROWS:
        return results, ""
    by_verdict = sorted(range(len(results)), key=lambda each: results[each].document["verdict"] == "pass")
    chosen = set(by_verdict[:ROWS])
    others = Counter(
        str(results[each].document["verdict"]).upper() for each in range(len(results)) if each not in chosen
    )
    told = ", ".join(f"{count} {verdict}" for verdict, count in others.most_common())
    return [results[each] for each in sorted(chosen)], f"        and {sum(others.values())} more: {told}"


_COLOURS = {"pass": {"green": True}, "fail": {"red": True}, "unknown": {"purple": True}, "blocked": {"yellow": True}}


_REGRESSION_COLOURS = {"regression": {"red": True}, "suspect": {"yellow": True}}


def _regression_lines(controller: Controller) -> Iterator[tuple[str, str]]:
    from pytest_k1n.report.remembered import remembered

    if controller.document:
        yield from remembered(controller.document)


def _diagnosis_lines(controller: Controller) -> Iterator[str]:
    from pytest_k1n.report.contingency import diagnoses, shown

    document = controller.document
    failed = {batch["name"] for batch in document["batches"] if batch["verdict"] == "fail"} if document else set()
    for batch, points in diagnoses(document) if document else ():
        yield f"look at  {batch} {'has failed' if batch in failed else 'is undecided'}; what can be told of it now:"
        yield from (f"         {shown(point)}" for point in points)


def _why_lines(controller: Controller) -> Iterator[str]:
    """Say in one sentence what explains each execution that has not passed, or has missed its plan."""
    from pytest_k1n.report.figures import has_missed
    from pytest_k1n.report.story import sentence

    document = controller.document
    for execution in document["executions"] if document else ():
        if execution["verdict"] in ("fail", "unknown") or has_missed(execution):
            yield f"why      {execution['title']}: {sentence(execution, document['findings'] if document else ())}"


def _show_unknown(run: Run, reporter: pytest.TerminalReporter) -> None:
    """Show why tests are unknown, as pytest does for failed ones."""
    reports = reporter.stats.get("unknown", [])
    if reports and run.config.getoption("tbstyle", "auto") != "no":
        reporter.write_sep("=", "UNKNOWN")
        for report in reports:
            reporter.write_sep("_", report.head_line or report.nodeid, purple=True)
            report.toterminal(run.config.get_terminal_writer())


def _idle_faults(run: Run) -> Iterator[str]:
    """Say which faults struck nothing: a negative control would be green for no reason."""
    if run.settings.faults and run.collection:
        from pytest_k1n.run.aims import idle
        from pytest_k1n.run.server_choice import faults_of

        yield from idle(faults_of(run.settings), [each.workflow for each in run.collection.launches], run.library)


def _blocked_by(reporter: pytest.TerminalReporter) -> Iterator[str]:
    from pytest_k1n.run.note import note_of

    for report in reporter.stats.get("blocked", []):
        yield note_of(report).blocked or ""


def _tell_where(controller: Controller, reporter: pytest.TerminalReporter) -> None:
    """Say in one line what executions of tests ran on, where nothing else has: `-q` hides the header.

    With `-qq` only what has failed speaks.
    """
    run, state = controller.run, controller.director.state
    verbosity = run.config.get_verbosity()
    is_silent = verbosity >= 0 or (verbosity < -1 and not reporter.stats.keys() & {"failed", "error"})
    if is_silent or state.server is None or set(controller.outcomes.values()) <= {ItemOutcome.SKIPPED}:
        return
    reporter.ensure_newline()
    line, *_notes = _ran_on(run, state).splitlines()
    reporter.write_line(f"k1n: {' '.join(line.split())}")


def _ran_on(run: Run, state: RunState) -> str:
    if state.server is None:
        why = (state.server_error or "it was not needed").splitlines()[0]
        return f"server   none: {one_line(why)}"
    kind = "embedded engine, not a Conductor server" if state.server["kind"] == "embedded" else state.server["kind"]
    version = f" {state.server['version']}" if state.server["version"] else ""
    speed = f" x{state.speed:g}" if state.time_model == "scaled" else ""
    where = f" {state.server['url']}" if state.server["url"] else ""
    ran_on = f"server   {kind}{version}{where}, {state.time_model} time{speed}, seed {run.settings.seed}, run {run.uid}"
    passed_over = [note for note in state.server["notes"] if " passed over: " in note or "warm" in note]
    return harmless("\n".join([ran_on, *(f"         {note}" for note in passed_over)]))


def _execution_row(director: Director, result: Result) -> tuple[str, ...]:
    document, template = result.document, result.template
    band = "" if template.band_ms is None else _band(*template.band_ms)
    measured = "not run" if document["makespan_min"] is None else _took(document["makespan_min"])
    simulated = any(task["simulated"] for task in document["tasks"])
    notes = ["simulated work"] if simulated else []
    if document["partial"]:
        notes.append("partial")
    if others := _repetitions(director, result):
        least, most = _took(min(others)), _took(max(others))
        notes.append(f"{len(others)} more took {least}" + (f" to {most}" if most != least else ""))
    return (result.batch.name, template.workflow, band, measured, document["verdict"].upper(), ", ".join(notes))


def _repetitions(director: Director, result: Result) -> list[float]:
    """Return the makespans, in minutes, of further executions that a test of the same workflow asked for."""
    watches = (watch for batch in director.batches if batch.number == result.batch.number for watch in batch.watches)
    mine = (each for each in watches if each.start.workflow == result.template.workflow and not each.start.alone)
    ends = (each.observation.timeline.end_ms for each in mine if each is not result.watch and each.observation)
    return [minutes(end_ms) for end_ms in ends if end_ms is not None]


def _quality_lines(run: Run, state: RunState) -> Iterator[str]:
    from pytest_k1n.run.gate_verdicts import not_passed, summary_line

    for number in state.quality:
        document = run.folder.quality(number)
        if document:
            batch = document["batch"]
            yield f"quality  {summary_line(f'batch{number}', batch)}{not_passed(batch)}"


def _time_line(result: Result) -> str | None:
    path = result.document["critical_path"]
    if not path or not path["tasks"]:
        return None
    least = path["makespan_min"] / 1000  # what is less than a thousandth of the whole explains nothing
    parts = [f"{kind} {_took(minutes)}" for kind, minutes in path["by_kind_min"].items() if minutes > least]
    longest = max(path["tasks"], key=lambda task: task["work_min"])
    share = longest["work_min"] / path["makespan_min"] if path["makespan_min"] else 0
    critical = f"critical task {longest['ref']} {_took(longest['work_min'])} ({share:.0%})"
    return f"time     {result.template.workflow} {_took(path['makespan_min'])} = {' + '.join(parts)}; {critical}"


def _shown(run: Run, path: Path) -> str:
    """Show a path as seen from where pytest was called, where it is below that; a URL in it without its password."""
    from pytest_k1n.client.address import redact

    folder = run.config.invocation_params.dir
    return redact(str(path.relative_to(folder) if path.is_relative_to(folder) else path))


def _took(taken_min: float) -> str:
    """Show a duration in minutes, as plans do, but not where that would be 0.0."""
    return f"{taken_min:.1f} min" if taken_min >= 0.1 else format_ms(round(taken_min * MINUTE_MS))


def _band(low_ms: int, high_ms: int) -> str:
    in_minutes = high_ms >= MINUTE_MS
    return f"{_minutes(low_ms)}-{_minutes(high_ms)} min" if in_minutes else f"{low_ms}-{high_ms} ms"


def _minutes(ms: int) -> str:
    taken_min = ms / MINUTE_MS
    return f"{taken_min:.3g}" if taken_min < 999.5 else f"{taken_min:.0f}"  # not 1.15e+04, which a week would be


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _common(files: list[str]) -> str:
    """List files, those of one folder under its name; of many results files the first and the last."""
    if len(files) > 3:
        results = [name for name in files if name.endswith("-results.json")]
        between = results[1:-1]
        files = [name for name in files if name not in between]
        if between:
            files[1] = f"... {len(between)} more ... {files[1].rpartition('/')[2]}"
    folder, _, first = files[0].rpartition("/")
    names = [first, *(name.removeprefix(f"{folder}/") for name in files[1:])]
    return f"{folder}/ " + ", ".join(names) if folder else ", ".join(names)
