"""Durations and instants as people read them."""

import pytest

from pytest_k1n.core.units import HOUR_MS, MINUTE_MS, format_ms, iso_utc
from pytest_k1n.core.wire import wire


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0, "0 ms"), (999, "999 ms"), (6_500, "6.50 s"), (37 * MINUTE_MS, "37.0 min"), (190 * MINUTE_MS, "3 h 10 min"),
        (71 * HOUR_MS, "71 h 0 min"), (72 * HOUR_MS, "3 d 0 h"), (-1657 * HOUR_MS, "-69 d 1 h"),
        (8784 * HOUR_MS, "366 d 0 h"),
    ],
)  # fmt: skip
def test_a_duration_has_the_units_that_people_count_in(ms, shown):
    assert format_ms(ms) == shown


@pytest.mark.parametrize(
    ("epoch_ms", "shown"),
    [
        (1_790_000_000_123, "2026-09-21T14:13:20.123Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (1_790_000_000_123_000_000, "9999-12-31T23:59:59.999Z"), (-(10**18), "0001-01-01T00:00:00.000Z"),
    ],
)  # fmt: skip
def test_every_stamp_has_an_instant_that_can_be_written(epoch_ms, shown):
    assert iso_utc(epoch_ms) == shown


def test_an_execution_stamped_in_nanoseconds_is_refused_by_the_name_of_its_field():
    document = {"workflowId": "w", "workflowName": "W", "status": "COMPLETED", "tasks": [], "startTime": 10**18}
    with pytest.raises(wire.WireError, match="execution w: startTime must be in epoch ms, got 1000000000000000000"):
        wire.execution(document)
