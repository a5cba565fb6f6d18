"""Definitions compiled for the decider: a tree of nodes with what follows each, bound to task definitions.

`Definition` is the snapshot an execution keeps. It is built from registered wire documents (`wiredefaults`), once per
version of the metadata, and shared by all executions started from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from pytest_k1n.engine.language.expressions import Resolver, compile_template
from pytest_k1n.engine.values import JsonObject

FROM_WORKER: Final = frozenset({"SIMPLE", "DYNAMIC"})
"""Scheduled as if for a worker, under its name: where that is a system task's, the server works it off."""
WRITTEN: Final = frozenset({"HTTP", "EVENT", "DYNAMIC"})
"""Task types whose mappers write into the definition itself: see `written.py`."""


class TaskDef:
    """The parts of a task definition that the engine acts on, beside its whole document."""

    __slots__ = (
        "backoff_scale", "concurrent_limit", "document", "input_template", "jitter_ms", "limits_waiting",
        "max_retry_delay_s", "name", "poll_timeout_s", "rate_limit", "rate_limit_s", "response_timeout_s",
        "retry_count", "retry_delay_s", "retry_logic", "timeout_policy", "timeout_s", "total_timeout_s",
    )  # fmt: skip

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.name: str = document["name"]
        self.retry_count: int = document["retryCount"]
        self.retry_logic: str = document["retryLogic"]
        self.retry_delay_s: int = document["retryDelaySeconds"]
        self.backoff_scale: int = document["backoffScaleFactor"]
        self.max_retry_delay_s: int = document["maxRetryDelaySeconds"]
        self.jitter_ms: int = document["backoffJitterMs"]
        self.timeout_s: int = document["timeoutSeconds"]
        self.timeout_policy: str = document["timeoutPolicy"]
        self.response_timeout_s: int = document["responseTimeoutSeconds"]
        self.poll_timeout_s: int = document.get("pollTimeoutSeconds") or 0
        self.total_timeout_s: int = document["totalTimeoutSeconds"]
        self.limits_waiting = self.poll_timeout_s > 0 or self.total_timeout_s > 0
        """Whether a task can time out before a worker polled it."""
        self.rate_limit: int = document.get("rateLimitPerFrequency", 0)
        self.rate_limit_s: int = document.get("rateLimitFrequencyInSeconds", 0)
        self.concurrent_limit: int = document.get("concurrentExecLimit") or 0
        self.input_template: JsonObject = document["inputTemplate"]


class Node:
    """One task of a definition, with what surrounds it."""

    __slots__ = (
        "body", "branches", "cases", "default_case", "document", "is_written", "join_on", "loop", "name", "next",
        "optional", "permissive", "ref", "registered", "resolve_input", "retry_count", "start_delay_s", "task_def",
        "type",
    )  # fmt: skip

    def __init__(self, document: JsonObject, task_def: TaskDef | None, *, registered: bool) -> None:
        self.document = document
        """As registered, with the server's defaults; its task definition embedded."""
        self.name: str = document["name"]
        self.ref: str = document["taskReferenceName"]
        self.type: str = document["type"]
        self.task_def = task_def
        self.registered = registered
        """Whether the task definition was registered, not made up for this task."""
        self.optional: bool = document["optional"]
        self.permissive: bool = document["permissive"]
        self.start_delay_s: int = document["startDelay"]
        self.retry_count: int | None = document.get("retryCount")
        self.join_on: list[str] = document["joinOn"]
        self.resolve_input = _resolver(document, task_def)
        self.branches: list[list[Node]] = []
        self.cases: dict[str, list[Node]] = {}
        self.default_case: list[Node] = []
        self.body: list[Node] = []
        self.next: Node | None = None
        """What is scheduled once this task has ended: through the end of a case or a branch to what follows it."""
        self.loop: Node | None = None
        """The DO_WHILE around it, if any."""
        self.is_written = self.type in WRITTEN
        """Whether the server writes into its document, or into one inside it, when it is scheduled."""

    def lists(self) -> Iterator[list[Node]]:
        """Yield the task lists directly inside this one."""
        yield from self.branches
        yield from self.cases.values()
        if self.default_case:
            yield self.default_case
        if self.body:
            yield self.body


class Definition:
    """A workflow definition as an execution snapshots it."""

    __slots__ = (
        "by_ref", "document", "failure_workflow", "input_template", "is_written", "name", "resolve_output",
        "restartable", "schema_version", "tasks", "timeout_policy", "timeout_s", "variables", "version",
    )  # fmt: skip

    def __init__(
        self,
        document: JsonObject,
        task_definition: Callable[[str], TaskDef | None],
        latest_version: Callable[[str], int | None] = lambda _name: None,
    ) -> None:
        binder = _Binder(task_definition, latest_version)
        self.tasks = [binder.node(task) for task in document["tasks"]]
        _link(self.tasks, None, None)
        self.document = {**document, "tasks": [node.document for node in self.tasks]}
        self.name: str = document["name"]
        self.version: int = document["version"]
        self.schema_version: int = document["schemaVersion"]
        self.timeout_s: int = document["timeoutSeconds"]
        self.timeout_policy: str = document["timeoutPolicy"]
        self.failure_workflow: str | None = document.get("failureWorkflow")
        self.restartable: bool = document["restartable"]
        self.variables: JsonObject = document["variables"]
        self.input_template: JsonObject = document["inputTemplate"]
        outputs = document["outputParameters"]
        self.resolve_output = (compile_template(outputs) or (lambda _execution, _task: outputs)) if outputs else None
        self.by_ref: dict[str, Node] = {node.ref: node for node in walk(self.tasks)}
        self.is_written = any(node.is_written for node in self.tasks)

    def with_template(self, given: JsonObject) -> JsonObject:
        """Fill what an input lacks, or has null, from the input template; an empty input does not get it."""
        template = self.input_template
        if not template or not given:
            return given
        return {**template, **{key: value for key, value in given.items() if value is not None or key not in template}}


def walk(tasks: list[Node]) -> Iterator[Node]:
    """Yield every node, nested ones included, in definition order."""
    for node in tasks:
        yield node
        for inner in node.lists():
            yield from walk(inner)


def dynamic_node(
    document: JsonObject, task_definition: Callable[[str], TaskDef | None], following: Node | None
) -> Node:
    """Make a node for a dynamically forked task; `following` is the JOIN behind its fork, to which nothing leads on.

    An unregistered one is neither retried nor timed out, whatever its type.
    """
    own = document.get("taskDefinition")
    known = TaskDef(own) if own and own.get("name") else task_definition(document["name"])
    inner = _Binder(task_definition).node(document)
    if known is None:
        node = Node(document, adhoc_definition({**document, "type": ""}), registered=False)
    else:
        node = Node({**document, "taskDefinition": known.document}, known, registered=True)
    node.branches, node.cases, node.default_case, node.body = (
        inner.branches, inner.cases, inner.default_case, inner.body,
    )  # fmt: skip
    node.is_written |= inner.is_written
    _link([node], None, following.loop if following is not None else None)
    # Inside it nothing follows: the server looks for that in the workflow's definition, which has none of it.
    for within in chain.from_iterable(map(walk, node.lists())):
        within.next = None
    return node


def adhoc_definition(task: Mapping[str, Any]) -> TaskDef:
    """Make up the definition of an unregistered task as the server does: a SIMPLE one retries three times a minute."""
    simple = task["type"] == "SIMPLE"
    return TaskDef(
        {
            "createTime": 0, "updateTime": 0, "name": task["name"], "retryCount": 3 if simple else 0,
            "timeoutSeconds": 0, "inputKeys": [], "outputKeys": [], "runtimeMetadata": [],
            "timeoutPolicy": "TIME_OUT_WF", "retryLogic": "FIXED", "retryDelaySeconds": 60,
            "responseTimeoutSeconds": 3600 if simple else 0, "inputTemplate": {}, "rateLimitPerFrequency": 0,
            "rateLimitFrequencyInSeconds": 1, "backoffScaleFactor": 1, "maxRetryDelaySeconds": 0,
            "backoffJitterMs": 0, "totalTimeoutSeconds": 0, "taskStatusListenerEnabled": True, "enforceSchema": False,
        }
    )  # fmt: skip


_WITHOUT_TEMPLATE: Final = frozenset(
    {
        "DECISION", "EVENT", "EXCLUSIVE_JOIN", "FORK_JOIN", "FORK_JOIN_DYNAMIC", "HUMAN", "JOIN", "NOOP",
        "SET_VARIABLE", "START_WORKFLOW", "SUB_WORKFLOW", "SWITCH", "TERMINATE", "WAIT",
    }
)  # fmt: skip
"""Types whose mappers do not look at their task definition's inputTemplate."""
_WITHOUT_ID: Final = frozenset(
    {"DECISION", "FORK_JOIN", "FORK_JOIN_DYNAMIC", "SET_VARIABLE", "START_WORKFLOW", "SUB_WORKFLOW", "SWITCH"}
)
"""Types whose inputs are resolved before their task has an id: `${CPEWF_TASK_ID}` stays as it is."""


def _resolver(document: JsonObject, task_def: TaskDef | None) -> Resolver:
    """Compile a task's inputs as the mapper of its type reads them."""
    kind = document["type"]
    resolve = input_resolver(document["inputParameters"], None if kind in _WITHOUT_TEMPLATE else task_def)
    return (lambda execution, _task: resolve(execution, None)) if kind in _WITHOUT_ID else resolve


def input_resolver(parameters: JsonObject, task_def: TaskDef | None) -> Resolver:
    """Compile a task's inputParameters together with its definition's inputTemplate.

    The template fills missing and null keys before resolving, and once more, unresolved, where the result is null.
    """
    template = task_def.input_template if task_def is not None else {}
    merged = {
        **template,
        **{key: value for key, value in parameters.items() if value is not None or key not in template},
    }
    resolve = compile_template(merged)
    if resolve is None:
        return lambda _execution, _task: merged
    if not template:
        return resolve
    inner = resolve

    def filled(execution: Any, task: Any) -> Any:
        values = inner(execution, task)
        values.update({key: default for key, default in template.items() if values[key] is None})
        return values

    return filled


class _Binder:
    """Builds nodes, looking up each task's definition once, and the version of a child that names none."""

    def __init__(
        self,
        task_definition: Callable[[str], TaskDef | None],
        latest_version: Callable[[str], int | None] = lambda _name: None,
    ) -> None:
        self._task_definition = task_definition
        self._latest_version = latest_version

    def node(self, document: JsonObject) -> Node:
        registered = self._task_definition(document["name"])
        task_def = registered or adhoc_definition(document)
        branches = [self.nodes(branch) for branch in document["forkTasks"]]
        cases = {case: self.nodes(tasks) for case, tasks in document["decisionCases"].items()}
        default_case, body = self.nodes(document["defaultCase"]), self.nodes(document["loopOver"])
        bound = {
            **document,
            "forkTasks": [_documents(branch) for branch in branches],
            "decisionCases": {case: _documents(tasks) for case, tasks in cases.items()},
            "defaultCase": _documents(default_case),
            "loopOver": _documents(body),
        }
        parameter = document.get("subWorkflowParam")
        if isinstance(parameter, dict) and parameter.get("version") is None and not parameter.get("workflowDefinition"):
            version = self._latest_version(str(parameter.get("name")))
            bound["subWorkflowParam"] = parameter if version is None else {**parameter, "version": version}
        embedded = document.get("taskDefinition")
        if isinstance(embedded, dict) and embedded.get("name"):
            task_def = TaskDef(embedded)
        bound["taskDefinition"] = task_def.document
        node = Node(bound, task_def, registered=registered is not None)
        node.branches, node.cases, node.default_case, node.body = branches, cases, default_case, body
        node.is_written |= any(inner.is_written for tasks in node.lists() for inner in tasks)
        return node

    def nodes(self, documents: list[JsonObject]) -> list[Node]:
        return [self.node(document) for document in documents]


def _documents(nodes: list[Node]) -> list[JsonObject]:
    return [node.document for node in nodes]


def _link(tasks: list[Node], following: Node | None, loop: Node | None) -> None:
    """Set what follows each task; `following` comes after the last of the list."""
    for at, node in enumerate(tasks):
        node.next = tasks[at + 1] if at + 1 < len(tasks) else following
        node.loop = loop
        for branch in node.branches:
            _link(branch, node.next, loop)
        for case in (*node.cases.values(), node.default_case):
            _link(case, node.next, loop)
        _link(node.body, node, node)
