"""The batches of a plan as several runs have recorded them: what a completion report is made of."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.gates.document import QualityDocument
from pytest_k1n.report.document import BatchDocument, ExecutionDocument, FindingDocument, RunDocument, TemplateDocument

BATCHES = ("batch1", "batch2", "batch3")
"""What phase 4.5 consists of."""
NOT_MEASURED = "not measured"
"""What a completion report says where no run has evidence."""


class BatchEvidence:
    """The newest run that has each batch, in the order given; of all batches, or of the `only` ones."""

    def __init__(self, documents: Sequence[RunDocument], only: Sequence[str] = ()) -> None:
        self.documents = documents
        self._only = only
        self.last = documents[-1]
        self.source: dict[str, RunDocument] = {}
        for document in documents:
            for batch in document["batches"]:
                has_run = any(each["batch"] == batch["name"] for each in document["executions"])
                if has_run or batch["name"] not in self.source:
                    self.source[batch["name"]] = document

    @property
    def names(self) -> list[str]:
        return list(self._only or dict.fromkeys([*BATCHES, *self.source]))

    def batch(self, name: str) -> BatchDocument | None:
        document = self.source.get(name)
        return next((each for each in document["batches"] if each["name"] == name), None) if document else None

    def templates(self, names: Sequence[str]) -> list[tuple[str, TemplateDocument]]:
        batches = [(name, batch) for name in names if (batch := self.batch(name)) is not None]
        return [(name, template) for name, batch in batches for template in batch["templates"]]

    def executions(self, name: str) -> list[ExecutionDocument]:
        document = self.source.get(name)
        all_ = document["executions"] if document else []
        return [each for each in all_ if each["batch"] == name and each["role"] == "main"]

    def findings(self, name: str) -> list[FindingDocument]:
        document = self.source.get(name)
        return [each for each in document["findings"] if each["batch"] == name] if document else []

    def has_passed(self, name: str) -> bool:
        batch = self.batch(name)
        return batch is not None and batch["verdict"] == "pass" and bool(self.executions(name))

    @property
    def main(self) -> list[tuple[str, ExecutionDocument]]:
        return [(name, each) for name in self.names for each in self.executions(name)]

    def took_ms(self, name: str) -> int | None:
        return max((each["makespan_ms"] for each in self.executions(name)), default=None)

    def clock(self, name: str) -> str:
        """Say which time the server's stamps of a batch are in."""
        return "virtual time" if self.source[name]["time"]["model"] == "virtual" else "real time"

    def quality(self, name: str) -> QualityDocument | None:
        batch = self.batch(name)
        return batch["quality"] if batch else None
