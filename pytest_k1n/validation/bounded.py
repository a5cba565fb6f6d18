"""Reading files that users name: no more of one than anything we read can have, because some never end (/dev/zero)."""

from __future__ import annotations

import errno
import tomllib
from pathlib import Path
from typing import Any

from pytest_k1n.core.text import why_not_json

MB = 1 << 20
_DOTS = 1000
"""Parts of a key: tomllib takes quadratic time over them, a second for 9,000."""


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


def toml_in(text: str) -> dict[str, Any]:
    """Read TOML. Raises ValueError, also for what is nested too deep or would take long."""
    if _is_dotted(text):
        raise ValueError(f"it has a key of more than {_DOTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise ValueError(why_not_json(error)) from None


def _is_dotted(text: str) -> bool:
    """Whether some line of a TOML text has a key, or the name of a table, of too many parts."""
    return text.count(".") > _DOTS and any(
        line.partition("=")[0].count(".") > _DOTS for line in text.splitlines() if line.count(".") > _DOTS
    )
