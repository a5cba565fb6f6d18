"""The header's lines; light, for every run in a project with a plan shows them."""

from __future__ import annotations

from pytest_k1n.options import Settings
from pytest_k1n.run import Run


def header(run: Run) -> list[str]:
    """Return the header's lines: nothing where neither a plan nor an option has anything to say."""
    settings = run.settings
    if run.plan is None and not settings.chosen:
        return []
    lines = [f"k1n: server {_server(settings)}, seed {settings.seed}, run {run.uid}"]
    if run.plan is not None:
        lines.append(f"k1n: plan {run.plan.source} ({run.plan_note})")
    if run.is_parallel and run.has_benchmark:
        lines.append("k1n: pytest-benchmark is off under xdist; quality gates and regression verdicts go on")
    return lines


def _server(settings: Settings) -> str:
    if settings.server_source == "default" and settings.time is None:
        return "embedded engine, virtual time"  # what nearly every run says: no need to import any kind of server
    from pytest_k1n.serverchoice import describe_server

    return describe_server(settings)
