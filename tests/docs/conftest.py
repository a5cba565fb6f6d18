"""Documentation as tests: the files that a page shows are written, its commands run, and their output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHIN_S = 120
_FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$|^<!-- run: (.*?) -->$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that a page has its reader do: write a file, or run a command."""

    line: int
    file: str | None = None
    text: str = ""
    command: str | None = None
    output: str | None = None
    """Expected; `...` stands for anything, on a line of its own for any lines. None: anything will do."""


def steps(page: str) -> Iterator[Step]:
    """Read a page: blocks with a title are files, `console` blocks commands with output, `run:` hidden commands."""
    for found in _FENCE.finditer(page):
        line = page.count("\n", 0, found.start()) + 1
        kind, title, body, hidden = found.groups()
        if hidden is not None:
            yield Step(line=line, command=hidden)
        elif title is not None:
            yield Step(line=line, file=title, text=body)
        elif kind == "console":
            yield from _commands(body, line)


def _commands(body: str, line: int) -> Iterator[Step]:
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if part.startswith("$ "):
            command, _, output = part[2:].partition("\n")
            yield Step(line=line, command=command, output=output.rstrip("\n"))


@dataclass
class Reader:
    """Somebody who types what a page says, in a folder of their own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def follow(self, page: Path) -> int:
        """Do every step of a page; return how many commands were run."""
        count = 0
        for step in steps(page.read_text(encoding="utf-8")):
            if step.file is not None:
                path = self.folder / step.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text, encoding="utf-8")
            elif step.command is not None:
                count += 1
                observed = self.type(step.command)
                if step.output is not None and not self.matches(step.output, observed):
                    pytest.fail(
                        f"{page.name}:{step.line}: $ {step.command}\n--- the page says\n{step.output}\n"
                        f"--- it printed\n{observed}",
                        pytrace=False,
                    )
        return count

    def type(self, command: str) -> str:
        """Run a command in the shell; return what it prints, on both streams."""
        run = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        return run.stdout

    @staticmethod
    def matches(expected: str, observed: str) -> bool:
        """Compare output but for blanks at line ends, empty lines around, and how pytest repeats more than a minute."""
        pattern = []
        for row in expected.strip("\n").splitlines():
            if row.strip() == "...":
                pattern.append(r"(?:.*\n)*?")
            else:
                pattern.append(re.escape(row.rstrip()).replace(r"\.\.\.", ".*") + r"\n")
        plain = "".join(f"{row.rstrip()}\n" for row in observed.strip("\n").splitlines())
        plain = re.sub(r"( in \d+\.\d\ds) \(\d+:\d\d:\d\d\)", r"\1", plain)
        return re.fullmatch("".join(pattern), plain) is not None


@pytest.fixture
def reader(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader in an empty folder, with the plugin installed and nothing set; a server they left running is stopped."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("K1N_", "PYTEST"))}
    inherited.pop("CONDUCTOR_SERVER_URL", None)
    # The suite's own folder is where some pages work; elsewhere nothing of this checkout is seen.
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    state = tmp_path_factory.mktemp("state")
    reading = {"PATH": path, "COLUMNS": "80", "PYTHONSAFEPATH": "1", "XDG_STATE_HOME": str(state)}
    reader = Reader(tmp_path, {**inherited, **reading})
    yield reader
    if any(state.iterdir()):
        reader.type("k1n server stop")
