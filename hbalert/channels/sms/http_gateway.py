"""Any SMS gateway that is one HTTP call, as the configuration describes it.

Knows how the description becomes a request, and how an answer is read by it. Must not know any
particular gateway. `placeholders.py` fills the request.

An answer is read so. Where `success_values` are given, the value at `success_path` must be one of
them; without a path the first line of the answer must begin with one ("0: Accepted for delivery").
Without `success_values` any value at the path that is there and says yes will do, and without both
any 2xx. What is no success has a code (at `code_path`, else the value just looked at) that
`retry_codes` and `throttle_codes` may name; a failure that they do not name is final. Paths are
dotted: "data.0.code".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hbalert.channels.answers import is_html, parse_json, retry_after
from hbalert.channels.sms.gateway import AT_ONCE, Fate, Line, Result, each, endpoint
from hbalert.channels.sms.numbers import written
from hbalert.channels.sms.placeholders import Placeholders
from hbalert.config.channels.sms import HttpGateway
from hbalert.outbound import Reply
from hbalert.ports import Message

_NOT_YES = frozenset({"", "0", "false", "null", "none"})


class HttpSms:
    """Sends plain text by one call per number."""

    batch = AT_ONCE

    def __init__(self, settings: HttpGateway, timeout: timedelta, *, language: str) -> None:
        self._settings = settings
        self._secrets = {name: secret.reveal() for name, secret in settings.secrets.items()}
        self.max_bytes = settings.max_chars * (3 if language == "zh" else 1)
        password = settings.password.reveal() if settings.password else ""
        self._auth = (settings.username, password) if settings.username else None
        self._line = Line("SMS gateway", timeout, [*self._secrets.values(), password])

    async def send(
        self, numbers: Sequence[str], message: Message, *, delivery_id: str, now: datetime
    ) -> Mapping[str, Result]:
        """See gateway.Gateway. The text is cut to `max_chars`."""
        settings = self._settings
        text = message.text.strip() or message.subject
        if len(text) > settings.max_chars:
            text = text[: settings.max_chars - 3].rstrip() + "..."

        async def one(number: str) -> Result:
            own = {
                "to": written(number, settings.number_format),
                "text": text,
                "id": delivery_id,
                "timestamp": str(int(now.timestamp())),
            }
            filler = Placeholders({**self._secrets, **own}, settings.charset)
            content, kind = filler.body(settings)
            headers = {"Content-Type": kind} if content is not None else {}
            for name, template in settings.headers.items():
                headers = {old: value for old, value in headers.items() if old.lower() != name.lower()}
                headers[name] = filler.header(template)
            url = filler.url(settings.url, settings.query)
            endpoint(url)
            reply = await self._line.call(
                settings.method, url, headers=headers, content=content, auth=self._auth
            )
            return self._judge(reply, number, now)

        return await each(numbers, self._line, one)

    async def close(self) -> None:
        await self._line.close()

    def _judge(self, reply: Reply, number: str, now: datetime) -> Result:
        """What an answer means for the number, by the rules in the module's docstring."""
        settings = self._settings
        text = reply.body.decode(settings.charset, "replace")
        answer = parse_json(text)
        seen = _at(answer, settings.success_path) if settings.success_path else _first_line(text)
        code = _at(answer, settings.code_path) if settings.code_path else _code_of(seen)
        words = self._line.words(_at(answer, settings.message_path) or text, [number])
        said = f"SMS gateway: HTTP {reply.status}: {words or 'empty answer'}"
        asked = retry_after(reply.headers, now)
        if 200 <= reply.status < 300 and self._succeeded(seen):
            provider_id = _at(answer, settings.id_path) or ""
            return Result(Fate.ACCEPTED, words or f"HTTP {reply.status}", provider_id=provider_id)
        if code and code in settings.throttle_codes:
            wait = asked or settings.throttle_wait
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if code and code in settings.retry_codes:
            return Result(Fate.RETRY, said, reason="server", retry_after=asked)
        if reply.status == 429:
            wait = asked or settings.throttle_wait
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if not 200 <= reply.status < 300:
            return self._by_status(reply, said, asked)
        if not seen or is_html(reply.headers, text):  # not the answer that the configuration describes
            return Result(Fate.RETRY, said, reason="server", retry_after=asked)
        return Result(Fate.REFUSED, f"{said}; no success by `success_values`", reason="client")

    def _succeeded(self, seen: str | None) -> bool:
        settings = self._settings
        if not settings.success_path:
            return not settings.success_values or (seen or "").startswith(settings.success_values)
        if not settings.success_values:
            return seen is not None and seen.lower() not in _NOT_YES
        return seen in settings.success_values

    def _by_status(self, reply: Reply, said: str, asked: timedelta | None) -> Result:
        status = reply.status
        if status in (401, 403, 407):
            return Result(Fate.BROKEN, f"{said}; check the gateway's secrets", reason="auth")
        if status in (404, 405, 410):
            return Result(Fate.BROKEN, f"{said}; check the gateway's `url` and `method`", reason="client")
        if status in (408, 425, 504):
            return Result(Fate.RETRY, said, reason="timeout", retry_after=asked)
        if 400 <= status < 500:
            return Result(Fate.REFUSED, said, reason="client")
        return Result(Fate.RETRY, said, reason="server", retry_after=asked)


def _at(answer: Any, path: str) -> str | None:
    """The text of the value at a dotted path; None when there is none."""
    if not path:
        return None
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isascii() and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    if isinstance(answer, bool):
        return str(answer).lower()
    return str(answer) if isinstance(answer, str | int | float) else None


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0].strip()


def _code_of(seen: str | None) -> str:
    """The code at the beginning of a line such as "0: Accepted for delivery"; of a bare code, itself."""
    return (seen or "").split(":")[0].split(",")[0].strip()
