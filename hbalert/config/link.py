"""Names that refer to each other, and settings that must fit together.

Knows what a name in one place must be in another, and where a single setting is right only beside
others. Must not know files. [server] and [[tokens]] are in `link_server.py`, routes in `link_routes.py`,
rules in `link_rules.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hbalert.config.document import Document
from hbalert.config.findings import Finding
from hbalert.config.link_rules import LABEL_NAME, TOO_FEW_STARTS, interval_problems
from hbalert.config.nearest import did_you_mean
from hbalert.config.notifier_files import NAME, NotifierFile
from hbalert.config.positions import Path
from hbalert.config.types import SourceSettings, StorageSettings
from hbalert.config.values import time_zone
from hbalert.config.written import MainFile, ReceiverSettings, TimeIntervalSettings
from hbalert.core.flap import FEWEST_STARTS
from hbalert.core.interval import TimeInterval

if TYPE_CHECKING:
    from hbalert.config.channels.email import EmailSettings
    from hbalert.config.channels.sms import TwilioGateway
    from hbalert.config.channels.webhook import WebhookSettings

SQLITE = "sqlite:///"


# --- [storage], [sources], [evaluation], [alerts] ------------------------------------


def settings(main: MainFile, at: Document) -> Iterator[Finding]:
    """What is wrong with the tables of single values."""
    yield from _storage(main.storage, at)
    for name, source in main.sources.items():
        yield from _source(name, source, at)
    for what in interval_problems(main.evaluation.interval):
        yield at.finding(("evaluation", "interval"), what, 'write for example "15s"')
    if 0 < main.evaluation.flap_after < FEWEST_STARTS:
        what, instead = TOO_FEW_STARTS
        yield at.finding(("evaluation", "flap_after"), what, instead)
    for label in main.evaluation.external_labels:
        if not LABEL_NAME.fullmatch(label):
            instead = "names have letters, digits and _ and do not begin with a digit"
            yield at.finding(
                ("evaluation", "external_labels", label), f"{label!r} is not a label's name", instead
            )
    for path, duration in (
        (("alerts", "resolve_timeout"), main.alerts.resolve_timeout),
        (("alerts", "webhook_stale_after"), main.alerts.webhook_stale_after),
        (("storage", "retention"), main.storage.retention),
    ):
        yield from _positive(at, path, duration)


def _positive(at: Document, path: Path, duration: timedelta) -> Iterator[Finding]:
    if duration <= timedelta():
        yield at.finding(path, "must be longer than 0", 'write for example "5m"')


def _storage(storage: StorageSettings, at: Document) -> Iterator[Finding]:
    instead = 'write "sqlite:///data/hbalert.db" (below this file) or "sqlite:////var/lib/hbalert/hbalert.db"'
    if storage.url.startswith(("postgresql:", "postgres:")):
        yield at.finding(("storage", "url"), "PostgreSQL is not supported by this version", instead)
    elif not storage.url.removeprefix(SQLITE).strip("/") or not storage.url.startswith(SQLITE):
        yield at.finding(("storage", "url"), "this is not the address of a store", instead)


def _source(name: str, source: SourceSettings, at: Document) -> Iterator[Finding]:
    here = ("sources", name)
    if not NAME.fullmatch(name):
        yield at.finding(here, f"{name!r} cannot be a source's name", "use a-z, 0-9 and _ only", code="name")
    if "@" in urlsplit(source.url).netloc:
        instead = f"write them into [sources.{name}.basic_auth]: username and password_file"
        yield at.finding((*here, "url"), "user name and password do not belong into the address", instead)
    yield from _positive(at, (*here, "timeout"), source.timeout)
    yield from _positive(at, (*here, "down_after"), source.down_after)
    yield from _tls_and_auth(source, at, here)


def _tls_and_auth(table: SourceSettings | WebhookSettings, at: Document, here: Path) -> Iterator[Finding]:
    if (table.client_cert is None) != (table.client_key is None):
        given, missing = ("client_cert", "client_key")[:: 1 if table.client_cert else -1]
        yield at.finding((*here, given), f"{missing} is missing", "a certificate and its key go together")
    if table.bearer_token is not None and table.basic_auth is not None:
        what = "bearer_token and basic_auth are both given"
        yield at.finding((*here, "bearer_token"), what, "keep one of them")


# --- notifiers and receivers -------------------------------------------------------------------


def notifiers(files: Mapping[str, NotifierFile]) -> Iterator[Finding]:
    """What is wrong with keys of a notifier that need one another."""
    for file in files.values():
        if file.settings is not None:
            yield from _positive(file.document, ("timeout",), file.settings.timeout)
            yield from _positive(file.document, ("give_up_after",), file.settings.give_up_after)
            yield from _channel(file.settings, file.document)


def fallbacks(files: Mapping[str, NotifierFile]) -> Iterator[Finding]:
    """What is wrong with the notifiers that step in for others."""
    for name, file in files.items():
        at = file.document
        for index, other in enumerate(file.settings.fallback if file.settings else ()):
            if other == name:
                yield at.finding(
                    ("fallback", index), "a notifier cannot be its own fallback", "name another one"
                )
            elif other not in files:
                near = did_you_mean(other, files.keys() - {name})
                what = f'there is no notifier "{other}"'
                yield at.finding(("fallback", index), what, near, code="unknown-notifier")
            elif (there := files[other].settings) and file.settings and file.settings.enabled > there.enabled:
                what = f'"{other}" is disabled: it takes nothing over'
                yield at.warning(
                    ("fallback", index), what, "set enabled = true in its file", code="nobody-told"
                )


def _channel(notifier: Any, at: Document) -> Iterator[Finding]:
    if notifier.type == "webhook":
        yield from _tls_and_auth(notifier, at, ())
    elif notifier.type == "email":
        yield from _mail_login(notifier, at)
    elif notifier.type == "sms" and notifier.gateway.provider == "twilio":
        yield from _twilio_sender(notifier.gateway, at)


def _mail_login(mail: EmailSettings, at: Document) -> Iterator[Finding]:
    if mail.username and mail.password is None and not at.gives("password"):
        yield at.finding(
            ("username",), "a user name without a password", "write password_file or password_env"
        )
    if mail.password is not None and not mail.username:
        yield at.finding(("password",), "a password without a user name", "write username")
    if mail.password is not None and mail.security == "none":
        what = "the password would cross the network in clear text"
        yield at.warning(("security",), what, 'write "starttls" or "tls"', code="insecure")


def _twilio_sender(gateway: TwilioGateway, at: Document) -> Iterator[Finding]:
    if bool(gateway.from_) == bool(gateway.messaging_service_sid):
        what = "exactly one of from and messaging_service_sid is needed"
        instead = 'write from = "+1..." or messaging_service_sid = "MG..."'
        yield at.finding(("gateway", "from"), what, instead, code="missing")


def receivers(
    lists: Sequence[ReceiverSettings], files: Collection[str], at: Document
) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
    """Every receiver, the notifiers under their own names included, and what is wrong with the lists."""
    found = []
    known: dict[str, tuple[str, ...]] = {name: (name,) for name in files}
    for receiver in lists:
        name = receiver.name
        if receiver.lacks("name", at):
            found.append(at.finding(receiver.at("name"), "is missing", 'write name = "..."', code="missing"))
        elif name in known:
            origin = "a notifier of this name" if name in files else "a receiver of this name"
            what, instead = (
                f"there is {origin} already",
                "every notifier is a receiver by itself; choose another name",
            )
            found.append(at.finding(receiver.at("name"), what, instead, code="duplicate"))
        elif name:
            known[name] = tuple(dict.fromkeys(receiver.notifiers))
        if receiver.lacks("notifiers", at):
            instead = 'write notifiers = ["..."]'
            found.append(at.finding(receiver.at("notifiers"), "names nobody", instead, code="missing"))
        for index, notifier in enumerate(receiver.notifiers):
            path = receiver.at("notifiers", index)
            if notifier not in files:
                near = did_you_mean(notifier, files)
                what = f'there is no notifier "{notifier}"'
                found.append(at.finding(path, what, near, code="unknown-notifier"))
            elif notifier in receiver.notifiers[:index]:
                found.append(
                    at.warning(path, f'"{notifier}" is there twice', "write it once", code="duplicate")
                )
    return known, found


def silent(known: Mapping[str, tuple[str, ...]], files: Mapping[str, NotifierFile]) -> set[str]:
    """Receivers all of whose notifiers are disabled."""

    def off(name: str) -> bool:
        there = files.get(name)
        return there is not None and there.settings is not None and not there.settings.enabled

    return {name for name, members in known.items() if members and all(map(off, members))}


# --- time intervals ----------------------------------------------------------------------------


def time_intervals(
    named: Iterable[TimeIntervalSettings], at: Document
) -> tuple[dict[str, tuple[TimeInterval, ...]], list[Finding]]:
    """The named time intervals, and what is wrong with their names."""
    found = []
    known: dict[str, tuple[TimeInterval, ...]] = {}
    for each in named:
        if each.lacks("name", at):
            found.append(at.finding(each.at("name"), "is missing", 'write name = "..."', code="missing"))
        elif each.name and each.name in known:
            what = f'there is a time interval "{each.name}" already'
            found.append(at.finding(each.at("name"), what, "choose another name", code="duplicate"))
        if not each.time_intervals:
            what, instead = "this holds at no time", "write [[time_intervals.time_intervals]] below it"
            found.append(at.warning(each.at(), what, instead))
        known[each.name] = tuple(
            TimeInterval(
                times=tuple(times.span for times in part.times),
                weekdays=part.weekdays,
                days_of_month=part.days_of_month,
                months=part.months,
                years=part.years,
                location=time_zone(part.location),
            )
            for part in each.time_intervals
        )
    return known, found
