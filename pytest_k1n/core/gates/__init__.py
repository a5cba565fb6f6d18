"""Quality gates: the only place that decides them. Pytest items, `k1n gates`, probes and reports show what it says."""

from pytest_k1n.core.gates.category import Category, CategoryResult, CategoryVerdict, Located, judge
from pytest_k1n.core.gates.document import gate_results, probe_output, quality_document
from pytest_k1n.core.gates.facts import BatchObservation, Facts, FaultOutcome, GateSettings, budgets, single
from pytest_k1n.core.gates.quality import Checks, Quality, evaluate
from pytest_k1n.core.gates.table import CATEGORIES, PROBES, category

__all__ = [
    "CATEGORIES",
    "PROBES",
    "BatchObservation",
    "Category",
    "CategoryResult",
    "CategoryVerdict",
    "Checks",
    "Facts",
    "FaultOutcome",
    "GateSettings",
    "Located",
    "Quality",
    "budgets",
    "category",
    "evaluate",
    "gate_results",
    "judge",
    "probe_output",
    "quality_document",
    "single",
]
