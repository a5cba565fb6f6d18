"""Results files are written when they say something new, or are not what was written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_k1n.run import results


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    documents: list[Any] = []

    def write(result: Any) -> None:
        documents.append(result.document)
        result.path.write_text(str(result.document))

    monkeypatch.setattr(results, "write", write)
    return documents


def test_what_is_there_already_is_not_written_again(tmp_path: Any, written: list[Any]) -> None:
    controller: Any = SimpleNamespace(written={}, fail=pytest.fail)
    for document in ({"partial": True}, {"partial": True}, {"partial": False}, {"partial": False}):
        results.write_all(controller, [SimpleNamespace(path=tmp_path / "a.json", document=document)])  # type: ignore[list-item]
    assert written == [{"partial": True}, {"partial": False}]


def test_what_was_removed_or_changed_meanwhile_is_written_again(tmp_path: Any, written: list[Any]) -> None:
    controller: Any = SimpleNamespace(written={}, fail=pytest.fail)
    result: Any = SimpleNamespace(path=tmp_path / "a.json", document={"partial": False})
    results.write_all(controller, [result])
    result.path.unlink()
    results.write_all(controller, [result])
    result.path.write_text("something of another length")
    results.write_all(controller, [result])
    assert len(written) == 3
