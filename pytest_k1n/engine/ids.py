"""Ids that depend on the seed and on their own entity alone: a new execution elsewhere disturbs none of them."""

from __future__ import annotations

from hashlib import blake2b, md5
from typing import Final

INSTANCE: Final = "embedded"
"""What names itself as the answering host, and as the worker of HTTP tasks: nobody shall take it for Conductor."""


def seeded_id(seed: int, entity: str) -> str:
    """Derive an id in the form of a random UUID (version 4) from the engine's seed and an entity's path."""
    digits = blake2b(f"{seed}/{entity}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def child_id(parent_id: str, task_id: str, attempt: int) -> str:
    """Derive a child execution's id as the server does: UUID version 3 of its parent task's attempt."""
    name = f"subworkflow:{parent_id}:{task_id}:{attempt}".encode()
    digits = md5(name, usedforsecurity=False).hexdigest()
    variant = f"{int(digits[16:18], 16) & 0x3F | 0x80:02x}"
    return f"{digits[:8]}-{digits[8:12]}-3{digits[13:16]}-{variant}{digits[18:20]}-{digits[20:]}"


def seeded_fraction(seed: int, entity: str) -> float:
    """Draw a number in [0, 1) that belongs to one entity (retry jitter)."""
    return int.from_bytes(blake2b(f"{seed}/{entity}".encode(), digest_size=7).digest()) / 2**56
