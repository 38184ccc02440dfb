"""Alerts: one labelled instance of something wrong, and how two reports of it become one.

Knows the times of an alert and Alertmanager's merge rules. Must not know where alerts come from or
whom they reach. Next: `rule.py` (alerts made here) and `intake.py` (alerts from anywhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hbalert.core.labels import Labels
from hbalert.core.value import value

API = "api"
"""Origin of what is posted to /api/v2/alerts; several Prometheuses there speak with one voice."""


@value(frozen=True, slots=True)
class Claim:
    """What one origin says of an alert: it fires from `starts_at` until `ends_at`.

    origin   "api", "webhook:<receiver>", "rule:<rule id>" or "hbalert"
    ends_at  None while the origin will itself say when it ends (a rule of ours)
    timed    the end was set here (resolve timeout), not said by the origin
    flapping  it starts and ends too often, and is held as firing
    """

    origin: str
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    timed: bool = False
    flapping: bool = False

    def resolved(self, now: datetime) -> bool:
        """Whether the end has come; the moment itself counts."""
        return self.ends_at is not None and self.ends_at <= now


@value(frozen=True, slots=True)
class Alert:
    """One labelled instance, with the claims of every origin that speaks of it.

    It fires while any of its claims does. `annotations` and `generator_url` are those of the latest
    claim: prose for people, never identity. There is at least one claim.
    """

    labels: Labels
    annotations: Mapping[str, str]
    claims: tuple[Claim, ...]
    generator_url: str = ""

    @property
    def starts_at(self) -> datetime:
        """Since when the first of its origins says so."""
        claims = self.claims
        return claims[0].starts_at if len(claims) == 1 else min([claim.starts_at for claim in claims])

    @property
    def ends_at(self) -> datetime | None:
        """When the last claim ends; None while one has no end in sight."""
        claims = self.claims
        if len(claims) == 1:
            return claims[0].ends_at
        ends = [claim.ends_at for claim in claims]
        if any(end is None for end in ends):
            return None
        return max(end for end in ends if end is not None)

    @property
    def updated_at(self) -> datetime:
        claims = self.claims
        return claims[0].updated_at if len(claims) == 1 else max([claim.updated_at for claim in claims])

    @property
    def flapping(self) -> bool:
        """Whether one of its origins holds it as firing because it starts and ends too often."""
        return any(claim.flapping for claim in self.claims)

    def resolved(self, now: datetime) -> bool:
        """Whether every origin's end has come."""
        for claim in self.claims:  # noqa: SIM110 - asked all the time; `all` takes three times as long
            if claim.ends_at is None or claim.ends_at > now:
                return False
        return True


def report(
    labels: Labels,
    *,
    origin: str,
    starts_at: datetime,
    ends_at: datetime | None,
    now: datetime,
    annotations: Mapping[str, str] | None = None,
    generator_url: str = "",
    timed: bool = False,
    flapping: bool = False,
) -> Alert:
    """One origin's report as an alert of its own, to be merged into what is known."""
    claim = Claim(origin, starts_at, ends_at, now, timed, flapping)
    return Alert(labels, annotations or {}, (claim,), generator_url)


def merge(old: Alert | None, new: Alert, now: datetime) -> Alert:
    """What is known after one more report of the same labels.

    old  what is known, or None
    new  a report with exactly one claim (from `report`)
    now  judges which claims have ended

    Claims of other origins that have ended are dropped as soon as one still fires: their past is in
    the history, and would otherwise give the alert a start that nobody stands for any more.
    """
    if old is None:
        return new
    (fresh,) = new.claims
    if len(old.claims) == 1 and old.claims[0].origin == fresh.origin:  # nearly always
        merged = _merge_claim(old.claims[0], fresh)
        return new if merged is fresh else replace(new, claims=(merged,))
    known = {claim.origin: claim for claim in old.claims}
    previous = known.get(fresh.origin)
    known[fresh.origin] = fresh if previous is None else _merge_claim(previous, fresh)
    claims = tuple(known.values())
    firing = tuple(claim for claim in claims if not claim.resolved(now))
    return replace(new, claims=firing or claims)


def _merge_claim(old: Claim, new: Claim) -> Claim:
    """Alertmanager's merge of two versions of one alert (provider/mem Put, then alert Merge).

    Versions that overlap in time are one firing: the earlier start stays. Otherwise the newer one
    replaces the older. A later end that somebody stated outlives a refresh that states none.
    """
    if not _overlap(old, new):
        return new
    merged = new if new.starts_at <= old.starts_at else replace(new, starts_at=old.starts_at)
    if old.ends_at is None or new.ends_at is None or old.ends_at <= new.ends_at:
        return merged
    both_ended = new.resolved(new.updated_at) and old.resolved(new.updated_at)
    stated_later = not new.resolved(new.updated_at) and not old.timed
    if both_ended or stated_later:
        return replace(merged, ends_at=old.ends_at, timed=old.timed)
    return merged


def _overlap(old: Claim, new: Claim) -> bool:
    """Strictly inside, as Alertmanager has it; an open end lies after everything."""

    def inside(moment: datetime | None) -> bool:
        if moment is None:
            return old.ends_at is None
        return old.starts_at < moment and (old.ends_at is None or moment < old.ends_at)

    return inside(new.ends_at) or inside(new.starts_at)


def grace(alert: Alert, *, down_since: datetime, now: datetime, resolve_timeout: timedelta) -> Alert:
    """The same alert after a start, when its end passed while nobody could refresh it.

    A claim that expired by the clock during the down time gets one resolve timeout in which its
    origin may speak again. An end that was stated before (a resolve, or a clock that ran out while
    we were up) is an end.
    """

    def extend(claim: Claim) -> Claim:
        stated = claim.ends_at is None or claim.ends_at <= claim.updated_at
        if stated or claim.ends_at is None or not down_since < claim.ends_at <= now:
            return claim
        return replace(claim, ends_at=now + resolve_timeout, timed=True)

    return replace(alert, claims=tuple(map(extend, alert.claims)))
