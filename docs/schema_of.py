"""Make a JSON schema from the typed dictionaries of `pytest_k1n.report.document`: types and schema cannot differ."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(root: type, module: ModuleType, *, urn: str, title: str) -> dict[str, Any]:
    """Return the schema (draft 2020-12) of one document; typed dictionaries that it reaches become definitions."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and is_typeddict(kind)]
    for kind in kinds:  # grows while it is read
        kinds += [each for each in _named(tuple(get_type_hints(kind).values())) if each not in kinds]
    texts = {}
    for name in dict.fromkeys(kind.__module__ for kind in kinds):
        texts.update(_field_texts(import_module(name)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": urn,
        "title": title,
        "description": inspect.getdoc(root) or "",
        **_object(root, texts),
        "$defs": {kind.__name__: _object(kind, texts) for kind in kinds if kind is not root},
    }


def _named(hints: tuple[Any, ...]) -> list[type]:
    """Return the typed dictionaries that hints name, at any depth, each once."""
    found = [hint for hint in hints if is_typeddict(hint)]
    deeper = [each for hint in hints if not is_typeddict(hint) for each in _named(get_args(hint))]
    return list(dict.fromkeys([*found, *deeper]))


def _object(kind: type, texts: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        is_optional = get_origin(hint) is NotRequired
        field = _field(get_args(hint)[0] if is_optional else hint)
        text = texts.get((kind.__name__, name))
        properties[name] = {**field, "description": text} if text else field
        if not is_optional:
            required.append(name)
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _field(hint: Any) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        kinds = [_field(each) for each in arguments if each is not NoneType]
        if len(kinds) == 1 and isinstance(kinds[0].get("type"), str) and len(kinds[0]) == 1:
            return {"type": [kinds[0]["type"], "null"]}
        return {"oneOf": [*kinds, {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _field(arguments[0])}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_field(each) for each in arguments],
                "minItems": len(arguments), "maxItems": len(arguments)}  # fmt: skip
    if origin is dict:
        return {"type": "object"}
    if is_typeddict(hint):
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": _PLAIN[hint]}


def _field_texts(module: ModuleType) -> dict[tuple[str, str], str]:
    """Read the docstring under each field."""
    texts = {}
    for kind in ast.parse(inspect.getsource(module)).body:
        if isinstance(kind, ast.ClassDef):
            for field, text in zip(kind.body, kind.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
                    texts[kind.name, field.target.id] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return texts


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
