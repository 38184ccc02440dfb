"""Every JSON shape that comes in or goes out.

Knows field names, types and times as they stand on the wire. Must not know what they mean, nor HTTP.
Names are those of the wire: Alertmanager's API (openapi.yaml of its v2), the webhook payloads of
Alertmanager (version "4") and Grafana (version "1"), and our own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], body: bytes | Raw) -> T:
    """The value. Raises msgspec.ValidationError when its shape is another, ValueError when it is no JSON."""
    try:
        return decoder.decode(body)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


# --- coming in ---------------------------------------------------------------------------------


class PostedAlert(Struct, rename="camel"):
    """One of POST /api/v2/alerts. Labels stay as they are written: the same text comes again and
    again, and is then known already."""

    labels: Raw = Raw()
    annotations: dict[str, str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")


class LooseAlert(Struct, rename="camel"):
    """The same, with times in any spelling: read when the strict shape does not fit."""

    labels: Raw = Raw()
    annotations: dict[str, str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")


class PostedMatcher(Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class PostedSilence(Struct, rename="camel"):
    """POST /api/v2/silences."""

    matchers: list[PostedMatcher]
    ends_at: str
    starts_at: str | None = None
    created_by: str = ""
    comment: str = ""
    id: str | None = None
    annotations: dict[str, str] | None = None


class HookAlert(Struct, rename="camel"):
    """An alert of a webhook's payload; the upper fields are Alertmanager's, the lower Grafana's."""

    labels: dict[str, str]
    status: str = ""
    annotations: dict[str, str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")
    value_string: str = ""
    dashboard_url: str = msgspec.field(default="", name="dashboardURL")
    panel_url: str = msgspec.field(default="", name="panelURL")
    silence_url: str = msgspec.field(default="", name="silenceURL")
    image_url: str = msgspec.field(default="", name="imageURL")


class Hook(Struct, rename="camel"):
    """A webhook's payload. Unknown fields are ignored; alerts are read one by one."""

    alerts: list[Raw] | UnsetType = UNSET
    receiver: str = ""
    status: str = ""
    version: str = ""


# --- going out: Alertmanager's API -------------------------------------------------------------


class NamedReceiver(Struct, frozen=True):
    name: str


class AlertStatus(Struct, rename="camel"):
    inhibited_by: tuple[str, ...]
    silenced_by: tuple[str, ...]
    muted_by: tuple[str, ...]
    state: str


class GettableAlert(Struct, rename="camel"):
    annotations: dict[str, str]
    ends_at: datetime
    fingerprint: str
    receivers: list[NamedReceiver]
    starts_at: datetime
    status: AlertStatus
    updated_at: datetime
    generator_url: str = msgspec.field(name="generatorURL")
    labels: dict[str, str] = msgspec.field(name="labels")


class AlertGroup(Struct, rename="camel"):
    alerts: list[Raw]
    labels: dict[str, str]
    receiver: NamedReceiver
    route_labels: dict[str, str]


class SilenceStatus(Struct):
    state: str


class OutMatcher(Struct, rename="camel"):
    is_equal: bool
    is_regex: bool
    name: str
    value: str


class GettableSilence(Struct, rename="camel"):
    id: str
    status: SilenceStatus
    updated_at: datetime
    comment: str
    created_by: str
    ends_at: datetime
    matchers: list[OutMatcher]
    starts_at: datetime
    annotations: dict[str, str]


# --- going out: our own ------------------------------------------------------------------------


class Listing(Struct):
    """What our own listings answer. schema changes when a field changes its meaning."""

    rows: list[Any]
    schema: int = 1


# --- times -------------------------------------------------------------------------------------

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Outside of these, sums and time zones do not work any more; nobody means such a time."""

_ZERO = datetime(1, 1, 1, tzinfo=UTC)


def moment(value: datetime | str | None, name: str) -> datetime | None:
    """A time of the wire in UTC. None for one that is not there; so is Go's zero time.

    Without a zone it is UTC. Raises ValueError that names the field.
    """
    if value is None or value == "":
        return None
    try:
        read = _read(value) if isinstance(value, str) else value
        if read.tzinfo is None:
            read = read.replace(tzinfo=UTC)
        elif read.tzinfo is not UTC:
            read = _ZERO if read.year == 1 else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'{name}: {value!r:.60} is not a time; write "2026-01-02T15:04:05Z"') from None
    if read == _ZERO:
        return None
    if not EARLIEST <= read <= LATEST:
        raise ValueError(f"{name}: the year {read.year} is not between 1970 and 9000")
    return read


def _read(text: str) -> datetime:
    """RFC 3339 with any number of digits in the second, and what Alertmanager takes besides."""
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return datetime.fromisoformat(text)


def horizon(now: datetime, step: timedelta) -> datetime:
    """The end that is shown of an alert with no end in sight: ahead by one to two steps.

    Alertmanager's API always has an end, and clients take a past one for resolved. It moves on in
    steps, so that the text of an alert is the same for a while.
    """
    seconds = max(1.0, step.total_seconds())
    return datetime.fromtimestamp((now.timestamp() // seconds + 2) * seconds, UTC)
