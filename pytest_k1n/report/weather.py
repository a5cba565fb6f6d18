"""The weather of a run as documents carry it, and as one line says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.units import format_ms


class WeatherDocument(TypedDict):
    """When machine and server stood still, in epoch ms of the machine: a latency can be judged again from it."""

    latency: str
    """How latencies were judged: weather, strict or off."""
    since_ms: int
    until_ms: int
    host: list[tuple[int, int]]
    """A thread that had nothing to do but wake up was not woken."""
    server: list[tuple[int, int]]
    """A cheap request took that much longer than it usually does."""
    taken_ms: NotRequired[list[int]]
    """When workers took tasks: the server's stalls excuse more, the more of them a task had to wait for."""


class RunWeatherDocument(WeatherDocument):
    """The weather of a whole run, and what became of its latencies."""

    checks: int
    """Latencies that tests and gates judged."""
    not_measurable: int


def weather_document(weather: Weather) -> WeatherDocument:
    """Write down what the meters recorded."""
    return {
        "latency": weather.policy,
        "since_ms": weather.since_ms,
        "until_ms": max(weather.since_ms, weather.until_ms),
        "host": [(each.start_ms, each.end_ms) for each in weather.host],
        "server": [(each.start_ms, each.end_ms) for each in weather.server],
        "taken_ms": list(weather.taken_ms),
    }


def weather_line(document: RunWeatherDocument) -> str:
    """Say how much of the run the meters saw nothing move, and how many latencies that left undecided."""
    checks = f"{document['not_measurable']} of {document['checks']} latency checks not measurable"
    if document["latency"] == "off":
        return f"not measured, latencies are not judged (--k1n-latency=off); {checks}"
    host_ms, worst_ms = _total(document["host"])
    server_ms, _ = _total(document["server"])
    over_ms = document["until_ms"] - document["since_ms"]
    worst = f" (worst {format_ms(worst_ms)})" if worst_ms else ""
    still = f"host stood still {format_ms(host_ms)} of {format_ms(over_ms)}{worst}, server {format_ms(server_ms)}"
    return f"{still}; {checks}"


def stood_still(document: WeatherDocument, ran_ms: int) -> str:
    """Say for a reader who knows none of the words how long host and server stood still, in a run of `ran_ms`."""
    if document["latency"] == "off":
        return "not measured, latencies are not judged (--k1n-latency=off)"
    host_ms, worst_ms = _total(document["host"])
    server_ms, _ = _total(document["server"])
    over_ms = document["until_ms"] - document["since_ms"]
    worst = f" (at most {format_ms(worst_ms)} at a time)" if worst_ms else ""
    return (f"for {format_ms(over_ms)} of the run's {format_ms(ran_ms)} it was metered whether anything moved; in that "
            f"time the machine did not wake a thread that was due for {format_ms(host_ms)}{worst}, and the server was "
            f"slower than usual in answering a cheap request for {format_ms(server_ms)}")  # fmt: skip


def _total(stalls: Sequence[tuple[int, int]]) -> tuple[int, int]:
    lengths = [Interval(*stall).duration_ms for stall in stalls]
    return sum(lengths), max(lengths, default=0)
