"""Where the schemas are: the wheel carries them inside the package, a checkout has them in its top-level folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")


def schema_document(name: str) -> Mapping[str, Any]:
    """Read the schema called `name` ("results", "plan"). Raises LookupError that says where it was sought."""
    for folder in _FOLDERS:
        path = folder / f"{name}.schema.json"
        if path.is_file():
            document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return document
    sought = " or ".join(str(folder) for folder in _FOLDERS)
    raise LookupError(f"no schema {name!r}: sought {name}.schema.json in {sought}; reinstall pytest-k1n")
