"""What the input of a WAIT says: for how long, or until when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_DURATION: Final = re.compile(
    r"\s*(?:(\d+)\s*(?:days?|d))?\s*(?:(\d+)\s*(?:hours?|hrs?|h))?\s*"
    r"(?:(\d+)\s*(?:minutes?|mins?|m))?\s*(?:(\d+)\s*(?:seconds?|secs?|s))?\s*",
    re.IGNORECASE,
)
_FORMATS: Final = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M %Z", "%Y-%m-%d %H:%M %z")


def duration_s(text: str) -> int:
    """Read `1 days 2 hours 3 mins 4 secs` (also d h m s). Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"Not valid duration: {text}")
    days, hours, minutes, seconds = (int(part) if part else 0 for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


_OFFSET: Final = re.compile(r"(?:GMT|UTC)([+-]\d{1,2}):?(\d{2})?")
_SHORT: Final = {
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver", "CST": "America/Chicago",
    "EST": "America/New_York", "EDT": "America/New_York", "CET": "Europe/Paris", "CEST": "Europe/Paris",
    "BST": "Europe/London", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "AEST": "Australia/Sydney",
}  # fmt: skip
"""Zones that Java knows by a few letters."""


def _zone(name: str) -> tzinfo:
    """Find a zone by its name or its offset. Raises ValueError, and KeyError for an unknown name."""
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        from zoneinfo import ZoneInfo  # here: it looks through the folders of zones, and few workflows name one

        return ZoneInfo(_SHORT.get(name, name))
    hours, minutes = int(offset[1]), int(offset[2] or 0)
    return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))


def instant_ms(text: str) -> int:
    """Read `yyyy-MM-dd[ HH:mm[ zone]]` as epoch ms; UTC without a zone. Raises ValueError."""
    stripped, zone = text.strip(), UTC
    words = stripped.split()
    named: tzinfo = zone
    if len(words) == 3:
        try:
            named = _zone(words[2])
            stripped = " ".join(words[:2])
        except (KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
            named = zone
    for form in _FORMATS:
        try:
            moment = datetime.strptime(stripped, form)  # noqa: DTZ007 (the zone is set below)
        except ValueError:
            continue
        return int((moment if moment.tzinfo else moment.replace(tzinfo=named)).timestamp() * 1000)
    raise ValueError(f"Unable to parse date {text}")


def names_zone(text: str) -> bool:
    """Whether a date says in which zone it is: one that does not is in that of its reader."""
    return len(text.split()) == 3
