"""Findings as SARIF 2.1.0, for code scanning: a rule per finding code, a stable fingerprint per cause."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pytest_k1n.core.codes import CODES
from pytest_k1n.report.document import FindingDocument, RunDocument

MOST = 5_000
"""A service shows no more results of one run; the worst come first."""
_LEVELS = {"fail": "error", "unknown": "warning", "warn": "note"}


def render(document: RunDocument) -> str:
    """Write the log of one run."""
    shown = document["findings"][:MOST]
    codes = sorted({each["code"] for each in shown})
    names = {each["workflow"]["workflow_id"]: each["workflow"]["name"] for each in document["executions"]}
    driver = {
        "name": "pytest-k1n",
        "version": document["run"]["made_by"].removeprefix("pytest-k1n "),
        "rules": [_rule(code) for code in codes],
    }
    left_out = len(document["findings"]) - len(shown)
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "pytest-k1n/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, codes, names, document["plan"]) for each in shown],
        "properties": {"run": document["run"]["uid"], "verdict": document["verdict"], "leftOut": left_out},
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1)


def _rule(code: str) -> dict[str, Any]:
    meaning = CODES.get(code)
    cause, remedy = (meaning.cause, meaning.remedy) if meaning else ("A finding of a test's own.", "See its test.")
    return {"id": code, "shortDescription": {"text": cause}, "help": {"text": remedy}}


def _result(finding: FindingDocument, codes: list[str], names: dict[str, str], plan: str | None) -> dict[str, Any]:
    workflow = names.get(finding["workflow_id"] or "", finding["batch"] or "run")
    by = f", by {finding['margin']}" if finding["margin"] else ""
    because = f" ({finding['origin']})" if finding["origin"] else ""
    claim = f"{finding['subject']}: expected {finding['expected']}; observed {finding['observed']}{by}{because}"
    source = finding["tests"][0].partition("::")[0] if finding["tests"] else plan or "k1n.toml"
    return {
        "ruleId": finding["code"],
        "ruleIndex": codes.index(finding["code"]),
        "level": _LEVELS.get(finding["verdict"], "note"),
        "message": {"text": claim},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(source)}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": f"{workflow}/{finding['subject']}", "kind": "member"}],
            }
        ],
        "partialFingerprints": {"k1n/v1": _fingerprint(finding["code"], workflow, finding["subject"])},
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.encode("utf-8", "replace"), safe="/")


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
