"""From maintenance windows as they are written to windows whose occurrences can be worked out.

Knows which keys of a window go together, and what cannot be meant. Must not know files, nor what is
done with a window. Those made at run time are read here as well: they come as one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hbalert.config import intervals
from hbalert.config.document import Document, remember
from hbalert.config.findings import Finding, Severity
from hbalert.config.link_routes import Names, RouteLinker
from hbalert.config.positions import Path
from hbalert.config.validate import validate
from hbalert.config.written import MaintenanceSettings
from hbalert.core.interval import MINUTES_A_DAY
from hbalert.core.maintenance import Recurrence, Window
from hbalert.core.matcher import CompileRegex, Matcher
from hbalert.core.silence import is_broad
from hbalert.recurrence import check

ReadMatchers = Callable[[Sequence[str], Path], tuple[Matcher, ...]]

LONGEST_NAME = 100

_LOOK_FROM = datetime(2024, 1, 1, tzinfo=UTC)
"""A year with a 29th of February: whether a window ever comes does not depend on when it is asked."""

_MONTH = timedelta(days=31)


class MaintenanceLinker:
    """Builds the windows and notes what is wrong with them.

    found  mistakes, in the order in which they stand
    """

    def __init__(self, document: Document, read_matchers: ReadMatchers) -> None:
        self.found: list[Finding] = []
        self._document = document
        self._read_matchers = read_matchers

    def _error(self, path: Path, what: str, instead: str = "", *, code: str = "maintenance") -> None:
        self.found.append(self._document.finding(path, what, instead, code=code))

    def windows(self, listed: Iterable[MaintenanceSettings]) -> tuple[Window, ...]:
        """The windows that are right."""
        built: dict[str, Window] = {}
        for settings in listed:
            if settings.name and settings.name in built:
                what = f'there is a maintenance window "{settings.name}" already'
                self._error(settings.at("name"), what, "choose another name", code="duplicate")
                continue
            window = self.window(settings)
            if window is not None:
                built[window.name] = window
        return tuple(built.values())

    def window(self, settings: MaintenanceSettings) -> Window | None:
        """One window; None when something about it is wrong."""
        before = len(self.found)
        self._check_name(settings)
        matchers = self._matchers(settings)
        recurrence = self._cron(settings) if settings.cron else self._weekly(settings)
        if recurrence is not None:
            try:
                check(recurrence, _LOOK_FROM)
            except ValueError as error:
                what, _, instead = str(error).partition("; ")
                self._error(settings.at("cron" if settings.cron else "start_time"), what, instead)
        errors = [each for each in self.found[before:] if each.severity is Severity.ERROR]
        if recurrence is None or not matchers or errors:
            return None
        return Window(
            name=settings.name,
            matchers=matchers,
            recurrence=recurrence,
            comment=settings.comment or f"maintenance window {settings.name}",
            created_by=settings.created_by or "config.toml",
        )

    def _check_name(self, settings: MaintenanceSettings) -> None:
        name = settings.name
        if settings.lacks("name", self._document):
            self._error(settings.at("name"), "is missing", 'write name = "..."', code="missing")
        elif not name.isprintable() or "/" in name or len(name) > LONGEST_NAME:
            instead = f"use at most {LONGEST_NAME} characters, without line breaks and /"
            self._error(settings.at("name"), f"{name[:40]!r} cannot be a window's name", instead, code="name")

    def _matchers(self, settings: MaintenanceSettings) -> tuple[Matcher, ...]:
        path = settings.at("matchers")
        matchers = self._read_matchers(settings.matchers, path)
        if settings.lacks("matchers", self._document):
            instead = "write matchers = ['name = \"value\"']"
            self._error(path, "at least one matcher is needed", instead, code="missing")
        elif len(matchers) == len(settings.matchers) and matchers and is_broad(matchers):
            if all(matcher.test("") for matcher in matchers):
                self._error(
                    path, "at least one must not match the empty string", "name a value", code="matcher"
                )
            else:
                what = "these match nearly every alert: nobody is told anything in this window"
                self.found.append(self._document.warning(path, what, "name a value", code="matcher"))
        return matchers

    def _cron(self, settings: MaintenanceSettings) -> Recurrence | None:
        for key in ("weekdays", "start_time", "end_time"):
            if getattr(settings, key):
                what = f"cron and {key} are both given"
                self._error(settings.at(key), what, "keep cron and duration, or the times of day")
                return None
        if settings.duration is None:
            if settings.lacks("duration", self._document):
                self._error(
                    settings.at("duration"), "is missing", 'write for example duration = "2h"', code="missing"
                )
            return None
        if not timedelta() < settings.duration <= _MONTH:
            self._error(
                settings.at("duration"), "must be longer than 0 and at most 31 days", 'write for example "2h"'
            )
            return None
        return Recurrence(location=settings.location, cron=settings.cron, duration=settings.duration)

    def _weekly(self, settings: MaintenanceSettings) -> Recurrence | None:
        if not settings.start_time and not settings.end_time:
            if self._given(settings, "start_time", "end_time", "cron"):
                return None
            instead = 'write cron = "0 2 * * sun" and duration = "2h", or start_time and end_time'
            self._error(settings.at("cron"), "it is not said when it comes", instead, code="missing")
            return None
        if settings.duration is not None:
            self._error(
                settings.at("duration"),
                "belongs to cron",
                "write start_time and end_time, or cron and duration",
            )
            return None
        minutes = [self._minute(settings, key) for key in ("start_time", "end_time")]
        start, end = minutes
        if start is None or end is None:
            return None
        if start == MINUTES_A_DAY:
            self._error(settings.at("start_time"), "no day begins at its end", 'write "00:00"')
            return None
        if start == end:
            what, instead = "it ends when it begins", 'a whole day is from "00:00" to "24:00"'
            self._error(settings.at("end_time"), what, instead)
            return None
        return Recurrence(settings.location, weekdays=settings.weekdays, start=start, end=end)

    def _minute(self, settings: MaintenanceSettings, key: str) -> int | None:
        text: str = getattr(settings, key)
        if settings.lacks(key, self._document):
            instead = f'write for example {key} = "22:00"'
            self._error(settings.at(key), "is missing", instead, code="missing")
        elif text:
            try:
                return intervals.minute(text)
            except ValueError as error:
                what, _, instead = str(error).partition("; ")
                self._error(settings.at(key), what, instead)
        return None

    def _given(self, settings: MaintenanceSettings, *keys: str) -> bool:
        """Whether one of the keys stands there, though nothing came of it: that has been reported."""
        return any(
            settings.at(key) in self._document.lines and not settings.lacks(key, self._document)
            for key in keys
        )


def read_window(
    fields: Mapping[str, Any], compile_regex: CompileRegex
) -> tuple[Window | None, list[Finding]]:
    """One window that is no part of a file; its findings name keys, and no line."""
    table = remember(dict(fields), ())
    document = Document("request", lines={(key,): 1 for key in fields})
    settings, findings = validate(MaintenanceSettings.model_validate, MaintenanceSettings, table, document)
    if settings is None:
        return None, findings
    routes = RouteLinker(document, Names((), ()), compile_regex)
    linker = MaintenanceLinker(document, routes.matchers)
    window = linker.window(settings)
    found = [*findings, *routes.found, *linker.found]
    wrong = any(each.severity is Severity.ERROR for each in found)
    return None if wrong else window, found
