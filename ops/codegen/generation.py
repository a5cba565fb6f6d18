"""Task 8: parse the pattern library, generate modules, compile them, check them, write them.

Three strategies make it faster, and each can be left out: compiled templates are kept (`cache`), modules are rendered
and compiled side by side (`parallel`), modules whose source is unchanged are not compiled again (`incremental`). What
comes out is the same, to the byte, whichever are on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from checked_file import Torn, read_checked, read_regular, replace_bytes, scratch, sweep, update_checked
from examples import held
from library import (
    BadLibrary,
    Compiled,
    Pattern,
    Template,
    check_names,
    compile_template,
    read_pattern,
    read_templates,
    render,
)
from metering import Meter, Spent

STRATEGIES = ("cache", "parallel", "incremental")
LANES = 3
_LIMIT_S = 20
"""How long compiling a module, or checking all of them, may take beside what many modules add: generated code that does
not end is no code that holds."""
_LIMIT_EACH_S = 0.2


class CheckFailed(ValueError):
    """Generated code that does not compile or does not do what its pattern says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to generate from, where to put it, and how."""

    library: Path
    output: Path
    cache: Path
    strategies: frozenset[str]
    lanes: int = LANES


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A generated module: its source, and its code compiled for this Python."""

    name: str
    source: bytes
    code: bytes = b""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.source).hexdigest()


def generate(job: Job, meter: Meter) -> list[Module]:
    """Run the five steps and return what was written, sorted by name. Raises BadLibrary, CheckFailed, OSError."""
    report = meter.report
    lanes = job.lanes if "parallel" in job.strategies else 1
    cached = (job.cache, job.cache / "templates", job.cache / "compiled")
    for folder in (*cached, job.output, job.output / "__pycache__"):
        sweep(folder)
    paths = sorted((job.library / "patterns").glob("*.toml"))
    if not paths:
        raise BadLibrary(f"{job.library / 'patterns'}: no pattern")

    with meter.step("parse", lambda: f"{len(paths)} patterns"):
        patterns = meter.each(paths, lambda path: meter.unit("parse a pattern", partial(read_pattern, path)))
        check_names(patterns)

    if lanes > 1:
        report(f"[INFO] Parallel generation: {lanes} workers")
    with meter.step("generate", lambda: f"{len(patterns)} modules from templates"):
        modules = _render(job, patterns, meter, lanes)

    recompiled: list[str] = []
    with meter.step("compile", lambda: f"{len(recompiled)} of {len(modules)} modules"):
        modules = _compile(job, modules, meter, lanes, recompiled)

    with (
        scratch(job.cache) as folder,
        meter.step("quality", lambda: f"checks of {len(modules)} modules: examples hold"),
    ):
        _check(Path(folder), modules, meter)

    def write(module: Module) -> None:
        replace_bytes(job.output / f"{module.name}.py", module.source)
        replace_bytes(job.output / "__pycache__" / _code_name(module.name), module.code)

    with meter.step("write", lambda: f"{len(modules)} modules to {job.output}"):
        meter.each(modules, lambda module: meter.unit("write a module", partial(write, module)))
    return modules


def digest(modules: list[Module]) -> str:
    """Return one digest of everything that was generated: names, sources and compiled code."""
    parts = (f"{each.name}\0{each.digest}\0{hashlib.sha256(each.code).hexdigest()}\n" for each in modules)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _render(job: Job, patterns: list[Pattern], meter: Meter, lanes: int) -> list[Module]:
    templates = read_templates(job.library / "templates", patterns)
    kept = _cached_templates(job, templates, meter) if "cache" in job.strategies else None

    def make(pattern: Pattern) -> tuple[Module, Spent]:
        if kept is None:
            template = templates[pattern.template]
            compiled, before = meter.unit("compile a template", partial(compile_template, template))
        else:
            compiled, before = kept[pattern.template], Spent()
        source, spent = meter.unit("render a module", partial(render, compiled, pattern))
        return Module(name=pattern.name, source=source.encode()), before + spent

    return meter.each(patterns, make, lanes=lanes)


def _cached_templates(job: Job, templates: dict[str, Template], meter: Meter) -> dict[str, Compiled]:
    path = job.cache / "templates" / "compiled_templates.cache"
    known = _read(path, meter.report)
    compiled: dict[str, Compiled] = {}
    missed = 0
    for name, template in templates.items():
        if (kept := _unsealed(template.digest, known.get(template.digest))) is not None:
            compiled[name] = kept
        else:
            compiled[name] = meter.once("compile a template", partial(compile_template, template))
            missed += 1
    if missed:
        meter.report(f"[INFO] Compiling templates: {missed} of {len(templates)} were not in the cache")
        fresh: dict[str, object] = {
            template.digest: [compiled[name], _seal(template.digest, compiled[name])]
            for name, template in templates.items()
        }
        _keep(meter.report, lambda: update_checked(path, lambda _before: fresh))
    else:
        meter.report(f"[INFO] Using cached compiled templates: {path}")
    return compiled


def _seal(digest: str, compiled: object) -> str:
    return hashlib.sha256(f"{digest}\0{json.dumps(compiled)}".encode()).hexdigest()


def _unsealed(digest: str, entry: object) -> Compiled | None:
    """Return what was compiled from the template of this digest; None for what was made of another, or by others."""
    if isinstance(entry, list) and len(entry) == 2 and entry[1] == _seal(digest, entry[0]):
        return cast("Compiled", entry[0])
    return None


def _keep(report: Callable[[str], None], write: Callable[[], None]) -> None:
    """Write to a cache; a disk that takes nothing costs the next run its time, not this one its result."""
    try:
        write()
    except OSError as error:
        report(f"[WARN] the cache cannot be written, the next run starts without: {error}")


def _compile(job: Job, modules: list[Module], meter: Meter, lanes: int, recompiled: list[str]) -> list[Module]:
    manifest = job.cache / "compile.manifest"
    is_incremental = "incremental" in job.strategies
    known = _read(manifest, meter.report) if is_incremental else {}

    def build(module: Module) -> tuple[Module, Spent]:
        code = _kept_code(job, module, known.get(module.name)) if is_incremental else None
        if code is not None:
            return Module(name=module.name, source=module.source, code=code), Spent()
        recompiled.append(module.name)
        code, spent = meter.unit("compile a module", partial(_byte_compile, module, job.cache))
        return Module(name=module.name, source=module.source, code=code), spent

    built = meter.each(modules, build, lanes=lanes)
    if is_incremental and not recompiled:
        meter.report("[INFO] No changes, skipping compilation")
    elif is_incremental:
        meter.report(f"[INFO] Incremental compilation: {len(modules) - len(recompiled)} of {len(modules)} unchanged")
        fresh = [module for module in built if module.name in recompiled]
        entries: dict[str, object] = {
            module.name: [module.digest, hashlib.sha256(module.code).hexdigest()] for module in fresh
        }

        def write() -> None:
            for module in fresh:
                replace_bytes(_code_path(job, module), module.code)
            update_checked(manifest, lambda before: before | entries)

        _keep(meter.report, write)
    return built


def _kept_code(job: Job, module: Module, entry: object) -> bytes | None:
    """Return the code of an earlier run if it is of this very source and whole."""
    if not isinstance(entry, list) or entry[:1] != [module.digest]:
        return None
    try:
        code = read_regular(_code_path(job, module))
    except OSError:
        return None
    return code if entry[1:] == [hashlib.sha256(code).hexdigest()] else None


def _code_path(job: Job, module: Module) -> Path:
    return job.cache / "compiled" / _code_name(module.name)


def _code_name(name: str) -> str:
    return Path(importlib.util.cache_from_source(f"{name}.py")).name


def _byte_compile(module: Module, cache: Path) -> bytes:
    """Compile in a process of its own: within one, what was compiled before changes the bytes. Raises CheckFailed."""
    with scratch(cache) as folder:
        path = Path(folder) / f"{module.name}.py"
        path.write_bytes(module.source)
        _python(path.parent, "-m", "py_compile", path.name)
        return (path.parent / "__pycache__" / _code_name(module.name)).read_bytes()


def _check(folder: Path, modules: list[Module], meter: Meter) -> None:
    """Run every example in the modules' documentation."""
    names = [f"{module.name}.py" for module in modules]
    for name, module in zip(names, modules, strict=True):
        (folder / name).write_bytes(module.source)

    def check() -> None:
        limit_s = _LIMIT_S + _LIMIT_EACH_S * len(names)
        _python(folder, "-m", "tabnanny", *names, limit_s=limit_s)
        _python(folder, str(Path(__file__).with_name("examples.py")), *names, says=held(len(names)), limit_s=limit_s)

    meter.once("check a module", check, count=len(modules))


def _python(folder: Path, *arguments: str, says: str = "", limit_s: float = _LIMIT_S) -> None:
    """Run a tool of Python that says so much where all is well. Raises CheckFailed."""
    # The date of compiled code is that of its source otherwise, and its bytes would differ from run to run.
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0"}
    tool = Path(arguments[1] if arguments[0] == "-m" else arguments[0]).stem
    try:
        run = subprocess.run(
            [sys.executable, "-IS", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
            errors="replace", check=False, timeout=limit_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"{tool}: generated code has not ended after {limit_s:g} s") from None
    text = (run.stdout + run.stderr).replace(f"{folder}{os.sep}", "")  # another one in every run
    said = [line.strip() for line in text.splitlines() if line.strip("* ")]
    if run.returncode or said != says.splitlines():
        raise CheckFailed(f"{tool}: {' | '.join(said[:8]) or f'ended with exit code {run.returncode}'}")


def _read(path: Path, report: Callable[[str], None]) -> dict[str, object]:
    try:
        return read_checked(path) or {}
    except Torn as torn:
        report(f"[WARN] {torn}: it is made anew")
        return {}
