"""The entries of the workers' ledger, read once."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.core.model import Json
from pytest_k1n.core.observation import Invocation


def invocation(entry: Mapping[str, Json]) -> Invocation:
    """Read one entry of the workers' ledger."""
    end_ms, status, slept_ms = entry.get("end_ms"), entry.get("status"), entry.get("slept_ms")
    return Invocation(
        task_id=str(entry["task_id"]),
        ref=str(entry["ref"]),
        attempt=int(str(entry.get("attempt", 0))),
        begin_ms=int(str(entry["begin_ms"])),
        end_ms=end_ms if isinstance(end_ms, int) else None,
        status=str(status) if status is not None else None,
        slept_ms=slept_ms if isinstance(slept_ms, int) else 0,
    )
