"""Templates 02 and 03, launched at the same moment: they overlap, and neither disturbs the other."""

import pytest

from pytest_k1n import finishes_before, isolated_from, not_slower_than, overlaps_with, spans_batch

CHAIN, PARALLEL = "K1N_TEMPLATE_02", "K1N_TEMPLATE_03"

pytestmark = pytest.mark.batch2


def test_they_really_overlap(batch_execution):
    batch_execution[PARALLEL].expect(overlaps_with(batch_execution[CHAIN]))


def test_neither_leaves_a_trace_in_the_other(batch_execution):
    batch_execution[PARALLEL].expect(isolated_from(batch_execution[CHAIN]))
    batch_execution[CHAIN].expect(isolated_from(batch_execution[PARALLEL]))


def test_the_parallel_tasks_finish_before_the_chain(batch_execution):
    batch_execution[PARALLEL].expect(finishes_before(batch_execution[CHAIN]))


def test_the_batch_takes_as_long_as_the_chain(batch_execution):
    batch_execution[CHAIN].expect(spans_batch(batch_execution[PARALLEL], slack="150ms"))


def test_neither_is_slower_than_alone(batch_execution, executions_alone):
    batch_execution[CHAIN].expect(not_slower_than(executions_alone[CHAIN], tolerance="10%"))
    batch_execution[PARALLEL].expect(not_slower_than(executions_alone[PARALLEL], tolerance="10%"))
