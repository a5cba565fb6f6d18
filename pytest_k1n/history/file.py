"""The file that a history lies in: opened, checked for its format, and locked for a write. SQLite, safe to share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

VERSION = 1
PATIENCE_S = 30.0
_TABLE = """
CREATE TABLE IF NOT EXISTS execution (
  run TEXT NOT NULL, id TEXT NOT NULL, workflow TEXT NOT NULL, definition TEXT NOT NULL, environment TEXT NOT NULL,
  started_ms INTEGER NOT NULL, makespan_ms INTEGER NOT NULL, verdict TEXT NOT NULL, simulated INTEGER NOT NULL,
  accepted_ms INTEGER, durations TEXT NOT NULL, names TEXT NOT NULL,
  PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accepted ON execution (workflow, accepted_ms) WHERE accepted_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS started ON execution (workflow, environment, started_ms);
"""


class HistoryError(ValueError):
    """A history file that cannot be used; one line that names it and says what to do."""


class HistoryFile:
    """An open file. With `is_read_only` nothing of it is changed, wherever it lies; raises HistoryError."""

    def __init__(self, path: Path, *, is_new_allowed: bool = True, is_read_only: bool = False) -> None:
        if not (is_new_allowed and not is_read_only) and not path.is_file():
            raise HistoryError(f"{path}: there is no history: runs write one with --k1n-history={path}")
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connected(str(path))
        except (OSError, sqlite3.Error) as error:
            raise HistoryError(f"{path}: cannot be opened as a history: {error}") from None
        try:
            if not is_read_only:
                self._prepare()
            elif self._version() == 0:
                self._replace_by_an_empty_one()
        except HistoryError:
            self._connection.close()
            raise

    def _connected(self, where: str, *, uri: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(where, timeout=PATIENCE_S, isolation_level=None, uri=uri)
        connection.row_factory = sqlite3.Row
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Cursor]:
        """Hold the write lock from the beginning: a reader that wants to write later could be refused at once."""
        with self._guarded():
            cursor = self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Cursor]:
        with self._guarded():
            yield self._connection.cursor()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(f"{self.path}: cannot be used as a history: {error}") from None
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, HistoryError):
                raise
            raise HistoryError(f"{self.path}: holds an execution that cannot be read: {error}") from None

    def _version(self) -> int:
        """Return the format, 0 for none yet; on a medium that cannot be written it goes without its log."""
        with self._guarded():
            try:
                known = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            except sqlite3.OperationalError:
                log = self.path.with_name(f"{self.path.name}-wal")
                if log.is_file() and log.stat().st_size:
                    raise
                self._connection.close()
                self._connection = self._connected(f"{self.path.absolute().as_uri()}?immutable=1", uri=True)
                known = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if known > VERSION:
            raise HistoryError(
                f"{self.path}: was written by a newer pytest-k1n (format {known}, this one reads {VERSION}): "
                "update pytest-k1n, or name another file"
            )
        return known

    def _replace_by_an_empty_one(self) -> None:
        """Read nothing, and change nothing, where a file is empty. Raises HistoryError for something else's."""
        with self._reading() as cursor:
            self._demand_ours(cursor)
            self._connection.close()
            self._connection = self._connected(":memory:")
            self._connection.executescript(_TABLE)

    def _prepare(self) -> None:
        if self._version() == VERSION:
            return
        with self._guarded():
            self._connection.execute("PRAGMA journal_mode = WAL")
        with self._writing() as cursor:
            self._demand_ours(cursor)
            for statement in filter(None, map(str.strip, _TABLE.split(";"))):
                cursor.execute(statement)
            cursor.execute(f"PRAGMA user_version = {VERSION}")

    def _demand_ours(self, cursor: sqlite3.Cursor) -> None:
        tables = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if any(row["name"] != "execution" for row in tables):
            raise HistoryError(f"{self.path}: is a database of something else: name another file")
