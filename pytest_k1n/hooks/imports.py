"""What is imported before a second thread begins."""

from __future__ import annotations

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.run.run import Run
from pytest_k1n.settings import DEFAULT_SERVER


def import_for_threads(run: Run, collection: Collection) -> None:
    """Import before the director's thread begins what it and this one would import at the same time.

    Where another import hook has pushed `run.plain_imports` aside, pytest parses our modules to rewrite their asserts,
    and two threads that parse at once end in `SystemError: AST constructor recursion depth mismatch` on CPython before
    3.11.8 and 3.12.1 (gh-106905).
    """
    import pytest_k1n.fixtures.conductor

    if collection.launches:
        import pytest_k1n.backends.launcher
        import pytest_k1n.backends.observing
        import pytest_k1n.core.gates
        import pytest_k1n.core.schedule.nested_estimates
        import pytest_k1n.core.schedule.planned_schedule
        import pytest_k1n.core.schedule.whole
        import pytest_k1n.core.timing.capability
        import pytest_k1n.fixtures.batch
        import pytest_k1n.hooks.terminal
        import pytest_k1n.run.regression
        import pytest_k1n.validation.schema
    if run.settings.server == DEFAULT_SERVER:
        import pytest_k1n.backends.embedded
        import pytest_k1n.fixtures.on_engine

        if collection.launches:
            import pytest_k1n.engine.rest.transport
            import pytest_k1n.workers.worker
    else:
        import pytest_k1n.backends.real
        import pytest_k1n.servers.foreign
        import pytest_k1n.servers.opening  # noqa: F401
