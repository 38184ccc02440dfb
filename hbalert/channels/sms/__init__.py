"""SMS: text messages to phones, through one gateway.

Knows several numbers and what their outcomes make together. Must not know any gateway's wire
format (`alibaba.py`, `tencent.py`, `twilio.py`, `http_gateway.py`), routes, retry policy or the store.

Outside this package a number is known by its name, the number with four digits hidden: in errors, in
history, and in `skip`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hbalert.channels.sms.alibaba import AlibabaSms
from hbalert.channels.sms.gateway import Fate, Gateway, Result
from hbalert.channels.sms.http_gateway import HttpSms
from hbalert.channels.sms.numbers import name_numbers
from hbalert.channels.sms.tencent import TencentSms
from hbalert.channels.sms.twilio import TwilioSms
from hbalert.config.channels.sms import AlibabaGateway, SmsSettings, TencentGateway, TwilioGateway
from hbalert.core.delivery import Pace
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.ports import Message, Receipt

__all__ = ["SmsChannel", "settle"]

_GRAVITY = ("auth", "quota", "template", "client", "rate limit", "server", "timeout", "network", "other")
"""Reasons, the one an operator should hear of first."""


class SmsChannel:
    """One list of numbers behind one gateway."""

    style = "sms"
    concurrency = 1

    def __init__(self, settings: SmsSettings) -> None:
        self._numbers = name_numbers(settings.to)
        self._gateway = _open(settings)
        self.max_bytes = self._gateway.max_bytes
        messages = max(1, settings.per_minute // len(self._numbers))
        self.pace: Pace | None = Pace(messages, timedelta(minutes=1))

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """Sends to every number that is not in `skip`; see ports.Channel and `settle`.

        Numbers go out in batches. After a batch that shows that the rest would fare no better (a
        wrong secret, a limit of the whole account, nobody answering) the rest is left for another
        attempt.
        """
        left = {name: number for name, number in self._numbers.items() if not skip & {name, number}}
        results: dict[str, Result] = {}
        names = list(left)
        for start in range(0, len(names), self._gateway.batch):
            batch = names[start : start + self._gateway.batch]
            outcomes = await self._gateway.send(
                [left[name] for name in batch], message, delivery_id=delivery_id, now=now
            )
            results |= {name: outcomes[left[name]] for name in batch}
            if _is_hopeless([results[name] for name in batch]):
                break
        return settle(results, untried=names[len(results) :])

    async def close(self) -> None:
        await self._gateway.close()


def _open(settings: SmsSettings) -> Gateway:
    gateway, timeout, language = settings.gateway, settings.timeout, settings.language
    if isinstance(gateway, AlibabaGateway):
        return AlibabaSms(gateway, timeout)
    if isinstance(gateway, TencentGateway):
        return TencentSms(gateway, timeout)
    if isinstance(gateway, TwilioGateway):
        return TwilioSms(gateway, timeout, language=language)
    return HttpSms(gateway, timeout, language=language)


def _is_hopeless(results: Sequence[Result]) -> bool:
    if any(result.fate is Fate.BROKEN or result.whole for result in results):
        return True
    return all(result.fate is Fate.RETRY and result.reason in ("timeout", "network") for result in results)


def settle(results: Mapping[str, Result], *, untried: Sequence[str] = ()) -> Receipt:
    """What the outcomes of all numbers make together.

    Raises Permanent when the gateway can serve no number at all (it then says so even where some
    numbers were served before), or when every number is refused for good. Raises NotNow when the
    account has to wait, or when all that is left are numbers that have to. Raises Transient when
    nobody was reached and somebody may be the next time. Otherwise some were reached: the Receipt
    names them, those refused and those to try again.
    """
    delivered = [name for name, result in results.items() if result.fate is Fate.ACCEPTED]
    refused = {name: result.answer for name, result in results.items() if result.fate is Fate.REFUSED}
    deferred = {
        name: result.answer for name, result in results.items() if result.fate in (Fate.RETRY, Fate.LATER)
    }
    deferred |= dict.fromkeys(untried, "not tried: the gateway failed before its turn came")
    broken = [result for result in results.values() if result.fate is Fate.BROKEN]
    limited = [result for result in results.values() if result.fate is Fate.LATER]
    if broken:
        raise _error(Permanent, broken, delivered, refused)
    if any(result.whole for result in limited):
        raise _error(NotNow, [result for result in limited if result.whole], delivered, refused)
    if delivered or not results:
        return Receipt(
            answer=_words(results, delivered),
            provider_id=",".join(
                results[name].provider_id for name in delivered if results[name].provider_id
            ),
            delivered=tuple(delivered),
            refused=refused,
            deferred=deferred,
        )
    if not deferred:
        raise _error(Permanent, list(results.values()), delivered, refused)
    tried_again = [result for result in results.values() if result.fate is Fate.RETRY]
    if tried_again:
        raise _error(Transient, tried_again, delivered, refused)
    raise _error(NotNow, limited, delivered, refused)


def _error(
    kind: type[ChannelError], causes: Sequence[Result], delivered: Sequence[str], refused: Mapping[str, str]
) -> ChannelError:
    """The error that speaks for several numbers: in the words of the gravest of them.

    Where each number waits for itself the shortest wait is named: after it one may be served.
    """
    gravest = min(causes, key=lambda result: _GRAVITY.index(result.reason))
    waits = [result.retry_after for result in causes if result.retry_after is not None]
    return kind(
        gravest.answer,
        reason=gravest.reason,
        retry_after=(max if any(result.whole for result in causes) else min)(waits, default=None),
        delivered=delivered,
        refused=refused,
    )


def _words(results: Mapping[str, Result], delivered: Sequence[str]) -> str:
    """One line for history: what was said to those reached, and how many they are."""
    if not results:
        return "every number was served by an earlier attempt"
    answers = "; ".join(dict.fromkeys(results[name].answer for name in delivered))[:200]
    return answers if len(results) == 1 else f"{len(delivered)} of {len(results)} numbers: {answers}"
