"""What the names of jq mean on the server: functions that jackson-jq 0.0.13 lacks, has besides, or means otherwise than
libjq, and its words for what libjq complains of; asked of Conductor 3.32.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final


def prelude(program: str, *, is_strict: bool) -> str:
    """Define what a program uses and libjq means otherwise.

    `is_strict` adds what only changes the words of a complaint: to ask each value for its type takes time.
    """
    words = set(_WORD.findall(program))
    is_strict = is_strict or "catch" in words
    absent = "".join(absence(name, count) for name in words if name in _ABSENT for count in _ABSENT[name])
    words |= {name for name, sign in _SIGNS.items() if sign.search(program)}
    if "_unbound" in words:
        words.add("_shown")
    used: list[str] = []
    for name, definition in reversed(_DEFINITIONS.items()):
        if name in words:
            used.append(definition)
            words.update(_WORD.findall(definition))
    complaints = [definition for name, definition in _COMPLAINTS.items() if is_strict and name in words]
    return "".join([_DEFINITIONS["_refused"] if complaints else "", *complaints, *reversed(used), absent])


def may_be_unbound(program: str) -> bool:
    """Tell whether a program may have a result that JSON has no number for."""
    return bool(_UNBOUND.search(program))


def absence(name: str, count: int) -> str:
    """Define a function that says it does not exist when it is called, as on the server."""
    parameters = f"({';'.join(f'p{number}' for number in range(count))})" if count else ""
    return f'def {name}{parameters}: error("Function {name}/{count} does not exist"); '


def with_undefined(program: str, complaint: str) -> str | None:
    """Let a program fail only when it comes to what libjq misses in it; None if it misses nothing but that."""
    missing = dict.fromkeys((name, int(count)) for name, count in _NO_FUNCTION.findall(complaint))
    lines = program.split("\n")
    for name, line, column in reversed(_NO_VARIABLE.findall(complaint)):
        text, at = lines[int(line) - 1].encode(), int(column) - 1
        if text[at : at + len(name)] == name.encode():
            text = text[:at] + f'error("Undefined variable: {name}")'.encode() + text[at + len(name) :]
            lines[int(line) - 1] = text.decode()
    changed = "".join(absence(*each) for each in missing) + "\n".join(lines)
    return None if changed == program else changed


def worded(complaint: str) -> str:
    """Put a complaint of libjq in the server's words."""
    if complaint.startswith("jq: error:"):
        found = _NO_KEY.match(complaint)
        complaint = _END.sub("unexpected end of file", complaint)
        return found[1] if found else _PLACE.sub(lambda line: f"{line[1]}{int(line[2]) - 1}", complaint)
    for pattern, words in _WORDS:
        found = pattern.match(complaint)
        if found is not None:
            return words(found) if callable(words) else found.expand(words)
    return complaint


def _parts(text: str) -> dict[str, str]:
    """Read definitions by the name that brings them, each in one line: a program keeps the numbers of its lines."""
    parts = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {name: " ".join(lines.split("\n")) + " " for name, _, lines in parts}


def _functions(text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for function in text.split():
        name, _, count = function.partition("/")
        found.setdefault(name, []).append(int(count))
    return found


def _guarded(function: str, kinds: str, told: str = "", argument: str = "") -> str:
    """Define a function that first says on what it is not applicable, and that its argument is no text."""
    name, _, count = function.partition("/")
    parameters = f"({'; '.join('fgh'[: int(count)])})" if count != "0" else ""
    wanted = " or ".join(f'. == "{kind.lower()}"' for kind in kinds.split(", "))
    own = f"_own_{name}{parameters}"
    if argument:
        own = f'if f | type == "string" then {own} else f | error("{argument}") end'
    return (
        f"def _own_{name}{parameters}: {name}{parameters}; def {name}{parameters}: "
        f'if type | {wanted} then {own} else _refused("{told or name}"; "{kinds}") end; '
    )


def _shortened(found: re.Match[str]) -> str:
    """Shorten the values that a complaint names as the server does: to eleven characters, if there are more than 14."""

    def short(value: re.Match[str]) -> str:
        text = value[2]
        return f"{value[1]} ({text[:11]}...)" if len(text) > 14 else value[0]

    return _VALUE.sub(short, found[0])


_WORD: Final = re.compile(r"\b[A-Za-z_]\w*")
_VALUE: Final = re.compile(r"\b(\w+) \((.*?)\)(?= and \w+ \(| cannot be )", re.DOTALL)
_NO_FUNCTION: Final = re.compile(r"^jq: error: (\w+)/(\d+) is not defined", re.MULTILINE)
_NO_VARIABLE: Final = re.compile(
    r"^jq: error: (\$\w+) is not defined at <top-level>, line (\d+), column (\d+)", re.MULTILINE
)
_NO_KEY: Final = re.compile(r"jq: error: (Cannot use .*? as object key) at <top-level>", re.DOTALL)
_END: Final = re.compile(r"unexpected '\)' at <top-level>, line \d+, column 1:\n +\) \|[^\n]*\n +\^")
_PLACE: Final = re.compile(r"( at <top-level>, line )(\d+)")
_UNBOUND: Final = re.compile(r"\b(?:nan|infinite|sqrt|log2|pow)\b")
_SIGNS: Final = {
    "_modify": re.compile(r"\|="),
    "_mod": re.compile("%"),
    "_multiply": re.compile(r'"\s*\*|\*\s*"'),
    "_nan": re.compile(r"\b(?:nan|infinite)\b"),
    "_negate": re.compile(r"(?:^|[(\[{,|:;=]|\b(?:then|else|and|or))\s*-"),
    "_unbound": _UNBOUND,
}
"""What a program has in it that does something which libjq calls by such a name."""
_GUARDS: Final[list[tuple[Any, ...]]] = [
    *((name, "0", "OBJECT, ARRAY") for name in ("keys", "keys_unsorted", "to_entries")),
    *((name, "0", "ARRAY") for name in ("sort", "min", "max", "reverse", "implode")),
    ("unique", "0", "ARRAY", "group"),
    *((f"{name}_by", "1", "ARRAY", name) for name in ("sort", "min", "max", "group")),
    ("unique_by", "1", "ARRAY", "group"),
    ("del", "1", "OBJECT, ARRAY, NULL"),
    *((name, "0", "STRING") for name in ("explode", "fromjson")),
    *((name, "0", "STRING", "explode") for name in ("ascii_downcase", "ascii_upcase")),
    *((name, "12", "STRING", "_match_impl/3") for name in ("capture", "match", "scan", "splits", "test")),
    *((name, "23", "STRING", "_sub_impl/3") for name in ("gsub", "sub")),
    ("split", "1", "STRING", "", "1st argument of split() must evaluate to string, not \\(type | ascii_upcase)"),
    *((n, "1", "STRING", "", f"1st argument of {n}() must evaluate to string") for n in ("endswith", "startswith")),
    *(
        (name, "1", "STRING", "", f"1st argument to {name}() must be string, got \\(type | ascii_upcase)")
        for name in ("ltrimstr", "rtrimstr")
    ),
]
"""What says on what it is not applicable: numbers of arguments, kinds, its name in that, its words for an argument."""
_COMPLAINTS: Final = {
    name: "".join(_guarded(f"{name}/{count}", *told) for count in counts) for name, counts, *told in _GUARDS
}
_DEFINITIONS: Final = _parts(Path(__file__).with_name("server.jq").read_text(encoding="utf-8"))
_MATH: Final = "mathfunc is not applicable to {}; expected one of [NUMBER]"
_IMPLODE: Final = "implode is not applicable to input which contains {}; expected one of [NUMBER]"
_WORDS: Final[list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]] = [
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r'Cannot index (\w+) with string \("(.*)"\)$', r'Cannot index \1 with string "\2"'),
        (r"Cannot index (\w+) with (number|object) \(.*\)$", r"Cannot index \1 with \2"),
        (r"Cannot index \w+ with (null|boolean|array) \(.*\)$", r"Cannot index object with \1"),
        (r"Cannot iterate over (\w+) \(.*\)$", r"Cannot iterate over \1"),
        (r"(\w+) \(.*\) has no length$", r"\1 has no length"),
        (r'string \(""\) cannot be parsed as a number$', "empty String"),
        (r'string \((".*")\) cannot be parsed as a number$', r"For input string: \1"),
        (r"(\w+) \(.*\) cannot be parsed as a number$", r"\1 cannot be parsed as a number"),
        (r".* cannot be (?:added|subtracted|multiplied|divided)\b.*", _shortened),
        (r"Regex failure: ", lambda found: found.string[found.end() :]),
        (r"Range bounds must be numeric", "arguments of range() must be NUMBER"),
        (r"Cannot check whether object has a ", "argument 1 of has() must be string for object input"),
        (r"Cannot check whether array has a ", "argument 1 of has() must be int for array input"),
        (r"Cannot check whether (\w+) has a ", lambda found: f"has() is not applicable to {found[1].upper()}"),
        (r"(\w+) \(.*\) number required$", lambda found: _MATH.format(found[1].upper())),
        (
            r"(\w+) \(.*\) can not be escaped for shell$",
            lambda found: f"{found[1].upper()} cannot be escaped for shell",
        ),
        (r"(\w+) \(.*\) can't be imploded", lambda found: _IMPLODE.format(found[1].upper())),
        (r"Array/string slice indices must be integers", "Start and end indices of an array slice must be numbers"),
    )
]
_ABSENT: Final = _functions("""
    IN/1 IN/2 INDEX/1 INDEX/2 JOIN/2 JOIN/3 JOIN/4 abs/0 acos/0 acosh/0 add/1 asin/0 asinh/0 atan2/2 atanh/0
    bsearch/1 builtins/0 cbrt/0 ceil/0 copysign/2 cosh/0 debug/0 debug/1 delpaths/1 drem/2 env/0 erf/0 erfc/0
    error/0 exp/0 exp10/0 exp2/0 expm1/0 fabs/0 fdim/2 finites/0 fma/3 fmax/2 fmin/2 fmod/2 format/1 frexp/0
    fromdate/0 fromdateiso8601/0 fromstream/1 gamma/0 get_jq_origin/0 get_prog_origin/0 get_search_list/0
    getpath/1 gmtime/0 halt/0 halt_error/0 halt_error/1 have_decnum/0 have_literal_numbers/0 hypot/2 input/0
    input_filename/0 input_line_number/0 inputs/0 isempty/1 isfinite/0 isnormal/0 j0/0 j1/0 jn/2 ldexp/2 lgamma/0
    lgamma_r/0 localtime/0 log/0 log10/0 log1p/0 logb/0 ltrim/0 mktime/0 modf/0 modulemeta/0 nearbyint/0 nextafter/2
    nexttoward/2 normals/0 now/0 path/1 pick/1 remainder/2 repeat/1 rint/0 round/0 rtrim/0 scalb/2 scalbln/2
    setpath/2 significand/0 sinh/0 skip/2 stderr/0 strflocaltime/1 strftime/1 strptime/1 tan/0
    tanh/0 tgamma/0 toboolean/0 todate/0 todateiso8601/0 tostream/0 trim/0 trimstr/1 trunc/0 truncate_stream/1
    y0/0 y1/0 yn/2
""")
"""Functions of jq that Conductor 3.32.1 answers with "Function … does not exist", asked one by one."""
