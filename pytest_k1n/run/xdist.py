"""What xdist needs: the run folder's name for every node, the collection from one of them, modes that cannot work."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.run.run import Run

SAFE_MODES = ("load", "worksteal")
COLLECTED = "collection"
"""Where in the run folder each node writes what it has collected."""


def node_id(config: pytest.Config) -> str:
    """Return this node's name, as in `gw0`."""
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    return str(workerinput.get("workerid", "main"))


def tell_node(run: Run, node: Any) -> None:
    """Give a node that is being started the run's identity: builtins only, they cross processes."""
    node.workerinput["k1n"] = {"uid": run.uid, "folder": str(run.folder_path)}
    run.config.add_cleanup(partial(_remove_unread, run.folder_path))


def _remove_unread(folder: Path) -> None:
    """Remove what nodes have written down for a director that never began: a Ctrl-C, or a plan that is refused."""
    with suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {COLLECTED}:
            shutil.rmtree(folder, ignore_errors=True)


def read_collection(run: Run, node: Any) -> Collection | None:
    """Read what a node collected; None if nothing of it has to do with Conductor."""
    document = run.folder.read_json(f"{COLLECTED}/{node.gateway.id}.json")
    return Collection.from_json(document) if document else None


def check_mode(config: pytest.Config, collection: Collection) -> None:
    """Refuse distribution modes in which gates hang or lie. Raises UsageError that says what to type instead.

    loadgroup does nothing on pytest 9.2; loadscope and loadfile reorder batches and hang after a crashed node; `each`
    runs everything on every node.
    """
    mode = str(config.getoption("dist", "no"))
    if mode in ("no", *SAFE_MODES) or not (collection.items and (mode == "each" or len(collection.batches) > 1)):
        return
    batches = ", ".join(f"batch{number}" for number in collection.batches)
    why = "runs every test on every node" if mode == "each" else "reorders tests and hangs when a node crashes"
    raise pytest.UsageError(
        f"--dist {mode} {why}, and {batches or 'an execution'} is selected: use --dist load or --dist worksteal"
    )
