"""The quality gates of a batch that has ended: evaluated once, published as a document, told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.runfolder import RunState
from pytest_k1n.engine.runtime.collecting import OnlyYoung
from pytest_k1n.run.run import Run

if TYPE_CHECKING:
    from pytest_k1n.core.gates.document import PublishedQuality, QualityDocument
    from pytest_k1n.core.gates.facts import JoinControl
    from pytest_k1n.core.timing.capability import Capability


def judge(
    run: Run, batch: BatchRun, state: RunState, capability: Capability | None, control: JoinControl | None
) -> PublishedQuality:
    """Evaluate the quality gates of a batch that has ended: as a whole, and each execution for its results file."""
    from pytest_k1n.core.gates import BatchObservation, Facts, GateSettings, budgets, evaluate, quality_document
    from pytest_k1n.validation.schema import problems_of

    observed = {watch: watch.observation for watch in batch.watches if watch.observation is not None}
    keys = {watch: watch.title for watch in observed if not watch.start.alone}
    alone = {watch.start.workflow: each for watch, each in observed.items() if watch.start.alone}
    ours = GateSettings(
        min_pass_rate=run.settings.min_pass_rate / 100,
        workers="own" if state.slots else "external",
        engine=state.server is not None and state.server["url"] is None,
        also_blocking=frozenset({"G17"}) if run.settings.regression == "fail" else frozenset(),
        validate=problems_of,
    )
    settings = budgets(capability, ours)
    together = BatchObservation(
        observations={key: observed[watch] for watch, key in keys.items()},
        alone=alone or None,
        facts=Facts(regressions=batch.compared if run.settings.history else None, control=control),
    )
    with OnlyYoung():  # what they work out lives as long as the run
        return {
            "v": 1,
            "joins": [[*join.lag, join.step_ms] for join in control.joins] if control else [],
            "batch": quality_document(evaluate(together, settings)),
            "executions": {
                watch.workflow_id: quality_document(evaluate(together.only(key), settings))
                for watch, key in keys.items()
            },
        }


_NOT_PASSED = ("fail", "unknown")
_NAMED = 4
"""How many gates that did not pass a line names."""


def summary_line(batch: str, document: QualityDocument) -> str:
    """Say a quality document's three figures in a line."""
    checks, categories = document["checks"], document["categories"]
    evaluated = [each for each in categories if each["evaluated"]]
    passed = sum(each["verdict"] not in ("fail", "unknown") for each in evaluated)
    rate = "no check was evaluated" if document["rate"] is None else f"{document['rate']:.1%}"
    parts = [f"{rate} of {checks['passed'] + checks['failed']} checks (Wilson {document['wilson_low']:.1%})"]
    parts += [f"{checks[name]} {name}" for name in ("unknown", "simulated") if checks[name]]
    return f"{batch}: {', '.join(parts)}; {passed} of {len(evaluated)} categories"


def not_passed(document: QualityDocument) -> str:
    """Name the gates that did not pass, for the end of that line; empty if all did."""
    gates = [f"{each['title']} ({each['id']})" for each in document["categories"] if each["verdict"] in _NOT_PASSED]
    return f"; not {', '.join(gates[:_NAMED])}{', …' if gates[_NAMED:] else ''}" if gates else ""
