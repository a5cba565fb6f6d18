"""What is looked at before anything starts: workflows that are nowhere, folders of runs that were killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import spec_of
from pytest_k1n.servers.protocol import Kind


def check_workflows(run: Run, collection: Collection) -> None:
    """Refuse marks that name a workflow which is nowhere, where no server could have it. Raises UsageError."""
    if spec_of(run.settings).kind is not Kind.EMBEDDED:
        return
    from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound
    from pytest_k1n.plan.toml import closest

    for launch in collection.launches:
        try:
            run.library.workflow(launch.workflow, launch.version)
        except DefinitionNotFound as missing:
            hint = closest(launch.workflow, [str(each["name"]) for each in run.library.workflows])
            raise pytest.UsageError(f"{launch.key}: {missing}{f': {hint}' if hint else ''}") from None
        except DefinitionError:
            return  # the launch says which file cannot be read


def may_have_left(folder: Path) -> bool:
    """Tell whether a killed run may have left something on a server: whoever uses that ends it."""
    from pytest_k1n.coordination.leftovers import leftover_in  # here: there hardly ever is a folder

    return leftover_in(folder) is not None
