"""The run folder: how controller, nodes and the director share a run without sockets.

One writer per file, always by atomic replace, so that a reader sees the old text or the new one, never half of it:
`collection/NODE.json` (each node), `state.json`, `executions/`, `evidence/` and `quality/` (the director), `relaunch/`
(a node that reruns).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_k1n.coordination.backend import ServerDescription
from pytest_k1n.core.model import Execution, Json

if TYPE_CHECKING:
    from pytest_k1n.core.gates.document import PublishedQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchedExecution:
    """What the director knows of one execution; the execution itself is a snapshot beside it."""

    workflow_id: str
    workflow: str
    key: str
    batch: int
    round: int = 0
    """0 for the first of a key; repeats and reruns count on."""
    status: str = "RUNNING"
    is_settled: bool = False
    """Whether nothing more will come: terminal, or given up."""
    released: str | None = None
    """Why it was given up before it was terminal."""
    phases_ended: tuple[int, ...] = ()
    has_violation: bool = False
    correlation_id: str = ""
    updates: int = 0
    """Counts snapshots: a reader whose copy is of the same count need not read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything a test may wait for."""

    server: ServerDescription | None = None
    """`None` until it is ready."""
    server_error: str | None = None
    time_model: str = "real"
    speed: float = 1.0
    domain: str | None = None
    slots: int | None = None
    """Tasks that one worker runs at once per task type; None where the workers are not ours."""
    capability: Mapping[str, Any] | None = None
    """Of a server at a URL or on PostgreSQL, as `core.timing.capability` writes it down."""
    gates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Batch number -> (gate, reason)."""
    launch_errors: Mapping[str, str] = field(default_factory=dict)
    """Launch key -> why it could not be launched."""
    executions: tuple[LaunchedExecution, ...] = ()
    quality: tuple[int, ...] = ()
    """Batches whose quality document is there."""
    paused: bool = False
    """Whether a debugger holds a test: deadlines wait."""

    def of_key(self, key: str) -> tuple[LaunchedExecution, ...]:
        """Return the executions of one launch, in the order of their start."""
        return tuple(execution for execution in self.executions if execution.key == key)


_ENDED = "ended"
_LINK = 200
"""Characters of a reason that a link says: file systems keep a short one with its name."""


class RunFolder:
    """Reads and writes the run's files; paths are made on first write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state: tuple[Stamp | None, RunState] = (None, RunState())
        self._qualities: dict[int, tuple[Stamp | None, PublishedQuality | None]] = {}
        self._seen: dict[str, tuple[Stamp | None, Execution]] = {}
        self._ended = ""

    def make(self) -> RunFolder:
        """Make the folder where it is not there yet, closed to other users: it holds what executions are given."""
        with suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
        return self

    def write_json(self, name: str, document: object) -> Path:
        """Write one file by atomic replace."""
        target = self.make().path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_text(target, json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        return target

    def read_json(self, name: str) -> Any:
        """Read one file; None where it does not exist (yet)."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def claim(self, name: str) -> bool:
        """Create an empty file; True for the process that was first."""
        try:
            os.close(os.open(self.make().path / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

    def write_quality(self, batch: int, document: PublishedQuality) -> None:
        """Publish what the gates say of a batch (director only)."""
        self.write_json(f"quality/{batch}.json", cast("Json", document))

    def quality(self, batch: int) -> PublishedQuality | None:
        """Read what the gates say of a batch; None where it was not judged (yet)."""
        stamp = file_stamp(self.path / f"quality/{batch}.json")
        if batch not in self._qualities or self._qualities[batch][0] != stamp:
            document = cast("PublishedQuality | None", self.read_json(f"quality/{batch}.json"))
            self._qualities[batch] = (stamp, document)
        return self._qualities[batch][1]

    def publish(self, state: RunState) -> None:
        """Replace the run state (director only). Raises OSError, but of one that says what has ended the run."""
        try:
            path = self.write_json("state.json", asdict(state))
        except OSError:
            if state.server_error is None:
                raise
            self._tell_the_end(state.server_error)
            return
        self._state = (file_stamp(path), state)  # tests of the same process need not read it

    def _tell_the_end(self, reason: str) -> None:
        """Say what has ended the run where no file can be written: a full disk has room for a link, and its text."""
        self._ended = reason
        with suppress(OSError, ValueError):
            os.symlink(reason[:_LINK], self.path / _ENDED)  # noqa: PTH211  # a text, not a path

    def _the_end(self) -> str:
        try:
            return self._ended or os.readlink(self.path / _ENDED)  # noqa: PTH115  # as it was written
        except OSError:
            return ""

    def state(self) -> RunState:
        """Return the newest run state; parses only when the file has changed, so it may be asked every 10 ms."""
        path = self.path / "state.json"
        stamp = file_stamp(path)
        known, state = self._state
        if stamp is None or stamp == known:
            if reason := self._the_end():
                state = replace(state, server_error=reason, gates={})
            return state
        state = _run_state(json.loads(path.read_text(encoding="utf-8")))
        self._state = (stamp, state)
        return state

    def write_snapshot(self, workflow_id: str, document: Json, seen: Execution | None = None) -> None:
        """Keep an execution as the server answered it, verbatim (director only); `seen` is what was read of that."""
        path = self.write_json(f"executions/{workflow_id}.json", document)
        if seen is not None:
            self._seen[workflow_id] = (file_stamp(path), seen)  # tests of the same process need not read it

    def execution(self, workflow_id: str) -> Execution:
        """Read the newest snapshot of an execution that the state names."""
        name = f"executions/{workflow_id}.json"
        known, seen = self._seen.get(workflow_id, (None, None))
        if seen is not None and known == file_stamp(self.path / name):
            return seen
        from pytest_k1n.core.wire import wire  # here: every start of pytest brings this module

        if (document := self.read_json(name)) is None:
            raise FileNotFoundError(errno.ENOENT, "the run's folder in the temporary folder is gone", name)
        return wire.execution(document)

    def evidence(self, workflow_id: str) -> Mapping[str, Any] | None:
        """Read what is known of an execution beside its snapshot, for `invocations.kept`; None before its end."""
        return cast("Mapping[str, Any] | None", self.read_json(f"evidence/{workflow_id}.json"))

    def request_relaunch(self, key: str, count: int) -> None:
        """Ask the director for one more execution of a launch, because its test is run again."""
        name = f"relaunch/{count}-{len(list(self.relaunch_requests()))}-{os.getpid()}.json"
        self.write_json(name, {"key": key, "count": count})

    def relaunch_requests(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Yield the requests that are there, oldest first."""
        for path in sorted((self.path / "relaunch").glob("*.json")):
            yield path, json.loads(path.read_text(encoding="utf-8"))


Stamp = tuple[int, int, int]


def file_stamp(path: Path) -> Stamp | None:
    """Return what changes whenever `replace_text` writes a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    # The inode is part of it: two replaces within one clock tick of the file system have two inodes.
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def replace_text(target: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it. Raises OSError, and then leaves nothing behind.

    A link stays one, and what is no file (`/dev/null`, `/dev/stdout`, a pipe) is written to, never replaced.
    """
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8", errors="backslashreplace")
        return
    try:
        target = target.resolve()
    except RuntimeError:  # Python 3.11 and 3.12: a link that leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(target)) from None
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # JSON may hold half a surrogate pair
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _run_state(document: Mapping[str, Any]) -> RunState:
    fields = dict(document)
    fields["executions"] = tuple(
        LaunchedExecution(**{**execution, "phases_ended": tuple(execution["phases_ended"])})
        for execution in fields["executions"]
    )
    fields["gates"] = {batch: (gate, reason) for batch, (gate, reason) in fields["gates"].items()}
    fields["quality"] = tuple(fields["quality"])
    return RunState(**fields)
