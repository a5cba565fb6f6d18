"""What the plan says of orders and claims, batch by batch."""

import pytest

from pytest_k1n import answered_by, completed, concurrent, follows_definition, on_estimate, phase_within, waited, within

ORDERS = [pytest.mark.scaled, pytest.mark.batch1, pytest.mark.workflow("USERS_ORDER")]
CLAIMS = [pytest.mark.scaled, pytest.mark.batch2, pytest.mark.workflow("USERS_CLAIM")]


class TestOrders:
    pytestmark = ORDERS

    def test_it_completes_in_its_order(self, workflow_execution):
        workflow_execution.expect(completed(), follows_definition())

    def test_it_keeps_to_its_plan(self, workflow_execution):
        workflow_execution.expect(within("26m", "30m"), on_estimate(tolerance="30%"), phase_within(2, "11m", "14m"))

    @pytest.mark.phase1
    def test_payment_and_packing_overlap(self, workflow_phase):
        workflow_phase.expect(concurrent("users_charge", "users_pack"))


class TestClaims:
    pytestmark = CLAIMS

    def test_ann_approves_after_two_hours(self, workflow_execution):
        workflow_execution.expect(answered_by("approve", "ann"), waited("approve", least="119m", within="130m"))

    def test_it_is_paid_in_time(self, workflow_execution):
        workflow_execution.expect(completed(), within("2h", "3h"), on_estimate(tolerance="30%"))
