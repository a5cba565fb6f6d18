"""pytest-k1n: acceptance tests for workflows on Conductor, judged from the server's own records.

The public names are imported on first use, so that pytest starts as fast with the plugin as without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_k1n.core.expectations import *  # noqa: F403
    from pytest_k1n.core.findings import Finding as Finding
    from pytest_k1n.core.findings import Findings as Findings
    from pytest_k1n.core.findings import Verdict as Verdict
    from pytest_k1n.core.model import Execution as Execution
    from pytest_k1n.core.model import TaskRecord as TaskRecord
    from pytest_k1n.fixtures.execution import ObservedExecution as ObservedExecution
    from pytest_k1n.fixtures.quality import QualityGateWarning as QualityGateWarning
    from pytest_k1n.workers.handler import Outcome as Outcome
    from pytest_k1n.workers.handler import TaskContext as TaskContext
    from pytest_k1n.workers.handler import TaskFailed as TaskFailed

_HOMES = {
    "Execution": "pytest_k1n.core.model",
    "Finding": "pytest_k1n.core.findings",
    "Findings": "pytest_k1n.core.findings",
    "ObservedExecution": "pytest_k1n.fixtures.execution",
    "Outcome": "pytest_k1n.workers.handler",
    "QualityGateWarning": "pytest_k1n.fixtures.quality",
    "TaskContext": "pytest_k1n.workers.handler",
    "TaskFailed": "pytest_k1n.workers.handler",
    "TaskRecord": "pytest_k1n.core.model",
    "Verdict": "pytest_k1n.core.findings",
}
_EXPECTATIONS = "pytest_k1n.core.expectations"


def __getattr__(name: str) -> object:
    import importlib

    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOMES.get(name, _EXPECTATIONS))
    if name not in _HOMES and name not in home.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(home, name)


def __dir__() -> list[str]:
    import importlib

    return sorted([*_HOMES, *importlib.import_module(_EXPECTATIONS).__all__])
