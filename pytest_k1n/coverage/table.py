"""Coverage for a terminal: a row a definition, and what to write next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.text import one_line
from pytest_k1n.coverage.goals import Goal, GoalKind
from pytest_k1n.coverage.merging import Covered, rate

COLUMNS: tuple[tuple[str, tuple[GoalKind, ...]], ...] = (
    ("tasks", (GoalKind.TASK, GoalKind.SUB_WORKFLOW, GoalKind.TERMINATION)),
    ("cases", (GoalKind.CASE, GoalKind.DEFAULT)),
    ("loops", (GoalKind.LOOP,)),
    ("forks", (GoalKind.FORK,)),
    ("retries", (GoalKind.RETRY,)),
    ("timeouts", (GoalKind.TIMEOUT,)),
    ("failures", (GoalKind.OPTIONAL, GoalKind.PERMISSIVE, GoalKind.FAILURE)),
)
NEXT = 6
"""Lines about what is missing; the rest is counted."""
LONGEST = 240
NAMED = 3
"""Tasks that are named where the same is missing of many."""
_ALIKE = (GoalKind.RETRY, GoalKind.TIMEOUT)


def table(definitions: Sequence[Covered], *, most: int | None = NEXT) -> Iterator[str]:
    """Show definitions, their sum, and of what is missing at most so many lines."""
    used = [(name, kinds) for name, kinds in COLUMNS if any(each.of_kind(*kinds)[1] for each in definitions)]
    rows = [("definition", *(name for name, _ in used), "covered")]
    rows += [
        (each.title, *(_fraction(*each.of_kind(*kinds)) for _, kinds in used), f"{rate([each]):.1%}")
        for each in definitions
    ]
    if len(definitions) != 1:
        sums = (
            _fraction(*map(sum, zip(*(each.of_kind(*kinds) for each in definitions), strict=True))) for _, kinds in used
        )
        rows.append(("all", *sums, f"{rate(definitions):.1%}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (one_line(cell) for cell in row)
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells])
    yield from missing(definitions, most=most)


def missing(definitions: Sequence[Covered], *, most: int | None = None) -> Iterator[str]:
    """Say what to write next: from each definition in turn, so that none of them fills the screen."""
    queues = [list(_next_of(each)) for each in definitions]
    left = [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]
    shown = left if most is None else left[:most]
    if shown:
        yield "what to write next:"
    yield from (one_line(f"  {line}", most=LONGEST) for line in shown)
    if len(shown) < len(left):
        yield f"  and {len(left) - len(shown)} more: --k1n-cov-report=FILE.html has them all"


def _next_of(covered: Covered) -> Iterator[str]:
    """Say what is missing of one definition; what is missing of many tasks alike is one line."""
    if not covered.executions:
        yield f"{covered.title}  never ran: write a test that runs it"
        return
    alike: dict[GoalKind, list[Goal]] = {}
    for goal in covered.missing:
        if goal.kind in _ALIKE:
            alike.setdefault(goal.kind, []).append(goal)
        else:
            yield f"{covered.title}  {goal.what}: {goal.advice}"
    for first, *others in alike.values():
        named = ", ".join([goal.name for goal in others[:NAMED]] + ["..."] * (len(others) > NAMED))
        more = f"; so for {len(others)} more: {named}" if others else ""
        yield f"{covered.title}  {first.what}: {first.advice}{more}"


def _fraction(met: int, goals: int) -> str:
    return f"{met}/{goals}" if goals else "-"
