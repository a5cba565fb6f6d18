"""The quality gates of every batch that has a selected test, and their pass rate (`--k1n-min-pass-rate`)."""

import pytest

pytestmark = pytest.mark.gate


def test_quality_gate(quality_gate):
    quality_gate.check()


def test_pass_rate(batch_quality):
    batch_quality.check()
