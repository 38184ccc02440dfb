"""Every JSON shape that comes in or goes out.

Knows field names, types and times as they stand on the wire. Must not know what they mean, nor HTTP.
Names are those of the wire: Alertmanager's API (openapi.yaml of its v2), the webhook payloads of
Alertmanager (version "4") and Grafana (version "1"), and our own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, ClassVar, Generic, TypeVar

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


RawLabels = Annotated[
    Raw, msgspec.Meta(extra_json_schema={"type": "object", "additionalProperties": {"type": "string"}})
]
RawAlert = Annotated[Raw, msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/GettableAlert"})]
Stamp = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time in UTC, to the millisecond, as `stamp` writes it."""


class PostedAlert(Struct, rename="camel"):
    """One of POST /api/v2/alerts. Labels stay as they are written: the same text comes again and
    again, and is then known already."""

    labels: RawLabels = msgspec.field(default_factory=Raw)
    annotations: dict[str, str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")


class LooseAlert(Struct, rename="camel"):
    """The same, with times in any spelling: read when the strict shape does not fit."""

    labels: RawLabels = msgspec.field(default_factory=Raw)
    annotations: dict[str, str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")


class PostedMatcher(Struct, rename="camel"):
    """A matcher of a silence. What is missing is `missing`'s to say, null counts as missing."""

    required: ClassVar = ("is_regex", "name", "value")

    name: str | None = None
    value: str | None = None
    is_regex: bool | None = None
    is_equal: bool | None = None


class PostedSilence(Struct, rename="camel"):
    """POST /api/v2/silences."""

    required: ClassVar = ("comment", "created_by", "ends_at", "matchers", "starts_at")

    matchers: list[PostedMatcher] | None = None
    ends_at: str | None = None
    starts_at: str | None = None
    created_by: str | None = None
    comment: str | None = None
    id: str | None = None
    annotations: dict[str, str] | None = None


def missing(posted: PostedSilence | PostedMatcher, before: str = "") -> list[str]:
    """What the API requires and is not there, as Alertmanager says it, in its order.

    before  the path of `posted` within the body, with its full stop
    """
    names = dict(zip(posted.__struct_fields__, posted.__struct_encode_fields__, strict=True))
    return [
        f"{before}{names[field]} in body is required"
        for field in posted.required
        if getattr(posted, field) is None
    ]


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


class GettableAlert(Struct, rename="camel", omit_defaults=True):
    annotations: dict[str, str]
    ends_at: Stamp
    fingerprint: str
    receivers: list[NamedReceiver]
    starts_at: Stamp
    status: AlertStatus
    updated_at: Stamp
    labels: dict[str, str]
    generator_url: str = msgspec.field(default="", name="generatorURL")


class AlertGroup(Struct, rename="camel"):
    alerts: list[RawAlert]
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


class GettableSilence(Struct, rename="camel", omit_defaults=True):
    id: str
    status: SilenceStatus
    updated_at: Stamp
    comment: str
    created_by: str
    ends_at: Stamp
    matchers: list[OutMatcher]
    starts_at: Stamp
    annotations: dict[str, str] = {}


class SilenceMade(Struct):
    silence_id: str = msgspec.field(name="silenceID")


class Cluster(Struct):
    peers: list[str]
    status: str


class ShownConfig(Struct):
    original: str


class VersionInfo(Struct, rename="camel"):
    branch: str
    build_date: str
    build_user: str
    go_version: str
    revision: str
    version: str


class StatusShown(Struct, rename="camel"):
    """GET /api/v2/status; `original` is Alertmanager's YAML."""

    cluster: Cluster
    config: ShownConfig
    uptime: Stamp
    version_info: VersionInfo


# --- going out: our own ------------------------------------------------------------------------


class Listing(Struct, Generic[T]):
    """What our own listings answer. schema changes when a field changes its meaning."""

    rows: list[T]
    schema: int = 1


# --- times -------------------------------------------------------------------------------------

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Outside of these, sums and time zones do not work any more. Who writes the year 9999 means "for ever"
and gets the last of these times."""

_ZERO = datetime(1, 1, 1, tzinfo=UTC)


def moment(value: datetime | str | None, name: str) -> datetime | None:
    """A time of the wire in UTC. None for one that is not there; so is Go's zero time.

    Without a zone it is UTC. Raises ValueError that names the field.
    """
    if value is None or value == "":
        return None
    try:
        read = _read(value) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        raise ValueError(f'{name}: {value!r:.60} is not a time; write "2026-01-02T15:04:05Z"') from None
    if read.year >= LATEST.year:  # a zone would carry it out of what a datetime can hold
        return LATEST
    read = read.replace(tzinfo=UTC) if read.tzinfo is None or read.year == 1 else read.astimezone(UTC)
    return None if read == _ZERO else max(read, EARLIEST)


_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)


def _read(text: str) -> datetime:
    """RFC 3339 with any number of digits in the second, and what Alertmanager takes besides."""
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        if _TIME.fullmatch(text) is None:  # a date alone is more often a slip than a midnight
            raise
        return datetime.fromisoformat(text)


@lru_cache(maxsize=4096)
def stamp(at: datetime) -> str:
    """A time as Alertmanager's API writes it: UTC, to the millisecond.

    >>> stamp(datetime(2026, 3, 1, 12, 0, 0, 123999, UTC))
    '2026-03-01T12:00:00.123Z'
    """
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def horizon(now: datetime, step: timedelta) -> datetime:
    """The end that is shown of an alert with no end in sight: ahead by one to two steps.

    Alertmanager's API always has an end, and clients take a past one for resolved. It moves on in
    steps, so that the text of an alert is the same for a while.
    """
    seconds = max(1.0, step.total_seconds())
    return datetime.fromtimestamp((now.timestamp() // seconds + 2) * seconds, UTC)
