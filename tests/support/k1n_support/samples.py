"""Samples of executions as the history keeps them; processes that tests start import them too."""

from __future__ import annotations

from pytest_k1n.core.baselines.series import Sample, SeriesKey


def sample(
    run="r1", *, workflow="wf", definition="d", environment="e", at=1, names=("pack", "ship"), ms=1000, verdict="pass"
):
    durations = {SeriesKey("", "makespan"): ms * len(names)}
    for ref in names:
        durations |= {SeriesKey(ref, "exec"): ms, SeriesKey(ref, "queue"): 5}
    return Sample(
        run_uid=run,
        workflow_id=f"id-{run}",
        workflow=workflow,
        definition=definition,
        environment=environment,
        started_ms=at,
        verdict=verdict,
        durations=durations,
        names={ref: f"name of {ref}" for ref in names},
        is_simulated=False,
    )
