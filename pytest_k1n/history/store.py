"""The history file: one row per completed execution, and which of them are the baseline. SQLite, safe to share.

Several processes of one machine may write at once: a write-ahead log, short transactions that take the lock when they
begin, and half a minute of patience. Histories of several machines are merged.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pytest_k1n.core.baselines.series import Sample, SeriesKey
from pytest_k1n.history.file import HistoryFile

RING = 20
"""Accepted executions that a comparison uses, the newest ones."""
_MEASURED = ("workflow", "definition", "environment", "makespan_ms", "verdict", "durations")
_COLUMNS = "run, id, workflow, definition, environment, started_ms, verdict, simulated, durations, names"


class Group(NamedTuple):
    """What compares with each other: executions of one definition in one environment."""

    workflow: str
    definition: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The accepted executions of a group, oldest first."""

    group: Group
    samples: tuple[Sample, ...]
    accepted_ms: int
    """When the newest of them was accepted, epoch ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One execution in a list: without its durations."""

    group: Group
    run: str
    id: str
    started_ms: int
    makespan_ms: int
    verdict: str
    accepted_ms: int | None


class Merged(NamedTuple):
    """What one history took over from another."""

    added: int
    accepted: int
    """Executions that only the other had accepted."""
    different: int
    """Executions of which the two say different things: what was known first stays."""


class History(HistoryFile):
    """An open history file. Each method is one transaction; raises HistoryError where the file cannot be used."""

    def add(self, samples: Iterable[Sample]) -> int:
        """Remember executions; those that are known already stay as they are. Return how many are new."""
        rows = [
            (
                each.run_uid,
                each.workflow_id,
                each.workflow,
                each.definition,
                each.environment,
                each.started_ms,
                each.makespan_ms,
                each.verdict,
                each.is_simulated,
                _durations(each),
                json.dumps(each.names, separators=(",", ":")),
            )
            for each in samples
        ]
        with self._writing() as cursor:
            before = self._connection.total_changes
            cursor.executemany(
                "INSERT OR IGNORE INTO execution (run, id, workflow, definition, environment, started_ms, makespan_ms,"
                " verdict, simulated, durations, names) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                rows,
            )
            return self._connection.total_changes - before

    def baselines(self, workflow: str) -> list[Baseline]:
        """Return the accepted executions of a workflow by group, the group accepted last first; RING of each."""
        with self._reading() as cursor:
            rows = cursor.execute(
                f"SELECT {_COLUMNS}, accepted_ms FROM execution WHERE workflow = ? AND accepted_ms IS NOT NULL"
                " ORDER BY started_ms, run, id",
                (workflow,),
            ).fetchall()
            groups: dict[Group, list[sqlite3.Row]] = {}
            for row in rows:
                groups.setdefault(Group(row["workflow"], row["definition"], row["environment"]), []).append(row)
            found = [
                Baseline(
                    group=group,
                    samples=tuple(_sample(row) for row in accepted[-RING:]),
                    accepted_ms=max(row["accepted_ms"] for row in accepted),
                )
                for group, accepted in groups.items()
            ]
        return sorted(found, key=lambda each: -each.accepted_ms)

    def executions(self, workflow: str | None = None, *, last: int | None = None) -> list[Remembered]:
        """List what is remembered, oldest first; of a workflow, or the last so many only."""
        with self._reading() as cursor:
            rows = cursor.execute(
                "SELECT run, id, workflow, definition, environment, started_ms, makespan_ms, verdict, accepted_ms"
                " FROM execution WHERE ? IS NULL OR workflow = ? ORDER BY started_ms DESC, run, id LIMIT ?",
                (workflow, workflow, -1 if last is None else last),
            ).fetchall()
        return [
            Remembered(
                group=Group(row["workflow"], row["definition"], row["environment"]),
                **{name: row[name] for name in ("run", "id", "started_ms", "makespan_ms", "verdict", "accepted_ms")},
            )
            for row in reversed(rows)
        ]

    def samples(self, group: Group, *, last: int) -> list[Sample]:
        """Return the last executions of a group with their durations, oldest first."""
        with self._reading() as cursor:
            rows = cursor.execute(
                f"SELECT {_COLUMNS} FROM execution WHERE workflow = ? AND definition = ? AND environment = ?"
                " ORDER BY started_ms DESC LIMIT ?",
                (*group, last),
            ).fetchall()
            return [_sample(row) for row in reversed(rows)]

    def trend(self, group: Group, *, last: int) -> list[tuple[str, int, int]]:
        """Return (run, started_ms, makespan_ms) of the last executions of a workflow in an environment, oldest first.

        Of any definition: a change of it is a step that a reader wants to see.
        """
        with self._reading() as cursor:
            rows = cursor.execute(
                "SELECT run, started_ms, makespan_ms FROM execution WHERE workflow = ? AND environment = ?"
                " ORDER BY started_ms DESC LIMIT ?",
                (group.workflow, group.environment, last),
            ).fetchall()
        return [(row["run"], row["started_ms"], row["makespan_ms"]) for row in reversed(rows)]

    def accept(self, chosen: Sequence[Remembered], *, now_ms: int, add: bool = False) -> None:
        """Make executions the baseline of their groups: instead of what was accepted there, or with `add` beside it."""
        with self._writing() as cursor:
            for group in {each.group for each in chosen} if not add else ():
                cursor.execute(
                    "UPDATE execution SET accepted_ms = NULL WHERE workflow = ? AND definition = ? AND environment = ?",
                    group,
                )
            cursor.executemany(
                "UPDATE execution SET accepted_ms = ? WHERE run = ? AND id = ?",
                [(now_ms, each.run, each.id) for each in chosen],
            )

    def drop(self, chosen: Sequence[Remembered]) -> None:
        """Take executions out of the baseline; they stay in the history."""
        with self._writing() as cursor:
            cursor.executemany(
                "UPDATE execution SET accepted_ms = NULL WHERE run = ? AND id = ?",
                [(each.run, each.id) for each in chosen],
            )

    def merge(self, other: Path) -> Merged:
        """Take over what another history knows; accepted in either is accepted. The other file is only read."""
        with History(other, is_read_only=True) as source, source._reading() as cursor:
            rows = cursor.execute("SELECT * FROM execution").fetchall()
            for row in rows:
                _sample(row)
        if not rows:
            return Merged(added=0, accepted=0, different=0)
        names = rows[0].keys()
        places = ",".join("?" * len(names))
        with self._writing() as cursor:
            before = self._connection.total_changes
            cursor.executemany(
                f"INSERT OR IGNORE INTO execution ({','.join(names)}) VALUES ({places})", [tuple(row) for row in rows]
            )
            added = self._connection.total_changes - before
            cursor.executemany(
                "UPDATE execution SET accepted_ms = ? WHERE run = ? AND id = ? AND accepted_ms IS NULL",
                [(row["accepted_ms"], row["run"], row["id"]) for row in rows if row["accepted_ms"] is not None],
            )
            accepted = self._connection.total_changes - before - added
            known = cursor.execute("SELECT * FROM execution").fetchall()
        mine = {(row["run"], row["id"]): row for row in known}
        different = sum(any(row[name] != mine[row["run"], row["id"]][name] for name in _MEASURED) for row in rows)
        return Merged(added=added, accepted=accepted, different=different)


def _durations(sample: Sample) -> str:
    by_segment: dict[str, dict[str, int]] = {}
    for key, ms in sample.durations.items():
        by_segment.setdefault(key.segment, {})[key.ref] = ms
    return json.dumps(by_segment, separators=(",", ":"))


def _sample(row: sqlite3.Row) -> Sample:
    by_segment: Mapping[str, Mapping[str, int]] = json.loads(row["durations"])
    return Sample(
        run_uid=row["run"],
        workflow_id=row["id"],
        workflow=row["workflow"],
        definition=row["definition"],
        environment=row["environment"],
        started_ms=row["started_ms"],
        verdict=row["verdict"],
        durations={
            SeriesKey(ref, segment): ms  # type: ignore[arg-type]  # what was written is a Segment
            for segment, of_refs in by_segment.items()
            for ref, ms in of_refs.items()
        },
        names=json.loads(row["names"]),
        is_simulated=bool(row["simulated"]),
    )
