"""Reading files that users name: no more of one than anything we read can have, because some never end (/dev/zero)."""

from __future__ import annotations

import errno
from pathlib import Path

MB = 1 << 20


def read_at_most(path: Path, most_mb: int) -> bytes:
    """Return a file's content. Raises OSError, also for one of more than `most_mb` MB or without an end."""
    with path.open("rb") as file:
        content = file.read(most_mb * MB + 1)
    if len(content) > most_mb * MB:
        raise OSError(errno.EFBIG, f"it has more than {most_mb} MB, or no end", str(path))
    return content
