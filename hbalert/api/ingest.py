"""Posted alerts: from the JSON of POST /api/v2/alerts to reports.

Knows Alertmanager's rules for missing times, its texts, and our limits. Must not know HTTP or what
happens to a report. One bad alert does not harm the others: each problem names the alert's index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from hbalert.api.wire import EARLIEST, LATEST, LooseAlert, PostedAlert, decode, moment
from hbalert.config.types import Limits
from hbalert.core.alert import API, Alert, Claim
from hbalert.core.labels import Labels

REMEMBERED = 100_000
"""Label texts per generation; the older of two generations is forgotten when the younger is full. As many as
there may be alerts (`alerts.limit`): with fewer, a sender that goes round would find none again."""

_strict = msgspec.json.Decoder(list[PostedAlert] | None)
_one_by_one = msgspec.json.Decoder(list[msgspec.Raw])
_loose = msgspec.json.Decoder(LooseAlert)
_label_map = msgspec.json.Decoder(dict[str, str])


class Missing(ValueError):
    """What the API requires is not there at all; the text is Alertmanager's."""


@dataclass(slots=True)
class Posted:
    """What came of one body: good alerts, and one sentence for each bad one.

    missing   whether a bad one lacks what the API requires
    places    index in the body of each good one
    kept_out  how many good ones were not stored, because there are too many
    """

    reports: list[Alert] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    resolved: int = 0
    missing: bool = False
    places: list[int] = field(default_factory=list)
    kept_out: int = 0

    @property
    def taken(self) -> int:
        return len(self.reports) - self.kept_out

    def keep_out(self, why: Mapping[int, object]) -> None:
        """Names the good ones that were not stored, by their place among the reports."""
        self.kept_out = len(why)
        for place, reason in why.items():
            self.problems.append(f"alert {self.places[place]}: {reason}")

    def text(self) -> str:
        """What is wrong, in one text that stays readable; how many were stored all the same."""
        some, more = self.problems[:50], len(self.problems) - 50
        text = "; ".join(some) + (f"; and {more} more" if more > 0 else "")
        return f"{text} ({self.taken} valid alerts of this request were stored)"


class LabelTexts:
    """Label sets by the very text in which they were posted.

    A sender repeats an alert every minute in the same spelling; to look the text up costs a tenth of
    reading, sorting and checking it again.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._young: dict[bytes, Labels] = {}
        self._old: dict[bytes, Labels] = {}

    def read(self, text: bytes) -> Labels:
        """The label set. Raises ValueError that says what is wrong with it."""
        known = self._young.get(text)
        if known is not None:
            return known
        known = self._old.get(text)
        if known is None:
            known = read_labels(text, self._limits)
        if len(self._young) >= REMEMBERED:
            self._old, self._young = self._young, {}
        self._young[text] = known
        return known


def read_labels(text: bytes, limits: Limits) -> Labels:
    """The label set that a JSON object spells. Raises ValueError that says what is wrong with it."""
    if text in (b"", b"null"):
        raise Missing("labels in body is required")
    try:
        pairs = decode(_label_map, text)
    except msgspec.ValidationError as error:
        raise ValueError(f"labels: {error}") from None
    return check_labels(pairs, limits)


def check_labels(pairs: dict[str, str], limits: Limits) -> Labels:
    """These pairs as a label set. Raises ValueError that says which limit or rule they break."""
    labels = Labels(pairs)
    if not labels:
        raise ValueError("at least one label pair required")
    if len(labels) > limits.labels:
        raise ValueError(f"labels: {len(labels)} are more than the limit of {limits.labels}")
    if len(labels.key) <= min(limits.name_bytes, limits.value_bytes) and labels.get("") is None:
        return labels  # together they are within what each may have
    for name, value in labels.items():
        if not name:
            raise ValueError('invalid label set: invalid name ""')
        if longer(name, limits.name_bytes):
            raise ValueError(f"labels: the name {name[:40]!r}... is longer than {limits.name_bytes} bytes")
        if longer(value, limits.value_bytes):
            raise ValueError(f"labels: the value of {name[:80]!r} is longer than {limits.value_bytes} bytes")
    return labels


def longer(text: str, limit: int) -> bool:
    """Whether a text has more bytes than `limit`; counted only where it is near."""
    return len(text) * 4 > limit and len(text.encode()) > limit


def check_annotations(annotations: dict[str, str], limits: Limits) -> dict[str, str]:
    """The annotations themselves. Raises ValueError that names the limit they are over."""
    if len(annotations) > limits.labels:
        raise ValueError(f"annotations: {len(annotations)} are more than the limit of {limits.labels}")
    few = min(limits.name_bytes, limits.text_bytes) // 4  # characters that are within both, whatever they are
    for name, text in annotations.items():
        if not name:
            raise ValueError('invalid annotations: invalid name ""')
        if len(name) > few and longer(name, limits.name_bytes):
            raise ValueError(
                f"annotations: the name {name[:40]!r}... is longer than {limits.name_bytes} bytes"
            )
        if len(text) > few and longer(text, limits.text_bytes):
            raise ValueError(f"annotations: {name[:80]!r} is longer than {limits.text_bytes} bytes")
    return annotations


def read_alerts(
    body: bytes,
    now: datetime,
    resolve_timeout: timedelta,
    texts: LabelTexts,
    limits: Limits,
    latest: datetime | None = None,
) -> Posted:
    """The reports in a body, and what is wrong with the rest.

    latest  the latest time that the clock ever showed: after it was set back, a sender on this machine
            repeats starts that lie between now and then, beside ends by the new clock
    Raises Missing when there is no body, ValueError when it cannot be read as a whole: no JSON, no
    list, too many.
    """
    if not body.strip():
        raise Missing("alerts in body is required")
    posted: Sequence[PostedAlert | LooseAlert | str]
    try:
        posted = decode(_strict, body) or ()
    except msgspec.ValidationError as error:
        posted = _read_one_by_one(body, error)
    if len(posted) > limits.alerts:
        raise ValueError(f"{len(posted)} alerts are more than the limit of {limits.alerts} in one request")
    found = Posted()
    latest = latest or now
    for index, alert in enumerate(posted):
        try:
            if isinstance(alert, str):
                raise ValueError(alert)
            report = _report(alert, now, resolve_timeout, texts, limits, latest)
        except ValueError as error:
            found.problems.append(f"alert {index}: {error}")
            found.missing |= isinstance(error, Missing)
            continue
        found.reports.append(report)
        found.places.append(index)
        found.resolved += report.resolved(now)
    return found


def _read_one_by_one(body: bytes, error: msgspec.ValidationError) -> list[LooseAlert | str]:
    """A shape or a time somewhere does not fit: finds out where, so that the others get through."""
    try:
        parts = decode(_one_by_one, body)
    except msgspec.ValidationError:
        raise ValueError(f"the body has to be a list of alerts: {error}") from None
    found: list[LooseAlert | str] = []
    for part in parts:
        try:
            found.append(decode(_loose, part))
        except msgspec.ValidationError as problem:
            found.append(str(problem))
    return found


def _report(
    alert: PostedAlert | LooseAlert,
    now: datetime,
    resolve_timeout: timedelta,
    texts: LabelTexts,
    limits: Limits,
    latest: datetime,
) -> Alert:
    labels = texts.read(bytes(alert.labels))
    starts_at, ends_at = _utc(alert.starts_at, "startsAt"), _utc(alert.ends_at, "endsAt")
    if starts_at is None:
        starts_at = now if ends_at is None else ends_at
    timed = ends_at is None
    if ends_at is None:
        ends_at = now + resolve_timeout
    if ends_at < starts_at and now < starts_at <= latest:
        starts_at = min(ends_at, now)
    elif ends_at < starts_at:
        raise ValueError("start time must be before end time")
    url = alert.generator_url or ""
    if longer(url, limits.text_bytes):
        raise ValueError(f"generatorURL: longer than {limits.text_bytes} bytes")
    annotations = check_annotations(alert.annotations, limits) if alert.annotations else {}
    return Alert(labels, annotations, (Claim(API, starts_at, ends_at, now, timed),), url)


def _utc(value: datetime | str | None, name: str) -> datetime | None:
    """As `wire.moment`; the spelling of nearly every sender is let through at once."""
    if isinstance(value, datetime) and value.tzinfo is UTC and EARLIEST <= value <= LATEST:
        return value
    return moment(value, name)
