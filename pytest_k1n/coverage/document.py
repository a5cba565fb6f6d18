"""The coverage document, `k1n-coverage/1`: what JSON reports hold, and what is merged over runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_k1n.coverage.merging import Covered, from_json, rate

SCHEMA = "k1n-coverage/1"


def coverage_document(definitions: Sequence[Covered]) -> dict[str, Any]:
    """Write the coverage of some definitions as one document."""
    return {
        "schema": SCHEMA,
        "rate": round(rate(definitions), 4),
        "goals": sum(len(each.goals) for each in definitions),
        "exercised": sum(len(each.tests) for each in definitions),
        "definitions": [_definition(each) for each in definitions],
    }


def read_coverage(document: Mapping[str, Any]) -> tuple[Covered, ...]:
    """Read a coverage document. Raises ValueError that says what is wrong with it."""
    if document.get("schema") != SCHEMA:
        raise ValueError(f"not a {SCHEMA} document")
    try:
        return tuple(map(from_json, document["definitions"]))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"not a {SCHEMA} document: {type(error).__name__}: {error}") from None


def as_text(definitions: Iterable[Covered]) -> str:
    """Write the document as a file holds it."""
    return json.dumps(coverage_document(list(definitions)), indent=1, ensure_ascii=False) + "\n"


def _definition(covered: Covered) -> dict[str, Any]:
    document = covered.to_json()
    for goal, fields in zip(covered.goals, document["goals"], strict=True):
        fields["what"] = goal.what
    return {"rate": round(rate([covered]), 4), **document}
