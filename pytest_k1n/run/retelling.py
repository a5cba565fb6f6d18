"""One cause is told once: later tests that notice it name the first one, in the terminal as in JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from pytest_k1n.core.text import one_line

PICTURE = "k1n: the execution"
"""The title of the report's section that shows executions."""
MOST_TEXT = 300
_WHY = frozenset({"started-early", "not-run"})
"""Codes whose origin tells the cause, not only who asks for it."""
_FINDING = re.compile(
    r"(?P<head>E?\s+(?P<verdict>fail|unknown|warn)\s+(?P<code>[a-z-]+): (?P<subject>.*?)): "
    r"expected (?P<expected>.*?); observed (?P<observed>.*?)(?P<by>, by [^,()]*)?(?P<why> \(.*\))?$"
)


def headline(report: pytest.TestReport, error: BaseException) -> None:
    """Begin the line of the short summary with the worst finding instead of the name of an exception's class.

    What was observed goes first: at 80 columns there is no room for more.
    """
    lines = [found for line in str(error).splitlines() if (found := _FINDING.match(line))]
    crash = getattr(report.longrepr, "reprcrash", None)
    if not lines or crash is None:
        return
    # What did not run has its cause, which another finding may tell.
    as_bad = (each for each in lines if each["verdict"] == lines[0]["verdict"] and each["code"] != "not-run")
    worst = next(as_bad, lines[0])
    why = worst["why"] or "" if worst["code"] in _WHY else ""
    seen = f"{worst['subject']}: {worst['observed']}{worst['by'] or ''}{why}; expected {worst['expected']}"
    told = one_line(f"{worst['code']}: {seen}", most=MOST_TEXT)
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    crash.message = f"{told}{more}"
    report.user_properties.append(("k1n_finding", told))
    report.user_properties.append(("k1n_findings", len(lines)))


def raised(report: pytest.TestReport) -> str:
    """Return the first line of what a test raised; empty if pytest keeps none of it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return "" if crash is None else str(crash.message).partition("\n")[0]


def plainly(report: pytest.TestReport, error: BaseException) -> None:
    """Begin the line of the short summary with what an exception of this package says, not with where it is defined."""
    crash = getattr(report.longrepr, "reprcrash", None)
    home = type(error).__module__
    if crash is not None and f"{home}.".startswith("pytest_k1n.") and crash.message.startswith(f"{home}."):
        crash.message = one_line(str(error), most=MOST_TEXT)


@dataclass(slots=True)
class Told:
    """What has been told so far; kept by the controller, which sees the reports of all nodes."""

    causes: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    """(execution's title, code, subject, observed) -> the test that told it first."""
    pictures: dict[str, str] = field(default_factory=dict)
    """Execution -> the test whose report shows it."""

    def shorten(self, report: pytest.TestReport, executions: Sequence[str], titles: Mapping[str, str]) -> None:
        """Replace what an earlier report has told in full by the name of its test.

        `executions` are those that the test judged, `titles` says how each execution of the run is called.
        """
        entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None)
        if entries and hasattr(entries[-1], "lines"):
            own = titles.get(executions[0], "") if len(executions) == 1 else ""
            entries[-1].lines[:] = [self._line(each, report.nodeid, own, titles) for each in entries[-1].lines]
        shown = [self.pictures.setdefault(each, report.nodeid) for each in executions]
        if shown and all(first != report.nodeid for first in shown):
            replay = [text.splitlines()[-1] for title, text in report.sections if title == PICTURE and text]
            if replay:
                where = f"execution {', '.join(executions)}: see {shown[0]}"
                report.sections[:] = [each for each in report.sections if each[0] != PICTURE]
                report.sections.append((PICTURE, "\n".join([where, *replay])))

    def _line(self, line: str, node_id: str, own: str, titles: Mapping[str, str]) -> str:
        found = _FINDING.match(line)
        if found is None:
            return line
        subject = found["subject"]
        title = next((each for each in titles.values() if subject.startswith(f"{each}: ")), own)
        cause = (title, found["code"], subject.removeprefix(f"{title}: "), found["observed"])
        first = self.causes.setdefault(cause, node_id) if title else node_id
        return line if first == node_id else f"{found['head']}: as in {first}"
