"""Conductor's words: statuses and types of tasks, and how a task of an execution is named."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

BRINGING_TASK_TYPES: Final = frozenset({"DYNAMIC", "FORK_JOIN_DYNAMIC"})
"""Types of tasks that bring others along, workflows among them, named by what a task before has put out."""
FAILURE_WORKFLOW: Final = "conductor.failure_workflow"
"""Key of an ended execution's output: the id of the failure workflow that Conductor has started, or why it has not."""
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class TaskStatus(StrEnum):
    """Task status of Conductor 3.x."""

    is_terminal: bool
    is_successful: bool
    """Whether a *terminal* task of this status lets the execution go on by itself."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    FAILED_WITH_TERMINAL_ERROR = "FAILED_WITH_TERMINAL_ERROR"
    TIMED_OUT = "TIMED_OUT"
    CANCELED = "CANCELED"

    def __init__(self, text: str) -> None:
        self.is_terminal = text not in ("SCHEDULED", "IN_PROGRESS")
        self.is_successful = text in ("COMPLETED", "COMPLETED_WITH_ERRORS", "SKIPPED")


class WorkflowStatus(StrEnum):
    """Execution status of Conductor 3.x."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    TERMINATED = "TERMINATED"

    @property
    def is_terminal(self) -> bool:
        return self not in (WorkflowStatus.RUNNING, WorkflowStatus.PAUSED)


TaskKey = tuple[str, int]
"""(ref, iteration): names one task of an execution, over all its attempts."""

OPERATOR_TASK_TYPES = frozenset(
    {
        "FORK",
        "FORK_JOIN",
        "FORK_JOIN_DYNAMIC",
        "JOIN",
        "EXCLUSIVE_JOIN",
        "SWITCH",
        "DECISION",
        "DO_WHILE",
        "TERMINATE",
        "NOOP",
    }
)
"""Tasks that only steer control flow."""

SYSTEM_TASK_TYPES = OPERATOR_TASK_TYPES | {
    "SUB_WORKFLOW", "START_WORKFLOW", "WAIT", "HUMAN", "SET_VARIABLE", "INLINE", "LAMBDA", "JSON_JQ_TRANSFORM",
    "HTTP", "EVENT", "KAFKA_PUBLISH", "JDBC",
}  # fmt: skip
"""Everything the server runs itself; any other type is queued for a worker, on 3.32.1 without its AI integrations."""
INTEGRATION_TASK_TYPES = frozenset({
    "LLM_TEXT_COMPLETE", "LLM_CHAT_COMPLETE", "LLM_INDEX_TEXT", "LLM_SEARCH_INDEX", "LLM_GENERATE_EMBEDDINGS",
    "LLM_STORE_EMBEDDINGS", "LLM_GET_EMBEDDINGS", "LIST_MCP_TOOLS", "CALL_MCP_TOOL", "AGENT", "GET_AGENT_CARD",
    "CANCEL_AGENT", "CALL_AGENT",
    "PULL_WORKFLOW_MESSAGES", "GENERATE_IMAGE", "GENERATE_AUDIO", "GENERATE_VIDEO", "GENERATE_PDF",
    "LLM_SEARCH_EMBEDDINGS",
})  # fmt: skip
"""Types that a Conductor runs only if its AI integrations are switched on."""
ORKES_TASK_TYPES = frozenset({
    "HTTP_POLL", "BUSINESS_RULE", "SENDGRID", "WAIT_FOR_WEBHOOK", "GET_SIGNED_JWT", "UPDATE_SECRET",
    "UPDATE_TASK", "QUERY_PROCESSOR", "GET_WORKFLOW", "TERMINATE_WORKFLOW", "ALERT", "OPS_GENIE", "GRPC", "CHUNK_TEXT",
    "GET_DOCUMENT", "PARSE_DOCUMENT", "LIST_FILES", "YIELD", "INTEGRATION", "MCP", "MCP_REMOTE", "DATABASE",
    "AWS_LAMBDA", "LLM_INDEX_DOCUMENT", "LLM_GET_DOCUMENT",
})  # fmt: skip
"""Types of the commercial server."""


def split_iteration(reference: str) -> TaskKey:
    """Split the `__N` that a DO_WHILE appends from a reference name: `work__2` is ("work", 2)."""
    ref, separator, suffix = reference.partition("__")
    return (
        (ref, int(suffix.rpartition("__")[2])) if separator and suffix.rpartition("__")[2].isdigit() else (reference, 0)
    )
