"""Count the files that one thought enters on its way through the package, and the hops between them.

`python benchmarks/walks.py results` (or `start`, `plan`) traces one of the three walks of ARCHITECTURE.md in the tree
that it is started in; it imports nothing of the package, so that it can be run in another commit's tree as well:
`PYTHONPATH=$PWD python …/benchmarks/walks.py results`. `--list` prints the hops in the order they are first made.

A file is entered when one of its functions is called while a package's file waits for it; a hop is a pair of files, the
caller's and the callee's. It is followed when the callee hands on: when it calls, in the end, into a third file. What
only answers (a parser of durations, a property, a record) is entered and not followed. A hop goes up when its caller's
file does not import the callee's, directly or through others: it was handed a function. What runs while a module is
imported is no part of the walk, nor are the rooms named in INNER: each is one station, whatever happens inside.
"""

from __future__ import annotations

import argparse
import ast
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

PACKAGE = Path.cwd() / "pytest_k1n"
INNER = {"results": ("core", "engine"), "start": ("core", "engine.language"), "plan": ()}
"""What a walk does not look into: the core is functions of values, the engine has a walk of its own."""
SUITE = ["suites/test_template_01_single_task.py", "-q", "-p", "no:cacheprovider", "--k1n-server=embedded"]
Function = tuple[str, str, int]


class Trace:
    """The calls from file to file, as `sys.setprofile` sees them."""

    def __init__(self, inner: tuple[str, ...]) -> None:
        self._inner = inner
        self._known: dict[CodeType, Function | None] = {}
        self.calls: dict[tuple[Function, Function], None] = {}
        self.entered: set[str] = set()

    def start(self) -> None:
        threading.setprofile(self._look)
        sys.setprofile(self._look)

    def stop(self) -> None:
        threading.setprofile(None)
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or (callee := self._function(frame.f_code)) is None:
            return
        caller, outer = None, frame.f_back
        while outer is not None:
            if outer.f_code.co_filename.startswith("<frozen importlib"):
                return  # what happens while a module is imported
            caller = caller or self._function(outer.f_code)
            outer = outer.f_back
        self.entered.add(callee[0])
        if caller is not None:
            self.calls.setdefault((caller, callee))

    def _function(self, code: CodeType) -> Function | None:
        """Tell module, name and line; None for what is no function of the package."""
        if code not in self._known:
            path = Path(code.co_filename)
            is_ours = PACKAGE in path.parents and code.co_name != "<module>"
            self._known[code] = (self._module(path), code.co_name, code.co_firstlineno) if is_ours else None
        return self._known[code]

    def _module(self, path: Path) -> str:
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        return next((room for room in self._inner if name == room or name.startswith(f"{room}.")), name)

    def hops(self) -> dict[tuple[str, str], bool]:
        """Every pair of files in the order of the first call, and whether the callee hands the thought on."""
        within: dict[Function, set[Function]] = defaultdict(set)
        hands_on: set[Function] = set()
        for caller, callee in self.calls:
            if caller[0] == callee[0]:
                within[callee].add(caller)
            else:
                hands_on.add(caller)
        waiting = list(hands_on)
        while waiting:  # who calls, in its own file, what hands on, hands on as well
            for caller in within[waiting.pop()] - hands_on:
                hands_on.add(caller)
                waiting.append(caller)
        found: dict[tuple[str, str], bool] = {}
        for caller, callee in self.calls:
            if caller[0] != callee[0]:
                pair = caller[0], callee[0]
                found[pair] = found.get(pair, False) or callee in hands_on or callee[0] in self._inner
        return found


def imports() -> dict[str, set[str]]:
    """Every module of the package and what it reaches by imports, those inside functions included."""
    names = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    direct = {name: set(_imported(path)) & names.keys() for name, path in names.items()}
    reached = {}
    for name in direct:
        seen, waiting = set(), [name]
        while waiting:
            new = direct[waiting.pop()] - seen
            seen |= new
            waiting += new
        reached[name] = seen
    return reached


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("pytest_k1n.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest_k1n"):
            room = (node.module or "").removeprefix("pytest_k1n").removeprefix(".")
            yield room
            yield from (f"{room}.{alias.name}".removeprefix(".") for alias in node.names)


def results(trace: Trace) -> None:
    """Run one template's tests, from the start of the session to its end, when the results are written."""
    import pytest

    class Session:
        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionstart(self) -> None:
            trace.start()

        @pytest.hookimpl(trylast=True)
        def pytest_unconfigure(self) -> None:
            trace.stop()

    assert pytest.main(SUITE, plugins=[Session()]) == 0


def start(trace: Trace) -> None:
    """Report a task's result to the served engine: from the ASGI call to the answer."""
    import asyncio
    import importlib
    import json

    from pytest_k1n.engine.engine import Engine

    moved = (PACKAGE / "engine" / "serving").is_dir()
    app = importlib.import_module(f"pytest_k1n.engine.{'serving.app' if moved else 'http'}").EngineApp

    async def run() -> None:
        served = app(Engine())

        async def ask(method: str, path: str, body: object = None) -> bytes:
            asked = iter([{"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}])
            said: list[dict] = []

            async def receive() -> dict:
                return next(asked, None) or await asyncio.Event().wait()

            async def send(message: dict) -> None:
                said.append(message)

            headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1")]
            scope = {"type": "http", "method": method, "path": f"/api{path}", "raw_path": f"/api{path}".encode()}
            await served({**scope, "query_string": b"", "headers": headers, "http_version": "1.1"}, receive, send)
            assert said[0]["status"] == 200, (path, said)
            return b"".join(message.get("body", b"") for message in said[1:])

        owner = {"ownerEmail": "a@b.cd"}
        task = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}
        await ask("POST", "/metadata/taskdefs", [{"name": "a", **owner}])
        await ask(
            "POST", "/metadata/workflow", {"name": "w", "version": 1, "schemaVersion": 2, "tasks": [task], **owner}
        )
        identity = (await ask("POST", "/workflow/w", {})).decode()
        polled = json.loads(await ask("GET", "/tasks/poll/a"))
        trace.start()
        await ask("POST", "/tasks", {"taskId": polled["taskId"], "workflowInstanceId": identity, "status": "COMPLETED"})
        trace.stop()

    asyncio.run(run())


def plan(trace: Trace) -> None:
    """Find and read the plan of the suites."""
    import importlib

    moved = (PACKAGE / "plan").is_dir()
    find = importlib.import_module(f"pytest_k1n.{'plan.find' if moved else 'planpath'}").find_plan
    load = importlib.import_module(f"pytest_k1n.{'plan.read' if moved else 'planfile'}").load_plan
    trace.start()
    found = find([], Path.cwd(), None, None)
    load(found[0])
    trace.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("walk", choices=INNER)
    parser.add_argument("--list", action="store_true", help="print every hop: -> followed, .. only answered, ^ up")
    chosen = parser.parse_args()
    trace = Trace(INNER[chosen.walk])
    globals()[chosen.walk](trace)
    hops, reached = trace.hops(), imports()
    inner = INNER[chosen.walk]
    is_up = {(a, b): b not in reached[a] and b not in inner for a, b in hops if a in reached}
    followed = [pair for pair, hands_on in hops.items() if hands_on]
    if chosen.list:
        for pair, hands_on in hops.items():
            print("  ^" if is_up.get(pair) else "   ", pair[0], "->" if hands_on else "..", pair[1])
    files = {name for pair in followed for name in pair}
    print(f"{chosen.walk}: {len(trace.entered)} files entered, {len(hops)} hops, {sum(is_up.values())} of them up")
    up = sum(is_up.get(pair, False) for pair in followed)
    print(f"{chosen.walk}: followed through {len(files)} files, {len(followed)} hops, {up} of them up")


if __name__ == "__main__":
    main()
