"""What a completion report says of the runs themselves: on what, when, how they ended, and what ran side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from pytest_k1n.core.findings import NOT_MEASURABLE
from pytest_k1n.core.units import SECOND_MS, format_ms
from pytest_k1n.report.batch_evidence import NOT_MEASURED, BatchEvidence
from pytest_k1n.report.blocks import Block, Grid, Heading, Items, Paragraph
from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.markdown import ran_on
from pytest_k1n.report.story import outcomes
from pytest_k1n.report.weather import stood_still


def run_lines(document: RunDocument) -> Iterator[str]:
    """Say what a run ran on, when, what came of its tests, and in what weather."""
    run, tests = document["run"], outcomes(document)
    ran_ms = _ran_ms(document)
    came = f"{tests} of the {len(document['tests'])} tests that had to do with Conductor" if tests else NOT_MEASURED
    code = NOT_MEASURED if run["exit_code"] is None else run["exit_code"]
    yield (f"{ran_on(document)} From {run['started_at']} to {run['ended_at']}, {format_ms(ran_ms)} of real time; "
           f"tests: {came}; pytest's exit code: {code}.")  # fmt: skip
    weather = document.get("weather")
    if weather is None:
        return
    categories = [
        each for batch in document["batches"] for each in (batch["quality"] or {"categories": []})["categories"]
    ]
    of_gates = sum(each["latencies"] for each in categories)
    found = sum(each["code"] == NOT_MEASURABLE for each in document["findings"])
    yield f"Weather, in real time: {stood_still(weather, ran_ms)}."
    yield (f"Latencies: {weather['checks']} checks, {of_gates} of quality gates and {weather['checks'] - of_gates} of "
           f"tests; {weather['not_measurable']} could not be measured in this weather. That is {found} different "
           f"latencies, for a test and a gate may check the same one.")  # fmt: skip


def _ran_ms(document: RunDocument) -> int:
    run = document["run"]
    ran = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
    return round(ran.total_seconds() * SECOND_MS)


def environment(evidence: BatchEvidence) -> Iterator[Block]:
    """Say of every run what its server, time, workers and command were, as far as they are on record."""
    yield Heading(3, "Environment")
    for document in evidence.documents:
        server, executions = document["server"], document["executions"]
        ended = sum(not each["is_open"] for each in executions)
        workers = dict.fromkeys(attempt["worker_id"] for each in executions for task in each["tasks"]
                                for attempt in task["attempts"] if attempt["worker_id"])  # fmt: skip
        yield Grid(("of run", document["run"]["uid"]), [
            ("server", f"{_server(document)}, version {server.get('version') or NOT_MEASURED}"),
            ("address", server.get("url") or NOT_MEASURED),
            ("health", server.get("error") or f"{ended} of {len(executions)} executions ended; what its health page "
             "said is not on record (k1n doctor asks it)"),
            ("noted of the server", "; ".join(server.get("notes") or ()) or "nothing"),
            ("workers", ", ".join(map(str, workers)) or NOT_MEASURED),
            ("plugin", document["run"]["made_by"]),
            ("command", f"not on record; equal in what is: {command(document)}"),
        ])  # fmt: skip
    yield Paragraph("Containers, loaded task definitions and scripts are in no run's document: k1n doctor checks them.")


def _server(document: RunDocument) -> str:
    kind = document["server"].get("kind")
    return "the embedded engine, not a Conductor server" if kind == "embedded" else f"Conductor ({kind})"


def command(document: RunDocument, *options: str, batches: Sequence[str] = ()) -> str:
    """Write the command that runs the same tests on the same server.

    `options` stand instead of those of time and seed, and ask for a Conductor where the embedded engine ran; `batches`
    stand instead of the ones that the run had.
    """
    folders = dict.fromkeys(each["node_id"].partition("::")[0].rpartition("/")[0] for each in document["tests"])
    ran = {execution["batch"] for execution in document["executions"]}
    named = " or ".join(batches or [each["name"] for each in document["batches"] if each["name"] in ran])
    kind, time = document["server"].get("kind"), document["time"]
    speed = [f"--k1n-speed={time['speed']:g}"] if time["model"] == "scaled" else []
    given = options or (f"--k1n-time={time['model']}", *speed, f"--k1n-seed={document['run']['seed']}")
    known = document["server"].get("url") if kind == "url" else kind
    server = "URL" if known is None or (options and kind == "embedded") else known
    chosen = [f"-m '{named}'"] if named else []
    return " ".join(["pytest", *filter(None, folders), *chosen, f"--k1n-server={server}", *given])


def executions(evidence: BatchEvidence) -> Iterator[Block]:
    """Say how many tasks of each execution came to their end, and how; and which executions ran side by side."""
    yield Heading(3, "Executions")
    rows = []
    for name, each in evidence.main:
        work = [task for task in each["tasks"] if task["kind"] == "worker"]
        last = Counter(task["attempts"][-1]["status"] if task["attempts"] else "not run" for task in work)
        others = ", ".join(f"{count} {status}" for status, count in last.items() if status != "COMPLETED")
        repeated = sum(max(len(task["attempts"]) - 1, 0) for task in work)
        rows.append((name, each["title"], each["workflow"]["status"], f"{last['COMPLETED']} of {len(work)}",
                     others or "none", repeated, each["workflow"]["workflow_id"] or NOT_MEASURED))  # fmt: skip
    yield Grid(("batch", "workflow", "status", "tasks completed", "other ends", "retries", "execution"),
               rows or [(NOT_MEASURED,) + ("",) * 6])  # fmt: skip
    for name in evidence.names:
        found = evidence.executions(name)
        if len(found) > 1:
            yield Paragraph(_side_by_side(found, evidence.clock(name)))
            time = evidence.source[name]["time"]
            if time["model"] == "scaled" and any(each["is_simulated"] for each in found):
                yield Paragraph(f"In real time only simulated work goes {time['speed']:g} times faster; what workers, "
                                f"server and a busy machine take does not. So these real times are more than workflow "
                                f"time divided by {time['speed']:g}.")  # fmt: skip


def _side_by_side(executions: Sequence[ExecutionDocument], clock: str) -> str:
    titles = " and ".join(each["title"] for each in executions)
    spans = [(each["raw_started_ms"], each["raw_ended_ms"]) for each in executions]
    ended = [(start, end) for start, end in spans if end is not None]
    if len(ended) < len(spans):
        return f"{titles}: how long they ran side by side was {NOT_MEASURED}, because one of them has no end."
    first = min(start for start, _ in ended)
    each_ran = "; ".join(f"{each['title']} ran from {format_ms(start - first)} to {format_ms(end - first)}"
                         for each, (start, end) in zip(executions, ended, strict=True))  # fmt: skip
    together = min(end for _, end in ended) - max(start for start, _ in ended)
    if together <= 0:
        return f"{titles} did not run side by side: in {clock} since the first one's start {each_ran}."
    share = together / min(end - start for start, end in ended)
    return (f"{titles} ran side by side for {format_ms(together)} of {clock}, {share:.0%} of the shorter one: by the "
            f"server's clock, since the first one's start, {each_ran}.")  # fmt: skip


def run_items(evidence: BatchEvidence) -> Items:
    """List what is to be said of each run."""
    return Items([line for each in evidence.documents for line in run_lines(each)])
