"""What to look at when a batch has failed: each point checked on the run's document, with the command to type next.

A first batch is looked at for what surrounds it, one of several workflows for what they share, one in phases for what
long runs suffer from; of a batch that is several of these, every point is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pytest_k1n.core.gates.document import CategoryDocument
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import BatchDocument, ExecutionDocument, RunDocument
from pytest_k1n.report.figures import intervals
from pytest_k1n.report.weather import weather_line

QUEUED_MS = 1000
"""A wait for a worker from which on workers count as scarce, in workflow time."""


class Point(NamedTuple):
    """One point of a diagnosis."""

    what: str
    state: Literal["ok", "trouble", "not known"]
    result: str
    command: str = ""


def diagnoses(document: RunDocument) -> Iterator[tuple[str, list[Point]]]:
    """Yield the name and the points of every batch that has failed or could not be decided."""
    for place, batch in enumerate(document["batches"]):
        if batch["verdict"] in ("fail", "unknown"):
            yield batch["name"], list(_points(document, batch, is_first=place == 0))


def shown(point: Point) -> str:
    """Write a point as a line."""
    then = f" -> {point.command}" if point.command else ""
    return f"{point.state:<9} {point.what}: {point.result}{then}"


def _points(document: RunDocument, batch: BatchDocument, *, is_first: bool) -> Iterator[Point]:
    mine = [each for each in document["executions"] if each["batch"] == batch["name"] and each["role"] == "main"]
    has_phases = any(each["phases"] for each in mine)
    yield _health(document)
    yield _loaded(batch, mine)
    if is_first or not (has_phases or len(batch["templates"]) > 1):
        yield _isolation(document, batch, mine)
    if len(batch["templates"]) > 1:
        yield _conflicts(batch, mine)
        yield _shared(mine)
        yield _blocking(batch)
        yield _sequential(batch, mine)
    if has_phases:
        yield _container(document)
        yield _memory(document)
        yield _timeouts(mine)
        yield _phases(batch, mine)


def _health(document: RunDocument) -> Point:
    server = document["server"]
    check = f"k1n doctor --server {server['url']}" if server.get("url") and not server.get("owned") else "k1n doctor"
    if server.get("error"):
        return Point("server", "trouble", str(server["error"]).splitlines()[0], check)
    lost = [each["title"] for each in document["executions"] if each["released"] and each["is_open"]]
    if lost:
        return Point("server", "not known", f"{', '.join(lost)} did not end while it was watched", check)
    return Point("server", "ok", "it answered to the end, and every execution ended")


def _loaded(batch: BatchDocument, mine: Sequence[ExecutionDocument]) -> Point:
    ran = {each["workflow"]["name"] for each in mine}
    missing = [each["workflow"] for each in batch["templates"] if each["workflow"] not in ran]
    unserved = [
        f"{task['ref']} ({each['title']})"
        for each in mine
        for task in each["tasks"]
        if task["kind"] == "worker" and task["attempts"] and task["attempts"][-1]["status"] == "SCHEDULED"
    ]
    if missing:
        return Point("definitions", "trouble", f"{', '.join(missing)} did not start", "k1n doctor; k1n lint FOLDER")
    if unserved:
        return Point("definitions", "trouble", f"no worker took {_some(unserved)}", "k1n doctor; k1n worker --help")
    return Point("definitions", "ok", "every workflow started, every task that was queued was taken")


def _isolation(document: RunDocument, batch: BatchDocument, mine: Sequence[ExecutionDocument]) -> Point:
    # In virtual time an execution of a test has a clock, and all that it runs on, to itself.
    is_apart = document["time"]["model"] == "virtual"
    others = [
        each["title"]
        for each in document["executions"]
        if each not in mine and not (is_apart and each["role"] == "own") and any(_at_once(each, one) for one in mine)
    ]
    command = f"pytest -m {batch['name']}"
    if others:
        return Point("isolation", "trouble", f"{_some(others)} ran at the same time", command)
    return Point("isolation", "ok", "nothing else of this run ran at the same time; alone again:", command)


def _conflicts(batch: BatchDocument, mine: Sequence[ExecutionDocument]) -> Point:
    gate = _gate(batch, "G5")
    names: dict[str, set[str]] = {}
    for each in mine:
        for task in each["tasks"]:
            if task["kind"] == "worker" and task["attempts"]:
                names.setdefault(task["name"], set()).add(each["title"])
    both = sorted(name for name, titles in names.items() if len(titles) > 1)
    shared = f"both use {_some(both)}" if both else "no task type in common"
    if gate is None:
        return Point("task conflicts", "not known", f"{shared}; G5 was not evaluated")
    if gate["verdict"] == "fail":
        return Point("task conflicts", "trouble", f"{shared}; {gate['findings'][0]['subject']}: "
                     f"{gate['findings'][0]['observed']}", f"pytest -m {batch['name']} -k isolation")  # fmt: skip
    state: Literal["ok", "not known"] = "not known" if gate["verdict"] == "unknown" else "ok"
    return Point("task conflicts", state, f"{shared}; isolation (G5): {gate['verdict']}, "
                 f"{gate['passed']} of {gate['evaluated']} checks")  # fmt: skip


def _shared(mine: Sequence[ExecutionDocument]) -> Point:
    waits = [
        (
            segment["end_ms"] - segment["start_ms"],
            each["title"],
            segment["ref"],
            segment["blame"],
            each["workflow"]["name"],
        )
        for each in mine
        for segment in each["segments"]
        if segment["kind"] == "queue"
    ]
    longest = max(waits, default=None)
    if longest is None or longest[0] < QUEUED_MS:
        if longest is None:
            return Point("shared resources", "ok", "on no critical path a task waited for a worker")
        most = format_ms(longest[0])
        return Point("shared resources", "ok", f"on no critical path a task waited long for a worker ({most} at most)")
    busy = f", while its worker was busy with {longest[3]}" if longest[3] else ""
    what = f"{longest[2]} of {longest[1]} waited {format_ms(longest[0])} for a worker{busy}"
    names = {task["ref"]: task["name"] for each in mine if each["title"] == longest[1] for task in each["tasks"]}
    name = names.get(longest[2] or "", longest[2])  # a worker serves a task definition
    command = f"k1n whatif test-results --workflow {longest[4]} --workers {name}=2"
    return Point("shared resources", "trouble", what, command)


def _blocking(batch: BatchDocument) -> Point:
    gate = _gate(batch, "G2")
    if gate is None:
        return Point("blocking logic", "not known", "the order of tasks (G2) was not evaluated")
    if gate["verdict"] == "fail":
        worst = gate["findings"][0]
        return Point("blocking logic", "trouble", f"{worst['subject']}: expected {worst['expected']}; "
                     f"observed {worst['observed']}", "k1n show fixtures/workflows/NAME.json")  # fmt: skip
    return Point("blocking logic", "ok", f"{gate['passed']} of {gate['evaluated']} edges were kept (G2)")


def _sequential(batch: BatchDocument, mine: Sequence[ExecutionDocument]) -> Point:
    overlapping = any(_at_once(one, other) for place, one in enumerate(mine) for other in mine[:place])
    command = f"pytest -m {batch['name']} --k1n-sequential"
    if overlapping:
        return Point("one after the other", "not known", "they ran at once; if it passes so, they disturb each other:",
                     command)  # fmt: skip
    return Point("one after the other", "trouble", "they did not overlap, and it failed all the same")


def _container(document: RunDocument) -> Point:
    server = document["server"]
    if server.get("kind") == "docker":
        return Point("container", "not known", "its log is beside the run", "docker ps; k1n doctor; k1n server logs")
    return Point("container", "ok", f"not needed: the server is {server.get('kind') or 'unknown'}")


def _memory(document: RunDocument) -> Point:
    weather = document.get("weather")
    if weather is None:
        return Point("memory, machine", "not known", "nothing measured the machine", "free -m")
    still_ms = sum(end - begin for begin, end in (*weather["host"], *weather["server"]))
    if still_ms:
        return Point("memory, machine", "trouble", weather_line(weather), "free -m; vmstat 1")
    return Point("memory, machine", "ok", "machine and server never stood still")


def _timeouts(mine: Sequence[ExecutionDocument]) -> Point:
    late = [
        f"{task['ref']} (attempt {attempt['number']})"
        for each in mine
        for task in each["tasks"]
        for attempt in task["attempts"]
        if attempt["status"] == "TIMED_OUT"
    ]
    late += [each["title"] for each in mine if each["workflow"]["status"] == "TIMED_OUT"]
    if late:
        return Point(
            "timeouts", "trouble", f"timed out: {_some(late)}", "look at responseTimeoutSeconds and heartbeats"
        )
    longest = max(
        ((end - begin, task["ref"]) for each in mine for task in each["tasks"] if task["kind"] == "worker"
         for begin, end in intervals(task, each["makespan_ms"])), default=None,
    )  # fmt: skip
    what = f"; the longest attempt was {longest[1]} with {format_ms(longest[0])}" if longest else ""
    return Point("timeouts", "ok", f"no attempt timed out{what}")


def _phases(batch: BatchDocument, mine: Sequence[ExecutionDocument]) -> Point:
    for each in mine:
        for phase in each["phases"]:
            band, begin, end = phase["band_ms"], phase["start_ms"], phase["end_ms"]
            command = f"pytest -m '{batch['name']} and phase{phase['number']}'"
            if begin is None or end is None:
                return Point(
                    "phases",
                    "trouble",
                    f"phase {phase['number']} {phase['name']} did not end: judge it alone:",
                    command,
                )
            if band and not band[0] <= end - begin <= band[1]:
                what = f"phase {phase['number']} {phase['name']} took {format_ms(end - begin)}, outside its band"
                return Point("phases", "trouble", f"{what}: judge it alone:", command)
    return Point("phases", "ok", "every phase is inside its band: splitting would change nothing")


def _gate(batch: BatchDocument, wanted: str) -> CategoryDocument | None:
    quality = batch["quality"]
    return next((each for each in quality["categories"] if each["id"] == wanted), None) if quality else None


def _at_once(one: ExecutionDocument, other: ExecutionDocument) -> bool:
    ends = [
        each["raw_ended_ms"] if each["raw_ended_ms"] is not None else each["raw_started_ms"] + 1
        for each in (one, other)
    ]
    return one["raw_started_ms"] < ends[1] and other["raw_started_ms"] < ends[0]


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
