"""Libraries that only some uses need: each belongs to an extra of the package, and its absence is one line."""

from __future__ import annotations

from importlib.util import find_spec


class MissingExtra(ValueError):
    """What was asked for needs a library that is not installed; its text ends with the command to type."""


def require(library: str, *, extra: str, use: str) -> None:
    """Make sure that a library can be imported, without importing it. Raises MissingExtra."""
    if find_spec(library) is None:
        raise MissingExtra(f"{use} needs {library}: {install(extra)}")


def install(extra: str) -> str:
    """Return the command that brings an extra; its quotes are those that every shell understands, cmd.exe too."""
    return f'pip install "pytest-k1n[{extra}]"'
