"""Conductor's status words as plain strings, and the sets the decider asks.

`core.model` has them as enums for readers; the engine compares them tens of thousands of times a second and writes
them to the wire as they are, so here they stay interned strings (an enum member hashes in Python code).
"""

from typing import Final

SCHEDULED: Final = "SCHEDULED"
IN_PROGRESS: Final = "IN_PROGRESS"
COMPLETED: Final = "COMPLETED"
COMPLETED_WITH_ERRORS: Final = "COMPLETED_WITH_ERRORS"
SKIPPED: Final = "SKIPPED"
FAILED: Final = "FAILED"
FAILED_WITH_TERMINAL_ERROR: Final = "FAILED_WITH_TERMINAL_ERROR"
TIMED_OUT: Final = "TIMED_OUT"
CANCELED: Final = "CANCELED"

RUNNING: Final = "RUNNING"
PAUSED: Final = "PAUSED"
TERMINATED: Final = "TERMINATED"

OPEN_TASK: Final = frozenset({SCHEDULED, IN_PROGRESS})
UNSUCCESSFUL_TASK: Final = frozenset({FAILED, FAILED_WITH_TERMINAL_ERROR, TIMED_OUT, CANCELED})
RETRIABLE_TASK: Final = frozenset({FAILED, TIMED_OUT})

TERMINAL_WORKFLOW: Final = frozenset({COMPLETED, FAILED, TIMED_OUT, TERMINATED})

RESULT_STATUSES: Final = (CANCELED, COMPLETED, FAILED_WITH_TERMINAL_ERROR, FAILED, IN_PROGRESS)
"""What a worker may report, in the order in which the server lists them in its error message."""
