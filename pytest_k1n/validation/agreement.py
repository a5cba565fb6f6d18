"""Documents of ours that contradict themselves: no run writes such a one, so somebody has changed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_k1n.validation.schema import SchemaProblem


def of_results(document: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """Yield where a results file that its schema allows says two things of one."""
    gates, verdict = document["gates"], document["verdict"]
    if verdict == "pass" and gates is not None and gates["verdict"] in ("fail", "unknown"):
        yield SchemaProblem("$.verdict", f"pass, and gates.verdict is {gates['verdict']}")
    started_ms, ended_ms, makespan_ms = (document[name] for name in ("started_ms", "ended_ms", "makespan_ms"))
    if started_ms is not None and ended_ms is not None:
        if ended_ms < started_ms:
            yield SchemaProblem("$.ended_ms", "before started_ms")
        elif makespan_ms != ended_ms - started_ms:
            yield SchemaProblem(
                "$.makespan_ms", f"{makespan_ms}, and from started_ms to ended_ms it is {ended_ms - started_ms}"
            )


def of_run(document: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """Yield where a run's document that its schema allows says two things of one."""
    if document["verdict"] != "pass":
        return
    for index, batch in enumerate(document["batches"]):
        if batch["verdict"] == "fail":
            yield SchemaProblem("$.verdict", f"pass, and batches[{index}].verdict is fail")
    for index, test in enumerate(document["tests"]):
        if test["outcome"] == "failed":
            yield SchemaProblem("$.verdict", f"pass, and tests[{index}].outcome is failed: {test['node_id']}")
