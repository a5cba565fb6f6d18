"""Every finding code is documented, and none is documented that nobody emits."""

import ast
import re
from pathlib import Path

import pytest_k1n
from k1n_support.sources import parsed
from pytest_k1n.core.codes import CODES
from pytest_k1n.core.findings import NOT_MEASURABLE

PACKAGE = Path(pytest_k1n.__file__).parent
EMITTERS = {"fail", "warn", "warn_only", "say", "unknown", "_single", "doubt"}
NAMING = {"Finding", "judge_latency", "_Remark"}
"""What takes a code by its keyword."""
EMITTING = re.compile(rf"\b({'|'.join(NAMING | EMITTERS)})\(")


def emitted_codes():
    """Collect literal codes: `Finding(code=...)` and its like, and the first argument of a tally's methods."""
    found = {NOT_MEASURABLE}
    for text in filter(EMITTING.search, (path.read_text() for path in PACKAGE.rglob("*.py"))):
        for call in (node for node in ast.walk(parsed(text)) if isinstance(node, ast.Call)):
            names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(call.func)}
            candidates = [kw.value for kw in call.keywords if kw.arg == "code" and names & NAMING]
            if names & EMITTERS and len(call.args) >= 2:
                candidates.append(call.args[0])
            for candidate in candidates:
                found |= {
                    node.value
                    for node in ast.walk(candidate)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                }
    return found


def test_every_code_has_its_cause_and_remedy_and_vice_versa():
    assert emitted_codes() == set(CODES)


def test_the_codes_stand_in_the_order_of_the_alphabet():
    assert [*CODES] == sorted(CODES)


def test_causes_and_remedies_are_sentences():
    for code, (cause, remedy) in CODES.items():
        assert code == code.lower().replace(" ", "-")
        assert cause[0].isupper(), code
        assert cause.endswith("."), code
        assert remedy.endswith("."), code
