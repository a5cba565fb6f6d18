"""JSONPath as Conductor's library (Jayway) reads it: children, indices, slices, wildcards, `..`, filters, functions.

A path is parsed once into steps; evaluation raises nothing but PathError for a pattern that matches for too long: a
missing value is `MISSING`, which expressions turn into null as the server does. A path is *definite* while it can name
one value only; otherwise its result is a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pytest_k1n.engine.language.pathfilters import (
    FUNCTIONS,
    SIGNS,
    WORDS,
    Comparison,
    Function,
    LeadsNowhere,
    Unfit,
    at,
    matchable,
    unknown,
)
from pytest_k1n.engine.language.pathsteps import (
    MISSING,
    Step,
    Test,
    call,
    child,
    descend,
    index,
    indices,
    pick,
    slice_,
    where,
    wildcard,
)
from pytest_k1n.engine.language.sandbox import SANDBOX, ChildDied, OutOfTime


class PathError(ValueError):
    """A path that cannot be read; says where."""


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: its steps, whether it names at most one value, and whether a filter in it asks the whole."""

    steps: tuple[Step, ...]
    is_definite: bool
    asks_whole: bool = False
    certain: int = 0
    """How many steps name one value at most, before any that may name several."""

    def read(self, root: Any, whole: Any = None) -> Any:
        """Evaluate against a value; `MISSING` where a definite path leads nowhere.

        `whole` is what `$` stands for in a filter, the value itself unless it is a part of something.
        """
        if self.asks_whole:
            token = _WHOLE.set(root if whole is None else whole)
            try:
                return self._read(root)
            finally:
                _WHOLE.reset(token)
        return self._read(root)

    def operand(self, value: Any) -> Any:
        """Evaluate within a filter: there a path is missing, too, whose beginning leads nowhere."""
        return self._read(value, needed=self.certain)

    def _read(self, root: Any, *, needed: int = 0) -> Any:
        values = [root]
        try:
            for number, step in enumerate(self.steps):
                values = step(values)
                if not values:
                    if number < needed:
                        return MISSING
                    break
        except (LeadsNowhere, Unfit):
            return MISSING
        if self.is_definite:
            return values[0] if values else MISSING
        return values


def parse(text: str) -> Path:
    """Parse the part of a path behind its root: `.a.b[0]`, `['k']`, `..x`, `[?(@.v>1)].n`, `.length()`.

    Raises PathError.
    """
    return _Parser(text).path()


def compiles(text: str, start: int) -> bool:
    """Tell whether the filter whose bracket opens here can be read."""
    try:
        _Parser(text, start).path(one_step=True)
    except PathError:
        return False
    return True


MATCH_LIMIT_S = 4
"""CPU time for one match of a pattern, as for a script."""
MOST_IN_PLACE = 10_000
"""Characters that a pattern with one quantifier is matched against without a child."""
_WHOLE: ContextVar[Any] = ContextVar("whole")
_NAME = re.compile(r"(?!\*)[^.\[\]()\s,'\"?@]+")
_INTEGER = re.compile(r"-?\d+")
_LITERAL = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|true|false|null")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_PATTERN = re.compile(r"/((?:[^/\\]|\\.)*)/")
_CONSTANTS = {"true": True, "false": False, "null": None}
_WORD = re.compile("[A-Za-z]+")
_RANGE = re.compile(r"(-?\d+)?:(-?\d+)?(?::[-\d:]*)?")
"""What follows a second colon is not looked at (measured on 3.32.1)."""


class _Parser:
    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at
        self.asks_whole = False

    def path(self, *, one_step: bool = False) -> Path:
        steps: list[Step] = []
        definite, function, certain = True, None, 0
        while self.at < len(self.text) and function is None:  # what follows a function is not looked at
            certain = len(steps) if definite else certain
            if self._take(".."):
                definite = False
                steps.append(descend)
                if self.text[self.at : self.at + 1] == "[":
                    continue
                steps.append(wildcard if self._take("*") else child(self._name()))
            elif self._take("."):
                if self._take("*"):
                    definite = False
                    steps.append(wildcard)
                    continue
                if self.text[self.at : self.at + 1] == "[":
                    continue
                name = self._name()
                if self._take("("):
                    function = self._function(name)
                steps.append(child(name) if function is None else call(function))
            elif self._take("["):
                step, single = self._bracket(is_definite=definite)
                definite = definite and single
                steps.append(step)
            else:
                raise PathError(f"unexpected {self.text[self.at :]!r} in {self.text!r}")
            if one_step:
                break
        return Path(tuple(steps), definite, self.asks_whole, len(steps) if definite else certain)

    def _function(self, name: str) -> Function:
        """Read what stands in a function's parentheses: nothing, but a place for `index`."""
        place = _INTEGER.match(self.text, self.at) if name == "index" else None
        if place is not None:
            self.at = place.end()
        function = FUNCTIONS.get(name) if place is None else at(int(place[0]))
        if self._take(")"):
            return function or unknown
        end = self.text.find(")", self.at)
        if end < 0:
            raise PathError(f"( is not closed in {self.text!r}")
        self.at = end + 1
        return unknown  # with arguments

    def _take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise PathError(f"expected {token!r} at {self.text[self.at :]!r} of {self.text!r}")

    def _skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise PathError(f"expected a name at {self.text[self.at :]!r} of {self.text!r}")
        self.at = found.end()
        return found[0]

    def _quoted(self) -> str:
        quote = self.text[self.at]
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise PathError(f"{quote} is not closed in {self.text!r}")
        name = self.text[self.at + 1 : end]
        self.at = end + 1
        return name

    def _text(self) -> str:
        """Read a text of a filter, in which a backslash lets any character stand for itself."""
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise PathError(f"a text is not closed in {self.text!r}")
        self.at = found.end()
        return re.sub(r"\\(.)", r"\1", found[0][1:-1])

    def _bracket(self, *, is_definite: bool) -> tuple[Step, bool]:
        self._skip_blanks()
        following = self.text[self.at : self.at + 1]
        if following == "*":
            self.at += 1
            self._skip_blanks()
            self._expect("]")
            return wildcard, False
        if following == "?":
            self.at += 1
            return where(self._filter(), is_definite=is_definite), False
        if following in ("'", '"'):
            names = [self._quoted()]
            self._skip_blanks()
            while self._take(","):
                self._skip_blanks()
                names.append(self._quoted())
                self._skip_blanks()
            self._expect("]")
            return (child(names[0]) if len(names) == 1 else pick(tuple(names))), True
        end = self.text.find("]", self.at)
        if end < 0:
            raise PathError(f"[ is not closed in {self.text!r}")
        inside = self.text[self.at : end].strip()
        self.at = end + 1
        if _INTEGER.fullmatch(inside):
            return index(int(inside)), True
        if (range_ := _RANGE.fullmatch(inside)) and any(range_.groups()):
            low, high = (int(end) if end else None for end in range_.groups())
            return slice_(low, high), False
        if inside and all(_INTEGER.fullmatch(part.strip()) for part in inside.split(",")):
            return indices(tuple(int(part) for part in inside.split(","))), False
        raise PathError(f"[{inside}] cannot be read in {self.text!r}")

    def _filter(self) -> Test:
        self._skip_blanks()
        self._expect("(")
        test = self._alternatives()
        self._skip_blanks()
        self._expect(")")
        self._skip_blanks()
        self._expect("]")
        return test

    def _alternatives(self) -> Test:
        tests = [self._conjunction()]
        self._skip_blanks()
        while self._take("||"):
            tests.append(self._conjunction())
            self._skip_blanks()
        return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._comparison()]
        self._skip_blanks()
        while self._take("&&"):
            tests.append(self._comparison())
            self._skip_blanks()
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def _comparison(self) -> Test:
        self._skip_blanks()
        if self._take("!"):
            inner = self._comparison()
            return lambda value: not inner(value)
        if self._take("("):
            inner = self._alternatives()
            self._skip_blanks()
            self._expect(")")
            return inner
        is_path = self.text.startswith(("@", "$"), self.at)
        left = self._operand()
        self._skip_blanks()
        if self._take("=~"):
            self._skip_blanks()
            if not self.text.startswith("/", self.at):
                self._operand()
                return lambda _value: False
            pattern = self._pattern()
            return lambda value: (found := matchable(_given(left, value))) is not None and _matches(pattern, found)
        compare = self._operator()
        if compare is None:
            if not is_path:
                raise PathError(f"a value alone is no filter in {self.text!r}")
            return lambda value: left(value) is not MISSING
        self._skip_blanks()
        right = self._operand()
        return lambda value: compare(_given(left, value), _given(right, value))

    def _operator(self) -> Comparison | None:
        for sign, compare in SIGNS:
            if self._take(sign):
                return compare
        word = _WORD.match(self.text, self.at)
        if word is None:
            return None
        self.at = word.end()
        if word[0].lower() not in WORDS:
            raise PathError(f"unknown operator {word[0]} in {self.text!r}")
        return WORDS[word[0].lower()]

    def _operand(self) -> Callable[[Any], Any]:
        if self._take("@"):
            inner = self._until_operator()
            path = parse(inner)
            self.asks_whole |= path.asks_whole
            return path.operand
        if self._take("$"):
            whole = parse(self._until_operator())
            self.asks_whole = True
            return lambda _value: whole.operand(_WHOLE.get())
        constant = self._literal()
        return lambda _value: constant

    def _literal(self) -> Any:
        if self.text[self.at : self.at + 1] in ("'", '"'):
            return self._text()
        if self._take("["):
            return self._list()
        word = _LITERAL.match(self.text, self.at)
        if word is None:
            raise PathError(f"expected a value at {self.text[self.at :]!r} of {self.text!r}")
        self.at = word.end()
        if word[0] in _CONSTANTS:
            return _CONSTANTS[word[0]]
        return int(word[0]) if _INTEGER.fullmatch(word[0]) else float(word[0])

    def _list(self) -> list[Any]:
        members: list[Any] = []
        self._skip_blanks()
        while not self._take("]"):
            if members:
                self._expect(",")
                self._skip_blanks()
            members.append(self._literal())
            self._skip_blanks()
        return members

    def _until_operator(self) -> str:
        start, depth = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "[":
                depth += 1
            elif character == "]":
                depth -= 1
            elif depth == 0 and (character in "=<>!&|)/ \t\r\n"):
                if character == ")" and self.text[self.at - 1] == "(":
                    self.at += 1
                    continue
                break
            self.at += 1
        return self.text[start : self.at]

    def _pattern(self) -> re.Pattern[str]:
        found = _PATTERN.match(self.text, self.at)
        if found is None:
            raise PathError(f"the pattern is not closed in {self.text!r}")
        source = found[1]
        self.at = found.end()
        flags = re.IGNORECASE if self._take("i") else re.RegexFlag(0)
        try:
            return re.compile(source, flags)
        except re.error as error:
            raise PathError(f"bad pattern {source!r}: {error}") from None


def _given(operand: Callable[[Any], Any], value: Any) -> Any:
    """Read what is compared: what leads nowhere is null."""
    found = operand(value)
    return None if found is MISSING else found


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    """Match in place where that takes no long time for certain: with two quantifiers it may take for ever.

    Raises PathError where it takes more than the limit of a script; the server has none, and hangs.
    """
    if sum(pattern.pattern.count(quantifier) for quantifier in "*+{") <= 1 and len(text) < MOST_IN_PLACE:
        return pattern.fullmatch(text) is not None
    flag = "i" if pattern.flags & re.IGNORECASE else "-"
    try:
        tag, answer = SANDBOX.run(b"r", flag + pattern.pattern, text, MATCH_LIMIT_S)
    except (OutOfTime, ChildDied) as error:
        raise PathError(f"matching {pattern.pattern!r} takes more than {MATCH_LIMIT_S} s") from error
    return tag == b"v" and answer == b"true"
