"""From routing as it is written to the tree that alerts are matched against.

Knows how routes inherit, what keys and ids they have, and which names in them must exist. Must not know
files or notifiers' settings. Source of the rules: Alertmanager's own checks when it loads a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from hbalert.config.document import Document
from hbalert.config.duration import format_duration
from hbalert.config.findings import Finding
from hbalert.config.nearest import did_you_mean
from hbalert.config.positions import Path
from hbalert.config.written import InhibitRuleSettings, RouteSettings
from hbalert.core.inhibit import InhibitRule
from hbalert.core.matcher import CompileRegex, Matcher, parse, text
from hbalert.core.matcher_text import Verdict, read_one
from hbalert.core.route import EVERYTHING, Route, child_key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Names:
    """What a route may refer to; also what is defined wrongly counts, so that nobody else is blamed.

    silent  receivers all of whose notifiers are disabled
    """

    receivers: Collection[str]
    intervals: Collection[str]
    silent: Collection[str] = ()


class RouteLinker:
    """Builds the tree and notes what is wrong with it.

    found  mistakes, in the order in which they stand
    """

    def __init__(self, document: Document, names: Names, compile_regex: CompileRegex) -> None:
        self.found: list[Finding] = []
        self._document = document
        self._names = names
        self._compile = compile_regex

    def _error(self, path: Path, what: str, instead: str = "", *, code: str = "route") -> None:
        self.found.append(self._document.finding(path, what, instead, code=code))

    def _warn(self, path: Path, what: str, instead: str = "", *, code: str = "route") -> None:
        self.found.append(self._document.warning(path, what, instead, code=code))

    # --- routes ---

    def root(self, settings: RouteSettings | None) -> Route:
        """The whole tree. When it is wrong, what is returned is of no use."""
        if settings is None:
            self._error(
                (), "there is no [route]", 'write [route] and, below it, receiver = "NAME"', code="missing"
            )
            return Route("{}", "{}", "")
        if settings.lacks("receiver", self._document):
            instead = "name who gets what no other route takes"
            self._error(settings.at("receiver"), "is missing", instead, code="missing")
        if settings.matchers:
            instead = "it takes everything; move the matchers to a [[route.routes]]"
            self._error(settings.at("matchers"), "the first route cannot have matchers", instead)
        if settings.continue_:
            self._error(settings.at("continue"), "the first route has nothing to continue with", "remove it")
        plain = settings.model_copy(update={"matchers": (), "continue_": False})
        return self._route(plain, Route("{}", "{}", ""), "{}", "{}")

    def _route(self, settings: RouteSettings, parent: Route, key: str, id_: str) -> Route:
        self._check_names(settings)
        route = Route(
            id_,
            key,
            settings.receiver if settings.receiver is not None else parent.receiver,
            matchers=self.matchers(settings.matchers, settings.at("matchers")),
            group_by=_or(self._group_by(settings), parent.group_by),
            group_wait=_or(settings.group_wait, parent.group_wait),
            group_interval=_or(settings.group_interval, parent.group_interval),
            repeat_intervals=_or(settings.repeat_interval, parent.repeat_intervals),
            continue_=settings.continue_,
            mute_time_intervals=settings.mute_time_intervals,
            active_time_intervals=settings.active_time_intervals,
            line=self._document.line(settings.at()),
        )
        self._check_times(settings, route)
        return replace(route, routes=self._children(settings, route))

    def _children(self, settings: RouteSettings, route: Route) -> tuple[Route, ...]:
        children = []
        taken_by: RouteSettings | None = None
        for index, child in enumerate(settings.routes):
            if taken_by is not None:
                line = self._document.line(taken_by.at())
                instead = "give that one matchers, or continue = true"
                self._warn(child.at(), f"never reached: the route in line {line} takes everything", instead)
                taken_by = None
            matchers = self.matchers(child.matchers, child.at("matchers"), quietly=True)
            key = child_key(route.key, matchers)
            id_ = f"{child_key(route.id, matchers)}/{index}"
            children.append(self._route(child, route, key, id_))
            if not child.matchers and not child.continue_:
                taken_by = child
        return tuple(children)

    def _check_names(self, settings: RouteSettings) -> None:
        name = settings.receiver
        if name is not None and name not in self._names.receivers:
            near = did_you_mean(name, self._names.receivers)
            self._error(
                settings.at("receiver"), f'there is no receiver "{name}"', near, code="unknown-receiver"
            )
        if name in self._names.silent:
            what = f'every notifier of "{name}" is disabled: nobody is told'
            self._warn(
                settings.at("receiver"), what, "set enabled = true in one of its files", code="nobody-told"
            )
        for field in ("mute_time_intervals", "active_time_intervals"):
            for index, interval in enumerate(getattr(settings, field)):
                if interval not in self._names.intervals:
                    near = did_you_mean(interval, self._names.intervals) or "define it in [[time_intervals]]"
                    what = f'there is no time interval "{interval}"'
                    self._error(settings.at(field, index), what, near, code="unknown-interval")

    def _group_by(self, settings: RouteSettings) -> tuple[str, ...] | None:
        labels = settings.group_by
        if labels is None:
            return None
        for index, label in enumerate(labels):
            if not label or any(char.isspace() or char in '{}"=,' for char in label):
                self._error(
                    settings.at("group_by", index), f"{label!r} is not a label's name", "write names only"
                )
        for label in _twice(labels):
            self._error(settings.at("group_by"), f'"{label}" is there twice', "write it once")
        if EVERYTHING in labels and len(set(labels)) > 1:
            instead = 'write group_by = ["..."], or names only'
            self._error(settings.at("group_by"), '"..." means every label and stands alone', instead)
        return labels

    def _check_times(self, settings: RouteSettings, route: Route) -> None:
        if settings.group_interval == timedelta():
            self._error(settings.at("group_interval"), "must be longer than 0", 'write for example "5m"')
        repeats = settings.repeat_interval
        if repeats is not None and (not repeats or timedelta() in repeats):
            self._error(settings.at("repeat_interval"), "must be longer than 0", 'write for example "4h"')
        elif repeats and min(repeats) < route.group_interval:
            interval = format_duration(route.group_interval)
            what = f"a group is looked at every {interval} only: it cannot repeat more often"
            self._warn(settings.at("repeat_interval"), what, f"write {interval} or more")

    # --- matchers ---

    def matchers(self, texts: Sequence[str], path: Path, *, quietly: bool = False) -> tuple[Matcher, ...]:
        """The matchers that are right. `quietly`: what is wrong is noted elsewhere."""
        built = []
        for index, spelling in enumerate(texts):
            place = (*path, index)
            try:
                matcher = parse(spelling, self._compile)
            except ValueError as error:
                what, _, instead = str(error).partition("; ")
                if not quietly:
                    self._error(place, what, instead, code="matcher")
                continue
            built.append(matcher)
            verdict = read_one(spelling).verdict
            if not quietly and verdict in (Verdict.ONLY_CLASSIC, Verdict.DIFFERENT):
                what = f"{spelling!r} is read as {matcher}, but not by every version of Alertmanager"
                self._warn(place, what, f"write {str(matcher)!r}", code="matcher")
        return tuple(built)

    def inhibit_rules(self, rules: Iterable[InhibitRuleSettings]) -> tuple[InhibitRule, ...]:
        """The rules; a side without matchers would keep everything quiet, and is refused."""
        built = []
        for rule in rules:
            sides = []
            for field in ("source_matchers", "target_matchers"):
                texts: tuple[str, ...] = getattr(rule, field)
                if rule.lacks(field, self._document):
                    instead = f"write {field} = ['name = \"value\"']"
                    self._error(rule.at(field), "at least one matcher is needed", instead, code="missing")
                sides.append(self.matchers(texts, rule.at(field)))
            for label in _twice(rule.equal):
                self._error(rule.at("equal"), f'"{label}" is there twice', "write it once")
            for index, label in enumerate(rule.equal):
                if not label or any(char.isspace() for char in label):
                    self._error(
                        rule.at("equal", index), f"{label!r} is not a label's name", "write names only"
                    )
            if all(sides) and text(sides[0]) == text(sides[1]):
                what = "source and target are the same: such alerts never inhibit each other"
                self._warn(rule.at(), what, "narrow the source")
            built.append(InhibitRule(sides[0], sides[1], rule.equal))
        return tuple(built)


def _or(value: T | None, inherited: T) -> T:
    return inherited if value is None else value


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
