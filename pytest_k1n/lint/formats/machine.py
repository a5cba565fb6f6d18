"""For programs: JSON, SARIF 2.1.0, and annotations of GitHub's workflow commands."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from pytest_k1n.lint.check import Level, LintCheck, LintFinding
from pytest_k1n.lint.judge import Report
from pytest_k1n.lint.table import CHECKS

_SARIF_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_GITHUB_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def as_json(report: Report) -> str:
    """Write the findings as one JSON object, with their number by level."""
    count = Counter(each.level for each in report.findings)
    document = {
        "schema": "k1n-lint/1",
        "files": report.files,
        "workflows": report.workflows,
        "taskDefinitions": report.task_definitions,
        "counts": {level.value: count[level] for level in Level},
        "findings": [asdict(each) for each in report.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_sarif(report: Report) -> str:
    """Write a log of SARIF 2.1.0 with one run; every check of the table is a rule."""
    rules = [_rule(check) for check in CHECKS]
    index = {check.code: number for number, check in enumerate(CHECKS)}
    run = {
        "tool": {"driver": {"name": "k1n lint", "version": version("pytest-k1n"), "rules": rules}},
        "columnKind": "utf16CodeUnits",
        "results": [_result(each, index[each.code]) for each in report.findings],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def as_github(report: Report) -> str:
    """Write a workflow command a finding, which GitHub shows at its line."""
    return "\n".join(_command(each) for each in report.findings)


def _rule(check: LintCheck) -> dict[str, Any]:
    return {
        "id": check.code,
        "shortDescription": {"text": f"{check.title}."},
        "fullDescription": {"text": check.why},
        "help": {"text": f"{check.why} {check.fix}", "markdown": f"{check.why}\n\n**Fix:** {check.fix}"},
        "defaultConfiguration": {"level": _SARIF_LEVELS[check.level]},
    }


def _result(found: LintFinding, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(found.file)},
            "region": {"startLine": found.line, "startColumn": found.column},
        }
    }
    if found.ref or found.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": "/".join(filter(None, (found.subject, found.ref)))}]
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[found.level],
        "message": {"text": f"{f'{found.ref}: ' if found.ref else ''}{found.message}. {found.fix}"},
        "locations": [location],
        "partialFingerprints": {"k1n/v1": f"{found.code}:{found.subject}:{found.ref}:{found.pointer}"},
        "properties": {"pointer": found.pointer},
    }


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file)


def _command(found: LintFinding) -> str:
    said = f"{found.ref}: {found.message}" if found.ref else found.message
    place = f"file={_escaped(found.file, True)},line={found.line},col={found.column},title={_escaped(found.code, True)}"
    return f"::{_GITHUB_LEVELS[found.level]} {place}::{_escaped(f'{said} -> {found.fix}')}"


def _escaped(words: str, is_property: bool = False) -> str:
    for character, escape in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        words = words.replace(character, escape)
    return words.replace(":", "%3A").replace(",", "%2C") if is_property else words
