"""Requests of HTTP tasks in a dry run: none is sent, but what a server would refuse to send fails here as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from pytest_k1n.core.definition.httprequests import Refusal, refusal, request_of, unreadable
from pytest_k1n.core.model import Json
from pytest_k1n.core.standins.rehearsed import Simulated
from pytest_k1n.workers.handler import TaskContext, TaskFailed

_ROOT: Final = re.compile(r"(?<!\$)\$\{\s*(workflow\.input\.)?([\w\-]+)")
_NULL: Final = re.compile(r"(?i)\bnull\b")


class DryRequests:
    """Judges the requests of one dry run, and remembers the doubtful ones."""

    def __init__(
        self,
        workflow: str,
        outside: Iterable[Simulated],
        *,
        given: Collection[str],
        is_answered: Callable[[str], bool],
    ) -> None:
        """`given` are the keys of the workflow's input; `is_answered` tells whether the user gave a ref's output."""
        self._workflow = workflow
        self._templates = {each.ref: each.inputs for each in outside if each.kind == "HTTP"}
        self._given = given
        self._is_answered = is_answered
        self.doubts: dict[str, str] = {}
        """Ref -> why its request would not be sent as it stands, where that comes of what was made up or not given."""

    def judge(self, context: TaskContext) -> None:
        """Look at the request of a task before it is simulated. Raises TaskFailed for one that is never sent."""
        template = self._templates.get(context.ref)
        if template is None:
            return
        found = unreadable(context.input) or refusal(request_of(context.input))
        if found is None:
            return
        if self._is_certain(template, found, context.workflow_name):
            raise TaskFailed(found.reason)
        if self._is_for_want_of_a_value(found, request_of(context.input)):
            self.doubts.setdefault(context.ref, found.text)

    def _is_certain(self, template: Mapping[str, Any], found: Refusal, workflow: str) -> bool:
        """Whether nothing that was made up, or not given, went into the field at fault."""
        request = request_of(template)
        value = template.get("http_request") if found.field == "http_request" else request.get(found.field)
        if isinstance(template.get("http_request"), str):
            value = template["http_request"]
        roots = _ROOT.findall(str(value))
        is_main = workflow == self._workflow
        return all(
            (is_main and name in self._given) if of_input else self._is_answered(name) for of_input, name in roots
        )

    def _is_for_want_of_a_value(self, found: Refusal, request: Mapping[str, Json]) -> bool:
        """Whether it is null that went in: a text that was made up is no address, and says nothing."""
        value = request.get(found.field)
        return value in (None, "") or (isinstance(value, str) and _NULL.search(value) is not None)
