"""Reading files that users name: no more of one than anything we read can have, because some never end (/dev/zero)."""

from __future__ import annotations

import errno
from pathlib import Path

MB = 1 << 20


def files_in(folder: Path, *, deep: bool = True, suffixes: tuple[str, ...] = (".json",)) -> list[Path]:
    """Return the files of a folder with one of some endings, and of those below it if `deep`, in order of their names.

    What only has such a name is left out: a pipe, whose reader would wait for ever, a link that leads nowhere, as
    editors make to lock a file.
    """
    found = (folder.rglob if deep else folder.glob)("*")
    return sorted(path for path in found if path.name.endswith(suffixes) and path.is_file())


def read_at_most(path: Path, most_mb: int) -> bytes:
    """Return a file's content. Raises OSError, also for one of more than `most_mb` MB or without an end."""
    with path.open("rb") as file:
        content = file.read(most_mb * MB + 1)
    if len(content) > most_mb * MB:
        raise OSError(errno.EFBIG, f"it has more than {most_mb} MB, or no end", str(path))
    return content
