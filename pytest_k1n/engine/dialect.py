"""Which release of Conductor an engine behaves as, where releases differ: a value that it is given when it is made.

Only what is cheap to express is here; the rest of what an older release does otherwise is in
`fixtures/conformance/known_differences.toml`, where `modelled` marks what this module does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one release does."""

    conductor: str
    shows_metadata: bool = True
    """Whether executions show `history` and `rateLimited`, tasks `executionMetadata`."""
    unknown_limits: tuple[str, ...] = ()
    """Fields of task definitions that it does not know: they have no effect."""
    takes_empty_case: bool = True
    """Whether a SWITCH takes a case that is there and empty, and not the default case in its place."""
    ends_terminated: bool = True
    """Whether TERMINATE can end an execution as TERMINATED."""
    has_child_options: bool = True
    """Whether a SUB_WORKFLOW can hand its child a priority and a key that makes it the only one."""
    says_what_is_missing: bool = True
    """Whether a task that is not there is refused, and a log without lines no list."""
    saves_skipped: bool = False
    """Whether its database takes the record of a task that was skipped by request, which every retry saves anew."""
    keeps_first_reason: bool = True
    """Whether what was terminated and is terminated again keeps the reason it had."""
    drops_iterations: bool = True
    """Whether a DO_WHILE knows `keepLastN`."""
    has_loop_items: bool = True
    """Whether a DO_WHILE knows `items` and `_items`."""
    has_permissive: bool = True
    """Whether a `permissive` task that has failed lets the others go on."""
    pins_failure_workflow: bool = True
    """Whether it knows `failureWorkflowVersion`."""
    unknown_routes: frozenset[str] = frozenset()
    """Of its API, as `METHOD /path`."""
    resolves_forked_inputs: bool = True
    """Whether the inputs that a dynamic fork is given for its branches are resolved, and part of what a child gets."""
    words_unknown_paths: bool = True
    """Whether a path that it does not have is refused in words of its own, and a method with 405."""
    overwrites: bool = True
    """Whether a workflow definition that is known can be registered over."""


_NEWER_ROUTES: Final = frozenset(
    {
        "GET /secrets",
        "GET /environment",
        "GET /environment/{key}",
        "GET /workflow/external-storage-location",
        "GET /tasks/external-storage-location",
        "GET /metadata/workflow/names",
        "GET /metadata/workflow/{name}/versions",
        "GET /workflow/{id}/status",
        "GET /workflow/{id}/tasks",
        "DELETE /workflow/{id}/terminate-remove",
        "POST /workflow/bulk/search",
        "DELETE /workflow/bulk/remove",
        "DELETE /workflow/bulk/terminate-remove",
        "POST /tasks/update-v2",
        "POST /tasks/{workflow}/{ref}/{status}",
        "POST /tasks/{workflow}/{ref}/{status}/sync",
        "POST /tasks/{workflow}/{status}/signal",
        "POST /tasks/{workflow}/{status}/signal/sync",
        "POST /workflow/execute/{name}/{version}",
    }
)
"""What 3.15.0 does not have, read off its own description of its API (`/api-docs`)."""

CURRENT: Final = Dialect(conductor="3.32.1")
_OLDER: Final = Dialect(
    conductor="3.15.0",
    shows_metadata=False,
    unknown_limits=("totalTimeoutSeconds", "maxRetryDelaySeconds", "backoffJitterMs"),
    takes_empty_case=False,
    ends_terminated=False,
    has_child_options=False,
    says_what_is_missing=False,
    saves_skipped=True,
    keeps_first_reason=False,
    drops_iterations=False,
    has_loop_items=False,
    has_permissive=False,
    pins_failure_workflow=False,
    unknown_routes=_NEWER_ROUTES,
    resolves_forked_inputs=False,
    words_unknown_paths=False,
    overwrites=False,
)
DIALECTS: Final = {each.conductor: each for each in (CURRENT, _OLDER)}


def dialect_of(version: str) -> Dialect:
    """Return what an engine of a version does. Raises ValueError that says which there are."""
    found = DIALECTS.get(version)
    if found is None:
        raise ValueError(f"the embedded engine does not behave as {version[:60]!r}: it does as {' or '.join(DIALECTS)}")
    return found
