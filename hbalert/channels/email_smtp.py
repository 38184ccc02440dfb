"""Mail over sessions with one server: one transaction each, the sessions kept for the next mail.

Knows the order of commands, and when a kept session has to be replaced. Must not know what a mail
says. The library's own `sendmail` is not used: it gives one time-out to everything and hides whether
a connection was lost before or after the mail was out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiosmtplib

from hbalert.channels.answers import excerpt
from hbalert.channels.email_replies import Reply, Stage, Verdict, judge
from hbalert.channels.email_session import (
    Lost,
    Server,
    TooBig,
    answers,
    leave,
    open_session,
    read_reply,
    reset,
)
from hbalert.errors import ChannelError

KEEP_IDLE = 30.0
"""Seconds that an unused session is kept. Firewalls forget quiet connections; most servers wait longer."""


@dataclass(slots=True)
class Submission:
    """What came of one mail: who accepted it, who never will, who may later.

    reply  the server's answer for the mail; None when no recipient was left to send it to
    """

    accepted: list[str] = field(default_factory=list)
    refused: dict[str, Reply] = field(default_factory=dict)
    deferred: dict[str, Reply] = field(default_factory=dict)
    reply: Reply | None = None


class Sessions:
    """The sessions with one server. One mail at a time uses a session."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: dict[aiosmtplib.SMTP, asyncio.TimerHandle] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def submit(self, sender: str, recipients: Sequence[str], mail: bytes) -> Submission:
        """Hands one mail over. Raises ChannelError; with Lost.in_doubt it may have been accepted.

        A kept session that turns out to be dead is replaced once, silently.
        """
        kept = self._take()
        if kept is not None:
            try:
                return await self._use(kept, sender, recipients, mail)
            except Lost as error:
                if error.in_doubt:
                    raise
        return await self._use(await open_session(self._server), sender, recipients, mail)

    async def close(self) -> None:
        """Says goodbye on every kept session."""
        while (client := self._take()) is not None:
            self._dismiss(client)
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _take(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            client, timer = self._idle.popitem()
            timer.cancel()
            if client.is_connected:
                return client
        return None

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        def expire() -> None:
            if self._idle.pop(client, None) is not None:
                self._dismiss(client)

        self._idle[client] = asyncio.get_running_loop().call_later(KEEP_IDLE, expire)

    def _dismiss(self, client: aiosmtplib.SMTP) -> None:
        task = asyncio.create_task(leave(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _use(
        self, client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], mail: bytes
    ) -> Submission:
        try:
            submission = await _transact(self._server, client, sender, recipients, mail)
        except ChannelError:
            if client.is_connected:
                self._keep(client)
            raise
        except BaseException:
            client.close()
            raise
        if client.is_connected:
            self._keep(client)
        return submission


async def _transact(
    server: Server, client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], mail: bytes
) -> Submission:
    """MAIL, RCPT for each, DATA. The session can be used again afterwards, whatever was refused."""
    submission = Submission()
    limit = client.esmtp_extensions.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(mail):
        raise TooBig(f"{server} takes no more than {limit} bytes; the mail has {len(mail)}", reason="client")
    options = [f"SIZE={len(mail)}"] if client.supports_extension("size") else []
    async with answers(server, client, Stage.SENDER):
        await client.mail(sender, options=options)
    for recipient in recipients:
        async with answers(server, client, Stage.RECIPIENT, submission.refused):
            try:
                await client.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                reply = read_reply(server, error)
                if reply.closing:
                    raise
                later = judge(reply, Stage.RECIPIENT) in (Verdict.DEFERRED, Verdict.LIMITED)
                (submission.deferred if later else submission.refused)[recipient] = reply
            else:
                submission.accepted.append(recipient)
    if not submission.accepted:
        await reset(client)
        return submission
    async with answers(server, client, Stage.DATA, submission.refused):
        response = await client.data(mail, timeout=server.data_timeout.total_seconds())
    submission.reply = Reply(response.code, excerpt(response.message, hide=server.hidden()))
    return submission
