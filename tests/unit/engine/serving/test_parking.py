"""Parked requests: woken at once and in order, let go in time, never given what nobody is there to take."""

import asyncio

import pytest

from pytest_k1n.engine.rest.request import Reply, Waiting
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.serving.parking import Parking

KEY = QueueKey("a")
LONG_MS = 60_000


class Queue:
    """Tasks as texts; who waits for one takes the first."""

    def __init__(self, *tasks):
        self.tasks = list(tasks)

    def waiting(self, key=KEY, timeout_ms=LONG_MS):
        return Waiting(
            attempt=lambda: Reply(payload=self.tasks.pop(0)) if self.tasks else None,
            otherwise=lambda: Reply(204),
            timeout_ms=timeout_ms,
            key=key,
        )


async def stays():
    await asyncio.Event().wait()


async def parked(parking, waiting, gone=stays):
    task = asyncio.ensure_future(parking.answer(waiting, gone))
    await asyncio.sleep(0)
    return task


def run(test):
    """Run an async test under a deadline of its own: a wake-up that got lost must not hang the suite."""
    asyncio.run(asyncio.wait_for(test(), 10))


def test_a_delivery_wakes_the_one_that_has_waited_longest():
    async def test():
        parking, queue = Parking(), Queue()
        first, second = [await parked(parking, queue.waiting()) for _ in range(2)]
        queue.tasks.append("one")
        parking.wake(KEY)
        assert (await first).payload == "one"
        assert (len(parking), second.done()) == (1, False)
        queue.tasks.append("two")
        parking.wake(KEY)
        assert (await second).payload == "two"
        assert len(parking) == 0

    run(test)


def test_another_queue_wakes_nobody():
    async def test():
        parking, queue = Parking(), Queue("one")
        waiting = await parked(parking, queue.waiting())
        parking.wake(QueueKey("a", "domain"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        parking.close()
        await waiting

    run(test)


def test_who_is_woken_too_late_waits_on():
    async def test():
        parking, queue = Parking(), Queue()
        waiting = await parked(parking, queue.waiting())
        parking.wake(KEY)  # somebody else was quicker: the queue is empty again
        await asyncio.sleep(0.01)
        assert not waiting.done()
        queue.tasks.append("one")
        parking.wake(KEY)
        assert (await waiting).payload == "one"

    run(test)


def test_a_wait_ends_when_its_time_is_up():
    async def test():
        parking = Parking()
        assert (await parking.answer(Queue().waiting(timeout_ms=20), stays)).status == 204
        assert (await parking.answer(Queue().waiting(timeout_ms=0), stays)).status == 204
        assert len(parking) == 0

    run(test)


def test_what_was_meant_for_a_client_that_left_goes_to_the_next():
    async def test():
        parking, queue, left = Parking(), Queue(), asyncio.Event()
        first = await parked(parking, queue.waiting(), left.wait)
        second = await parked(parking, queue.waiting())
        queue.tasks.append("one")
        left.set()
        parking.wake(KEY)
        assert await first is None
        assert (await second).payload == "one"

    run(test)


def test_a_client_that_leaves_frees_its_place():
    async def test():
        parking, left = Parking(), asyncio.Event()
        waiting = await parked(parking, Queue().waiting(), left.wait)
        left.set()
        assert await waiting is None
        assert len(parking) == 0

    run(test)


def test_who_waits_for_something_else_looks_whenever_something_changed():
    async def test():
        parking, queue = Parking(), Queue()
        waiting = await parked(parking, queue.waiting(key=None))
        parking.changed()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        queue.tasks.append("one")
        parking.changed()
        assert (await waiting).payload == "one"

    run(test)


def test_the_end_of_the_server_lets_everybody_go_and_nobody_in():
    async def test():
        parking, queue = Parking(), Queue()
        waiting = [await parked(parking, queue.waiting(key=key)) for key in (KEY, None)]
        parking.close()
        assert [(await each).status for each in waiting] == [204, 204]
        assert (await parking.answer(queue.waiting(), stays)).status == 204

    run(test)


@pytest.mark.parametrize("key", [KEY, None])
def test_what_has_come_due_is_done_before_anybody_looks_again(key):
    async def test():
        queue = Queue()
        parking = Parking(refresh=lambda: queue.tasks.append("came due"))
        waiting = await parked(parking, queue.waiting(key=key))
        parking.wake(KEY)
        parking.changed()
        assert (await waiting).payload == "came due"

    run(test)
