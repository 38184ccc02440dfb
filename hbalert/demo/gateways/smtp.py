"""A mail server on loopback.

Knows SMTP as aiosmtpd speaks it, and the ways in which mail servers fail: refused recipients, full
mailboxes, greylists, silence, connections dropped at any stage. Its code is its own; it must not
import `hbalert.channels`.

aiosmtpd's protocol runs in the caller's event loop; its own controller would start a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SILENCE = "silence"
DISCONNECT = "disconnect"
SLOW = "slow"
"""Held until `SmtpSink.release`, then as if nothing had been."""

STAGES = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "accept")
"""Where a fault may come; "accept" is after the final dot, when the mail has been kept."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that was accepted.

    sender, recipients  of the envelope; `recipients` are those accepted
    raw                 as it came over the wire, dots and line ends included
    headers             parsed and decoded, as a mail program would
    session             number of the connection it came over, from 1
    encrypted, user     whether TLS was in use, and who had logged in
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    headers: EmailMessage
    session: int
    encrypted: bool
    user: str

    @property
    def text(self) -> str:
        """The plain text; "" when there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, subtype: str) -> str:
        part = self.headers.get_body((subtype,))
        return part.get_content().replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""


@dataclass(slots=True)
class _Fault:
    stage: str
    what: str
    times: int | None
    recipient: str


class SmtpSink:
    """A mail server on 127.0.0.1, to be entered with `async with`.

    auth         whom it lets in, as (user, password); None: everyone, and no AUTH is offered
    methods      log-in methods it offers
    tls          "starttls", "tls" (from the first byte) or "none"; the first two need `ssl_context`
    size_limit   longest mail in bytes; announced as SIZE unless `announce_size` is false
    hide         extensions it does not admit to, such as "STARTTLS"
    received     mails it accepted, in order
    sessions     connections so far
    commands     every command line, without credentials, in order
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        auth: tuple[str, str] | None = None,
        methods: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5"),
        tls: Literal["starttls", "tls", "none"] = "none",
        ssl_context: ssl.SSLContext | None = None,
        size_limit: int = 1 << 25,
        announce_size: bool = True,
        hide: tuple[str, ...] = (),
        port: int = 0,
    ) -> None:
        if tls != "none" and ssl_context is None:
            raise ValueError(f"tls={tls!r} needs an ssl_context with a certificate")
        self.auth = auth
        self.methods = methods
        self.tls = tls
        self.size_limit = size_limit
        self.hide = hide if announce_size else (*hide, "SIZE")
        self.port = port
        self.received: list[ReceivedMail] = []
        self.sessions = 0
        self.commands: list[str] = []
        self._context = ssl_context
        self._faults: list[_Fault] = []
        self.released = asyncio.Event()
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[_Protocol] = set()

    def fail(self, stage: str, what: str, *, times: int | None = None, recipient: str = "") -> None:
        """Lets a stage go wrong.

        stage      one of STAGES
        what       a reply such as "451 4.7.1 greylisted, come back later", SILENCE, DISCONNECT
                   or SLOW; a reply of 421 also ends the connection
        times      how often; None = from now on
        recipient  at "RCPT": only for this address
        """
        if stage not in STAGES:
            raise ValueError(f"{stage!r} is no stage; there are {', '.join(STAGES)}")
        self._faults.append(_Fault(stage, what, times, recipient))

    def recover(self) -> None:
        """Forgets every fault asked for."""
        self._faults.clear()

    def release(self) -> None:
        """Lets go on what SLOW holds, now and from now on."""
        self.released.set()

    def drop(self) -> None:
        """Closes every connection, as servers do with idle ones."""
        for protocol in list(self._open):
            protocol.abort()

    async def arrived(self, count: int = 1) -> list[ReceivedMail]:
        """Waits until so many mails were accepted in all."""
        while len(self.received) < count:
            self._news.clear()
            await self._news.wait()
        return self.received

    def keep(self, mail: ReceivedMail) -> None:
        self.received.append(mail)
        self._news.set()

    def due_fault(self, stage: str, recipient: str = "") -> str:
        """What is to go wrong now; "" when nothing is."""
        for fault in self._faults:
            if fault.stage != stage or (fault.recipient and fault.recipient != recipient):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            return fault.what
        return ""

    def entered(self, protocol: _Protocol) -> int:
        self._open.add(protocol)
        self.sessions += 1
        return self.sessions

    def left(self, protocol: _Protocol) -> None:
        self._open.discard(protocol)

    async def __aenter__(self) -> Self:
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd tells every line it hears
        loop = asyncio.get_running_loop()
        context = self._context if self.tls == "tls" else None
        self._server = await loop.create_server(self._protocol, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _protocol(self) -> _Protocol:
        return _Protocol(self, self._context if self.tls == "starttls" else None)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        ending = [protocol.conversation() for protocol in self._open]
        self.drop()
        if ending:
            await asyncio.wait(ending, timeout=2)


class _Protocol(SMTP):
    """One connection: aiosmtpd's protocol, with a fault looked for before each command."""

    def __init__(self, sink: SmtpSink, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        self.sink = sink
        self.number = 0
        super().__init__(
            _Mailbox(sink),
            hostname="mail.example.com",
            ident="hbalert loopback",
            tls_context=context,
            require_starttls=context is not None,
            data_size_limit=sink.size_limit,
            auth_require_tls=context is not None,
            auth_exclude_mechanism=[
                name for name in ("PLAIN", "LOGIN", "CRAM-MD5") if not sink.auth or name not in sink.methods
            ],
            authenticator=self._check_login,
            loop=loop,
        )

    def conversation(self) -> asyncio.Task[None]:
        """The task that reads commands and answers them. (aiosmtpd looks at every property too early.)"""
        assert self._handler_coroutine is not None  # noqa: S101  made with the connection
        return self._handler_coroutine

    def abort(self) -> None:
        """Ends the connection. A TLS handshake cut off tells nobody, so the task is ended too."""
        self.sink.left(self)
        if isinstance(self.transport, asyncio.WriteTransport):
            # In Python 3.11.2 (Debian 12) a TLS transport that was closed twice forgot what to abort.
            with suppress(AttributeError):
                self.transport.abort()
        self.conversation().cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.number:  # after STARTTLS it is made a second time
            self.number = self.sink.entered(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.sink.left(self)

    async def _handle_client(self) -> None:
        if not await self._spoiled("connect"):
            await super()._handle_client()

    async def _spoiled(self, stage: str, recipient: str = "") -> bool:
        """Whether a fault took the place of the command."""
        what = self.sink.due_fault(stage, recipient)
        if what == SLOW:
            await self.sink.released.wait()
            return False
        if what == DISCONNECT:
            self.abort()
        if what in (SILENCE, DISCONNECT):
            await asyncio.Event().wait()  # until the connection is lost
        if what:
            await self.push(what)
            if (what.startswith("421") or stage == "connect") and self.transport is not None:
                self._writer.close()
                await asyncio.Event().wait()
        return bool(what)

    def _check_login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Asked by aiosmtpd for PLAIN and LOGIN."""
        auth = self.sink.auth
        good = isinstance(data, LoginPassword) and auth is not None and data == _encoded(auth)
        return AuthResult(success=good, handled=False, auth_data=data)

    async def smtp_EHLO(self, hostname: str) -> None:
        self.sink.commands.append(f"EHLO {hostname}")
        if not await self._spoiled("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        self.sink.commands.append("STARTTLS")
        if not await self._spoiled("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        self.sink.commands.append(f"AUTH {(arg or '').split(' ')[0]}")
        if not await self._spoiled("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.sink.commands.append(f"MAIL {arg}")
        if self.sink.auth and not (self.session and self.session.authenticated):
            await self.push("530 5.7.0 Authentication required")
        elif not await self._spoiled("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.sink.commands.append(f"RCPT {arg}")
        recipient = (arg or "").partition("<")[2].partition(">")[0]
        if not await self._spoiled("RCPT", recipient):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        self.sink.commands.append("DATA")
        if not await self._spoiled("DATA"):
            await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:
        self.sink.commands.append("RSET")
        await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        self.sink.commands.append("QUIT")
        await super().smtp_QUIT(arg)


class _Mailbox:
    """aiosmtpd's handler: what it asks when a stage has been reached."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_EHLO(
        self, server: _Protocol, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        hidden = {name.upper() for name in self._sink.hide}
        if not self._sink.auth:
            hidden.add("AUTH")
        return [line for line in lines if line[4:].partition(" ")[0].upper() not in hidden]

    async def handle_DATA(self, server: _Protocol, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        headers = message_from_bytes(raw, policy=default)
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else ""
        mail = ReceivedMail(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=raw,
            headers=headers,
            session=server.number,
            encrypted=server.transport is not None
            and server.transport.get_extra_info("sslcontext") is not None,
            user=user,
        )
        fault = self._sink.due_fault("accept")
        if fault[:1] not in ("4", "5"):  # a lost answer does not undo what was accepted
            self._sink.keep(mail)
        if fault == SLOW:
            await self._sink.released.wait()
            fault = ""
        if fault == DISCONNECT:
            server.abort()
        if fault in (SILENCE, DISCONNECT):
            await asyncio.Event().wait()
        return fault or f"250 2.0.0 Ok: queued as {hashlib.sha256(raw).hexdigest()[:10].upper()}"

    async def auth_CRAM__MD5(self, server: _Protocol, args: list[str]) -> AuthResult:
        challenge = f"<{server.number}.{id(server)}@mail.example.com>"
        answer = await server.challenge_auth(challenge)
        auth = self._sink.auth
        if not isinstance(answer, bytes) or auth is None:
            return AuthResult(success=False, handled=True)
        user, _, digest = answer.decode("utf-8", "replace").rpartition(" ")
        due = hmac.new(auth[1].encode(), challenge.encode(), hashlib.md5).hexdigest()
        good = user == auth[0] and hmac.compare_digest(due, digest)
        return AuthResult(success=good, handled=False, auth_data=_encoded(auth))


def _encoded(auth: tuple[str, str]) -> LoginPassword:
    return LoginPassword(auth[0].encode(), auth[1].encode())
