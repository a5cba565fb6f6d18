"""Profiles of tasks: how long each took, which of them are bottlenecks, and the summary that a baseline is kept by.

Field names are those of the optimisation plan: scripts of teams read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import MINUTE_MS

CRITICAL_ABOVE = 0.10
"""Share of the total from which on a task is critical."""
MAJOR_ABOVE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One run of one task; times in ms of workflow time, stamps as ISO 8601."""

    task_id: int | str
    start_time: str
    end_time: str
    duration_ms: int
    duration_sec: int
    exit_code: int
    log_file: str
    simulated: bool = False
    speed: float = 1.0
    """By how much simulated work was shortened: `wall_ms` is what it took on the clock."""
    wall_ms: int = 0

    def document(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


_KINDS = {
    "start_time": str, "end_time": str, "log_file": str, "exit_code": int, "duration_sec": int, "wall_ms": int,
    "speed": int | float,
}  # fmt: skip
"""Of the fields that are compared or counted."""


def profile_from(document: object) -> Profile:
    """Read a profile; fields that it does not know are left out. Raises ValueError that says what is wrong."""
    if not isinstance(document, Mapping):
        raise ValueError("no JSON object")  # noqa: TRY004 -- the file's mistake, not the caller's
    known = {each.name for each in fields(Profile)}
    needed = ("task_id", "start_time", "duration_ms", "exit_code")
    if missing := [name for name in needed if name not in document]:
        raise ValueError(f"no {', '.join(missing)}")
    duration = document["duration_ms"]
    if isinstance(duration, bool) or not isinstance(duration, int) or duration < 0:
        raise ValueError(f"duration_ms is {duration!r}, not a number of ms")
    if isinstance(document["task_id"], bool) or not isinstance(document["task_id"], int | str):
        raise ValueError(f"task_id is {document['task_id']!r}, not a number or name")  # noqa: TRY004 -- as above
    for name, kind in _KINDS.items():
        if name in document and not isinstance(document[name], kind):
            raise ValueError(f"{name} is {document[name]!r}, not {'text' if kind is str else 'a number'}")
    usual = {"end_time": "", "duration_sec": duration // 1000, "log_file": ""}
    return Profile(**{**usual, **{name: value for name, value in document.items() if name in known}})


@dataclass(frozen=True, slots=True)
class Analysis:
    """Profiles of one baseline, one per task, slowest first."""

    profiles: tuple[Profile, ...]

    @property
    def total_ms(self) -> int:
        return sum(each.duration_ms for each in self.profiles)

    @property
    def failed(self) -> tuple[Profile, ...]:
        """Those whose handler failed: their durations say little."""
        return tuple(each for each in self.profiles if each.exit_code)

    def share(self, profile: Profile) -> float:
        """Return a task's part of the total; 0 if nothing took time."""
        return profile.duration_ms / self.total_ms if self.total_ms else 0.0

    def level(self, profile: Profile) -> str:
        """Return CRITICAL, Major or Normal."""
        share = self.share(profile)
        return "CRITICAL" if share > CRITICAL_ABOVE else "Major" if share > MAJOR_ABOVE else "Normal"

    def at(self, level: str) -> tuple[Profile, ...]:
        """Return the tasks of a level, slowest first."""
        return tuple(each for each in self.profiles if self.level(each) == level)

    def summary(self) -> dict[str, object]:
        """Return the seven fields of `summary.json`."""
        slowest = self.profiles[0]
        return {
            "total_duration_ms": self.total_ms,
            "total_duration_min": self.total_ms / MINUTE_MS,
            "task_count": len(self.profiles),
            "slowest_task_id": slowest.task_id,
            "slowest_task_duration_min": slowest.duration_ms / MINUTE_MS,
            "critical_path_tasks": [each.task_id for each in self.at("CRITICAL")],
            "major_path_tasks": [each.task_id for each in self.at("Major")],
        }


def analyse(profiles: Iterable[Profile]) -> Analysis:
    """Rank the newest profile of each task. Raises ValueError if there is none."""
    newest: dict[int | str, Profile] = {}
    for each in sorted(profiles, key=lambda each: each.start_time):
        newest[each.task_id] = each
    if not newest:
        raise ValueError("no profiles")
    return Analysis(tuple(sorted(newest.values(), key=lambda each: (-each.duration_ms, str(each.task_id)))))


def table(analysis: Analysis, *, most: int = 10) -> list[str]:
    """Write the analysis for people: the slowest tasks, what is critical and major."""
    total = analysis.total_ms
    lines = [
        f"Total Duration: {total / MINUTE_MS:.1f} minutes ({total / 1000:.0f}s)",
        f"Tasks Analyzed: {len(analysis.profiles)}",
        "",
        f"TOP {most} SLOWEST TASKS:",
        f"{'Rank':<5} {'Task':<6} {'Duration':<17} {'% of Total':<11} Status",
    ]
    for rank, each in enumerate(analysis.profiles[:most], 1):
        took = f"{each.duration_ms / 1000:.1f}s ({each.duration_ms / MINUTE_MS:.1f}m)"
        status = analysis.level(each) + (f", failed (exit code {each.exit_code})" if each.exit_code else "")
        lines.append(
            f"{rank:<5} {one_line(each.task_id, most=60):<6} {took:<17} {analysis.share(each):<11.1%} {status}"
        )
    lines += _named("CRITICAL TASKS (>10% of total)", analysis.at("CRITICAL"))
    lines += _named("MAJOR TASKS (5-10% of total)", analysis.at("Major"))
    speeds = ", ".join(f"x{speed:g}" for speed in sorted({each.speed for each in analysis.profiles if each.simulated}))
    if speeds:
        count = sum(each.simulated for each in analysis.profiles)
        lines += ["", f"{count} of them were simulated, at {speeds}; durations are in workflow time."]
    return lines


def _named(title: str, profiles: Sequence[Profile]) -> list[str]:
    named = [
        f"  Task {one_line(each.task_id, most=60)}: {each.duration_ms / MINUTE_MS:.1f} minutes" for each in profiles
    ]
    return ["", f"{title}:", *(named or ["  none"])]
