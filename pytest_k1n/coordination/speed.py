"""How fast scaled time may be for what starts at one moment to overlap: a server hands out task after task. Pure.

Six branches of three executions at once are 18 tasks. A server that needs 20 ms for each has handed out the last one
360 ms after the first; work of 4.5 minutes takes 450 ms at x600, and on a machine that does anything else besides, the
first had ended before the last began. That is no fault of the workflow, nor one of the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import floor, inf

from pytest_k1n.coordination.collection import Launch, Start, groups
from pytest_k1n.core.plan import Plan, Template

HAND_OUT_MS = 20
"""Raw time from task to task that were queued together: Conductor 3.32.1 on SQLite does 50 to 59 a second."""
ROOM = 4
"""How many times the whole handing out the shortest of the work must last: a machine that is shared takes thrice."""
USUAL_FORK_MS = 160
"""What the head of a fork waits at most on an idle machine with two processors: 69 to 88 ms, when warm."""
_LATE = (1, 2, 4)
_STEP = 10


def overlap_speed(
    plan: Plan | None, launches: Iterable[Launch], *, sequential: bool = False, fork_ms: int | None = None
) -> float:
    """Return the highest speed at which the plan's parallel groups can overlap: 1 or more, infinity without any.

    A server that let the head of a fork wait for longer than `USUAL_FORK_MS` when it was warmed up, for want of a
    machine, gets half, a quarter or an eighth of that: in steps, so that runs of one machine have one speed.
    """
    if plan is None:
        return inf
    batches: dict[int, list[Launch]] = {}
    for launch in launches:
        batches.setdefault(launch.batch, []).append(launch)
    together = [group for each in batches.values() for group in groups(each, sequential=sequential)]
    fastest = min((_speed(plan, group) for group in together), default=inf) / lateness(fork_ms)
    if fastest == inf:
        return inf
    return max(1.0, floor(fastest / _STEP) * _STEP if fastest > _STEP else fastest)


def lateness(fork_ms: int | None) -> int:
    """Say how many times slower than usual a server is: 1, 2, 4 or 8, by a fork without work; 1 if unknown."""
    return 1 << sum((fork_ms or 0) >= USUAL_FORK_MS * each for each in _LATE)


def _speed(plan: Plan, group: Sequence[Start]) -> float:
    """Return the highest speed for executions that start at one moment.

    Copies of one workflow come to each of its parallel groups together; of other workflows the widest one counts.
    """
    copies = Counter(start.workflow for start in group)
    templates = {name: plan.template_for(name) for name in copies}
    widest = {name: copies[name] * _width(template) for name, template in templates.items()}
    speeds = [inf]
    for name, template in templates.items():
        beside = sum(widest.values()) - widest[name]
        for refs in template.parallel if template else ():
            known = [template.estimates_ms[ref] for ref in refs if template and ref in template.estimates_ms]
            tasks = copies[name] * len(refs) + beside
            speeds.append(min(known, default=inf) / (ROOM * HAND_OUT_MS * tasks))
    return min(speeds)


def _width(template: Template | None) -> int:
    return max(map(len, template.parallel if template else ()), default=1)
