"""Numbers and text as Go's `fmt` prints them: what `{{ $value }}` and `printf` mean in a rule file.

Knows Go's verbs and the kinds of values a template can hold. Must not know templates or alerts.
Next: `gotime.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hbalert.core.labels import quote

MAX_WIDTH = 1000
"""Widest field and longest precision that `printf` takes: a format must not fill the memory."""

_VERB = re.compile(r"%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?(.)?", re.DOTALL)


class FormatError(ValueError):
    """A format that asks for more than it may; the template's author can mend it."""


def number(value: float) -> str:
    """A float64 as `%v` prints it: the shortest text that reads back, with an exponent from 1e6 on.

    >>> [number(x) for x in (21.0, 0.05, 1234567.0, float("inf"))]
    ['21', '0.05', '1.234567e+06', '+Inf']
    """
    if value != value:
        return "NaN"
    text = repr(float(value))
    if text in ("inf", "-inf"):
        return "+Inf" if text == "inf" else "-Inf"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return text.removesuffix(".0")
    sign = "-" if text[0] == "-" else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + (len(whole) if whole != "0" else len(digits) - len(fraction)) - 1
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{power:+03d}"


def show(value: Any) -> str:
    """Any value of a template as `%v` prints it."""
    if isinstance(value, str):
        return value if type(value) is str else str(value)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value) if type(value) is float else str(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{show(k)}:{show(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(show, value)) + "]"
    return "<nil>" if value is None else str(value)


def sprint(*values: Any, line: bool = False) -> str:
    """`print` and, with `line`, `println`: a space between two values of which neither is text."""
    out: list[str] = []
    for index, value in enumerate(values):
        if index and (line or not (isinstance(value, str) or isinstance(values[index - 1], str))):
            out.append(" ")
        out.append(show(value))
    return "".join(out) + ("\n" if line else "")


def sprintf(text: str, *values: Any) -> str:
    """`printf`: Go's verbs and flags, and Go's way to complain inside the text about what does not fit.

    Raises FormatError when a width or precision is beyond MAX_WIDTH, or for the few things that Go
    knows and this does not (explicit argument indexes, hexadecimal numbers with a fraction).

    >>> sprintf("%.2f of %d", 0.125, 0.5)
    '0.12 of %!d(float64=0.5)'
    """
    if "%[" in text:
        raise FormatError("printf: explicit argument indexes such as %[1]d are not supported")
    out: list[str] = []
    position = used = 0
    for found in _VERB.finditer(text):
        out.append(text[position : found.start()])
        position = found.end()
        flags, verb = set(found[1]), found[4]
        if verb == "v":
            flags.discard("+")  # %+v asks for the names of fields, not for a sign
        if verb == "%":
            out.append("%")
            continue
        width, used = _size(found[2], values, used)
        dot = found[0].removeprefix("%").lstrip("-+# 0").lstrip("0123456789*").startswith(".")
        precision, used = _size(found[3] or "0", values, used) if dot else (None, used)
        if verb is None:
            out.append("%!(NOVERB)")
        elif used >= len(values):
            out.append(f"%!{verb}(MISSING)")
        else:
            out.append(_pad(*_convert(verb, values[used], flags, precision), width, flags))
            used += 1
    out.append(text[position:])
    if used < len(values):
        out.append("%!(EXTRA " + ", ".join(_typed(value) for value in values[used:]) + ")")
    return "".join(out)


def _size(text: str | None, values: Sequence[Any], used: int) -> tuple[int, int]:
    """A width or precision and how many values are used up; `*` takes it from the values."""
    if text == "*":
        size = values[used] if used < len(values) and isinstance(values[used], int) else 0
        used += 1
    else:
        size = int(text[:9]) if text else 0
    if abs(size) > MAX_WIDTH:
        raise FormatError(f"printf: a width or precision of {size} is too much; at most {MAX_WIDTH}")
    return size, used


def _pad(text: str, is_number: bool, width: int, flags: set[str]) -> str:
    if "-" in flags or width < 0:
        return text.ljust(abs(width))
    if "0" in flags and is_number:
        sign = text[0] if text[:1] in ("+", "-", " ") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width, "0" if "0" in flags and not is_number and text.isdigit() else " ")


def _convert(verb: str, value: Any, flags: set[str], precision: int | None) -> tuple[str, bool]:
    """The text of one value, and whether zeros may fill it up as a number's."""
    if verb == "T":
        return _type(value), False
    if isinstance(value, bool):
        return (show(value) if verb in "tv" else _bad(verb, value)), False
    if isinstance(value, int):
        return _convert_int(verb, value, flags, precision)
    if isinstance(value, float):
        return _convert_float(verb, value, flags, precision)
    if verb == "v" or (verb == "s" and not isinstance(value, str)):
        return show(value) if value is not None or verb == "v" else "%!s(<nil>)", False
    if isinstance(value, str):
        text = value if precision is None else value[:precision]
        if verb == "s":
            return text, False
        if verb == "q":
            return quote(text), False
        if verb in "xX":
            data = text.encode("utf-8", "replace").hex()
            return data.upper() if verb == "X" else data, False
    return _bad(verb, value), False


def _convert_int(verb: str, value: int, flags: set[str], precision: int | None) -> tuple[str, bool]:
    if verb in "dv":
        body = f"{abs(value):d}".rjust(precision or 0, "0")
    elif verb in "xXob":
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}[verb] if "#" in flags else ""
        body = prefix + format(abs(value), verb)
    elif verb == "c" and 0 <= value < 0x110000:
        return chr(value), False
    elif verb == "q" and 0 <= value < 0x110000:
        return "'" + chr(value).replace("\\", "\\\\").replace("'", "\\'") + "'", False
    elif verb == "U" and value >= 0:
        return f"U+{value:04X}", False
    else:
        return _bad(verb, value), False
    return _sign(value < 0, flags) + body, True


def _convert_float(verb: str, value: float, flags: set[str], precision: int | None) -> tuple[str, bool]:
    if verb in "xXb":
        raise FormatError(f"printf: %{verb} of a number with a fraction is not supported")
    if verb not in "eEfFgGv":
        return _bad(verb, value), False
    if value != value or value in (float("inf"), float("-inf")):
        text = number(value)
        return f"+{text}" if text == "NaN" and "+" in flags else text, False
    if verb in "gv" and precision is None:
        text = number(abs(value))
    elif verb == "G" and precision is None:
        text = number(abs(value)).upper()
    else:
        places = 6 if precision is None else precision
        text = format(abs(value), f".{places}{'g' if verb == 'v' else verb}")
    return _sign(str(value).startswith("-"), flags) + text, True


def _sign(negative: bool, flags: set[str]) -> str:
    return "-" if negative else "+" if "+" in flags else " " if " " in flags else ""


def _type(value: Any) -> str:
    if value is None:
        return "<nil>"
    kinds = {bool: "bool", int: "int", float: "float64", str: "string", Mapping: "map[string]string"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "[]interface {}")


def _typed(value: Any) -> str:
    return "<nil>" if value is None else f"{_type(value)}={show(value)}"


def _bad(verb: str, value: Any) -> str:
    return f"%!{verb}({_typed(value)})"
