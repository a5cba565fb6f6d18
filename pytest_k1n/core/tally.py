"""Counting single checks while a judgement is being made: the one mutable helper of the judging code."""

from __future__ import annotations

from pytest_k1n.core.findings import NOT_MEASURABLE, Finding, Findings, Verdict


class Tally:
    """Collects what a judgement evaluates; every check ends in exactly one call of `passed` ... `unknown`.

    Checks on simulated work (`simulated=True`) are judged like all others, but counted apart: they would prove
    themselves.
    """

    def __init__(self) -> None:
        self.passes = 0
        self.fails = 0
        self.unknowns = 0
        self.simulated = 0
        self.latencies = 0
        self.found: list[Finding] = []
        self.notes: list[str] = []

    def passed(self, count: int = 1, *, simulated: bool = False) -> None:
        """Count checks that passed on evidence."""
        if simulated:
            self.simulated += count
        else:
            self.passes += count

    def fail(
        self,
        code: str,
        subject: str,
        *,
        expected: str,
        observed: str,
        margin: str = "",
        origin: str = "",
        simulated: bool = False,
    ) -> None:
        """Count a check that failed."""
        if simulated:
            self.simulated += 1
        else:
            self.fails += 1
        self._add(code, subject, expected, observed, margin, origin, Verdict.FAIL)

    def warn(
        self,
        code: str,
        subject: str,
        *,
        expected: str,
        observed: str,
        margin: str = "",
        origin: str = "",
        simulated: bool = False,
    ) -> None:
        """Count a check that passed and is worth a remark."""
        self.passed(simulated=simulated)
        self._add(code, subject, expected, observed, margin, origin, Verdict.WARN)

    def warn_only(self, code: str, subject: str, *, expected: str, observed: str, origin: str = "") -> None:
        """Add a remark that is worth a finding and counts as no check."""
        self._add(code, subject, expected, observed, "", origin, Verdict.WARN)

    def unknown(
        self, code: str, subject: str, *, expected: str, observed: str, margin: str = "", origin: str = ""
    ) -> None:
        """Count a check that the evidence does not decide."""
        self.unknowns += 1
        self._add(code, subject, expected, observed, margin, origin, Verdict.UNKNOWN)

    def unmeasurable(self, subject: str, *, expected: str, observed: str, margin: str = "", origin: str = "") -> None:
        """List a latency that the weather does not let us decide: neither passed, nor failed, nor unknown."""
        self._add(NOT_MEASURABLE, subject, expected, observed, margin, origin, Verdict.WARN)

    def add(self, finding: Finding) -> None:
        """Count a check that did not pass, as its finding says."""
        self.fails += finding.verdict is Verdict.FAIL
        self.unknowns += finding.verdict is Verdict.UNKNOWN
        self.found.append(finding)

    def note(self, text: str) -> None:
        """Add a remark for the reader that judges nothing."""
        if text not in self.notes:
            self.notes.append(text)

    def absorb(self, findings: Findings) -> None:
        """Count a judgement made elsewhere."""
        self.passes += findings.passed
        self.fails += findings.failed
        self.unknowns += findings.unknown
        self.simulated += findings.simulated
        self.latencies += findings.latencies
        self.found.extend(findings.findings)
        for text in findings.notes:
            self.note(text)

    def findings(self) -> Findings:
        """Return the judgement as a value."""
        return Findings(tuple(self.found), self.passes, self.simulated, tuple(self.notes), self.latencies)

    def _add(
        self, code: str, subject: str, expected: str, observed: str, margin: str, origin: str, verdict: Verdict
    ) -> None:
        self.found.append(
            Finding(
                code=code,
                subject=subject,
                expected=expected,
                observed=observed,
                margin=margin,
                origin=origin,
                verdict=verdict,
            )
        )
