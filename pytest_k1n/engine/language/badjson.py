"""What Conductor's JSON reader (Jackson) says of a text that is no JSON document, asked of 3.32.1."""

from __future__ import annotations

import re
from typing import Final

_VALUE: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SOURCE: Final = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
_NUMBER: Final = re.compile(r"-?(\d*)(?:\.(\d*))?(?:[eE][-+]?(\d*))?", re.ASCII)
_TOKEN: Final = re.compile(r"[\w$]+")
_CLOSING: Final = {"}": "]", "]": "}"}
_ESCAPES: Final = '"\\/bfnrt'
_ESCAPE_END: Final = "Unexpected end-of-input in character escape sequence"


class _Complaint(Exception):
    """The complaint."""


def complaint(text: str) -> str | None:
    """Say what is wrong with a text; None if nothing is with the document that it begins with."""
    try:
        _DocumentReader(text).read()
    except _Complaint as found:
        return str(found)
    return None


class _DocumentReader:
    """Goes through a text token by token as the server's reader does."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: list[tuple[str, int]] = []
        """What is open around the next token: its bracket, and where that stands."""

    def read(self) -> None:
        """Read one document. Raises _Complaint."""
        if not self._skip():
            raise _Complaint("No content to map due to end-of-input")
        self._value(is_first=False)
        while self.open:
            bracket, start = self.open[-1]
            is_first = self.at == start + 1
            if not self._skip():
                raise self._unclosed()
            sign = self.text[self.at]
            if sign in "]}" and not (is_first and bracket == "[" and sign == "}"):
                self._close(sign)
                continue
            if not is_first:
                if sign != ",":
                    raise self._unexpected(f": was expecting comma to separate {self._kind()} entries")
                self.at += 1
                self._demand_more()
            self._entry(is_first=is_first)

    def _entry(self, *, is_first: bool) -> None:
        if self.open[-1][0] == "{":
            if self.text[self.at] != '"':
                raise self._unexpected(": was expecting double-quote to start field name")
            self._string("name", "field name")
            self._demand_more()
            if self.text[self.at] != ":":
                raise self._unexpected(": was expecting a colon to separate field name and value")
            self.at += 1
            self._demand_more()
        self._value(is_first=is_first)

    def _value(self, *, is_first: bool) -> None:
        sign = self.text[self.at]
        if sign in "{[":
            self.open.append((sign, self.at))
            self.at += 1
        elif sign == '"':
            self._string("string value", "VALUE_STRING")
        elif sign == "-" or ("0" <= sign <= "9"):
            self._number()
        elif sign == "+":
            raise self._unexpected(
                " in numeric value: JSON spec does not allow numbers to have plus signs: enable "
                "`JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow"
            )
        elif sign in "]}" and (not self.open or (is_first and self.open[-1][0] == "[")):
            self._close(sign)
        elif sign in "]},":
            raise self._unexpected(": expected a value")
        elif sign.isalpha() or sign in "_$":
            self._token()
        else:
            raise self._unexpected(f": expected a valid value {_VALUE}")

    def _token(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        token = found[0] if found else self.text[self.at]
        if token.rstrip("$") in ("null", "true", "false"):
            self.at += len(token.rstrip("$"))
        elif token in ("NaN", "Infinity"):
            raise _Complaint(
                f"Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            )
        else:
            raise _Complaint(f"Unrecognized token '{token}': was expecting {_VALUE}")

    def _number(self) -> None:
        found = _NUMBER.match(self.text, self.at)
        assert found is not None
        whole, fraction, exponent = found[1], found[2], found[3]
        begun = self.at + found[0].startswith("-") + len(whole)
        if not whole:
            self._demand_digit(begun, "expected digit (0-9) to follow minus sign, for valid numeric value")
        if whole.startswith("0") and len(whole) > 1:
            raise _Complaint("Invalid numeric value: Leading zeroes not allowed")
        if fraction == "":
            self._demand_digit(min(begun + 1, len(self.text) - 1), "Decimal point not followed by a digit")
        if exponent == "":
            self._demand_digit(found.end(), "Exponent indicator not followed by a digit")
        self.at = found.end()
        if not self.open and self.at < len(self.text) and self.text[self.at] not in " \t\r\n":
            raise self._unexpected(": Expected space separating root-level values")

    def _demand_digit(self, at: int, why: str) -> None:
        """Complain of what stands where a number lacks a digit."""
        if self.text.startswith("-Infinity", self.at):
            raise _Complaint(
                "Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            )
        self.at = at
        if at >= len(self.text):
            raise _Complaint(f"Unexpected end-of-input in {'FIELD_NAME' if self.open else 'null'}")
        raise self._unexpected(f" in numeric value: {why}")

    def _string(self, what: str, ends_in: str) -> None:
        self.at += 1
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign < " ":
                raise _Complaint(
                    f"Illegal unquoted character ((CTRL-CHAR, code {ord(sign)})): has to be escaped using backslash to "
                    f"be included in {what}"
                )
            self.at += 1
            if sign == '"':
                return
            if sign == "\\":
                self._escape()
        raise _Complaint(f"Unexpected end-of-input in {ends_in}")

    def _escape(self) -> None:
        sign = self.text[self.at : self.at + 1]
        if not sign:
            raise _Complaint(_ESCAPE_END)
        self.at += 1
        if sign == "u":
            for _ in range(4):
                if self.at >= len(self.text):
                    raise _Complaint(_ESCAPE_END)
                if self.text[self.at] not in "0123456789abcdefABCDEF":
                    raise self._unexpected(": expected a hex-digit for character escape sequence")
                self.at += 1
        elif sign not in _ESCAPES:
            raise _Complaint(f"Unrecognized character escape {_shown(sign)}")

    def _close(self, sign: str) -> None:
        bracket, start = self.open[-1] if self.open else ("", 0)
        if not self.open or (bracket == "{") != (sign == "}"):
            since = f"{self._kind()} starting at {self._place(start)}" if self.open else f"root starting at {_SOURCE}1]"
            raise _Complaint(f"Unexpected close marker '{sign}': expected '{_CLOSING[sign]}' (for {since})")
        self.open.pop()
        self.at += 1

    # ---- what stands around

    def _skip(self) -> bool:
        """Go over white space; tell whether anything follows it. Raises _Complaint."""
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1
        sign = self.text[self.at : self.at + 1]
        if sign and sign < " ":
            raise _Complaint(
                f"Illegal character ((CTRL-CHAR, code {ord(sign)})): only regular white space (\\r, \\n, \\t) is "
                "allowed between tokens"
            )
        if sign == "/":
            raise self._unexpected(
                ": maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled "
                "for parser)"
            )
        return bool(sign)

    def _demand_more(self) -> None:
        if not self._skip():
            raise _Complaint(f"Unexpected end-of-input within/between {self._kind()} entries")

    def _unclosed(self) -> _Complaint:
        return _Complaint(
            f"Unexpected end-of-input: expected close marker for {self._kind()} (start marker at "
            f"{self._place(self.open[-1][1])})"
        )

    def _kind(self) -> str:
        return "Object" if self.open[-1][0] == "{" else "Array"

    def _place(self, at: int) -> str:
        before = self.text[:at]
        return f"{_SOURCE}{before.count(chr(10)) + 1}, column: {at - before.rfind(chr(10))}]"

    def _unexpected(self, why: str) -> _Complaint:
        return _Complaint(f"Unexpected character ({_shown(self.text[self.at])}){why}")


def _shown(sign: str) -> str:
    """Write a character as Jackson does: in quotes, with its number."""
    code = ord(sign)
    return f"'{sign}' (code {code}{f' / 0x{code:x}' if code > 255 else ''})"
