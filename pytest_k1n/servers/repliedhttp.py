"""Requests of HTTP tasks that a test answers: none of them is sent, and what came of it says that it is simulated."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus

from pytest_k1n.core.standins.replies import Replies
from pytest_k1n.engine.runtime.httpcalls import HttpAnswer
from pytest_k1n.engine.state import TaskState


class RepliedHttp:
    """Answers, task by task, as a test says; a task of which it says nothing is left to the engine."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._asked: Counter[str] = Counter()

    def __call__(self, task: TaskState) -> HttpAnswer | None:
        """Return the next answer for a task, None if its request is to be sent."""
        key = next((each for each in (task.plain_ref, task.name) if each in self._replies), None)
        if key is None:
            return None
        replies = self._replies[key]
        reply = replies[min(self._asked[key], len(replies) - 1)]
        self._asked[key] += 1
        phrase = HTTPStatus(reply.status).phrase if reply.status in list(HTTPStatus) else ""
        headers = {"Content-Type": "text/plain" if isinstance(reply.body, str) else "application/json", **reply.headers}
        return reply.status, phrase, {name: [value] for name, value in headers.items()}, reply.content()
