"""Retries behind a skipped task, which never succeed, and what of a worker's words a record does not keep."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FINAL, case, definitions, fork, simple, step
from pytest_k1n.conformance.cases import Action, Case

DEFS = definitions("abcd")


def dead_ends() -> Iterator[Case]:
    yield from _behind_skipped()
    yield from _updates()


def _behind_skipped() -> Iterator[Case]:
    four = [simple(ref) for ref in "abcd"]
    for operation in ("retry", "rerun", "restart", "bulk retry"):
        yield case(
            f"{operation} of what failed behind a skipped task",
            *four,
            defs=DEFS,
            script={"c": [FINAL]},
            steps=[step("skip", "b", after=0), step(operation), step("decide"), step("retry")],
        )
    yield case(
        "retry of what was terminated with a task skipped",
        *four,
        defs=DEFS,
        steps=[step("skip", "b", after=0), step("terminate", after=1), step("retry"), step("decide")],
    )
    yield case(
        "retry of a fork with a task skipped behind it",
        *fork([simple("a")], [simple("b")]),
        simple("c"),
        simple("d"),
        defs=DEFS,
        script={"b": [FINAL]},
        steps=[step("skip", "d", after=0), step("retry"), step("decide")],
    )


def _updates() -> Iterator[Case]:
    for length in (500, 501, 3000):
        yield case(
            f"a reason of {length} characters",
            simple("a"),
            defs=DEFS,
            script={"a": [Action(status="FAILED", reason="y" * length)]},
        )
