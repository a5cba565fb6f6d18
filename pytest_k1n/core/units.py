"""Durations and instants: whole milliseconds as `int`, names that end in `_ms`; text only at the edge."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
FIRST_INSTANT_MS, LAST_INSTANT_MS = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999, which ISO 8601 and Python have."""
_LONGEST_MS = 100 * 365 * 24 * HOUR_MS

_UNIT_MS = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "min": MINUTE_MS, "h": HOUR_MS, "d": 24 * HOUR_MS}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)\s*"
_ISO = r"(?i:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?)"


def duration_ms(text: str) -> int:
    """Parse `250ms`, `1m30s`, `6.5m`, `2h` or ISO 8601 (`PT10S`) into whole milliseconds.

    Raises ValueError that names the text and the accepted forms, also for more than a hundred years: clocks of servers
    and of Python end somewhere.
    """
    if not isinstance(text, str):  # users' tests are not checked by types; a mistake in a value like the others
        raise ValueError(f"{text!r:.40} is not a duration: write a text with its unit, as in '30s'")  # noqa: TRY004
    total_ms = _duration_ms(text)
    if not total_ms <= _LONGEST_MS:  # also where it is not a number
        raise ValueError(f"{text[:40]!r} is longer than a hundred years")
    return round(total_ms)


def _duration_ms(text: str) -> float:
    stripped = text.strip()
    number = stripped.rstrip("dhimns")
    factor_ms = _UNIT_MS.get(stripped[len(number) :])
    if factor_ms and _is_number(number):  # nearly always: no pattern need be compiled
        return float(number) * factor_ms
    if stripped[:1] in "Pp" and len(stripped) > 1 and (iso := re.fullmatch(_ISO, stripped)) and any(iso.groups()):
        days, hours, minutes, seconds = (float(part) if part else 0.0 for part in iso.groups())
        return ((days * 24 + hours) * 60 + minutes) * MINUTE_MS + seconds * SECOND_MS
    total, position = 0.0, 0
    pattern = re.compile(_PART)
    while part := pattern.match(stripped, position):
        total += float(part[1]) * _UNIT_MS[part[2]]
        position = part.end()
    if not stripped or position != len(stripped):
        raise ValueError(
            f"{text[:80]!r} is not a duration: write a number with its unit, as in 250ms, 30s, 6.5m, 1h30m, PT10S"
        )
    return total


def format_ms(ms: int) -> str:
    """Show a duration as a sentence has it: `412 ms`, `6.50 s`, `37.0 min`, `3 h 10 min`, `69 d 2 h`."""
    sign, ms = ("-", -ms) if ms < 0 else ("", ms)
    if ms < SECOND_MS:
        return f"{sign}{ms} ms"
    if ms < MINUTE_MS:
        return f"{sign}{ms / SECOND_MS:.2f} s"
    if ms < 3 * HOUR_MS:
        return f"{sign}{ms / MINUTE_MS:.1f} min"
    hours, rest = divmod(round(ms / MINUTE_MS), 60)
    if hours < 72:
        return f"{sign}{hours} h {rest} min"
    days, hours = divmod(round(ms / HOUR_MS), 24)
    return f"{sign}{days} d {hours} h"


def minutes(ms: int) -> float:
    """Convert milliseconds to minutes, rounded to a tenth of a millisecond's worth (6 digits)."""
    return round(ms / MINUTE_MS, 6)


def percent(text: str) -> float:
    """Parse `10%` (or `7.5%`) into the fraction 0.10. Raises ValueError."""
    number = text.strip().removesuffix("%").rstrip()
    if "%" not in text or not _is_number(number):
        raise ValueError(f"{text!r} is not a percentage: write it as in 10%")
    return float(number) / 100


def _is_number(text: str) -> bool:
    """Whether a text is digits, or digits, a point and digits."""
    whole, point, part = text.partition(".")
    return whole.isdecimal() and (not point or part.isdecimal())


def iso_utc(epoch_ms: int) -> str:
    """Write an epoch instant as ISO 8601 in UTC with milliseconds: `2026-11-21T03:44:43.120Z`.

    What is no instant of the years 1 to 9999, such as a stamp in nanoseconds, becomes the nearest that is one.
    """
    epoch_ms = min(max(epoch_ms, FIRST_INSTANT_MS), LAST_INSTANT_MS)
    moment = datetime.fromtimestamp(epoch_ms // SECOND_MS, UTC)
    return f"{moment.year:04}" + moment.strftime("-%m-%dT%H:%M:%S.") + f"{epoch_ms % SECOND_MS:03d}Z"
