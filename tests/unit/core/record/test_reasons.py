"""Reasons without what the server wraps around them."""

import pytest

from pytest_k1n.core.record.reasons import plain_reason

TASK = "Task faba9701-020e-417e-a279-88690c8404b9 failed with status: FAILED and reason: '{}'"
SUB = "Sub workflow {}.1/180a5d08-7099-3c0d-809d-307812743ad0 failure reason: {}"


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("no card", "no card"),
        ("", ""),
        (TASK.format("no card"), "no card"),
        (TASK.format("it's 'so'"), "it's 'so'"),
        (SUB.format("pay", TASK.format("no card")), "pay: no card"),
        (TASK.format(SUB.format("shop", TASK.format(SUB.format("pay", "no\ncard")))), "shop: pay: no / card"),
        ("assert 1 == 2\r\n  \n  where: 1\n", "assert 1 == 2 / where: 1"),
        (SUB.format("shop.pay/eu", TASK.format("no card")), "shop.pay/eu: no card"),
        (SUB.format("a.1/b.2", "x/y failure reason: z"), "a.1/b.2: x/y failure reason: z"),
        ("".join(SUB.format(f"w{n}", "") for n in range(7)) + "deep", "w0: w1: ... 4 more: w6: deep"),
        ("Task t failed with status: FAILED", "Task t failed with status: FAILED"),
    ],
)
def test_a_reason_is_what_stands_in_the_middle(reason, plain):
    assert plain_reason(reason) == plain
