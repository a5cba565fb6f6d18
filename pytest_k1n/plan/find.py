"""Where the plan file is; light, for every run of pytest asks. `planfile` reads it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_FILE_NAMES = ("k1n.toml", "plan.toml")
_DEFAULT = "suites/plan.toml"
_TOPS = (".git", "pyproject.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "setup.py")
"""What only the top folder of a project has."""


class PlanError(ValueError):
    """A plan file with mistakes; `problems` holds one line for each, its text is all of them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def find_plan(
    args: Sequence[str], rootdir: Path, option: str | None, ini: str | None, *, folder: Path | None = None
) -> tuple[Path, str] | None:
    """Find the plan file and say why it was taken; `None` if there is none.

    `option` is relative to `folder` (where pytest was called; default the root folder), `ini` to the root folder.
    Without either, `k1n.toml` or `plan.toml` counts from each argument's folder up to the root folder, else
    `suites/plan.toml`. Raises PlanError if a named file is missing or two arguments lead to different plans.
    """
    called_in = folder or rootdir
    for name, value, base in (("--k1n-plan", option, called_in), ("k1n_plan", ini, rootdir)):
        if value is not None:
            path = Path(os.path.realpath(base / value))  # of a link to itself, too, where `resolve` raises
            if not path.is_file():
                raise PlanError([f"{name}: no plan file at {path}: write the path of an existing TOML file"])
            return path, name
    found = plans_near(args, rootdir, called_in)
    if len(found) > 1:
        lines = ", ".join(f"{candidate} (from {arg})" for candidate, arg in found.items())
        raise PlanError([f"the arguments lead to different plans: {lines}: choose one with --k1n-plan=FILE"])
    for candidate, arg in found.items():
        return candidate, f"found from {arg}" if arg else f"{_DEFAULT} of the root folder"
    return None


def plans_near(args: Sequence[str], rootdir: Path, folder: Path) -> dict[Path, str]:
    """Find the plans that no option names, each with the argument (relative to `folder`) that leads to it, "" for none.

    An argument that leads to none upwards, such as the parent folder of a project, leads to the only one right below.
    Where there is none either, the root folder leads to one above it in the same project: pytest takes the folder that
    it is called in for the root where nothing there configures it.
    """
    found: dict[Path, str] = {}
    for arg in args:
        candidate = _upwards(folder / arg.partition("::")[0], rootdir)
        if candidate:
            found.setdefault(candidate, arg)
    default = rootdir / _DEFAULT
    if found or default.is_file():
        return found or {default: ""}
    below = {path: arg for arg in args for path in _below(folder / arg)}
    if below:
        return below if len(below) == 1 else {}
    above = _above(rootdir.resolve())
    return {above: "."} if above else {}


def shown(path: Path, rootdir: Path) -> str:
    """Name a plan file in messages: within the root folder by its path there."""
    return str(path.relative_to(rootdir)) if path.is_relative_to(rootdir) else str(path)


def _upwards(start: Path, rootdir: Path) -> Path | None:
    start, rootdir = start.resolve(), rootdir.resolve()
    first = start if start.is_dir() else start.parent
    for folder in (first, *first.parents):
        for name in _FILE_NAMES:
            path = folder / name
            if path.is_file() and (name != "plan.toml" or _looks_like_ours(path)):
                return path
        if folder == rootdir:
            break
    return None


def _above(folder: Path) -> Path | None:
    """Find a plan above a folder, but not above the project that it belongs to."""
    while folder != folder.parent and not any((folder / name).exists() for name in _TOPS):
        folder = folder.parent
        path = folder / _FILE_NAMES[0]
        if path.is_file() and _looks_like_ours(path):
            return path
    return None


def _below(folder: Path) -> Iterator[Path]:
    """Yield the plan files of a folder's own folders."""
    try:
        inner = [entry.path for entry in os.scandir(folder) if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return  # no such folder, or a file
    for path in (Path(each, name) for each in sorted(inner) for name in _FILE_NAMES):
        if path.is_file() and (path.name != "plan.toml" or _looks_like_ours(path)):
            yield path.resolve()


def _looks_like_ours(path: Path) -> bool:
    """Tell a K1N plan from some other tool's `plan.toml`, which no option names."""
    try:
        content = path.read_bytes()
    except OSError:
        return True
    return b"k1n-plan" in content or b"[[batch]]" in content
