"""The `fault` mark: which fault strikes the execution of a test, and where."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_k1n.chaos.faults import Injection, injection
from pytest_k1n.run.marks import WorkflowMark, from_mark, workflow_mark

_LONGEST_LEASES = 100.0


@dataclass(frozen=True, slots=True)
class FaultMark:
    """The arguments of `@pytest.mark.fault(...)`."""

    kind: str
    at: str
    """Ref of the task that it strikes at."""
    phase: str | None = None
    """delivery, work or report; default: the first of the kind's but delivery."""
    lasts: float = 0.5
    """How long what is down, frozen or silent stays so, in leases (response time-outs) of the task."""

    def injection(self) -> Injection:
        """Read it. Raises UnknownFault, ValueError."""
        lasts: object = self.lasts  # whatever the author of a test wrote
        if not isinstance(lasts, int | float) or not 0 < lasts <= _LONGEST_LEASES:
            wanted = f"a number of leases above 0, at most {_LONGEST_LEASES:g}"
            raise ValueError(f"lasts must be {wanted}, not {self.lasts!r}")
        return injection(self.kind, self.at, self.phase, lasts=self.lasts)


def fault_mark(item: pytest.Item) -> tuple[Injection, WorkflowMark]:
    """Read a test's closest fault mark, and the workflow that it strikes. Raises UsageError that names the test."""
    mark = item.get_closest_marker("fault")
    workflow = workflow_mark(item)
    if mark is None or workflow is None:
        missing = "fault('server-killed', at='REF')" if mark is None else "workflow('NAME')"
        raise pytest.UsageError(f"{item.nodeid}: asks for struck_execution: mark it with pytest.mark.{missing}")
    if len([each for each in item.own_markers if each.name == "fault"]) > 1:
        raise pytest.UsageError(
            f"{item.nodeid}: has two fault marks, and an execution is struck by one fault: "
            "write a test for each, or pytest.param(..., marks=pytest.mark.fault(...))"
        )
    try:
        return from_mark(FaultMark, mark.args, mark.kwargs).injection(), workflow
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: fault mark: {error}") from None
