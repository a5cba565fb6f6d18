"""The official Python SDK as a peer, in an environment of its own: pytest-k1n neither imports nor installs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(os.environ.get("K1N_BENCH_SDK", Path(__file__).parent / "results" / "sdk"))
SCRIPT = Path(__file__).parent / "sdk_peer.py"


class NoSdk(RuntimeError):
    """The SDK could not be installed; says why."""


def python() -> Path:
    """Return the interpreter of the SDK's environment, made at first use. Raises NoSdk."""
    interpreter = HOME / "bin" / "python"
    if not interpreter.exists():
        venv.create(HOME, with_pip=True)
        pip = [str(interpreter), "-m", "pip", "install", "-q", "conductor-python==2.0.0"]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            interpreter.unlink()
            last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise NoSdk(f"conductor-python could not be installed into {HOME}: {last}")
    return interpreter


class Sdk:
    """A process with the SDK that measures on request."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [str(python()), str(SCRIPT), f"{url}/api"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ask(self, **question: object) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise NoSdk(f"the SDK's process ended with code {self._process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def sdk(url: str) -> Iterator[Sdk | None]:
    """Yield the SDK's process, or None where it cannot be had; the reason goes to stderr."""
    try:
        peer = Sdk(url)
        peer.ask(what="ready")
    except (NoSdk, OSError, subprocess.SubprocessError) as error:
        print(f"no comparison with the SDK: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield peer
    finally:
        peer.close()
