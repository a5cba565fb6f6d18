"""Orders: payment and packing run side by side, shipping waits for both."""

import pytest
import shop

from pytest_k1n import (
    TaskFailed,
    attempts,
    completed,
    concurrency,
    concurrent,
    critical_task,
    failed,
    follows_definition,
    in_order,
    independent,
    invoked_once,
    never,
    no_errors_in_logs,
    not_scheduled,
    output,
    ran,
    start_together,
    task_input,
    task_output,
    task_within,
    terminated,
    within,
)

ORDER = {"order": "o-7", "amount": 30}
TAKES = {"users_reserve": "5m", "users_charge": "10m", "users_pack": "8m", "users_ship": "12m"}


def test_it_completes_and_ships_after_both(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER)
    execution.expect(completed(), follows_definition(), in_order("users_charge", "users_ship"))
    execution.expect(in_order("users_pack", "users_ship"), ran("users_ship"))


@pytest.mark.scaled
def test_payment_and_packing_overlap(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, takes=TAKES)
    execution.expect(concurrent("users_charge", "users_pack"), concurrency(2))
    execution.expect(independent("users_charge", "users_pack"))


@pytest.mark.scaled
def test_both_start_at_the_same_moment(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, takes=TAKES)
    execution.expect(start_together("users_charge", "users_pack", spread="2s"))


@pytest.mark.scaled
def test_it_takes_as_long_as_its_longest_way(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, takes=TAKES)
    execution.expect(within("26m", "28m"), task_within("users_charge", "9m", "11m"), critical_task("users_ship"))


@pytest.mark.scaled
def test_the_teams_handlers_do_the_work(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers=shop)
    execution.expect(completed(), output("parcel", equals="p-30"), task_input("users_charge", "amount", equals=30))
    execution.expect(task_output("users_reserve", "reserved", equals="o-7"), no_errors_in_logs())


@pytest.mark.scaled
def test_what_a_handler_sleeps_is_workflow_time(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers="shop")
    execution.expect(task_within("users_charge", "89s", "93s"), task_within("users_pack", "29s", "33s"))


@pytest.mark.scaled
def test_the_output_of_a_handler_is_all_its_own(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers=shop)
    assert execution.output["charge"] == {"paid": 30}
    assert execution.task("users_ship").output == {"parcel": "p-30", "weight": 1.5}


@pytest.mark.scaled
def test_every_handler_is_called_once(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers=shop)
    execution.expect(*(invoked_once(ref) for ref in ("users_reserve", "users_charge", "users_pack", "users_ship")))


def test_an_example_stands_for_the_work(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers={"users_ship": {"parcel": "example"}})
    execution.expect(completed(), output("parcel", equals="example"))


def test_a_declined_card_is_never_shipped(conductor):
    def decline(task):
        raise TaskFailed("card declined", terminal=True)

    execution = conductor.run("USERS_ORDER", input=ORDER, handlers={"users_charge": decline})
    execution.expect(failed(reason="card declined"), not_scheduled("users_ship"), attempts("users_charge", 1))


def test_a_defect_of_a_handler_is_the_reason(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER, handlers={"users_pack": lambda task: 1 / 0})
    execution.expect(failed(reason="division by zero"))


def test_a_misspelt_handler_is_told(conductor):
    with pytest.raises(LookupError, match="near: users_charge"):
        conductor.run("USERS_ORDER", input=ORDER, handlers={"users_chrage": lambda task: None})


def test_a_misspelt_workflow_is_told(conductor):
    with pytest.raises(LookupError, match="USERS_ODER"):
        conductor.run("USERS_ODER", input=ORDER)


def test_an_expectation_that_fails_says_so(conductor):
    execution = conductor.run("USERS_ORDER", input=ORDER)
    with pytest.raises(AssertionError, match="users_ship"):
        execution.expect(not_scheduled("users_ship"))
    execution.expect(never(failed(), because="all cards are covered"))


def test_an_order_can_be_terminated(conductor):
    execution = conductor.start("USERS_ORDER", input=ORDER)
    execution.wait_for("users_reserve")
    execution.terminate("the customer has changed his mind")
    execution.expect(terminated(), not_scheduled("users_ship"))


def test_the_test_itself_does_the_work(conductor):
    execution = conductor.start("USERS_ORDER", input=ORDER)
    execution.complete("users_reserve", {"reserved": "o-7"})
    execution.complete("users_pack")
    assert execution.waiting("users_charge")
    execution.complete("users_charge", {"paid": 30})
    execution.complete("users_ship", {"parcel": "p"})
    execution.expect(completed(), output("parcel", equals="p"))


def test_the_test_fails_a_task(conductor):
    execution = conductor.start("USERS_ORDER", input=ORDER)
    execution.fail("users_reserve", "nothing on stock", terminal=True)
    execution.expect(failed(reason="nothing on stock"))


def test_some_tasks_have_handlers_and_the_test_does_the_rest(conductor):
    execution = conductor.start("USERS_ORDER", input=ORDER, handlers={"users_reserve": shop.users_reserve})
    execution.complete("users_charge", {"paid": 1})
    execution.complete("users_pack")
    execution.complete("users_ship")
    execution.expect(completed(), task_output("users_reserve", "reserved", equals="o-7"))


@pytest.mark.scaled
@pytest.mark.parametrize("amount", [1, 1000])
def test_any_amount(conductor, amount):
    execution = conductor.run("USERS_ORDER", input={"order": "o", "amount": amount}, handlers=shop)
    execution.expect(output("parcel", equals=f"p-{amount}"))
