"""Recorded passes: which whole batches have passed before, and whether that still counts (`--k1n-gate=require`).

A pass is recorded only where every test of the batch ran and passed. It counts as long as nothing it rests on has
changed: plan, definitions, the tests themselves, the kind of server, the time model; and as long as it is young enough.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.core.plan import Batch
from pytest_k1n.core.units import format_ms
from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound, Document, started_workflows
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import other_release, spec_of, time_of
from pytest_k1n.run.testfiles import files_behind, test_modules
from pytest_k1n.servers.protocol import Kind

_PASSED = "k1n/passed"
_TESTS = "k1n/tests"
_STRICT = ("off", "weather", "strict")  # `--k1n-latency`, from what lets most pass to what lets least
_CLOCKS_DIFFER_MS = 60_000
"""How far ahead the clock of another machine, or before a step, may have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPass:
    """One pass of a whole batch, and what it rests on; kept in pytest's cache as JSON."""

    at_s: float
    requirement: str
    """Fingerprint of the batch's place in the plan, and of its definitions."""
    files: Mapping[str, str]
    """Test module, conftest or what they import, relative to the root folder -> fingerprint of its text."""
    others: Sequence[str]
    """Test modules that name the batch, and had no test of it."""
    tests: int
    """How many tests of the batch were collected."""
    server: str
    time_model: str
    latency: str
    """How strictly latencies were judged, as `--k1n-latency` says it."""
    min_pass_rate: float


def missing_passes(run: Run, *, now_s: float | None = None) -> dict[int, str]:
    """Say of each batch of the plan that has no recorded pass which counts why that is so."""
    batches = run.plan.batches if run.plan else ()
    if getattr(run.config, "cache", None) is None:
        off = "passes are on record in pytest's cache, which is off (-p no:cacheprovider)"
        return {batch.number: off for batch in batches}
    known, naming = _read(run, _PASSED), _naming(run, batches)
    now_s = time.time() if now_s is None else now_s
    reasons = {
        batch.number: _objection(run, batch, known.get(batch.name), naming[batch.number], now_s) for batch in batches
    }
    return {number: reason for number, reason in reasons.items() if reason}


def record_passes(
    run: Run, outcomes: Mapping[int, Mapping[str, ItemOutcome | None]], contradicted: Container[int] = ()
) -> None:
    """Record which whole batches have passed; one of which a test has failed, or that is `contradicted`, loses it.

    `outcomes` are those of each batch whose tests have ended, by node id.
    """
    collection, cache = run.collection, getattr(run.config, "cache", None)
    if cache is None or run.plan is None or collection is None or not outcomes:
        return
    # Nothing was asked of what only set up, or of what was broken on purpose.
    proves_nothing = run.config.getoption("setuponly", False) or bool(run.settings.faults)
    passed, tests = _read(run, _PASSED), _read(run, _TESTS)
    is_named = any("::" in argument for argument in run.config.args)
    naming = _naming(run, run.plan.batches)
    for batch in run.plan.batches:
        ended = outcomes.get(batch.number)
        if not ended:
            continue
        others = naming[batch.number] - _modules(ended)
        is_left_out = any(_leaves_out(run.config, module) for module in others.difference(collection.modules))
        is_skipped = any(_names(path, batch) for path in _skipped_modules(run))
        known = [each for each in tests.get(batch.name, ()) if (run.config.rootpath / _module(each)).is_file()]
        if not is_left_out and not is_skipped and is_whole(batch, collection, known, is_named=is_named):
            tests[batch.name] = sorted(ended)
            if _all_passed(collection, ended) and batch.number not in contradicted and not proves_nothing:
                passed[batch.name] = asdict(_record(run, batch, collection, ended, others))
        stopping = (ItemOutcome.FAILED, ItemOutcome.UNKNOWN, ItemOutcome.BLOCKED)
        if batch.number in contradicted or any(each in stopping for each in ended.values()):
            passed.pop(batch.name, None)
    cache.set(_PASSED, passed)
    cache.set(_TESTS, tests)


def is_whole(batch: Batch, collection: Collection, known: Iterable[str], *, is_named: bool) -> bool:
    """Whether the selected tests of a batch are all that it has.

    None of them may have been deselected or picked by name, each of its workflows must have been launched, and every
    module must be there of `known` tests, which were selected when the batch was last seen whole.
    """
    mine = {item.node_id for item in collection.items if item.batch == batch.number}
    launched = {launch.workflow for launch in collection.launches if launch.batch == batch.number}
    return (
        not is_named
        and len(mine) >= collection.collected.get(str(batch.number), 0)
        and all(template.workflow in launched for template in batch.templates)
        and _modules(known) <= _modules(mine)
    )


def _all_passed(collection: Collection, ended: Mapping[str, ItemOutcome | None]) -> bool:
    """Whether every test passed; one that only measures may skip itself, as benchmarks do under xdist."""
    measuring = {item.node_id for item in collection.items if item.measures}
    return all(
        outcome is ItemOutcome.PASSED or (outcome is ItemOutcome.SKIPPED and node_id in measuring)
        for node_id, outcome in ended.items()
    )


def _skipped_modules(run: Run) -> Iterator[Path]:
    """Yield the modules that skipped themselves when they were imported: none of their tests has been seen."""
    reporter = run.config.pluginmanager.get_plugin("terminalreporter")
    for report in getattr(reporter, "stats", {}).get("skipped", ()):
        if isinstance(report, pytest.CollectReport):
            yield run.config.rootpath / report.nodeid


def _names(module: Path, batch: Batch) -> bool:
    """Whether the text of a module names a batch or one of its workflows: what its marks say is not known."""
    text = _text(module)
    return text is None or _holds(text, (batch.name, *batch.aliases, *(each.workflow for each in batch.templates)))


def _naming(run: Run, batches: Iterable[Batch]) -> dict[int, set[str]]:
    """Return of each batch the test modules that name it as a mark does, also those that this run has not collected."""
    words = {batch.number: (batch.name, *batch.aliases) for batch in batches}
    found: dict[int, set[str]] = {number: set() for number in words}
    for module in test_modules(run.config):
        text = _text(run.config.rootpath / module)
        for number, names in words.items():
            if text is None or _holds(text, names):
                found[number].add(module)
    return found


def _text(module: Path) -> str | None:
    try:
        return module.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)


def _leaves_out(config: pytest.Config, module: str) -> bool:
    """Whether a module with tests, of which none was found, was to be read by this run or lies beside one that was."""
    path, here = config.rootpath / module, config.invocation_params.dir
    asked = [here / argument for argument in config.args]
    if not any(each.parent == path.parent if each.is_file() else path.is_relative_to(each) for each in asked):
        return False
    return _has_tests(path, config.getini("python_functions"))


def _has_tests(path: Path, patterns: Iterable[str]) -> bool:
    functions = re.findall(r"^\s*(?:async\s+)?def\s+(\w+)", _text(path) or "", re.MULTILINE)
    return any(name.startswith(each) or fnmatch(name, each) for name in functions for each in patterns)


def _record(
    run: Run, batch: Batch, collection: Collection, ended: Mapping[str, ItemOutcome | None], others: Iterable[str]
) -> RecordedPass:
    server, time_model = _circumstances(run)
    return RecordedPass(
        at_s=round(time.time(), 3),
        requirement=_requirement(run, batch),
        tests=collection.collected.get(str(batch.number), 0),
        files=_fingerprints(run, _modules(ended)),
        others=sorted(others),
        server=server,
        time_model=time_model,
        latency=run.settings.latency,
        min_pass_rate=run.settings.min_pass_rate,
    )


def _objection(run: Run, batch: Batch, document: object, naming: set[str], now_s: float) -> str:
    """Say why a recorded pass does not count; "" where it does. `naming`: the modules that name the batch now."""
    try:
        known = RecordedPass(**document)  # type: ignore[arg-type]  # what it holds is looked at below
        age_ms = round((now_s - known.at_s) * 1000)
        changed = [name for name, was in known.files.items() if _fingerprint(run.config.rootpath / name) != was]
        changed += [name for name in files_behind(run.config, known.files) if name not in known.files]
        new = naming.difference(known.files, known.others)
        strictness, rate = _STRICT.index(known.latency), float(known.min_pass_rate)
    except (TypeError, ValueError, AttributeError):
        return "no pass of the whole batch is on record (with a test skipped it is none)"
    server, time_model = _circumstances(run)
    if known.requirement != _requirement(run, batch):
        return "its plan or definitions have changed since it passed"
    if (now := run.collection.collected.get(str(batch.number), 0) if run.collection else 0) > known.tests:
        return f"{known.tests} tests were collected for it when it passed, and {now} are now"
    if new:
        return f"{', '.join(sorted(new))} names {batch.name}, and was not there when it passed"
    if changed:
        return f"its tests have changed since it passed ({', '.join(changed)})"
    if (known.server, known.time_model) != (server, time_model):
        return (
            f"it passed on {known.server} in {known.time_model} time, and this run is on {server} in {time_model} time"
        )
    if strictness < _STRICT.index(run.settings.latency):
        return f"it passed with --k1n-latency={known.latency}, and this run asks for {run.settings.latency}"
    if rate < run.settings.min_pass_rate:
        return f"it passed with --k1n-min-pass-rate={rate:g}, and this run asks for {run.settings.min_pass_rate:g}"
    if age_ms < -_CLOCKS_DIFFER_MS:
        return f"it passed {format_ms(-age_ms)} from now, by the clock of then"
    if age_ms > run.settings.gate_age_ms:
        return f"it passed {format_ms(age_ms)} ago, more than --k1n-gate-age allows"
    return ""


def _circumstances(run: Run) -> tuple[str, str]:
    """Name the kind of server, with its release if that is not the usual one, and the time model of the settings."""
    kind = spec_of(run.settings).kind
    chosen = run.settings.time or "any" if kind is Kind.AUTO else time_of(run.settings, kind).name
    return f"{kind} {other_release(run.settings, kind)}".rstrip(), chosen


def _requirement(run: Run, batch: Batch) -> str:
    documents: list[object] = [repr(batch)]
    for template in batch.templates:
        try:
            documents.extend(_with_started(run, template.workflow, template.version))
        except (DefinitionNotFound, DefinitionError):
            documents.append(None)
    documents.extend(_task_documents(run, documents))
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:16]


def _with_started(run: Run, name: str, version: int | None) -> Iterator[Document]:
    """Yield the definition of a workflow and those of all that it starts, each once."""
    waiting, seen = [(name, version)], set[tuple[str, int | None]]()
    while waiting:
        asked = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        try:
            document = run.library.workflow(*asked)
        except DefinitionNotFound:
            if asked == (name, version):
                raise
            continue  # on the server only
        yield document
        waiting += started_workflows(document)


def _task_documents(run: Run, documents: Sequence[object]) -> Iterator[Document]:
    """Yield the task definitions that a workflow of `documents` names."""
    text = json.dumps(documents)
    for document in run.library.tasks:
        if json.dumps(document.get("name")) in text:
            yield document


def _module(node_id: str) -> str:
    return node_id.partition("::")[0]


def _modules(node_ids: Iterable[str]) -> set[str]:
    return set(map(_module, node_ids))


def _fingerprints(run: Run, modules: Iterable[str]) -> dict[str, str]:
    return {name: _fingerprint(run.config.rootpath / name) for name in files_behind(run.config, modules)}


def _fingerprint(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return "not there"


def _read(run: Run, key: str) -> dict[str, Any]:
    cache = getattr(run.config, "cache", None)
    known = cache.get(key, {}) if cache else {}
    return dict(known) if isinstance(known, dict) else {}
