"""Put definitions on a server: missing ones, never over one that differs unless told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pytest_k1n.client.errors import BadRequest, ConductorError, NotFound, ServerFailure
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.model import Json
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.refused import explained

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor

Document = Mapping[str, Json]
D = TypeVar("D")


class RegistrationRefused(PermissionError):
    """Definitions on the server differ from ours, or are missing, and we may not change them."""

    def __init__(self, url: str, problems: Sequence[str], policy: RegisterPolicy) -> None:
        self.problems = tuple(problems)
        self.policy = policy
        self.url = url
        super().__init__(url)

    def __str__(self) -> str:
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        remedy = "register them yourself, or say --k1n-register=always to overwrite what the server has"
        what = f"{self.url} has other definitions than this run needs (--k1n-register={self.policy})"
        return f"{what}:\n{lines}\n  try: {remedy}"


def register(
    client: Conductor,
    workflows: Iterable[Document],
    tasks: Iterable[Document],
    *,
    policy: RegisterPolicy,
    known: Mapping[str, Document] | None = None,
    find: Callable[[Document], Document | None] | None = None,
    refused: Callable[[Document, ConductorError], None] | None = None,
) -> None:
    """Make sure that the server has these definitions; `policy` is missing, always or never.

    `known` are its task definitions by name, `find` tells its workflow definitions, where it has been asked already.

    Raises RegistrationRefused that shows every difference, having changed nothing; ConductorError, with what lint
    finds in definitions that the server refuses, unless `refused` takes them, one by one.
    """
    workflows, tasks = list(workflows), list(tasks)
    if policy == "always":
        missing_workflows, missing_tasks = workflows, tasks
    else:
        there = tasks_by_name(client) if known is None and tasks else known or {}
        missing_tasks, task_problems = _sorted_out(
            tasks, lambda each: there.get(str(each["name"])), wire.task_definition
        )
        missing_workflows, workflow_problems = _sorted_out(
            workflows, find or partial(registered, client), wire.workflow_definition
        )
        problems = [f"task definition {line}" for line in task_problems]
        problems += [f"workflow definition {line}" for line in workflow_problems]
        if policy == "never":
            problems += [f"task definition {task['name']} is missing" for task in missing_tasks]
            problems += [f"workflow definition {each['name']} is missing" for each in missing_workflows]
        if problems:
            raise RegistrationRefused(client.url, problems, policy)
    for send, documents in ((client.register_tasks, missing_tasks), (client.register_workflows, missing_workflows)):
        try:
            if documents:
                send(documents)
        except (BadRequest, ServerFailure) as error:  # 500 is for values of a wrong type
            if refused is None:
                raise explained(error, documents) from None
            _send_each(send, documents, refused)


def _send_each(
    send: Callable[[Sequence[Document]], None],
    documents: Iterable[Document],
    refused: Callable[[Document, ConductorError], None],
) -> None:
    """Register one by one: of a list with one that it refuses, the server takes none and does not say which it was."""
    for document in documents:
        try:
            send([document])
        except (BadRequest, ServerFailure) as error:
            refused(document, explained(error, [document]))


def differences(ours: object, theirs: object, path: str = "") -> Iterator[str]:
    """Yield where two parsed definitions differ, as `path: ours X, theirs Y`; what only the server interprets too."""
    if is_dataclass(ours) and type(ours) is type(theirs):
        for each in fields(ours):
            if each.compare:
                here = f"{path}.{each.name}" if path else each.name
                yield from differences(getattr(ours, each.name), getattr(theirs, each.name), here)
    elif isinstance(ours, tuple) and isinstance(theirs, tuple):
        if len(ours) != len(theirs):
            yield f"{path}: ours {len(ours)} entries, theirs {len(theirs)}"
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from differences(mine, other, f"{path}[{getattr(mine, 'ref', index)}]")
    elif ours != theirs:
        yield f"{path}: ours {_short(ours)}, theirs {_short(theirs)}"


def _sorted_out(
    documents: Sequence[Document], find: Callable[[Document], Document | None], parse: Callable[[Any], D]
) -> tuple[list[Document], list[str]]:
    missing, problems = [], []
    for document in documents:
        known = find(document)
        if known is None:
            missing.append(document)
            continue
        ours, theirs = parse(document), parse(known)
        problems += [f"{document['name']} differs in {line}" for line in differences(ours, theirs)]
    return missing, problems


def tasks_by_name(client: Conductor) -> dict[str, Document]:
    """Return the task definitions that a server has."""
    return {str(task.get("name")): task for task in client.task_definitions()}


def registered(client: Conductor, document: Document) -> Document | None:
    """Find the workflow definition that a server has under a document's name and version."""
    version = document.get("version")
    try:
        return cast(
            "Document", client.workflow_definition(str(document["name"]), version if isinstance(version, int) else 1)
        )
    except NotFound:
        return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
