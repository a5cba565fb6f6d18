"""What a harmed run left, in a file: to be looked at when server and executions are gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pytest_k1n.chaos.faults import Injection
from pytest_k1n.chaos.rig import Passed
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Json


def keep(folder: Path, number: int, injection: Injection, passed: Passed, findings: Sequence[Finding]) -> Path:
    """Write the executions of a run as the server answered them, with the worker's invocations; return the file."""
    document: dict[str, Json] = {
        "run": number,
        "injection": f"{injection}, for {injection.lasts} leases",
        "struck": passed.struck,
        "findings": [str(finding) for finding in findings],
        "left": [each.document for each in passed.evidence],
    }
    path = folder / f"run-{number}.json"
    replace_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return path
