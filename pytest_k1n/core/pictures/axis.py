"""The axis of time: where an instant stands, as a percentage of the width, and the ticks that a reader expects."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_k1n.core.units import HOUR_MS, MINUTE_MS, SECOND_MS

MOST_TICKS = 9
_STEPS_MS = (
    *(step * 10**power for power in range(3) for step in (1, 2, 5)),
    *(step * SECOND_MS for step in (1, 2, 5, 10, 15, 30)),
    *(step * MINUTE_MS for step in (1, 2, 5, 10, 15, 20, 30)),
    *(step * HOUR_MS for step in (1, 2, 3, 6, 12, 24, 48, 168)),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to `end_ms`."""

    end_ms: int

    def at(self, ms: int) -> float:
        """Return where an instant stands, in percent of the width; what lies outside stands at the edge."""
        return round(100 * min(max(ms, 0), self.end_ms) / max(self.end_ms, 1), 3)

    def percent(self, ms: int) -> str:
        """Write `at` for an attribute."""
        return f"{self.at(ms):g}%"

    def width(self, begin_ms: int, end_ms: int) -> str:
        """Write how wide a stretch is, in percent."""
        return f"{max(self.at(end_ms) - self.at(begin_ms), 0):g}%"

    def ticks(self, most: int = MOST_TICKS) -> list[tuple[int, str]]:
        """Return at most so many instants to mark beside 0, with their labels in one unit."""
        step = next((each for each in _STEPS_MS if self.end_ms / each <= most), None)
        if step is None:
            step = 168 * HOUR_MS * (1 + self.end_ms // (168 * HOUR_MS * most))
        unit_ms, unit = _unit(step)
        return [(at, f"{at / unit_ms:g} {unit}" if at else "0") for at in range(0, self.end_ms + 1, step)]


def axis_line(end_ms: int, columns: int) -> str:
    """Write the ticks that fit into so many columns of text, each beginning at its place."""
    line = [" "] * columns
    free = 0
    for at, text in Scale(end_ms).ticks(max(columns // 11, 1)):
        place = round(columns * at / max(end_ms, 1))
        if place >= free and place + len(text) + 1 <= columns:
            line[place : place + len(text) + 1] = f"|{text}"
            free = place + len(text) + 2
    return "".join(line).rstrip()


def _unit(step_ms: int) -> tuple[int, str]:
    if step_ms >= HOUR_MS:
        return HOUR_MS, "h"
    if step_ms >= MINUTE_MS:
        return MINUTE_MS, "min"
    return (SECOND_MS, "s") if step_ms >= SECOND_MS else (1, "ms")
