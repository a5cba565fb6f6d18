"""One name, one meaning: what a class is called says which one it is."""

from __future__ import annotations

import ast
from collections import defaultdict

from k1n_support.sources import PACKAGE, modules, statements


def test_no_two_classes_of_the_package_share_a_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for module, path in modules().items():
        for node in statements(module):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert len(homes) > 500, "the classes were not read"
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
