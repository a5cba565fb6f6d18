"""A jq program as the server reads it: its jq, jackson-jq 0.0.13, has another syntax than libjq, which runs it here.

One pass over the tokens refuses what jackson-jq refuses, and writes the rest so that libjq understands it the same way.
What neither reads is left to libjq, and so is what a program means.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from pytest_k1n.engine.language.javahash import hash_order


class Refused(ValueError):
    """A program that jackson-jq does not read; its text is how what it says begins."""


@dataclass(slots=True, eq=False)
class _Token:
    """A piece of a program: what it is, how it is written there and here, where it begins, and the space before it.

    `opens` and `closes` are brackets that only libjq needs, `trail` the space behind the last one.
    """

    kind: str
    source: str
    text: str
    at: int
    space: str
    opens: str = ""
    closes: str = ""
    trail: str = ""


@dataclass(slots=True)
class _Frame:
    """A bracket, or an `if`, that is open; `keys` are those of an object, None if one of them is computed."""

    start: int
    kind: str
    has_else: bool = False
    is_many: bool = False
    keys: list[str] | None = field(default_factory=list)


def rewritten(program: str) -> str:
    """Write a program for libjq. Raises Refused."""
    tokens, _ = _scan(program, 0, is_inside=False)
    return _Reader(program, tokens).read()


def _scan(program: str, at: int, *, is_inside: bool) -> tuple[list[_Token], int]:
    """Split a program, or what is inside a text up to its `)`; return where that ends, too."""
    tokens: list[_Token] = []
    depth, space = 0, ""
    while at < len(program):
        found = _TOKEN.match(program, at)
        assert found is not None
        kind, source = str(found.lastgroup), found[0]
        if kind == "space":
            space += source
        else:
            depth += {"(": 1, ")": -1}.get(source, 0)
            if is_inside and depth < 0:
                break
            text = source
            if kind == "text":
                text, end = _text(program, at)
                source = program[at:end]
            tokens.append(_Token(kind, source, text, at, space))
            space = ""
        at += len(source)
    if space and tokens:
        tokens[-1].trail = space  # a comment ends with its line
    return tokens, at


def _text(program: str, at: int) -> tuple[str, int]:
    """Write the text that begins here, and return where it ends."""
    parts, at = ['"'], at + 1
    while True:
        piece = _PIECE.match(program, at)
        assert piece is not None
        parts.append(piece[0])
        at = piece.end()
        if not program.startswith("\\(", at):
            return "".join(parts) + program[at : at + 1], at + 1
        tokens, at = _scan(program, at + 2, is_inside=True)
        parts += ["\\(", _Reader(program, tokens).read(), program[at : at + 1]]
        at += 1


class _Reader:
    """One pass over the tokens of a program."""

    def __init__(self, program: str, tokens: list[_Token]) -> None:
        self.program = program
        self.tokens = tokens
        self.partner: dict[int, int] = {}
        """Of each bracket, and of `if` and `end`."""
        self.kinds: dict[int, str] = {}
        """What a bracket is, by the token that opens it."""
        self.frames: list[_Frame] = []
        self.tries: list[tuple[int, int]] = []
        """Each open `try`: how many frames are open around it, and where it is."""

    def read(self) -> str:
        """Return the program for libjq. Raises Refused."""
        checks = {
            "close": self._close, "field": self._field, "format": self._format, "number": self._number,
            "open": self._open, "query": self._query, "variable": self._variable, "word": self._word,
        }  # fmt: skip
        for at, token in enumerate(self.tokens):
            frame = self.frames[-1] if self.frames else None
            if frame is not None:
                frame.is_many |= token.source in _MANY or (token.source == "]" and self._source(at - 1) == "[")
                if frame.kind == "object" and self._is_key(at):
                    self._add_key(frame, at)
            if token.source == ";":
                self._end_tries(at)
            elif token.source == ":" and self._is_tried() and frame is not None and frame.kind == "object":
                self._refuse(token)
            if token.kind in checks:
                checks[token.kind](at, token)
        self._end_tries(len(self.tokens))
        for at, token in enumerate(self.tokens):
            if token.source in _ASSIGNMENTS:
                self._assignment(at)
            elif token.source == "and":
                self._from_left(at, {"or"}, _EDGES)
            elif token.source in _COMPARISONS:
                self._from_left(at, _COMPARISONS, _EDGES | {"and", "or"})
        return "".join(f"{token.space}{token.opens}{token.text}{token.closes}{token.trail}" for token in self.tokens)

    # ---- one kind of token each

    def _number(self, at: int, token: _Token) -> None:
        is_whole = token.source.isdecimal()
        if is_whole and int(token.source) >= 2**63:
            raise Refused(f'For input string: "{token.source}"')
        if not is_whole:
            value = float(token.source)
            token.text = "infinite" if math.isinf(value) else repr(value)
            before = self.kinds.get(at - 1)
            if before == "step" and self._source(at + 1) == "]" and not value.is_integer():
                token.text = 'error("Cannot index " + type + " with number")'
            elif self._source(at - 1) == "-" and not self._ends_term(at - 2) and value.is_integer():
                token.text = str(int(value))
        times_text = any(
            self._source(at + step) == "*" and self._source(at + 2 * step).startswith('"') for step in (-1, 1)
        )
        if times_text or (not is_whole and "%" in (self._source(at - 1), self._source(at + 1))):
            token.text = f"({token.text}|_same)"  # libjq computes what is constant before it looks for a definition

    def _variable(self, at: int, token: _Token) -> None:
        if token.source in ("$ENV", "$__loc__") and f"as {token.source}" not in self.program:
            token.text = f'error("Undefined variable: {token.source}")'
        if self.frames and self.frames[-1].kind == "pattern" and self._source(at - 1) in ("{", ","):
            start = self.tokens[self.frames[-1].start].source
            if start == "{":
                self._refuse(token, "$")

    def _format(self, at: int, token: _Token) -> None:
        if self._source(at + 1).startswith('"'):
            return
        if token.source not in _FORMATS:
            token.text = f'error("Formatting operator {token.source} does not exist")'
        elif token.source in ("@csv", "@tsv"):
            token.text = f"_{token.source[1:]}"

    def _word(self, at: int, token: _Token) -> None:
        word, after, frame = token.source, self._source(at + 1), self.frames[-1] if self.frames else None
        if frame is not None and frame.kind in ("object", "pattern") and self._is_key(at):
            return
        if (word == "label" and after.startswith("$")) or (word in ("import", "include") and after.startswith('"')):
            self._refuse(token)
        if word in ("then", "elif", "else", "end"):
            self._end_tries(at)
        if word == "try":
            self.tries.append((len(self.frames), at))
        elif word == "catch":
            if self._is_tried():
                self.partner[at] = self._end_try(at)
            self._caught(at + 1)
        if word == "break" and not after.startswith("$"):
            token.text = 'error("break")'
        elif word == "if":
            self.frames.append(_Frame(at, "if"))
        elif frame is not None and frame.kind == "if" and word == "else":
            frame.has_else = True
        elif frame is not None and frame.kind == "if" and word == "end":
            if not frame.has_else:
                self._refuse(token)
            self._pop(at)

    def _caught(self, at: int) -> None:
        following = self.tokens[at] if at < len(self.tokens) else None
        if following is not None and following.source == "(":
            following.text = "(_worded|"
        elif following is not None and following.source == "." and not self._source(at + 1).startswith(("[", '"')):
            following.text = "_worded"

    def _open(self, at: int, token: _Token) -> None:
        before = self._source(at - 1)
        kind = {"{": "object", "[": "array", "(": "group"}[token.source]
        if token.source != "(" and (before == "as" or (self.frames and self.frames[-1].kind == "pattern")):
            kind = "pattern"
        elif token.source == "[" and (before == "." or self._ends_term(at - 1)):
            kind = "step"
            if (before == "." and self._ends_term(at - 2)) or (before == "?" and self._source(at - 2) == ")"):
                self._refuse(token)
        elif token.source == "(" and at and self.tokens[at - 1].kind == "word" and before not in _KEYWORDS:
            kind = "call"
        self.kinds[at] = kind
        self.frames.append(_Frame(at, kind))

    def _close(self, at: int, token: _Token) -> None:
        if token.source == ")" and not any(self._source(frame.start) == "(" for frame in self.frames):
            raise Refused(f"Unexpected ')' at {self._position(token)}.")  # its lexer's words
        if not self.frames or self.tokens[self.frames[-1].start].source + token.source not in ("()", "[]", "{}"):
            self._refuse(token)
        self._end_tries(at)
        frame = self._pop(at)
        start, before = self.tokens[frame.start], self._source(frame.start - 1)
        if frame.kind == "object":
            if self._source(at - 1) == ",":
                self._refuse(token)
            ordered = hash_order(frame.keys or [])
            if ordered != (frame.keys or []) and len(set(ordered)) == len(ordered):
                names = ",".join(f"{name}:.[{name}]" for name in map(json.dumps, ordered))
                start.text, token.text = "({", f"}}|{{{names}}})"
        elif frame.kind == "group" and frame.is_many and (before == "try" or self._source(at + 1) == "?"):
            start.text, token.text = "([", "]|.[])"  # there all results of what is tried are had, or none
        elif frame.kind == "call" and before == "del" and self._place(frame.start + 1, at) is not None:
            self._instead(frame.start + 1, at, "1st argument to del() must be a field access")

    def _query(self, at: int, token: _Token) -> None:
        before = self.tokens[at - 1] if at else token
        kind = self.kinds.get(self.partner.get(at - 1, -1))
        is_step = before.kind == "field" or kind == "step" or (kind == "group" and before.source == ")")
        if token.source == "?//" or not (is_step or (before.kind == "text" and self._source(at - 2) == ".")):
            self._refuse(token, "?")

    def _field(self, at: int, token: _Token) -> None:
        if self._source(at - 1) == "?" and self._source(at - 2) == ")":
            self._refuse(token, ".")

    # ---- how far a `try` reaches, and what is done first

    def _end_tries(self, at: int) -> None:
        """End each `try` of the innermost frame: without a `catch` it reaches as far as it can, over `|` and `,`."""
        while self._is_tried():
            self._end_try(at)

    def _is_tried(self) -> bool:
        """Tell whether what comes next belongs to a `try` of the innermost frame."""
        return bool(self.tries) and self.tries[-1][0] == len(self.frames)

    def _end_try(self, at: int) -> int:
        start = self.tries.pop()[1]
        tried = self.tokens[start + 1 : at]
        if len(tried) > 1 and self.partner.get(start + 1) != at - 1:
            is_many = any(each.source in _MANY or (each.source == "[" and after.source == "]")
                          for each, after in pairwise(tried))  # fmt: skip
            tried[0].opens = ("([" if is_many else "(") + tried[0].opens
            tried[-1].closes += "]|.[])" if is_many else ")"
        return start

    def _from_left(self, at: int, before: Set[str], edges: Set[str]) -> None:
        """Have what stands left of an operator done first, if one of some others is in it: libjq would do it last."""
        start, found = at, False
        while start and not self._is_edge(start - 1, "open", edges):
            start = min(start - 1, self.partner.get(start - 1, start))
            found |= self._source(start) in before
        if found:
            self.tokens[start].opens = "(" + self.tokens[start].opens
            self.tokens[at - 1].closes += ")"

    # ---- assignments: what stands left of one, and how far it reaches

    def _assignment(self, at: int) -> None:
        start = at
        while start and not self._is_edge(start - 1, "open", _STOPS):
            start = min(start - 1, self.partner.get(start - 1, start))
        problem = self._place(start, at)
        if problem is not None and start < at:
            self._instead(start, at, problem)
        end, has_default = at + 1, False
        while end < len(self.tokens) and not self._is_edge(end, "close", _STOPS):
            has_default |= self.tokens[end].source == "//"
            end = max(end, self.partner.get(end, end)) + 1
        if has_default:  # `//` binds more than an assignment there
            self.tokens[at].text += "("
            self.tokens[end - 1].text += ")"

    def _is_edge(self, at: int, bracket: str, edges: Set[str]) -> bool:
        token = self.tokens[at]
        word = "if" if bracket == "open" else "end"
        return token.kind == bracket or token.source == word or token.source in edges or token.source in _ASSIGNMENTS

    def _place(self, start: int, end: int) -> str | None:
        """Say why tokens are no place that jackson-jq can change, or None."""
        while end - start > 1 and self._source(start) == "(" and self.partner.get(start) == end - 1:
            start, end = start + 1, end - 1
        at = end
        while at > start:
            last = self.tokens[at - 1]
            if (last.source == "?" and self._source(at - 2) != ")") or last.kind == "field":
                at -= 1
            elif last.kind == "text" and self._source(at - 2) == ".":
                at -= 2
            elif self.kinds.get(self.partner.get(at - 1, -1)) == "step":
                at = self.partner[at - 1]
                at -= self._source(at - 1) == "."
            else:
                break
        if at == end or self._has_operator(start, at):
            return "left hand side must be FieldAccess"
        is_inner = self._source(start) == "(" and self.partner.get(start) == at - 1
        return None if at == start or (is_inner and self._place(start, at) is None) else "cannot update value"

    def _has_operator(self, start: int, end: int) -> bool:
        while start < end:
            token = self.tokens[start]
            if token.source in ("and", "or") or token.kind == "operator":
                return True
            start = max(start, self.partner.get(start, start)) + 1
        return False

    def _instead(self, start: int, end: int, problem: str) -> None:
        for token in self.tokens[start:end]:
            token.text, token.space = "", " "
        self.tokens[start].text = f"error({json.dumps(problem)})"

    # ---- what stands around

    def _source(self, at: int) -> str:
        return self.tokens[at].source if 0 <= at < len(self.tokens) else ""

    def _pop(self, at: int) -> _Frame:
        frame = self.frames.pop()
        self.partner[at], self.partner[frame.start] = frame.start, at
        if frame.is_many and self.frames:
            self.frames[-1].is_many = True
        return frame

    def _is_key(self, at: int) -> bool:
        return self._source(at - 1) in ("{", ",") and self.frames[-1].start < at and not self._is_tried()

    def _add_key(self, frame: _Frame, at: int) -> None:
        token = self.tokens[at]
        if token.kind == "close" or frame.keys is None:
            return
        key = token.source if token.kind == "word" else token.source[1:] if token.kind == "variable" else None
        if token.kind == "text" and "\\(" not in token.source:
            try:
                key = json.loads(token.source)
            except ValueError:
                key = None
        if key is None:
            frame.keys = None
        else:
            frame.keys.append(key)

    def _ends_term(self, at: int) -> bool:
        token = self.tokens[at] if at >= 0 else None
        if token is None or (token.kind == "word" and token.source != "end" and token.source in _KEYWORDS):
            return False
        return token.kind not in ("open", "operator", "other")

    def _refuse(self, token: _Token, image: str = "") -> None:
        shown = image or token.source
        raise Refused(f'Encountered " "{shown}" "{shown} "" at {self._position(token)}.')

    def _position(self, token: _Token) -> str:
        before = self.program[: token.at]
        return f"line {before.count(chr(10)) + 1}, column {token.at - before.rfind(chr(10))}"


_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)|(?P<text>")|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)"""
    r"""|(?P<recursion>\.\.)|(?P<field>\.[A-Za-z_]\w*)|(?P<format>@\w+)|(?P<variable>\$\w+)"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<query>\?//|\?)"""
    r"""|(?P<operator>//=|\|=|[-+*/%]=|[=!<>]=|//|[-+*/%=<>|,;:])|(?P<other>.)""",
    re.DOTALL | re.ASCII,
)
_PIECE: Final = re.compile(r'(?:[^"\\]|\\[^(])*', re.DOTALL)
_FORMATS: Final = frozenset({"@base64", "@csv", "@html", "@json", "@sh", "@text", "@tsv", "@uri"})
_KEYWORDS: Final = frozenset(
    {"and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "or", "reduce", "then", "try"}
)
_ASSIGNMENTS: Final = frozenset({"=", "|=", "+=", "-=", "*=", "/=", "%=", "//="})
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_STOPS: Final = frozenset({"|", ",", ";", ":"}) | (_KEYWORDS - {"and", "or", "end", "if"})
_EDGES: Final = frozenset({"|", ",", ";", ":", "//", "def", "elif", "else", "then", "try"})
"""Where an operand of `and` or `or` ends."""
_MANY: Final = frozenset({",", "..", "limit", "match", "range", "recurse", "scan", "splits"})
"""What may yield more than one value."""
