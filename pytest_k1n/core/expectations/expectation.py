"""What an expectation is: a value with a readable repr that judges an observation, never the world."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeAlias

from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.expectations.arguments import MAKES, bracketed, refuse_other_kinds
from pytest_k1n.core.findings import Finding, Findings, Verdict, collect
from pytest_k1n.core.model import Execution
from pytest_k1n.core.record.observation import Observation

P = ParamSpec("P")

_PACKAGE = __name__.partition(".")[0]

Judge: TypeAlias = Callable[[Observation], Findings]


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that should hold for one execution. Build with the functions of this package, not directly."""

    name: str
    arguments: tuple[object, ...]
    keywords: tuple[tuple[str, object], ...]
    judge: Judge = field(repr=False, compare=False)
    """Evaluate it. On a live execution it fails what is already decided and answers `pending` for the rest."""

    def __repr__(self) -> str:
        shown = [repr(argument) for argument in self.arguments]
        shown += [f"{name}={value!r}" for name, value in self.keywords]
        return f"{self.name}({', '.join(shown)})"


Expected: TypeAlias = Expectation | Callable[[Execution], Findings]
"""What `expect` takes: an expectation, or any callable that judges an execution."""


def expectation(make: Callable[P, Judge]) -> Callable[P, Expectation]:
    """Turn a function that returns a judge into a constructor of expectations that remember how they were called.

    What a constructor of this package refuses is told from the line that has called it.
    """
    is_own = make.__module__.startswith(_PACKAGE)

    @functools.wraps(make)
    def build(*args: P.args, **kwargs: P.kwargs) -> Expectation:
        __tracebackhide__ = True
        try:
            judge = _judge_of(make, args, kwargs) if is_own else make(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if is_own:
                raise error.with_traceback(None) from None
            raise
        return Expectation(make.__name__, args, tuple(kwargs.items()), judge)

    build.__dict__[MAKES] = True
    return build


def _judge_of(make: Callable[..., Judge], args: tuple[object, ...], keywords: Mapping[str, object]) -> Judge:
    """Make the judge; what it says of its arguments goes before their kinds, and these before what it stumbles over."""
    try:
        judge = make(*args, **keywords)
    except (TypeError, AttributeError):
        refuse_other_kinds(make, args, keywords)
        raise
    refuse_other_kinds(make, args, keywords)
    return judge


def refuse_uncalled(expectations: Iterable[object]) -> None:
    """Raise TypeError for `expect(completed)`: it judges nothing before it is called."""
    __tracebackhide__ = True
    for each in expectations:
        if called := bracketed(each):
            raise TypeError(f"{called[:-3]} is not called: write expect({called}), with its brackets")


def judge_all(expectations: Iterable[Expected], observation: Observation) -> Findings:
    """Judge them all and add up. What raises is `unknown`, with the exception named, and stops no other.

    A plain callable's AssertionError is a failed check: that is how a test author says so. Records that cannot be true
    make every judgement `unknown` that nothing has failed.
    """
    return judge_each(expectations, observation) + Findings(implausible(observation))


def judge_each(expectations: Iterable[Expected], observation: Observation) -> Findings:
    """Judge them all like `judge_all`, without a look at whether the records can be true."""
    return collect(_judge(expected, observation) for expected in expectations)


def _judge(expected: Expected, observation: Observation) -> Findings:
    try:
        if isinstance(expected, Expectation):
            return expected.judge(observation)
        findings = expected(observation.execution)
    except AssertionError as error:
        return _single("assertion-failed", Verdict.FAIL, expected, "its assertions to hold", error)
    except Exception as error:
        return _single("judgement-crashed", Verdict.UNKNOWN, expected, "a judgement", error)
    return _checked(findings, expected)


def _checked(findings: object, expected: Expected) -> Findings:
    """Refuse what a user's callable returned if it says nothing, such as None."""
    if isinstance(findings, Findings):
        return findings
    said = f"it returned {type(findings).__name__}, not Findings"
    if findings is None:
        name = getattr(expected, "__name__", "check")
        said += f"; a function that only asserts is called as it is: {name}(execution), outside of expect()"
    error = TypeError(said)
    return _single("judgement-crashed", Verdict.UNKNOWN, expected, "a judgement", error)


def _single(code: str, verdict: Verdict, expected: Expected, wanted: str, error: Exception) -> Findings:
    name = repr(expected) if isinstance(expected, Expectation) else getattr(expected, "__name__", repr(expected))
    said = " ".join(str(error).split())
    observed = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Findings((Finding(code=code, subject=name, expected=wanted, observed=observed, verdict=verdict),))
