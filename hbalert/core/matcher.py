"""Matchers: `name op value`, the one way to select label sets.

Knows the four operators and how a matcher is printed. Must not know how a regular expression is
executed (the caller passes a compiler; production uses RE2) nor where matchers stand. How people
write matchers is `matcher_text.py`. Next: `alert.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from hbalert.core.labels import quote
from hbalert.core.matcher_text import Condition, Reading, read_list, read_one, spell

CompileRegex = Callable[[str], Callable[[str], bool]]
"""Takes a pattern, returns a test whether a whole value matches it. Raises ValueError on a bad one."""


class Op(Enum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label; a label that is not there counts as the empty string.

    Two matchers are equal when name, operator and value are; `test` follows from them.
    """

    name: str
    op: Op
    value: str
    test: Callable[[str], bool] = field(compare=False, repr=False)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the label set satisfies this condition."""
        return self.test(labels.get(self.name, ""))

    @property
    def is_regex(self) -> bool:
        return self.op in (Op.REGEX, Op.NOT_REGEX)

    @property
    def is_equal(self) -> bool:
        """True for `=` and `=~`: Alertmanager's `isEqual`."""
        return self.op in (Op.EQUAL, Op.REGEX)

    def spell(self) -> str:
        """A text that `parse` reads as this matcher, as do all versions of Alertmanager that can."""
        return spell(Condition(self.name, self.op.value, self.value))

    def __str__(self) -> str:
        name = self.name if _BARE_NAME.fullmatch(self.name) else quote(self.name)
        # The classic dialect would read \u and \U as they stand.
        return f"{name}{self.op.value}{quote(self.value, beyond_ascii=False)}"


_BARE_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


def make(name: str, op: Op, value: str, compile_regex: CompileRegex) -> Matcher:
    """Builds a matcher. Raises ValueError, fit to show, when `value` is not a valid pattern."""
    if op is Op.EQUAL:
        return Matcher(name, op, value, value.__eq__)
    if op is Op.NOT_EQUAL:
        return Matcher(name, op, value, value.__ne__)
    whole = compile_regex(value)
    if op is Op.REGEX:
        return Matcher(name, op, value, whole)
    return Matcher(name, op, value, lambda text: not whole(text))


def parse(text: str, compile_regex: CompileRegex) -> Matcher:
    """The one matcher that `text` spells: `severity="critical"`. Raises ValueError, fit to show.

    Alertmanager's two dialects are both tried (`matcher_text.py`); braces are refused.
    """
    (matcher,) = _build(read_one(text), compile_regex)
    return matcher


def parse_list(text: str, compile_regex: CompileRegex) -> tuple[Matcher, ...]:
    """The matchers that `text` spells: `{a="1", b=~"x.*"}`, braces optional; "" and "{}" are none.

    Raises ValueError, fit to show.
    """
    return _build(read_list(text), compile_regex)


def _build(reading: Reading, compile_regex: CompileRegex) -> tuple[Matcher, ...]:
    failures = []
    for conditions in reading.candidates:
        try:
            return tuple(make(name, Op(op), value, compile_regex) for name, op, value in conditions)
        except ValueError as error:
            failures.append(error)
    raise failures[0]


def matches(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether all matchers hold; no matcher at all matches everything."""
    for matcher in matchers:  # noqa: SIM110 - asked all the time; `all` takes three times as long
        if not matcher.test(labels.get(matcher.name, "")):
            return False
    return True


def text(matchers: Iterable[Matcher]) -> str:
    """As Alertmanager prints a list: `{a="1",b=~"x.*"}`, sorted by name."""
    ordered = sorted(matchers, key=lambda m: (m.name, m.value, m.op.value))
    return "{" + ",".join(map(str, ordered)) + "}"
