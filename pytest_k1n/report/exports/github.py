"""The summary of a step on GitHub: Markdown of at most 1 MiB, because more is refused as a whole."""

from __future__ import annotations

from pytest_k1n.report.document import RunDocument
from pytest_k1n.report.markdown import lines

MOST_BYTES = 1024 * 1024
_ROOM = 2_000
"""For what the step has written before, and the newline at the end."""


def render(document: RunDocument) -> str:
    """Write as many findings as fit, the worst first, and say how many are left out."""
    count = len(document["findings"])
    while True:
        text = "\n".join(lines(document, findings=count))
        size = len(text.encode("utf-8", "replace"))
        if size <= MOST_BYTES - _ROOM:
            return text
        if not count:
            return _cut(text)
        count = min(count * 3 // 4, count * (MOST_BYTES - _ROOM) * 19 // (20 * size))  # lines are not all as long


def _cut(text: str) -> str:
    """Keep whole lines: executions come first, so what is lost says least."""
    room = text.encode("utf-8", "replace")[: MOST_BYTES - _ROOM - 100].decode("utf-8", "ignore")
    return f"{room.rpartition(chr(10))[0]}\n\n… and more: the run's document has all of it."
