"""Handlers that are shell scripts in the agents folder, named after their task: `cut-chapters-handler.sh`.

Of `task_N` they may be called `task-N-*-handler.sh`, too.

A script gets the task id as its argument, and K1N_WORKFLOW, K1N_REF, K1N_ESTIMATE_MS, K1N_SPEED, K1N_INPUT (a file with
the task's input as JSON) in its environment. Exit code 0 completes the task, any other fails it. Its standard output is
the task's log; `name ... [123ms]` lines are step timings; a JSON object on the last line is the output. With
`"simulated": true` in it the work was simulated: all of it, or the `"simulated_ms"` that it says, the rest being real.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pytest_k1n.core.model import Json
from pytest_k1n.core.text import from_json
from pytest_k1n.servers.folders import own_folder
from pytest_k1n.workers.handler import NamedHandler, Outcome, Step, Stopped, TaskContext

_ENDING = "-handler.sh"
_NUMBERED = re.compile(r"task-(\d+)(?:-[^/]+)?")
AGENTS = Path("ops/agents")
"""Where scripts are sought that no option names."""
_TIMED = re.compile(r"\[(\d+)ms\]")
_OUTPUT_LIMIT = 1_000_000
"""Bytes of a script's output that are read: the rest of a runaway log stays unread."""
_SECRET = ("K1N_TOKEN", "K1N_TOKEN_FILE", "CONDUCTOR_AUTH_KEY", "CONDUCTOR_AUTH_SECRET")


class BadScript(ValueError):
    """A handler script that cannot serve: names the file and what to do."""


def find_scripts(agents: Path) -> dict[str, NamedHandler]:
    """Map tasks to their scripts. Raises BadScript for two scripts of one task, one outside, one not executable."""
    if not agents.is_dir():
        raise BadScript(f"{agents}: no such folder of handler scripts")
    found: dict[str, Path] = {}
    for path in sorted(agents.iterdir()):
        if not path.name.endswith(_ENDING) or not (stem := path.name.removesuffix(_ENDING)):
            continue
        numbered = _NUMBERED.fullmatch(stem)
        task = f"task_{int(numbered[1])}" if numbered else stem.replace("-", "_")
        if task in found:
            raise BadScript(f"{task} has two handler scripts, {found[task].name} and {path.name}: remove one of them")
        found[task] = checked_script(agents, path.name)
    return {task: script_handler(path) for task, path in found.items()}


def default_agents() -> Path | None:
    """Return the folder of scripts of the project in which a command runs, if it has one."""
    return AGENTS if AGENTS.is_dir() else None


def checked_script(agents: Path, name: str) -> Path:
    """Return the path of a script in the agents folder. Raises BadScript if it is not there, or leads out of it."""
    path = agents / name
    if not path.resolve().is_relative_to(agents.resolve()):
        raise BadScript(f"{name}: a handler script must lie in {agents}")
    if not path.is_file():
        raise BadScript(f"{path}: no such handler script")
    if not os.access(path, os.X_OK):
        raise BadScript(f"{path} is not executable: chmod +x {path}")
    return path


def script_handler(path: Path) -> NamedHandler:
    """Make a handler of an executable script."""
    return NamedHandler(name=f"script:{path.name}", call=lambda context: run_script(path, context))


def run_script(path: Path, context: TaskContext) -> Outcome:
    """Run a script in its own process group, which dies with the task. Raises Stopped if that was the reason."""
    with own_folder() as folder:
        given, said, complained = (folder / name for name in ("input.json", "stdout", "stderr"))
        given.write_text(json.dumps(dict(context.input)), encoding="utf-8")
        began = time.perf_counter()
        with said.open("wb") as out, complained.open("wb") as err:
            try:
                process = subprocess.Popen(
                    [str(path.resolve()), context.task_id],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=_environment(context, given),
                    start_new_session=True,
                )
            except OSError as error:
                return Outcome(status="FAILED", reason=f"{path.name} cannot be run: {error.strerror}")
        stopped: list[bool] = []

        def stop() -> None:
            stopped.append(True)
            end_group(process)

        context.on_stop(stop)
        try:
            code = process.wait()
        finally:
            end_group(process)  # children that the script left behind
        if stopped:
            raise Stopped
        work_ms = round((time.perf_counter() - began) * 1000)
        return read_result(path.name, code, _lines(said), _lines(complained), work_ms)


def read_result(name: str, code: int, said: list[str], complained: list[str], work_ms: int) -> Outcome:
    """Make an Outcome of a script's exit code and what it wrote."""
    output = _last_object(said)
    if output is not None:
        said = said[:-1]
    simulated = output is not None and output.get("simulated") is True
    logs = (*said, *(f"stderr: {line}" for line in complained))
    if simulated and output is not None:
        work_ms = _simulated_ms(output, work_ms)
    if code == 0:
        return Outcome(
            output=output or {}, logs=logs, work_ms=work_ms, simulated=simulated, steps=tuple(step_timings(said))
        )
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    last = (complained or said or ["no output"])[-1]
    return Outcome(
        status="FAILED", output=output or {}, reason=f"{name}: {how}: {last}"[:500], logs=logs, work_ms=work_ms,
        simulated=simulated,
    )  # fmt: skip


def _simulated_ms(output: Mapping[str, Json], work_ms: int) -> int:
    """Return how much of the work was simulated: what the script says, at most all of it; all if it does not say."""
    said = output.get("simulated_ms")
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= work_ms:
        return work_ms
    return round(said)


def step_timings(lines: Iterable[str]) -> Iterable[Step]:
    """Read the `[NNNms]` lines: each is a step named by the line's first word."""
    for line in lines:
        if timed := _TIMED.search(line):
            words = (line[: timed.start()] + " " + line[timed.end() :]).split()
            yield Step(name=words[0].strip(":") if words else "step", ms=int(timed[1]))


def _last_object(lines: list[str]) -> Mapping[str, Json] | None:
    if not lines or not lines[-1].lstrip().startswith("{"):
        return None
    with suppress(ValueError):
        document = from_json(lines[-1])
        if isinstance(document, dict):
            return document
    return None


def _environment(context: TaskContext, given: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _SECRET}
    estimate = "" if context.estimate_ms is None else str(context.estimate_ms)
    return inherited | {
        "K1N_WORKFLOW": context.workflow_name,
        "K1N_REF": context.ref,
        "K1N_ESTIMATE_MS": estimate,
        "K1N_SPEED": f"{context.speed:g}",
        "K1N_INPUT": str(given),
    }


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        text = file.read(_OUTPUT_LIMIT).decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def end_group(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Kill a process that was begun in a session of its own, and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
