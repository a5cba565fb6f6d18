"""What the plan says of times, of an execution that is given up: a run that is interrupted leaves it behind."""

from types import SimpleNamespace

import pytest

from pytest_k1n.coordination.watch import RUN_ENDED
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.observation import observe
from pytest_k1n.run.results import _missed


@pytest.mark.parametrize(
    ("so_far_ms", "why", "missed"),
    [
        (3, RUN_ENDED, []),
        (90_000, RUN_ENDED, ["outside-band"]),
        (3, "its worker died", ["not-finished"]),
    ],
)
def test_who_is_left_behind_by_its_run_has_missed_only_what_it_has_overrun(
    execution, task, define, so_far_ms, why, missed
):
    template = Template(id="99", slug="x", workflow="wf", batch=1, band_ms=(30_000, 60_000))
    run = execution(task("a", 0, None, status="IN_PROGRESS"))
    definition = define.workflow("a")
    seen = observe(run, template=template, definition=definition, released=why, now_ms=run.started_ms + so_far_ms)
    assert [each.code for each in _missed(SimpleNamespace(observation=seen))] == missed
