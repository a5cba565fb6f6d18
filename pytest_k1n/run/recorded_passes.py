"""Recorded passes: which batches have passed before with the very same definitions, for `--k1n-gate=require`."""

from __future__ import annotations

import hashlib
import json

from pytest_k1n.core.plan import Batch
from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound
from pytest_k1n.run.run import Run

_KEY = "k1n/passed"


def recorded_passes(run: Run) -> frozenset[int]:
    """Return the numbers of the batches that have a recorded pass of their present definitions."""
    cache = getattr(run.config, "cache", None)
    known = cache.get(_KEY, {}) if cache else {}
    batches = run.plan.batches if run.plan else ()
    return frozenset(batch.number for batch in batches if known.get(batch.name) == digest(run, batch))


def record_passes(run: Run, passed: dict[int, bool]) -> None:
    """Record which batches have passed; one that has failed loses its record."""
    cache = getattr(run.config, "cache", None)
    if cache is None or run.plan is None or not passed:
        return
    known = dict(cache.get(_KEY, {}))
    for batch in run.plan.batches:
        if passed.get(batch.number):
            known[batch.name] = digest(run, batch)
        elif batch.number in passed:
            known.pop(batch.name, None)
    cache.set(_KEY, known)


def digest(run: Run, batch: Batch) -> str:
    """Fingerprint a batch: its place in the plan and its definitions, to the byte."""
    documents: list[object] = [repr(batch)]
    for template in batch.templates:
        try:
            documents.append(run.library.workflow(template.workflow, template.version))
        except (DefinitionNotFound, DefinitionError):
            documents.append(None)
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:16]
