"""Secrets in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_k1n.lint.check import Hit, Path
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject
from pytest_k1n.lint.tree import texts

_KEY = re.compile(
    r"(?:^|[_\-.])(?:password|passwd|pwd|secret|token|(?:api|access|private|auth|subscription)[_\-]?key|"
    r"client[_\-]?secret|credentials?|authorization)$"
)
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk-[A-Za-z0-9_-]{20,}|"
    r"AIza[\w-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|"
    r"(?i:bearer|basic) [A-Za-z0-9+/_\-.=]{16,}|[a-z][a-z0-9+]*://[^\s/:@$]+:[^\s/@${<]{3,}@"
)
"""What is a secret whatever its key says: keys of the great services, private keys, JWTs, passwords in URLs."""
_PLACEHOLDER = re.compile(
    r"(?i)^$|\$\{|<.*>|\{\{.*\}\}|^\*+$|^x{3,}$|your|example|change.?me|placeholder|dummy|redacted|todo|^(none|null|"
    r"true|false|string|text|secret|password|token|bearer|basic|n/a|test|foo|bar)$|^(?-i:[A-Z][A-Z0-9_]*)$|^%.*%$|^@.*@$|^env[:.]"
)
_NOT_VALUES = frozenset({"inputKeys", "outputKeys", "maskedFields", "runtimeMetadata", "description", "expression",
                         "scriptExpression", "queryExpression", "loopCondition"})  # fmt: skip


def plain_secret(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find values that look like secrets, or stand under a key that says so."""
    for path, value in texts(dict(subject.fields), (), without="workflowDefinition"):
        if path and path[0] in ("inputSchema", "outputSchema"):
            continue
        named = _named(path) and not _PLACEHOLDER.search(value[:200]) and len(value) >= 4
        found = _SECRET.search(value[:10_000]) if "${" not in value else None
        if named or (found and not re.search(r"(?i)example|your|<|xxxx", found[0])):
            key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
            yield Hit((*subject.path, *path), f"{key} holds a secret in plain text")


def _named(path: Path) -> bool:
    if not path or not isinstance(path[-1], str) or _NOT_VALUES & set(path):
        return False
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path[-1]).lower()
    return bool(_KEY.search(snake)) and path[-2:-1] != ("properties",)
