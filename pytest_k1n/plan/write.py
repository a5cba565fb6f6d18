"""Changing a plan file: only the values that change, with its comments, order and layout as they were."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_k1n.core.extras import require
from pytest_k1n.plan.read import parse_plan


def with_estimates(text: str, estimates: Mapping[tuple[str, str], str], *, source: str, folder: Path) -> str:
    """Put estimates, by (workflow, ref), into the text of a plan, and make sure that it is still one.

    Raises MissingExtra without tomlkit; PlanError if the result would be no plan.
    """
    require("tomlkit", extra="plan", use="changing a plan file")
    import tomlkit

    document = tomlkit.parse(text)
    for batch in document.get("batch", ()):
        for template in batch.get("template", ()):
            mine = {ref: value for (workflow, ref), value in estimates.items() if workflow == template.get("workflow")}
            if mine and "estimates" not in template:
                template["estimates"] = tomlkit.inline_table()
            for ref, value in mine.items():
                template["estimates"][ref] = value
    changed = tomlkit.dumps(document)
    parse_plan(changed, source=source, folder=folder)
    return changed
