"""How many checks of a gate passed, in words."""

from __future__ import annotations

import pytest

from pytest_k1n.core.gates.document import counted


def fails(number: int) -> list[dict[str, str]]:
    return [{"verdict": "fail"}] * number + [{"verdict": "warn"}]


@pytest.mark.parametrize(
    ("passed", "evaluated", "simulated", "failing", "says"),
    [
        (0, 0, 0, 0, ""),
        (6, 6, 0, 0, "6 of 6 edges"),
        (4, 6, 0, 2, "4 of 6 edges"),
        (0, 0, 5, 1, "4 of 5 on simulated work"),
        (6, 6, 7, 2, "6 of 6 edges, 5 of 7 on simulated work"),
        (5, 6, 7, 3, "5 of 6 edges, 5 of 7 on simulated work"),
    ],
)
def test_what_failed_on_simulated_work_is_told_beside_what_was_evaluated(
    passed: int, evaluated: int, simulated: int, failing: int, says: str
) -> None:
    counts = {"passed": passed, "evaluated": evaluated, "simulated": simulated, "unit": "edges"}
    assert counted({**counts, "findings": fails(failing)}) == says  # type: ignore[typeddict-item]
