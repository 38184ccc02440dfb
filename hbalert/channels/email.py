"""Email: one mail per notification to everyone listed, over SMTP with TLS.

Knows the settings, and how what became of each recipient adds up to one outcome. Must not know MIME
(`email_mime.py`), reply codes (`email_replies.py`), sessions (`email_session.py`, `email_smtp.py`),
routes or retry policy.

SMTP takes no idempotency key. The Message-ID is therefore the same over all attempts, recipients that
accepted are never sent to again, and a mail is repeated only when the server's answer to it was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from hbalert.channels.email_mime import Envelope, build
from hbalert.channels.email_replies import LIMITED, Reply, Stage, Verdict, common_wait, judge
from hbalert.channels.email_session import Server, TooBig
from hbalert.channels.email_smtp import Sessions, Submission
from hbalert.config.channels.email import EmailSettings
from hbalert.config.mailbox import parse_mailbox, parse_smarthost
from hbalert.core.delivery import Pace
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.ports import Message, Receipt

AT_ONCE = 50
"""Recipients of one transaction. RFC 5321 grants 100; some servers stop earlier."""

_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_SHOWN = 3  # recipients that an error names


class EmailChannel:
    """A mail server and the people reached through it."""

    style: str = "mail"
    max_bytes: int = 1_000_000
    pace: Pace | None = None
    concurrency: int = 2

    def __init__(self, settings: EmailSettings) -> None:
        everyone = {mailbox.address: mailbox for mailbox in map(parse_mailbox, settings.to)}
        self._envelope = Envelope(
            sender=parse_mailbox(settings.from_),
            to=list(everyone.values()),
            reply_to=parse_mailbox(settings.reply_to) if settings.reply_to else None,
        )
        self._server = _server(settings, self._envelope)
        self._sessions = Sessions(self._server)

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """Mails everyone who is not in `skip`; all are listed in the To header. See `ports.Channel`."""
        pending = [mailbox.address for mailbox in self._envelope.to if mailbox.address not in skip]
        if not pending:
            return Receipt("every recipient has been dealt with before")
        whole = build(message, self._envelope, delivery_id=delivery_id, now=now)

        def plain() -> bytes:
            return build(message, self._envelope, delivery_id=delivery_id, now=now, with_html=False)

        tally = Submission()
        for start in range(0, len(pending), AT_ONCE):
            some = pending[start : start + AT_ONCE]
            try:
                part = await self._submit(some, whole, plain if message.html else None)
            except Permanent as error:
                if not (tally.accepted or tally.deferred):
                    raise _with(error, tally) from None
                tally.refused |= dict.fromkeys(some, Reply(0, error.answer))
            except ChannelError as error:
                raise _with(error, tally) from None
            else:
                tally.accepted += part.accepted
                tally.refused |= part.refused
                tally.deferred |= part.deferred
                tally.reply = part.reply or tally.reply
        return self._receipt(tally)

    async def close(self) -> None:
        await self._sessions.close()

    async def _submit(
        self, recipients: Sequence[str], whole: bytes, plain: Callable[[], bytes] | None
    ) -> Submission:
        """One transaction within its time; a second one without the HTML when the first was too big."""
        limit = 6 * self._server.timeout + self._server.data_timeout
        try:
            async with asyncio.timeout(limit.total_seconds()):
                sender = self._envelope.sender.address
                try:
                    return await self._sessions.submit(sender, recipients, whole)
                except TooBig:
                    if plain is None:
                        raise
                return await self._sessions.submit(sender, recipients, plain())
        except TimeoutError:
            seconds = limit.total_seconds()
            raise Transient(f"{self._server} was not done within {seconds:g} s", reason="timeout") from None

    def _receipt(self, tally: Submission) -> Receipt:
        """What everyone's replies add up to. Raises when nobody accepted."""
        refused = {who: str(reply) for who, reply in tally.refused.items()}
        if tally.accepted and tally.reply is not None:
            return Receipt(
                str(tally.reply),
                provider_id=tally.reply.queue_id,
                delivered=tuple(tally.accepted),
                refused=refused,
                deferred={who: str(reply) for who, reply in tally.deferred.items()},
            )
        if not tally.deferred:
            text = f"{self._server} refused every recipient: {_listed(tally.refused)}"
            login = any(judge(reply, Stage.RECIPIENT) is Verdict.LOGIN for reply in tally.refused.values())
            raise Permanent(text, reason="auth" if login else "client", refused=refused)
        text = f"{self._server} put the recipients off: {_listed(tally.deferred)}"
        replies = tally.deferred.values()
        if all(judge(reply, Stage.RECIPIENT) is Verdict.LIMITED for reply in replies):
            raise NotNow(text, reason="rate limit", retry_after=LIMITED, refused=refused)
        raise Transient(text, reason="server", retry_after=common_wait(replies), refused=refused)


def _server(settings: EmailSettings, envelope: Envelope) -> Server:
    host, port = parse_smarthost(settings.smarthost)
    security = settings.security or ("tls" if port == _PORTS["tls"] else "starttls")
    return Server(
        host=host,
        port=port or _PORTS[security],
        security=security,
        hello=settings.hello or envelope.sender.domain,
        username=settings.username,
        password=settings.password,
        ca_file=settings.ca_file,
        verify=settings.tls_verify,
        timeout=settings.timeout,
        data_timeout=settings.data_timeout,
    )


def _with(error: ChannelError, tally: Submission) -> ChannelError:
    """The error, and what had become of earlier recipients."""
    error.delivered = (*tally.accepted, *error.delivered)
    error.refused = {who: str(reply) for who, reply in tally.refused.items()} | error.refused
    return error


def _listed(replies: Mapping[str, Reply]) -> str:
    shown = [f"{who}: {reply}" for who, reply in list(replies.items())[:_SHOWN]]
    return "; ".join([*shown, f"and {len(replies) - _SHOWN} more"] if len(replies) > _SHOWN else shown)
