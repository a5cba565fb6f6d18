"""One measured figure, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Row = Mapping[str, object]


def row(
    id_: str,
    value: float,
    unit: str,
    *,
    limit: float | None = None,
    at_least: bool = False,
    peer: str = "",
    peer_value: float | None = None,
) -> Row:
    """Judge a figure: at most its limit, or `at_least` it; without a limit it is reported only."""
    ok = limit is None or (value >= limit if at_least else value <= limit)
    return {
        "id": id_,
        "value": round(value, 3),
        "unit": unit,
        "limit": limit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
        "ok": ok,
    }


def skipped(id_: str, reason: str) -> Row:
    """Say why a figure could not be measured: that is no pass."""
    return {"id": id_, "value": None, "unit": "", "limit": None, "peer": "", "peer_value": None, "ok": None,
            "skipped": reason}  # fmt: skip


def passed(row: Row) -> bool:
    return row["ok"] is not False


def table(rows: Iterable[Row]) -> str:
    lines = [("id", "value", "unit", "limit", "peer", "peer value", "verdict")]
    for each in rows:
        verdict = f"skipped: {each['skipped']}" if "skipped" in each else "ok" if each["ok"] else "MISSED"
        cells = (_text(each[name]) for name in ("id", "value", "unit", "limit", "peer", "peer_value"))
        lines.append((*cells, verdict))  # type: ignore[arg-type]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[6]]).rstrip()
        for line in lines
    )


def _text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
