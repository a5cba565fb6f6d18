"""`k1n tiers [-- PYTEST ARGUMENTS]`: run a suite on every tier, and show in one report where they agree."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pytest_k1n.client.address import redact
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.report.blocks import as_markdown
from pytest_k1n.report.document import RunDocument
from pytest_k1n.report.tiers import TierResult, agrees, blocks, tier_of

TIERS = ("embedded", "jar", "docker")


def main(argv: Sequence[str]) -> int:
    """Run pytest once per tier; 0 if all that could be used agree and pass, 1 if not, or none could be used."""
    words = list(argv)
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="k1n tiers", description=__doc__, usage="%(prog)s [options] [-- PYTEST ...]")
    parser.add_argument("--tiers", default=",".join(TIERS), metavar="LIST", help="servers (default: %(default)s)")
    parser.add_argument("--into", type=Path, default=Path("test-results/tiers"), metavar="DIR",
        help="results of each tier, and tiers.md (default: %(default)s)")  # fmt: skip
    arguments = parser.parse_args(words[:cut])
    given = words[cut + 1 :] or (["suites"] if Path("suites").is_dir() else [])
    names = [each for each in arguments.tiers.replace(",", " ").split() if each]
    if len(set(names)) < len(names) or not names:
        parser.error(f"--tiers {arguments.tiers!r}: name each tier once")
    tiers = []
    for place, name in enumerate(names):
        shown = redact(name)
        folder = _folder_name(shown if shown == name else f"{shown}-{place}")
        print(redact(f"{shown}: pytest {' '.join(given)} --k1n-server={shown}"), flush=True)
        tiers.append(_run(name, shown, given, arguments.into / folder))
        print(f"{shown}: {tiers[-1].document['verdict'] if tiers[-1].document else tiers[-1].reason}", flush=True)
    text = as_markdown(list(blocks(tiers)))
    target = arguments.into / "tiers.md"
    replace_text(target, text + "\n")
    print(f"\n{text}\n\nwrote {target}")
    return 0 if agrees(tiers) else 1


def _run(name: str, shown: str, given: Sequence[str], folder: Path) -> TierResult:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "run.json"
    kept.unlink(missing_ok=True)  # an earlier run's must not be taken for this one's
    log = folder / "pytest.log"
    command = [sys.executable, "-m", "pytest", *given, f"--k1n-server={name}", f"--k1n-results={folder}"]
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    if not kept.exists():
        return tier_of(shown, None, f"{redact(_last_error(log))} (pytest exit code {code}; {log})")
    return tier_of(shown, cast("RunDocument", json.loads(kept.read_text("utf-8"))))


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pytest said nothing"])[-1]


def _folder_name(name: str) -> str:
    """Name a tier's folder; a URL may hold what no name of a folder should."""
    return "".join(each if each.isalnum() else "-" for each in name)
