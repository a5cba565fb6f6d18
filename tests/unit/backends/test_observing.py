"""Looking at executions: a server that is silent for once is looked at again, one that is gone is not."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_k1n.backends.observing import look
from pytest_k1n.client.errors import ServerUnreachable


def watch(*, overdue: str | None = None) -> Any:
    return SimpleNamespace(
        workflow_id="w", next_look_ms=0, look_every_ms=50, template=None, observation=None, seen=[],
        state=SimpleNamespace(is_settled=False), wants_decision=lambda *_: False, overdue=lambda *_: overdue,
        see=lambda document, *_, **__: watched.append(document) or False,
    )  # fmt: skip


watched: list[object] = []


def backend(answer: Callable[[], object], *, trouble: str | None = None) -> Any:
    client = SimpleNamespace(execution=lambda _: answer())
    return SimpleNamespace(client=client, settle=lambda: None, trouble=lambda: trouble, weather=lambda: None,
                           slept_ms=lambda: {}, server={"url": "u"}, time=SimpleNamespace(speed=1))  # fmt: skip


def silence(*, indeterminate: bool = True) -> Callable[[], object]:
    def answer() -> object:
        raise ServerUnreachable("no answer within 10s", indeterminate=indeterminate)

    return answer


def looked(answer: Callable[[], object], **given: Any) -> list[object]:
    watched.clear()
    look(
        [watch(overdue=given.pop("overdue", None))],
        backend(answer, **given),
        SimpleNamespace(),
        lambda: 100,
        lambda: 100,
    )  # type: ignore[arg-type]
    return list(watched)


def test_a_request_without_an_answer_is_made_again_at_the_next_look() -> None:
    assert looked(silence()) == []
    assert looked(lambda: {"status": "RUNNING"}) == [{"status": "RUNNING"}]


@pytest.mark.parametrize(
    ("status", "task", "reads"),
    [("COMPLETED", "IN_PROGRESS", 2), ("COMPLETED", "CANCELED", 1), ("RUNNING", "IN_PROGRESS", 1)],
)
def test_what_has_ended_and_left_a_task_open_is_read_once_more(status: str, task: str, reads: int) -> None:
    documents = [{"status": status, "tasks": [{"status": each}]} for each in (task, "CANCELED", "CANCELED")]
    assert looked(iter(list(documents)).__next__) == [documents[reads - 1]]


@pytest.mark.parametrize(
    ("given", "indeterminate"),
    [({}, False), ({"trouble": "the server has died"}, True), ({"overdue": "not terminal by its deadline"}, True)],
)
def test_it_is_not_where_the_server_is_gone_or_time_is_up(given: dict[str, str], indeterminate: bool) -> None:
    with pytest.raises(ServerUnreachable):
        looked(silence(indeterminate=indeterminate), **given)
