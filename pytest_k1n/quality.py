"""Quality gates in pytest: the parametrised gate tests, the evaluation when a batch has ended, what the tests show.

`core.gates` decides everything; a gate test only shows what was decided.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_k1n.outcomes import ExpectationFailed, UnknownVerdict
from pytest_k1n.run import Run

if TYPE_CHECKING:
    from pytest_k1n.coordination.backend import Backend
    from pytest_k1n.coordination.director import BatchRun
    from pytest_k1n.core.model import Json
    from pytest_k1n.core.plan import Plan

Document = Mapping[str, Any]


class QualityGateWarning(UserWarning):
    """A quality gate that is not blocking has failed or could not be decided."""


@dataclass(frozen=True, slots=True)
class QualityGate:
    """One category's verdict on one batch."""

    batch: str
    category: Document

    def check(self) -> None:
        """Raise ExpectationFailed or UnknownVerdict where a blocking category has not passed; warn for others."""
        __tracebackhide__ = True
        category = self.category
        if category["verdict"] not in ("fail", "unknown"):
            return
        text = "\n".join([_headline(self.batch, category), *_lines(category)])
        if not category["blocking"]:
            with warnings.catch_warnings():
                # Its severity was decided by the gate: a project's `error` filter is about its code, not about this.
                warnings.simplefilter("default", QualityGateWarning)
                warnings.warn(text, QualityGateWarning, stacklevel=2)
        elif category["verdict"] == "fail":
            raise ExpectationFailed(text)
        else:
            raise UnknownVerdict(text)


@dataclass(frozen=True, slots=True)
class BatchQuality:
    """The pass rate over all checks of a batch."""

    batch: str
    document: Document
    min_pass_rate: float

    @property
    def rate(self) -> float | None:
        """Percentage of evaluated checks that passed; None if none was evaluated."""
        rate = self.document["rate"]
        return None if rate is None else 100 * float(rate)

    def check(self) -> None:
        """Raise ExpectationFailed if the pass rate is too low, UnknownVerdict if too much is unknown."""
        __tracebackhide__ = True
        if self.document["rate_verdict"] not in ("fail", "unknown"):
            return
        failed = [each for each in self.document["categories"] if each["verdict"] in ("fail", "unknown")]
        lines = [f"{self.summary()}; at least {self.min_pass_rate:g} % must pass"]
        lines += [f"  {reason}" for reason in self.document["reasons"]]
        lines += [f"  {_headline(self.batch, category)}" for category in failed]
        if self.document["rate_verdict"] == "fail":
            raise ExpectationFailed("\n".join(lines))
        raise UnknownVerdict("\n".join(lines))

    def summary(self) -> str:
        """Say the three figures in a line: rate, Wilson lower bound, categories."""
        return summary_line(self.batch, self.document)


def summary_line(batch: str, document: Document) -> str:
    """Say a quality document's three figures in a line."""
    checks, categories = document["checks"], document["categories"]
    evaluated = [each for each in categories if each["evaluated"]]
    passed = sum(each["verdict"] not in ("fail", "unknown") for each in evaluated)
    rate = "no check was evaluated" if document["rate"] is None else f"{document['rate']:.1%}"
    low = f" (Wilson lower bound {document['wilson_low']:.1%})"
    return (
        f"{batch}: {rate}{low} of {checks['passed'] + checks['failed']} checks, {checks['unknown']} unknown, "
        f"{checks['simulated']} on simulated work; {passed} of {len(evaluated)} categories"
    )


def parametrize(metafunc: pytest.Metafunc, plan: Plan | None) -> None:
    """Make one test per batch of the plan, and per category where `quality_gate` is asked for."""
    from pytest_k1n.core.gates import CATEGORIES

    batches = plan.batches if plan else ()
    marks = {batch.number: getattr(pytest.mark, batch.name) for batch in batches}
    if "quality_gate" in metafunc.fixturenames:
        gates = [
            pytest.param(
                (batch.number, category.id),
                marks=marks[batch.number],
                id=f"{batch.name}-{category.id}-{category.title.lower().replace(' ', '-')}",
            )
            for batch in batches
            for category in CATEGORIES
        ]
        metafunc.parametrize("quality_gate", gates, indirect=True)
    else:
        rates = [pytest.param((batch.number, ""), marks=marks[batch.number], id=batch.name) for batch in batches]
        metafunc.parametrize("batch_quality", rates, indirect=True)


def quality_gate_of(run: Run, item: pytest.Item, param: tuple[int, str]) -> QualityGate:
    """Return what a gate test shows; its figures become properties of the test, and so part of JUnit XML."""
    batch, wanted = param
    document = _document(run, item, batch)
    category = next(each for each in document["categories"] if each["id"] == wanted)
    for name in ("verdict", "passed", "evaluated", "unknown", "simulated", "note"):
        item.user_properties.append((f"k1n_{name}", category[name]))
    return QualityGate(f"batch{batch}", category)


def batch_quality_of(run: Run, item: pytest.Item, param: tuple[int, str]) -> BatchQuality:
    """Return the pass rate of a batch; its figures become properties of the test, and so part of JUnit XML."""
    batch, _ = param
    document = _document(run, item, batch)
    for name in ("rate", "wilson_low", "rate_verdict"):
        item.user_properties.append((f"k1n_{name}", document[name]))
    return BatchQuality(f"batch{batch}", document, run.settings.min_pass_rate)


def _document(run: Run, item: pytest.Item, batch: int) -> Document:
    from pytest_k1n.attaching import ready_state

    ready_state(run, item)
    document = run.folder.read_json(f"quality/{batch}.json")
    if document is None:
        pytest.fail(f"batch{batch} was not judged: none of its executions was launched", pytrace=False)
    return cast("Document", document["batch"])


def judge(run: Run, batch: BatchRun, backend: Backend) -> Mapping[str, Json]:
    """Evaluate the quality gates of a batch that has ended: as a whole, and each execution for its results file."""
    from pytest_k1n.core.gates import BatchObservation, GateSettings, evaluate, quality_document

    observed = {watch: watch.observation for watch in batch.watches if watch.observation is not None}
    keys = {watch: watch.title for watch in observed if not watch.start.alone}
    alone = {watch.start.workflow: each for watch, each in observed.items() if watch.start.alone}
    settings = GateSettings(
        min_pass_rate=run.settings.min_pass_rate / 100,
        workers="own" if backend.slots else "external",
        engine=backend.server["url"] is None,
        validate=_validate,
    )
    together = BatchObservation(observations={key: observed[watch] for watch, key in keys.items()}, alone=alone or None)
    whole = evaluate(together, settings)
    single = {
        watch.workflow_id: quality_document(evaluate(together.only(key), settings)) for watch, key in keys.items()
    }
    document = {**quality_document(whole), "rate_verdict": str(whole.rate_verdict)}
    return {"v": 1, "batch": document, "executions": cast("Json", single)}


def _validate(schema: Mapping[str, Json], document: Json) -> list[str]:
    from pytest_k1n.validation.schema import problems_of

    return problems_of(schema, document)


def _headline(batch: str, category: Document) -> str:
    share = f"{category['passed']} of {category['evaluated']} checks passed"
    return f"{category['id']} {category['title']} of {batch}: {category['verdict']}, {share}"


def _lines(category: Document) -> Iterator[str]:
    for finding in category["findings"]:
        by = f", by {finding['margin']}" if finding["margin"] else ""
        origin = f" ({finding['origin']})" if finding["origin"] else ""
        claim = f"expected {finding['expected']}; observed {finding['observed']}{by}{origin}"
        yield f"  {finding['verdict']:<7} {finding['code']}: {finding['subject']}: {claim}"
