"""What the input of a WAIT says: for how long, or until when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_DURATION: Final = re.compile(
    r"\s*(?:(\d+)\s*(?:days?|d))?\s*(?:(\d+)\s*(?:hours?|hrs?|h))?\s*"
    r"(?:(\d+)\s*(?:minutes?|mins?|m))?\s*(?:(\d+)\s*(?:seconds?|secs?|s))?\s*",
    re.IGNORECASE,
)


def duration_s(text: str) -> int:
    """Read `1 days 2 hours 3 mins 4 secs` (also d h m s). Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"Not valid duration: {text}")
    days, hours, minutes, seconds = (int(part) if part else 0 for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


_INSTANT: Final = re.compile(r" *(\d+)-\s*(\d+)-\s*(\d+)(?: +(\d+):\s*(\d+)(?: (\S.*))?)?")
_OFFSET: Final = re.compile(r"(?:GMT)?([+-])(\d{2})(\d{2})|GMT([+-])(\d{1,2}):(\d{2})")
_NAMED: Final = {
    "utc": "UTC", "gmt": "UTC", "greenwich mean time": "UTC", "coordinated universal time": "UTC", "wet": "UTC",
    "pst": "-0800", "pdt": "-0700", "mst": "-0700", "mdt": "-0600", "cst": "-0600", "cdt": "-0500", "est": "-0500",
    "edt": "-0400", "akst": "-0900", "akdt": "-0800", "hst": "-1000", "cet": "+0100", "cest": "+0200",
    "eet": "+0200", "eest": "+0300", "bst": "+0100", "west": "+0100", "msk": "+0300", "ist": "+0200", "jst": "+0900",
    "aest": "+1000", "aedt": "+1100", "eastern standard time": "-0500", "central standard time": "-0600",
    "mountain standard time": "-0700", "pacific standard time": "-0800", "central european time": "+0100",
    "central european standard time": "+0100", "eastern european time": "+0200", "japan standard time": "+0900",
}  # fmt: skip
"""Zones that Java knows by letters, in any case; where a name stands for several it takes that one. It knows none by
region (`Europe/Berlin`), which is an error there."""


def _offset_min(zone: str) -> int:
    """Return how many minutes a zone is ahead of UTC. Raises ValueError."""
    if (name := _NAMED.get(zone.lower())) == "UTC":
        return 0
    found = _OFFSET.fullmatch(name or zone)
    if found is None or (name is None and zone[:3] == "GMT" and found[1]):
        raise ValueError(f"Unable to parse date {zone}")
    sign, hours, minutes = found.group(1, 2, 3) if found[1] else found.group(4, 5, 6)
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def instant_ms(text: str) -> int:
    """Read `yyyy-MM-dd[ HH:mm[ zone]]` as epoch ms; UTC without a zone. Raises ValueError.

    As Java does it: a thirteenth month is the next year's first, and the 30th of February the first of March.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"Unable to parse date {text}")
    year, month, day, hour, minute = (int(part or 0) for part in found.groups()[:5])
    ahead = _offset_min(found[6]) if found[6] is not None else 0
    days = _days_to(year, month) + day - 1
    return (((days * 24 + hour) * 60) + minute - ahead) * 60_000


def _days_to(year: int, month: int) -> int:
    """Count the days from 1970 to the first of a month, which may lie outside its year, and the year beyond 9999."""
    years, month = divmod(month - 1, 12)
    eras, year = divmod(year + years, 400)
    first = datetime(year or 400, month + 1, 1, tzinfo=UTC)
    return (first - datetime(1970, 1, 1, tzinfo=UTC)).days + (eras - (0 if year else 1)) * 146_097


def names_zone(text: str) -> bool:
    """Whether a date says in which zone it is: one that does not is in that of its reader."""
    return len(text.split()) == 3
