"""The Gantt of one execution: the plan as ghost bars, every attempt, every wait, and the owner of each stretch of time.

Positions along time are percentages, so that the page can widen the picture without drawing it anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_k1n.core.pictures.axis import Scale
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import AttemptDocument, ExecutionDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL, intervals, last_attempt, status_of
from pytest_k1n.report.picture.markup import Markup, element
from pytest_k1n.report.picture.phases import phase_names
from pytest_k1n.report.picture.rows import Rows, rows
from pytest_k1n.report.stalls import Stall

ROW = 22
"""Height of a row in pixels."""
PATH = 30
"""Height of the strip that shows the critical path."""
_LAST_PERCENT = 96
"""From here on a label in the middle of its tick could reach over the edge."""
AXIS = 38
"""Height of the axis on top."""
BINS = 400
FAR = 10
"""A plan that goes on so many times as long as what ran is left out: beside it nothing that ran could be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gantt:
    """Two drawings of one height, to be shown side by side: names, and bars over time."""

    names: Markup
    bars: Markup
    height: int
    hidden: int
    """Tasks without a row of their own."""
    end_ms: int
    """Where the axis ends."""
    is_without_plan: bool
    """Whether the plan goes on so far beyond what ran that it is not drawn."""
    anchors: Mapping[str, str]
    """The element id of each task's row."""


def gantt(
    execution: ExecutionDocument, *, prefix: str = "", wanted: Collection[str] = (), stalls: Sequence[Stall] = ()
) -> Gantt:
    """Draw one execution; `prefix` makes its element ids unique, `wanted` refs have a row in any case.

    `stalls` are when host or server stood still: stripes behind the bars, with a mark each on the axis.
    """
    chosen = rows(execution, wanted=wanted)
    scale, is_far = Scale(_end(execution, chosen)), is_far_from_plan(execution)
    top = AXIS + PATH
    height = top + ROW * (len(chosen.shown) + bool(chosen.rest)) + 6
    place = {task["ref"]: top + ROW * index for index, task in enumerate(chosen.shown)}
    bars = [
        *_background(execution, scale, height),
        *_stalls(stalls, scale, height),
        *_axis(execution, scale, height),
        element("g", *_path(execution, scale), class_="path"),
        element("g", *_connectors(chosen, scale, place), class_="links"),
        *(
            _row(task, scale, place[task["ref"]], f"{prefix}{index}", execution, is_far=is_far)
            for index, task in enumerate(chosen.shown)
        ),
        *_density(execution, chosen, scale, height - ROW - 6),
    ]
    names = [
        element("text", "critical path", x=6, y=AXIS + 19, class_="name"),
        *(_name(task, place[task["ref"]], index) for index, task in enumerate(chosen.shown)),
    ]
    if chosen.rest:
        names.append(element("text", f"{len(chosen.rest):,} more, how many ran", x=6, y=height - 12, class_="name"))
    title = f"Gantt of {execution['title']}: {len(chosen.shown)} tasks over {format_ms(execution['makespan_ms'])}"
    return Gantt(
        names=element("svg", *names, class_="names", height=height, aria_hidden="true", xmlns=SVG),
        bars=element("svg", *bars, class_="bars", height=height, role="group", aria_label=title, xmlns=SVG),
        height=height,
        hidden=len(chosen.rest),
        end_ms=scale.end_ms,
        is_without_plan=is_far,
        anchors={task["ref"]: f"{prefix}{index}" for index, task in enumerate(chosen.shown)},
    )


SVG = "http://www.w3.org/2000/svg"


def _end(execution: ExecutionDocument, chosen: Rows) -> int:
    """Return where the axis ends: a little after what ran, what was planned and the band's end near by."""
    if is_far_from_plan(execution):
        return max(round(execution["makespan_ms"] * 1.02), 1)
    planned = max((task["planned"][1] for task in chosen.shown if task["planned"]), default=0)
    last = max(execution["makespan_ms"], execution["estimate_ms"] or 0, planned, 1)
    band = execution["band_ms"]
    if band is not None and band[1] < 2 * last:
        last = max(last, band[1])
    return round(last * 1.02)


def is_far_from_plan(execution: ExecutionDocument) -> bool:
    """Whether so little of what was planned ran, or so fast, that the two cannot be drawn on one axis."""
    planned = max((task["planned"][1] for task in execution["tasks"] if task["planned"]), default=0)
    return not execution["is_open"] and max(planned, execution["estimate_ms"] or 0) > FAR * execution["makespan_ms"]


def _background(execution: ExecutionDocument, scale: Scale, height: int) -> Iterator[Markup]:
    for phase in execution["phases"]:
        begin, end = phase["start_ms"], phase["end_ms"]
        if begin is None:
            continue
        name = element("title", f"phase {phase['number']}: {phase['name']}")
        end = execution["makespan_ms"] if end is None else end
        kind = "phase odd" if phase["number"] % 2 else "phase"
        yield element("rect", name, x=scale.percent(begin), width=scale.width(begin, end), y=AXIS, height=height - AXIS,
                      class_=kind)  # fmt: skip
    yield from phase_names(execution, scale)


def _stalls(stalls: Sequence[Stall], scale: Scale, height: int) -> Iterator[Markup]:
    """Draw a stripe for each stretch, and on the axis a mark that shows however short it was."""
    for stall in stalls:
        x, width = scale.percent(stall.start_ms), scale.width(stall.start_ms, stall.end_ms)
        title = element("title", f"{stall.told}, from {format_ms(stall.start_ms)}")
        yield element("rect", title, x=x, width=width, y=AXIS, height=height - AXIS, class_="stall")
        yield element("rect", title, x=x, width=width, y=AXIS - 4, height=8, class_=f"stall-mark {stall.source}")


def _anchor(percent: float) -> str:
    """Say where the text of a tick stands, so that neither edge cuts it off."""
    if percent == 0:
        return "start"
    return "end" if percent > _LAST_PERCENT else "middle"


def _axis(execution: ExecutionDocument, scale: Scale, height: int) -> Iterator[Markup]:
    for at, text in scale.ticks():
        x = scale.percent(at)
        yield element("line", x1=x, x2=x, y1=AXIS, y2=height, class_="grid")
        yield element("text", text, x=x, y=AXIS - 6, class_="tick", text_anchor=_anchor(scale.at(at)))
    band = execution["band_ms"]
    if band is not None and band[0] < scale.end_ms:
        title = element("title", f"band: {format_ms(band[0])} to {format_ms(band[1])}")
        yield element("rect", title, x=scale.percent(band[0]), width=scale.width(*band), y=AXIS - 3, height=5,
                      class_="band")  # fmt: skip
    if execution["estimate_ms"] is not None and execution["estimate_ms"] <= scale.end_ms:
        yield _upright("planned-end", "planned end", execution["estimate_ms"], scale, height)
    yield _upright("end", "now" if execution["is_open"] else "end", execution["makespan_ms"], scale, height)
    for point in execution["checkpoints"]:
        note = (f"at {format_ms(point['at_ms'])}: {point['completed']} done, {point['running']} running, "
                f"{point['percent']:g} %, {point['errors']} errors")  # fmt: skip
        yield element("circle", element("title", note), cx=scale.percent(point["at_ms"]), cy=AXIS, r=3, class_="check")


def _upright(kind: str, text: str, at_ms: int, scale: Scale, height: int) -> Markup:
    x = scale.percent(at_ms)
    title = element("title", f"{text}: {format_ms(at_ms)}")
    return element("line", title, x1=x, x2=x, y1=AXIS - 4, y2=height, class_=kind)


def _path(execution: ExecutionDocument, scale: Scale) -> Iterator[Markup]:
    """Draw the partition of the makespan: its stretches touch, and end at its end."""
    least = (
        execution["makespan_ms"] / 2000
    )  # of thousands of stretches only those one can see, the others as their gaps
    for segment in execution["segments"]:
        begin, end = segment["start_ms"], segment["end_ms"]
        if end - begin < least:
            continue
        whose = f" of {segment['ref']}" if segment["ref"] else ""
        blame = f", its worker was busy with {segment['blame']}" if segment["blame"] else ""
        yield element("rect", element("title", f"{segment['kind']}{whose}: {format_ms(end - begin)}{blame}"),
                      x=scale.percent(begin), width=scale.width(begin, end), y=AXIS + 8, height=14,
                      class_=f"k-{segment['kind'].replace(' ', '-')}")  # fmt: skip


def _connectors(chosen: Rows, scale: Scale, place: Mapping[str, int]) -> Iterator[Markup]:
    """Draw, for what is on the critical path, the line from what it waited for."""
    ends = {task["ref"]: _end_of(task) for task in chosen.shown}
    for task in chosen.shown:
        before = task["waited_for"]
        if task["is_critical"] and before is not None and before in place and (end := ends[before]) is not None:
            x = scale.percent(end)
            yield element(
                "line", x1=x, x2=x, y1=place[before] + ROW / 2, y2=place[task["ref"]] + ROW / 2, class_="link"
            )


def _end_of(task: TaskDocument) -> int | None:
    last = last_attempt(task)
    return last["end_ms"] if last else None


def _row(
    task: TaskDocument, scale: Scale, y: int, row_id: str, execution: ExecutionDocument, *, is_far: bool
) -> Markup:
    parts: list[Markup] = []
    if task["planned"] is not None and task["estimate_ms"] and not is_far:
        begin, end = task["planned"]
        parts.append(element("rect", x=scale.percent(begin), width=scale.width(begin, end), y=2, height=18, rx=2,
                             class_="plan"))  # fmt: skip
    watched = [(point["low_ms"], point["high_ms"]) for point in execution["watch"] if point["ref"] == task["ref"]]
    parts += [element("rect", x=scale.percent(low), width=scale.width(low, high), y=1, height=20, class_="watch")
              for low, high in watched if not is_far]  # fmt: skip
    for attempt in task["attempts"]:
        parts.extend(_attempt(attempt, scale, execution["makespan_ms"]))
    words = told(task)
    for low, high in watched:
        words += f", expected to start from {format_ms(low)} to {format_ms(high)}"
    return element(
        "a",
        element("title", words),
        element("rect", x=0, width="100%", y=0, height=ROW, class_="hit"),
        *parts,
        id=row_id,
        href=f"#{row_id}",
        class_="row critical" if task["is_critical"] else "row",
        transform=f"translate(0 {y})",
        data_y=y,
        data_name=task["ref"][:200],
        aria_label=words,
    )


def _attempt(attempt: AttemptDocument, scale: Scale, now_ms: int) -> Iterator[Markup]:
    scheduled, ready, start = attempt["scheduled_ms"], attempt["ready_ms"], attempt["start_ms"]
    end = attempt["end_ms"] if attempt["end_ms"] is not None else now_ms
    if scheduled is not None and ready is not None and ready > scheduled:
        yield element("rect", x=scale.percent(scheduled), width=scale.width(scheduled, ready), y=9, height=4,
                      class_="k-retry-delay")  # fmt: skip
    waited_until = start if start is not None else end
    if ready is not None and waited_until > ready:
        yield element("rect", x=scale.percent(ready), width=scale.width(ready, waited_until), y=7, height=8,
                      class_="k-queue")  # fmt: skip
    if start is None:
        return
    kind = "bad" if attempt["status"] not in SUCCESSFUL and attempt["end_ms"] is not None else "work"
    yield element("rect", x=scale.percent(start), width=scale.width(start, end), y=5, height=12, rx=1,
                  class_=f"{kind} open" if attempt["end_ms"] is None else kind)  # fmt: skip
    if kind == "bad":
        yield element("text", "✕", x=scale.percent(end), dx=2, y=15, class_="cross")


def _name(task: TaskDocument, y: int, index: int) -> Markup:
    last = last_attempt(task)
    took = ""
    if last and last["start_ms"] is not None and last["end_ms"] is not None:
        took = format_ms(last["end_ms"] - last["start_ms"])
    note = f"{status_of(task)} " if status_of(task) not in SUCCESSFUL else ""
    return element(
        "g",
        element("text", _short(task["ref"]), x=6, y=15, class_="name strong" if task["is_critical"] else "name"),
        element("text", note + took, x="100%", dx=-8, y=15, class_="took", text_anchor="end"),
        transform=f"translate(0 {y})",
        data_y=y,
        data_index=index,
    )


def _density(execution: ExecutionDocument, chosen: Rows, scale: Scale, y: int) -> Iterator[Markup]:
    """Draw the tasks without a row as one strip: the darker, the more of them ran at once."""
    if not chosen.rest:
        return
    counts = [0] * (BINS + 1)
    for task in chosen.rest:
        for begin, end in intervals(task, execution["makespan_ms"]):
            counts[round(scale.at(begin) * BINS / 100)] += 1
            counts[min(round(scale.at(end) * BINS / 100) + 1, BINS)] -= 1
    running, most, steps = 0, 1, []
    for change in counts:
        running += change
        most = max(most, running)
        steps.append(running)
    for index, count in enumerate(steps[:BINS]):
        if count > 0:
            yield element("rect", x=f"{100 * index / BINS:g}%", width=f"{100 / BINS:g}%", y=y + 4, height=14,
                          class_="work", fill_opacity=round(0.2 + 0.8 * count / most, 2))  # fmt: skip


def told(task: TaskDocument) -> str:
    """Say in one line what a task did: for pointers, keyboards and screen readers."""
    parts = [f"{_short(task['ref'])}: {status_of(task)}{' (simulated)' if task['is_simulated'] else ''}"]
    last = last_attempt(task)
    if last:
        begin = last["start_ms"]
        if begin is not None:
            parts.append(f"from {format_ms(begin)}")
            if last["end_ms"] is not None:
                parts.append(f"to {format_ms(last['end_ms'])}, {format_ms(last['end_ms'] - begin)}")
            if last["ready_ms"] is not None and begin > last["ready_ms"]:
                parts.append(f"waited {format_ms(begin - last['ready_ms'])} for a worker")
        if last["number"] > 1:
            parts.append(f"attempt {last['number']}")
        if last["reason"]:
            parts.append(_short(last["reason"], 200))
    if task["estimate_ms"]:
        parts.append(f"estimated {format_ms(task['estimate_ms'])}")
    if task["waited_for"]:
        parts.append(f"after {_short(task['waited_for'])}")
    parts.append("on the critical path" if task["is_critical"] else f"slack {format_ms(task['slack_ms'])}")
    return ", ".join(parts)


def _short(text: str, most: int = 48) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
