"""What would make a recorded execution faster: changes of its model, tried one by one, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from pytest_k1n.core.schedule.whatif import Model, ModelledTask
from pytest_k1n.core.units import format_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One answer: a change, and what the makespan would be."""

    text: str
    makespan_ms: int
    saved_ms: int
    edit: Callable[[], Model]
    """Makes the changed model: of thousands of changes few are looked at again."""
    refs: tuple[str, ...] = ()
    """The tasks that it changes."""
    note: str = ""

    @property
    def model(self) -> Model:
        """The changed model."""
        return self.edit()


def changes(model: Model, *, target_ms: int | None = None, most: int = 10) -> list[Change]:
    """Return single changes that help, best first: for a target the smallest shortening that reaches it.

    Tasks of one chain and phase are proposed to run side by side; where one reads another's output, the note says so.
    """
    now = model.makespan_ms()
    found = [*_shortenings(model, now, target_ms), *_groups(model, now)]
    found = [each for each in found if each.saved_ms > 0]
    if target_ms is not None:  # of those that reach it, the one that asks for the least
        found.sort(key=lambda change: (change.makespan_ms > target_ms, change.makespan_ms, change.text))
    else:
        found.sort(key=lambda change: (change.makespan_ms, change.text))
    return found[:most]


def plan_to(model: Model, target_ms: int, *, most: int = 4) -> list[Change]:
    """Return a few changes that together reach a target, the most helpful first; as far as it goes if none do."""
    taken: list[Change] = []
    changed: set[str] = set()
    while model.makespan_ms() > target_ms and len(taken) < most:
        offered = changes(model, target_ms=target_ms, most=len(model.steps))
        best = next((each for each in offered if not changed & set(each.refs)), None)
        if best is None:
            break
        taken.append(best)
        changed |= set(best.refs)
        model = best.model
    return taken


def _shortenings(model: Model, now: int, target_ms: int | None) -> Iterable[Change]:
    aside, through = model.makespans()
    for place in model.longest_places():
        step = model.steps[place]
        if step.pool is None or not step.hold_ms:
            continue
        least = max(aside[place], through[place])
        if least >= now:
            continue
        if target_ms is not None and least <= target_ms < now:
            hold_ms = target_ms - through[place]
            text = f"shorten {step.ref} by {1 - hold_ms / step.hold_ms:.0%}"
            note = f"from {format_ms(step.hold_ms)} to {format_ms(hold_ms)}"
        else:
            hold_ms = step.hold_ms // 2
            text, note = f"halve {step.ref}", f"from {format_ms(step.hold_ms)}"
        makespan_ms = max(aside[place], through[place] + hold_ms)
        edit = partial(model.with_duration, step.ref, hold_ms)
        yield Change(
            text=text, makespan_ms=makespan_ms, saved_ms=now - makespan_ms, edit=edit, refs=(step.ref,), note=note
        )


def _groups(model: Model, now: int) -> Iterable[Change]:
    reads = {step.ref: step.reads for step in model.steps}
    for refs in chains(model):
        place = {ref: index for index, ref in enumerate(refs)}
        needs = [
            f"{ref} must not read {other}"
            for ref in refs
            for other in sorted({each for each in reads[ref] if each in place}, key=place.__getitem__)
        ]
        more = f" and {len(needs) - 2} more" if len(needs) > 2 else ""
        note = f"{', '.join(needs[:2])}{more}" if needs else "none reads another's output"
        yield _change(f"run {_listed(refs)} side by side", model.side_by_side(refs), now, refs, note)


def chains(model: Model) -> list[tuple[str, ...]]:
    """Return the longest runs of worker tasks of one phase, each of which waits for the one before and nothing else."""
    followers = dict.fromkeys((step.ref for step in model.steps), 0)
    for step in model.steps:
        for ref in step.after:
            if ref in followers:
                followers[ref] += 1
    found: list[list[ModelledTask]] = [[]]
    for step in model.steps:
        run = found[-1]
        if (
            run
            and step.pool
            and step.has_run
            and step.after == (run[-1].ref,)
            and followers[run[-1].ref] == 1
            and step.phase == run[0].phase
        ):
            run.append(step)
        else:
            found.append([step] if step.pool and step.has_run else [])
    return [tuple(step.ref for step in run) for run in found if len(run) > 1]


def _change(text: str, model: Model, now: int, refs: tuple[str, ...], note: str) -> Change:
    makespan = model.makespan_ms()
    return Change(text=text, makespan_ms=makespan, saved_ms=now - makespan, edit=lambda: model, refs=refs, note=note)


def _listed(refs: Sequence[str]) -> str:
    if len(refs) > 5:
        return f"{refs[0]}, {refs[1]} to {refs[-1]} ({len(refs)} tasks)"
    return f"{', '.join(refs[:-1])} and {refs[-1]}"
