"""Stable hashes: of what a definition demands, however it is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pytest_k1n.core.model import WorkflowDefinition

_DEMANDS = ("name", "version", "tasks", "outputParameters")
_NOISE = frozenset(
    {"taskDefinition", "description", "createTime", "updateTime", "createdBy", "updatedBy", "ownerEmail"}
)
_DEFAULTS: Mapping[str, object] = {"type": "SIMPLE"}


def definition_hash(definition: WorkflowDefinition) -> str:
    """Hash what a definition demands of executions: 16 hex digits.

    The server's copy has the same hash as the file it was registered from: defaults that it fills in, times and
    descriptions do not count.
    """
    known = definition.derived.get("hash")
    if isinstance(known, str):
        return known
    demands = {name: definition.raw.get(name) for name in _DEMANDS}
    demands["version"] = definition.version
    made = definition.derived["hash"] = digest(_essence(demands))
    return made


def digest(*parts: object) -> str:
    """Hash JSON-able values: 16 hex digits, the same in every process."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _essence(value: object) -> object:
    """Drop noise and everything empty: the server writes out defaults that a file leaves out."""
    if isinstance(value, Mapping):
        return {
            str(key): inner
            for key, raw in value.items()
            if key not in _NOISE and raw != _DEFAULTS.get(str(key)) and not _is_empty(inner := _essence(raw))
        }
    if isinstance(value, list | tuple):
        return [_essence(each) for each in value]
    return value


def _is_empty(value: object) -> bool:
    return value is None or value is False or value in ("", 0) or value == [] or value == {}
