"""Webhooks of others: what Alertmanager and Grafana send, as reports.

Knows Alertmanager's payload, version "4", and what Grafana's (version "1") adds. Must not know HTTP
or what happens to a report. The sender drops what is answered with 4xx, so only garbage is refused:
what can be understood of a payload is taken, the rest is named.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from hbalert.api.ingest import Posted, check_annotations, check_labels
from hbalert.api.wire import Hook, HookAlert, decode, moment
from hbalert.config.types import Limits
from hbalert.core.alert import Alert, report

_hook = msgspec.json.Decoder(Hook)
_alert = msgspec.json.Decoder(HookAlert)

CUSTOM = (
    "this endpoint takes the standard payload of Alertmanager (version 4) or Grafana; "
    "remove the custom payload from the sender's configuration"
)


def read_hook(body: bytes, now: datetime, stale_after: timedelta, limits: Limits) -> Posted:
    """The reports in a payload, and what is wrong with the rest.

    stale_after  when an alert counts as ended that is not repeated: the payload of a firing one has
                 no end, and the sender repeats it only every repeat_interval
    Raises ValueError when the payload cannot be read at all; the text says what is missing.
    """
    try:
        hook = decode(_hook, body)
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}; {CUSTOM}") from None
    if isinstance(hook.alerts, msgspec.UnsetType):
        raise ValueError(f'the list "alerts" is missing; {CUSTOM}')
    if len(hook.alerts) > limits.alerts:
        raise ValueError(
            f"{len(hook.alerts)} alerts are more than the limit of {limits.alerts} in one request"
        )
    origin = f"webhook:{unescape(hook.receiver)[: limits.name_bytes]}"
    found = Posted()
    for index, part in enumerate(hook.alerts):
        try:
            alert, resolved = _report(decode(_alert, part), hook.status, origin, now, stale_after, limits)
        except ValueError as error:
            found.problems.append(f"alert {index}: {error}")
            continue
        found.reports.append(alert)
        found.places.append(index)
        found.resolved += resolved
    if found.problems and not found.reports:
        raise ValueError(f"{'; '.join(found.problems[:10])}; {CUSTOM}")
    return found


def _report(
    alert: HookAlert, status: str, origin: str, now: datetime, stale_after: timedelta, limits: Limits
) -> tuple[Alert, bool]:
    labels = check_labels(alert.labels, limits)
    starts_at, ends_at = moment(alert.starts_at, "startsAt"), moment(alert.ends_at, "endsAt")
    said = (alert.status or ("" if ends_at else status)).lower()
    resolved = said == "resolved" or (said != "firing" and ends_at is not None and ends_at <= now)
    timed = not resolved
    # The word counts, not the time: the sender's clock may be ahead of ours or behind.
    ends_at = min(ends_at or now, now) if resolved else now + stale_after
    starts_at = min(starts_at or now, ends_at)
    made = report(
        labels,
        origin=origin,
        starts_at=starts_at,
        ends_at=ends_at,
        now=now,
        annotations=check_annotations(_annotations(alert), limits),
        generator_url=(alert.generator_url or "")[: limits.text_bytes],
        timed=timed,
    )
    return made, resolved


def _annotations(alert: HookAlert) -> dict[str, str]:
    """The sender's own, and Grafana's links and values beside them where it says nothing under the name."""
    grafana = {
        "value_string": alert.value_string,
        "dashboard_url": alert.dashboard_url,
        "panel_url": alert.panel_url,
        "silence_url": alert.silence_url,
        "image_url": alert.image_url,
    }
    more = {name: text for name, text in grafana.items() if text}
    return {**more, **{name: text for name, text in (alert.annotations or {}).items() if name}}


_ESCAPED = re.compile(r"\\([.+*?()|\[\]{}^$\\])")


def unescape(receiver: str) -> str:
    r"""The receiver's name as it is configured: Alertmanager sends it quoted for a regular expression.

    >>> print(unescape(r"team\.ops \(night\)"))
    team.ops (night)
    """
    return _ESCAPED.sub(r"\1", receiver)
