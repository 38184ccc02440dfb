"""One session with a mail server: how it is opened, and what to make of it when something fails.

Knows aiosmtplib, TLS and log-in. Must not know what a mail says or to whom it goes. What a reply means
is asked of `email_replies.py`; what goes wrong leaves here as a ChannelError. Next: `email_smtp.py`,
which sends mail over sessions and keeps them.

Three things are done by hand and not by the library: STARTTLS is demanded instead of tried, one log-in
method is tried instead of all (wrong log-ins lock accounts), and a session that fails says at which
stage, so that it is known how far the mail had got.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiosmtplib

from hbalert.channels.answers import excerpt
from hbalert.channels.email_replies import LIMITED, Reply, Stage, Verdict, judge
from hbalert.config.secret import Secret
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import not_connected, tls_context

_GOODBYE = 2.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Server:
    """Where and as whom.

    security      "starttls", "tls" or "none"
    hello         how we introduce ourselves
    timeout       for connecting and for each command
    data_timeout  for the answer to the whole mail
    """

    host: str
    port: int
    security: str
    hello: str
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    verify: bool = True
    timeout: timedelta = timedelta(seconds=15)
    data_timeout: timedelta = timedelta(seconds=60)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def hidden(self) -> dict[str, str]:
        """What a server might repeat and nobody may see."""
        if self.password is None:
            return {}
        word = self.password.reveal()
        forms = (word, f"\0{self.username}\0{word}")
        return dict.fromkeys([word, *(base64.b64encode(form.encode()).decode() for form in forms)], "***")


class TooBig(Permanent):
    """The server takes no mail of this size."""


class Lost(Transient):
    """The session ended before the server had answered for the mail.

    in_doubt  the mail was out already: it may have been accepted
    """

    def __init__(self, answer: str, *, reason: str, in_doubt: bool = False) -> None:
        super().__init__(answer, reason=reason)
        self.in_doubt = in_doubt


async def open_session(server: Server) -> aiosmtplib.SMTP:
    """A session that is ready for mail: connected, encrypted, logged in. Raises ChannelError."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=False,  # asked for below, where it is known whether the server offers it
        local_hostname=server.hello,
        timeout=server.timeout.total_seconds(),
        tls_context=await _trust(server),
    )
    try:
        async with answers(server, client, Stage.GREETING):
            await client.connect()
        async with answers(server, client, Stage.HELLO):
            await _hello(client)
        if server.security == "starttls":
            await _start_tls(server, client)
        if server.username:
            await _login(server, client)
    except BaseException:
        client.close()
        raise
    return client


async def _trust(server: Server) -> ssl.SSLContext | None:
    if server.security == "none":
        return None
    try:
        return await asyncio.to_thread(tls_context, server.ca_file, None, None, server.verify)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or type(error).__name__
        raise Permanent(f"ca_file {server.ca_file}: cannot be used: {why}", reason="client") from None


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if not 500 <= error.code < 505 or not client.is_connected:
            raise
        await client.helo()  # a server from before 1995


async def _start_tls(server: Server, client: aiosmtplib.SMTP) -> None:
    if not client.supports_extension("starttls"):
        raise Permanent(
            f"{server} does not offer STARTTLS, so nothing was sent; "
            'set security = "tls" with the port for it (465), or security = "none" on a network you trust',
            reason="client",
        )
    async with answers(server, client, Stage.STARTTLS):
        await client.starttls()
    async with answers(server, client, Stage.HELLO):
        await client.ehlo()


async def _login(server: Server, client: aiosmtplib.SMTP) -> None:
    """Logs in by the first method that both know, and by no other: each refusal counts against the account.

    Without TLS the password goes out only hidden in a digest, or to this machine itself.
    """
    password = server.password.reveal() if server.password else ""
    trusted = server.security != "none" or server.host in _LOOPBACK
    known = {"plain": client.auth_plain, "login": client.auth_login} if trusted else {}
    offered = [
        method
        for name, method in (*known.items(), ("cram-md5", client.auth_crammd5))
        if name in client.server_auth_methods
    ]
    if not offered:
        why = "no way to log in that hbalert knows" if trusted else "no way to log in that hides the password"
        remedy = "take username and password away" if trusted else 'set security = "starttls" or "tls"'
        raise Permanent(f"{server} offers {why}; {remedy}", reason="auth")
    async with answers(server, client, Stage.LOGIN):
        for method in offered[:-1]:
            try:
                await method(server.username, password)
                return
            except aiosmtplib.SMTPAuthenticationError as error:
                if error.code != 504:  # 504: offered, but not known after all
                    raise
        await offered[-1](server.username, password)


@asynccontextmanager
async def answers(
    server: Server, client: aiosmtplib.SMTP, stage: Stage, refused: Mapping[str, Reply] | None = None
) -> AsyncIterator[None]:
    """Turns what the library raises in one stage into a ChannelError, and leaves the session clean.

    refused  recipients that had been refused before, for the error to carry
    """
    said = {who: str(reply) for who, reply in (refused or {}).items()}
    try:
        with _network(server, stage):
            yield
    except aiosmtplib.SMTPResponseException as error:
        reply = read_reply(server, error)
        if reply.closing or reply.code < 400:  # below 400: not what SMTP answers here
            client.close()
        elif stage in (Stage.SENDER, Stage.RECIPIENT, Stage.DATA):
            await reset(client)
        failure = refusal(server, reply, stage)
        failure.refused = said
        raise failure from None
    except Lost as error:
        client.close()
        error.refused = said
        raise


@contextmanager
def _network(server: Server, stage: Stage) -> Iterator[None]:
    """Turns a lost or silent connection into a ChannelError; replies pass."""
    in_doubt = stage is Stage.DATA
    doubt = "; it may have been accepted, and goes out again with the same Message-ID" if in_doubt else ""
    try:
        yield
    except aiosmtplib.SMTPResponseException:
        raise
    except (aiosmtplib.SMTPException, OSError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Permanent(
                f"the certificate of {server} is not trusted: {cause.verify_message}; "
                "set ca_file to the certificate it is signed with, or smarthost to the name it is for",
                reason="client",
            ) from None
        if isinstance(cause, ssl.SSLError):
            why = f"TLS failed: {cause.reason or 'cut off'}; set security to what this port speaks"
            raise Lost(f"{server}: {why}", reason="network") from None
        if isinstance(cause, TimeoutError | ConnectionAbortedError):  # the latter: TLS took too long
            raise Lost(
                f"{server} did not answer to {stage.value} in time{doubt}",
                reason="timeout",
                in_doubt=in_doubt,
            ) from None
        if stage is Stage.GREETING and isinstance(cause, OSError):
            why = f"cannot connect: {excerpt(not_connected(cause))}"
            raise Lost(f"{server}: {why}", reason="network") from None
        raise Lost(
            f"{server} closed the connection at {stage.value}{doubt}", reason="network", in_doubt=in_doubt
        ) from None


def read_reply(server: Server, error: aiosmtplib.SMTPResponseException) -> Reply:
    return Reply(error.code, excerpt(error.message, hide=server.hidden()))


_REMEDIES = {
    Stage.HELLO: "set `hello` to a name of this machine that the server takes",
    Stage.LOGIN: "check username and password",
    Stage.SENDER: "check `from`: the server must allow it for this login",
}


def refusal(server: Server, reply: Reply, stage: Stage) -> ChannelError:
    """The error that a reply other than "ok" stands for."""
    text = f"{server} refused {stage.value}: {reply}"
    match judge(reply, stage):
        case Verdict.LIMITED:
            return NotNow(text, reason="rate limit", retry_after=LIMITED)
        case Verdict.LOGIN:
            return Permanent(f"{text}; {_REMEDIES[Stage.LOGIN]}", reason="auth")
        case Verdict.TOO_BIG:
            return TooBig(text, reason="client")
        case Verdict.REFUSED:
            remedy = _REMEDIES.get(stage)
            return Permanent(f"{text}; {remedy}" if remedy else text, reason="client")
        case _ if reply.closing:
            return Lost(text, reason="server")
        case _:
            return Transient(text, reason="server", retry_after=reply.wait)


async def reset(client: aiosmtplib.SMTP) -> None:
    try:
        await client.rset(timeout=_GOODBYE)
    except (aiosmtplib.SMTPException, OSError):
        client.close()


async def leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_GOODBYE)
    client.close()
