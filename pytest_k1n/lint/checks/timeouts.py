"""Timeouts and retries: what waits for ever, and what tries again at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_k1n.lint.check import Hit, Path
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject


def workflow_without_timeout(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find workflows that nothing ends."""
    normal = workflow.normal
    if normal is not None and not workflow.is_inline and normal["timeoutSeconds"] <= 0:
        given = "timeoutSeconds" in workflow.fields
        path = (*workflow.path, "timeoutSeconds") if given else workflow.path
        yield Hit(path, f"timeoutSeconds is {normal['timeoutSeconds']}" if given else "has no timeoutSeconds")


def timeout_that_only_alerts(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find timeouts that end nothing."""
    normal = workflow.normal
    if normal is None or normal["timeoutSeconds"] <= 0 or normal["timeoutPolicy"] == "TIME_OUT_WF":
        return
    given = "timeoutPolicy" in workflow.fields
    path = (*workflow.path, "timeoutPolicy" if given else "timeoutSeconds")
    what = "timeoutPolicy is ALERT_ONLY" if given else "has no timeoutPolicy: it is ALERT_ONLY"
    yield Hit(path, f"{what}: after {normal['timeoutSeconds']} s the execution goes on")


def task_without_timeout(definition: TaskSubject) -> Iterator[Hit]:
    """Find task definitions whose tasks may take for ever."""
    normal = definition.normal
    if normal is not None and normal["timeoutSeconds"] == 0 and not normal["totalTimeoutSeconds"]:
        given = "timeoutSeconds" in definition.fields
        path = (*definition.path, "timeoutSeconds") if given else definition.path
        yield Hit(path, "timeoutSeconds is 0" if given else "has no timeoutSeconds")


def task_without_timeout_policy(definition: TaskSubject) -> Iterator[Hit]:
    """Find task definitions whose timeout ends the whole execution, or nothing, without saying so."""
    normal = definition.normal
    if normal is None or normal["timeoutSeconds"] <= 0:
        return
    if "timeoutPolicy" not in definition.fields:
        yield Hit((*definition.path, "timeoutSeconds"), "has no timeoutPolicy: TIME_OUT_WF ends the whole execution")
    elif normal["timeoutPolicy"] == "ALERT_ONLY":
        yield Hit((*definition.path, "timeoutPolicy"), "timeoutPolicy is ALERT_ONLY: the task goes on")


def people_cut_short(definition: TaskSubject) -> Iterator[Hit]:
    """Find task definitions of HUMAN tasks whose response timeout ends them before their timeout does."""
    normal = definition.normal
    if normal is None or definition.name not in definition.library.names_by_type.get("HUMAN", ()):
        return
    response_s, timeout_s = normal["responseTimeoutSeconds"], normal["timeoutSeconds"]
    if not response_s or 0 < timeout_s <= response_s:
        return
    path, by = _response_timeout(definition)
    allowed = f"timeoutSeconds is {timeout_s}" if timeout_s else "it has no timeoutSeconds"
    yield Hit(path, f"people have {response_s} s: responseTimeoutSeconds{by}; {allowed}")


def wait_cut_short(definition: TaskSubject) -> Iterator[Hit]:
    """Find task definitions whose response timeout ends a WAIT, a JOIN or a loop of their name."""
    normal = definition.normal
    if normal is None:
        return
    response_s, timeout_s = normal["responseTimeoutSeconds"], normal["timeoutSeconds"]
    path, by = _response_timeout(definition)
    for kind, ends in _CUT_SHORT.items():
        is_meant = kind != "WAIT" and 0 < timeout_s <= response_s
        if response_s and not is_meant and definition.name in definition.library.names_by_type.get(kind, ()):
            yield Hit(path, f"a {kind} has this name: {ends.format(response_s)}{by}")


_CUT_SHORT: Final = {
    "WAIT": "with a duration or a date it is TIMED_OUT at the next evaluation, else after {} s",
    "JOIN": "it is TIMED_OUT if its branches take longer than {} s",
    "DO_WHILE": "it is TIMED_OUT if an iteration takes longer than {} s",
}


def _response_timeout(definition: TaskSubject) -> tuple[Path, str]:
    """Return where a response timeout stands, and what to say of one that stands nowhere."""
    if "responseTimeoutSeconds" in definition.fields:
        return (*definition.path, "responseTimeoutSeconds"), ""
    return definition.path, ", the default"


def retry_without_delay(definition: TaskSubject) -> Iterator[Hit]:
    """Find task definitions that retry at once."""
    normal = definition.normal
    if normal is not None and normal["retryCount"] > 0 and normal["retryDelaySeconds"] == 0:
        yield Hit(
            (*definition.path, "retryDelaySeconds"),
            f"retries {normal['retryCount']} times, at once each time: retryDelaySeconds is 0",
        )


def number_without_effect(definition: TaskSubject) -> Iterator[Hit]:
    """Find numbers in a task definition that another field keeps from being read."""
    normal = definition.normal
    if normal is None:
        return
    if normal["backoffScaleFactor"] != 1 and normal["retryLogic"] != "LINEAR_BACKOFF":
        said = f"backoffScaleFactor is not read with retryLogic {normal['retryLogic']}"
        yield Hit((*definition.path, "backoffScaleFactor"), said)
    if normal["retryCount"] == 0 and definition.fields.get("retryDelaySeconds"):
        yield Hit((*definition.path, "retryDelaySeconds"), "retryDelaySeconds is not read: retryCount is 0")
    if definition.fields.get("rateLimitPerFrequency") and not definition.fields.get("rateLimitFrequencyInSeconds"):
        said = "rateLimitPerFrequency is not read without rateLimitFrequencyInSeconds"
        yield Hit((*definition.path, "rateLimitPerFrequency"), said)
