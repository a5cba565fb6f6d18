"""A plan of one workflow called order, and its tasks: what the tests of `k1n check` judge executions by."""

from __future__ import annotations

from typing import Any

ZERO = 1_763_696_683_000
"""When the executions began, epoch ms."""
PLAN = """
schema = "k1n-plan/1"
definitions = ["definitions"]

[[batch]]
number = 1
title = "orders"

[[batch.template]]
id = "01"
slug = "order"
title = "order"
workflow = "order"
version = 1
"""
"""The template stands last: fields of it may follow."""


def simple(ref: str, **fields: Any) -> dict[str, Any]:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", **fields}
