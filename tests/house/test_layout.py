"""The rooms: which module may import which, without circles and without strays."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

from k1n_support.sources import ROOT, modules, statements


def imports(name: str) -> Iterator[str]:
    """Every module of the package that this one names, under TYPE_CHECKING and inside functions too."""
    for node in statements(name):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules() else str(node.module)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of nodes that reach each other, by the closure of what both leads on and is led to."""
    graph, before = {node: targets - {node} for node, targets in graph.items()}, 0
    while len(graph) != before:
        before = len(graph)
        led_to = set().union(*graph.values())
        graph = {
            node: targets & graph.keys() for node, targets in graph.items() if targets & graph.keys() and node in led_to
        }
    reach = {node: set(targets) for node, targets in graph.items()}
    for middle in graph:
        for node in graph:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    groups = {frozenset({node} | {other for other in reach[node] if node in reach[other]}) for node in graph}
    return sorted((set(group) for group in groups if len(group) > 1), key=sorted)


def test_a_circle_of_imports_is_found_where_there_is_one() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f"}, "f": {"e"}, "g": {"g"}}
    assert circles(graph) == [{"a", "b", "c"}, {"e", "f"}]


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: set(imports(name)) - {name} for name in modules()}
    assert sum(map(len, graph.values())) > 1000, "the imports were not read"
    assert circles(graph) == []


def layered(contract: str) -> list[str]:
    """Return what the import contract of this name puts into layers."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in told if each["name"] == contract]
    return [room for layer in layers for room in re.split(r" [|:] ", layer)]


def test_every_module_belongs_to_a_layer_of_the_import_contract() -> None:
    rooms = layered("Layers point down")
    strays = [name for name in modules() if not any(f"{name}.".startswith(f"{room}.") for room in rooms)]
    # The package itself is the lazy table of public names; `python -m pytest_k1n` is one call.
    assert sorted(strays) == ["pytest_k1n", "pytest_k1n.__main__"]
    assert [room for room in rooms if room not in modules()] == [], "rooms that are not there"


def test_every_room_of_the_core_is_a_layer_of_its_contract_and_says_what_it_is_about() -> None:
    rooms = {path.name for path in (ROOT / "pytest_k1n/core").iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(layered("Rooms of the core point down"))
    (told,) = re.findall(r"`core/` has rooms of its own.*?\n```\n", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert sorted(rooms) == sorted(re.findall(r"\b(\w+)/", told.partition("```text")[2]))


def test_a_module_above_300_lines_is_named_with_what_makes_it_one_noun() -> None:
    (told,) = re.findall(r"\*\*Modules above 300 lines.*?\n- ", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    named = re.findall(r"`(?:\w+/)*(\w+\.py)`", told)
    long = [path for path in modules().values() if len(path.read_text(encoding="utf-8").splitlines()) > 300]
    assert long, "no module was read"
    assert [str(path.relative_to(ROOT)) for path in long if path.name not in named] == []
