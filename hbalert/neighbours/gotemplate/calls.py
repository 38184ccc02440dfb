"""Go's functions, called on values: what each becomes in Jinja2.

Knows the functions that a template of Alertmanager can call. Must not know syntax or blocks. Comparisons
and logic become operators; everything else is a function of the same name on our side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hbalert.neighbours.gotemplate.values import Bind, Kind, NoSuchField, Value, item, part, text
from hbalert.templating.expressions import meant

_SAME_NAME: Mapping[str, tuple[int, Kind]] = {
    "base64decode": (1, Kind.TEXT),
    "base64encode": (1, Kind.TEXT),
    "date": (2, Kind.TEXT),
    "html": (1, Kind.TEXT),
    "humanizeDuration": (1, Kind.TEXT),
    "match": (2, Kind.BOOL),
    "reReplaceAll": (3, Kind.TEXT),
    "safeHtml": (1, Kind.TEXT),
    "safeUrl": (1, Kind.TEXT),
    "title": (1, Kind.TEXT),
    "toJson": (1, Kind.TEXT),
    "toLower": (1, Kind.TEXT),
    "toUpper": (1, Kind.TEXT),
    "trimSpace": (1, Kind.TEXT),
    "tz": (2, Kind.TIME),
    "urlUnescape": (1, Kind.TEXT),
    "urlquery": (1, Kind.TEXT),
}
"""Function -> how many arguments it takes, and what it makes."""

_NONE_HERE = {
    "toDate": "it reads times from texts",
    "mustToDate": "it reads times from texts",
    "routeLabels": "write .RouteLabels",
    "js": "nothing here is JavaScript",
    "call": "there is nothing to call",
}
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_SHOWN = {Kind.ALERT: "an alert", Kind.ALERTS: "a list of alerts", Kind.PAIRS: "pairs of labels"}


def shown(value: Value) -> Value:
    """The value, if it is one that can be shown or compared. Raises NoSuchField."""
    if value.kind is Kind.PARTS:
        raise NoSuchField("the whole of it cannot be shown; name what you want of it, such as .CommonLabels")
    if value.kind in _SHOWN:
        raise NoSuchField(f"{_SHOWN[value.kind]} cannot be shown as a whole")
    return value


def call(name: str, arguments: Sequence[Value]) -> Value:
    """What a function makes of its arguments. Raises NoSuchField."""
    if name in _SAME_NAME:
        count, kind = _SAME_NAME[name]
        if len(arguments) != count:
            raise NoSuchField(f"{name} takes {count} argument{'s' if count > 1 else ''}")
        *before, last = (shown(argument) for argument in arguments)
        return last.filtered(name, kind, *(each.source for each in before))
    if name in _OPERATORS:
        return _compare(name, arguments)
    if name in _NONE_HERE:
        raise NoSuchField(f"{name} has no equal; {_NONE_HERE[name]}")
    if name not in _OTHERS:
        known = [*_SAME_NAME, *_OPERATORS, *_OTHERS]
        raise NoSuchField(f"{name} is not a function of Alertmanager's templates{meant(name, known)}")
    least, most, make = _OTHERS[name]
    if not least <= len(arguments) <= most:
        raise NoSuchField(f"{name} does not take {len(arguments)} arguments")
    return make(name, arguments)


def _compare(name: str, arguments: Sequence[Value]) -> Value:
    if len(arguments) < 2 or (len(arguments) > 2 and name != "eq"):
        raise NoSuchField(f"{name} compares two values")
    first, *others = [shown(argument) for argument in arguments]
    left = first.at_least(Bind.SUM)
    if len(others) == 1:
        return Value(f"{left} {_OPERATORS[name]} {others[0].at_least(Bind.SUM)}", Kind.BOOL, Bind.COMPARE)
    return Value(f"{left} in ({', '.join(each.source for each in others)})", Kind.BOOL, Bind.COMPARE)


def truth(value: Value) -> Value:
    """The value as a condition: what has parts is always there."""
    return Value("true", Kind.BOOL) if value.kind is Kind.PARTS else value


def _logic(name: str, arguments: Sequence[Value]) -> Value:
    given = [truth(argument) for argument in arguments]
    kind = given[0].kind if all(each.kind is given[0].kind for each in given) else Kind.BOOL
    if len(given) == 1:
        return given[0]
    return Value(
        f" {name} ".join(each.at_least(Bind.COMPARE) for each in given), kind, Bind.LOGIC, given[0].of
    )


def _not(_: str, arguments: Sequence[Value]) -> Value:
    return Value(f"not {truth(arguments[0]).at_least(Bind.COMPARE)}", Kind.BOOL, Bind.LOGIC)


def _length(_: str, arguments: Sequence[Value]) -> Value:
    value = arguments[0]
    if value.kind is Kind.TEXT:
        return value.filtered("len", Kind.NUMBER)  # its bytes, as Go counts
    if value.kind not in (Kind.NAMES, Kind.PAIRS, Kind.ALERTS, Kind.LIST):
        raise NoSuchField(f"{value.kind.value} has no length")
    return value.filtered("length", Kind.NUMBER)


def _index(_: str, arguments: Sequence[Value]) -> Value:
    value, *keys = arguments
    for key in keys:
        source = f"{value.at_least(Bind.NAME)}[{key.source}]"
        match value.kind:
            case Kind.NAMES:
                literal = key.source[:1] == '"' and "\\" not in key.source
                value = item(value, key.source[1:-1]) if literal else Value(source, Kind.TEXT)
            case Kind.ALERTS:
                value = Value(source, Kind.ALERT)
            case Kind.LIST:
                value = Value(source, value.of)
            case Kind.PAIRS:
                whole = {"Name": Value(f"{source}[0]", Kind.TEXT), "Value": Value(f"{source}[1]", Kind.TEXT)}
                value = Value("", Kind.PARTS, parts=whole)
            case Kind.PARTS if key.source[:1] == '"':
                value = part(value, key.source[1:-1])
            case _:
                raise NoSuchField(f"{value.kind.value} has no items")
    return value


def _slice(_: str, arguments: Sequence[Value]) -> Value:
    value, *ends = arguments
    if value.kind not in (Kind.TEXT, Kind.LIST, Kind.ALERTS, Kind.PAIRS) or len(ends) > 2:
        raise NoSuchField(f"{value.kind.value} cannot be sliced so")
    bounds = ":".join([*(each.source for each in ends), *[""] * (2 - len(ends))][:2])
    return Value(f"{value.at_least(Bind.NAME)}[{bounds}]", value.kind, of=value.of)


def _join(_: str, arguments: Sequence[Value]) -> Value:
    separator, values = arguments
    if values.kind is not Kind.LIST:
        raise NoSuchField(f"join takes a list of texts, not {values.kind.value}")
    return values.filtered("join", Kind.TEXT, separator.source)


def _list(_: str, arguments: Sequence[Value]) -> Value:
    of = arguments[0].kind if arguments else Kind.TEXT
    items = ", ".join(shown(each).source for each in arguments)
    return Value(f"[{items}]", Kind.LIST, of=of)


def _append(_: str, arguments: Sequence[Value]) -> Value:
    values, *added = arguments
    if values.kind is not Kind.LIST:
        raise NoSuchField(f"append takes a list, not {values.kind.value}")
    items = ", ".join(shown(each).source for each in added)
    return Value(f"{values.at_least(Bind.SUM)} + [{items}]", Kind.LIST, Bind.SUM, values.of)


def _dict(_: str, arguments: Sequence[Value]) -> Value:
    if len(arguments) % 2 or any(each.source[:1] != '"' for each in arguments[::2]):
        raise NoSuchField("dict takes names between quotes, each with a value")
    names = [each.source[1:-1] for each in arguments[::2]]
    return Value("", Kind.PARTS, parts=dict(zip(names, arguments[1::2], strict=True)))


def _print(name: str, arguments: Sequence[Value]) -> Value:
    return Value(f"{name}({', '.join(shown(each).source for each in arguments)})", Kind.TEXT)


def _since(_: str, arguments: Sequence[Value]) -> Value:
    return part(Value("now", Kind.TIME), "Sub", arguments)


_MANY = 100
_OTHERS: Mapping[str, tuple[int, int, Callable[[str, Sequence[Value]], Value]]] = {
    "and": (1, _MANY, _logic),
    "append": (1, _MANY, _append),
    "dict": (0, _MANY, _dict),
    "index": (2, 9, _index),
    "join": (2, 2, _join),
    "len": (1, 1, _length),
    "list": (0, _MANY, _list),
    "not": (1, 1, _not),
    "now": (0, 0, lambda _, __: Value("now", Kind.TIME)),
    "or": (1, _MANY, _logic),
    "print": (0, _MANY, _print),
    "printf": (1, _MANY, _print),
    "println": (0, _MANY, _print),
    "since": (1, 1, _since),
    "slice": (1, 3, _slice),
    "stringSlice": (0, _MANY, _list),
}
"""Function -> fewest and most arguments, and what makes its value."""

RESERVED = frozenset({*_SAME_NAME, *_OTHERS, *_OPERATORS})
"""Names that a variable must not take away."""


def constant(word: str, kind: str) -> Value:
    """A literal of Go. Raises NoSuchField."""
    if kind == "number":
        bare = word.lstrip("+-")
        source = ("-" if word[0] == "-" else "") + (f"0{bare}" if bare[0] == "." else bare)
        if bare[:2] in ("0x", "0X"):
            source = str(int(word, 16))
        return Value(source, Kind.NUMBER, Bind.SUM if word[0] == "-" else Bind.NAME)
    if word[0] == "'":
        raise NoSuchField(f"{word}: texts stand between double quotes or backquotes")
    return {
        "true": Value("true", Kind.BOOL),
        "false": Value("false", Kind.BOOL),
        "nil": Value("none", Kind.NIL),
    }.get(word) or Value(text(word), Kind.TEXT)
