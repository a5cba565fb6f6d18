"""Put cases to a server: many at once, those that differ again one by one, because company makes races likelier."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pytest_k1n.conformance.asked_server import AskedServer
from pytest_k1n.conformance.cases import Document
from pytest_k1n.conformance.corpus import Recording
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.known import Known
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.conformance.sightings import RunsVerdict, Sightings, sightings
from pytest_k1n.conformance.stub import calls_stub
from pytest_k1n.conformance.target import CaseTarget
from pytest_k1n.conformance.verdict import CaseOutcome, CaseResult, judged, outcome_of

Progress = Callable[[int, int, CaseResult, bool], None]
"""Takes how many cases are judged, of how many, the newest, and whether these are asked about again."""
_GOOD = (CaseOutcome.SAME, CaseOutcome.KNOWN)
_SETTLED = (*_GOOD, CaseOutcome.SKIPPED)
_OUTCOMES = {
    RunsVerdict.AGREES: CaseOutcome.SAME,
    RunsVerdict.RACE: CaseOutcome.RACE,
    RunsVerdict.DIVERGES: CaseOutcome.DIFFERENT,
    RunsVerdict.UNDECIDED: CaseOutcome.UNDECIDED,
}


def conduct(
    recordings: Sequence[Recording],
    subject: AskedServer,
    *,
    known: Sequence[Known],
    jobs: int = 6,
    runs: int = 6,
    progress: Progress = lambda _done, _of, _result, _again: None,
    clock: Callable[[], float] = time.monotonic,
) -> list[CaseResult]:
    """Judge every case, each in `runs` runs at most. Raises OSError when the server answers no more."""
    uid = uuid.uuid4().hex[:6]
    with subject.target() as target:
        asking = [
            _Asking(one, target, f"c{uid}n{index}_", tuple(known), subject.is_here)
            for index, one in enumerate(recordings)
        ]
        done = itertools.count(1)

        def once(each: _Asking) -> CaseResult:
            result = each.result(1, clock)
            if not target.is_stopped:  # what was under way then may still find something, and it counts for nothing
                progress(next(done), len(asking), result, False)
            return result

        with ThreadPoolExecutor(1 if subject.moves_clock else jobs) as pool:
            try:
                first = list(pool.map(once, asking))
            except BaseException:
                target.stop()  # whoever has interrupted it does not wait for a case that waits for its server
                raise
        more = 1 if subject.moves_clock else runs - 1  # an engine on a clock of ours has no races
        unsure = [place for place, one in enumerate(first) if one.outcome not in _SETTLED] if more else []
        results = list(first)
        for number, place in enumerate(unsure, 1):
            results[place] = asking[place].result(more, clock, before=asking[place].seen)
            progress(number, len(unsure), results[place], True)
        return results


class _Asking:
    """One case and what its runs have shown."""

    def __init__(
        self, recording: Recording, target: CaseTarget, prefix: str, known: tuple[Known, ...], is_here: bool
    ) -> None:
        self.recording = recording
        self.seen = Sightings(runs=0, expected=0, others=())
        self._target = target
        self._prefix = prefix
        self._known = known
        self._numbers = itertools.count()
        self._can_run = is_here or not calls_stub(recording.case)
        self._last: Document | None = None

    def result(self, most: int, clock: Callable[[], float], before: Sightings | None = None) -> CaseResult:
        """Run it until it shows what is expected, `most` times at most, and judge that with what was seen before."""
        name, suite = self.recording.name, self.recording.suite
        if not self._can_run:
            return CaseResult(suite=suite, name=name, outcome=CaseOutcome.SKIPPED, runs=0)
        if (endless := next((each for each in self._known if each.never_ends(self.recording.case)), None)) is not None:
            note = f"not asked, as this server would never end it: {endless.id}"
            return CaseResult(suite=suite, name=name, outcome=CaseOutcome.KNOWN, runs=0, note=note)
        new = sightings(self._ask, self._is_expected, most, clock)
        self.seen = new if before is None else before + new
        outcome = _OUTCOMES[self.seen.verdict]
        if self.seen.runs == 1 and self.seen.others:
            outcome = CaseOutcome.DIFFERENT  # for now: nothing has been asked twice
        if outcome is CaseOutcome.SAME:
            found = judged(self.recording, self._last or {}, self._known)
            return CaseResult(suite=suite, name=name, outcome=outcome_of(found), runs=self.seen.runs, differences=found)
        found = judged(self.recording, self.seen.commonest, self._known) if self.seen.commonest else ()
        note = f"as recorded in {self.seen.expected} of {self.seen.runs} runs"
        return CaseResult(suite=suite, name=name, outcome=outcome, runs=self.seen.runs, differences=found, note=note)

    def _ask(self) -> Document:
        return canonical(run(self.recording.case, self._target, f"{self._prefix}r{next(self._numbers)}_"))

    def _is_expected(self, history: Document) -> bool:
        self._last = history
        return outcome_of(judged(self.recording, history, self._known)) in _GOOD
