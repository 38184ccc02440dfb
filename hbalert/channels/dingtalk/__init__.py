"""DingTalk: a group robot that posts markdown into one group chat.

Knows the order of one attempt: compose, sign, post, read, once more where DingTalk names a way out.
Must not know routes, retry policy or the store; `now` is handed in for the signature. `body.py`
composes, `signature.py` signs, `answer.py` says what an answer means.

The delivery's id goes along as `msgUuid`, so that a repeat after a lost answer is shown once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from hbalert.channels.answers import no_answer
from hbalert.channels.dingtalk.answer import TOO_LONG, UNSAFE, Answer, read, refusal
from hbalert.channels.dingtalk.body import BODY_LIMIT, NOBODY, TITLE_CHARS, Mentions, compose, without_links
from hbalert.channels.dingtalk.signature import sign, signed_url
from hbalert.config.channels.dingtalk import DingTalkSettings
from hbalert.core.delivery import Pace
from hbalert.errors import Permanent
from hbalert.outbound import Unreachable, open_client, request
from hbalert.ports import Message, Receipt

__all__ = ["DingTalkChannel", "sign", "signed_url"]

_ANSWER_BYTES = 1 << 16


class DingTalkChannel:
    """One robot in one group."""

    style = "markdown"
    concurrency = 1

    def __init__(self, settings: DingTalkSettings) -> None:
        self._settings = settings
        self._url = settings.webhook_url.reveal().strip()
        self._secret = settings.secret.reveal().strip() if settings.secret else ""
        self._mentions = Mentions.of(settings.at_mobiles, settings.at_user_ids, everyone=settings.at_all)
        self._client = open_client(connections=2)
        self.pace: Pace | None = Pace(settings.per_minute, timedelta(minutes=1))
        frame = compose(
            "markdown",
            "界" * TITLE_CHARS,
            "",
            uuid="x" * 64,
            mentions=self._mentions,
            keyword=settings.keyword,
        )
        self.max_bytes = max(1000, (BODY_LIMIT - len(frame)) * 9 // 10)  # quotes take two bytes in JSON

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """Posts the message into the group; see ports.Channel.

        What DingTalk refuses for its content is posted once more as plain text without links, what
        it refuses for its length once more at half the length. Each has a `msgUuid` of its own,
        because DingTalk may remember that of the refused one.
        """
        firing = message.notification.status == "firing"
        mentions = self._mentions if firing else NOBODY
        keyword = self._settings.keyword
        title = " ".join(message.subject.split())[:TITLE_CHARS] or "hbalert"
        text = message.text.strip() or title
        body = compose("markdown", title, text, uuid=delivery_id, mentions=mentions, keyword=keyword)
        answer = await self._post(body, now)
        remark = ""
        if answer.code is not None and answer.code in UNSAFE:
            remark = f"; sent as plain text, because DingTalk thinks its {UNSAFE[answer.code]} unsafe"
            plain = without_links(text)
            plain = plain if plain.startswith(title) else f"{without_links(title)}\n\n{plain}"
            uuid = f"{delivery_id}-plain"
            body = compose("text", title, plain, uuid=uuid, mentions=mentions, keyword=keyword)
            answer = await self._post(body, now)
        elif answer.code in TOO_LONG:
            remark = "; sent shortened, because it was too long for DingTalk"
            uuid, half = f"{delivery_id}-short", BODY_LIMIT // 2
            body = compose("markdown", title, text, uuid=uuid, mentions=mentions, keyword=keyword, limit=half)
            answer = await self._post(body, now)
        if answer.accepted:
            return Receipt(answer=(answer.words or "ok") + remark)
        raise refusal(answer, now, signs=bool(self._secret))

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, body: bytes, now: datetime) -> Answer:
        hide = {self._url: "***", self._secret: "***"}
        try:
            url = signed_url(self._url, self._secret, now)
            hide |= {value: "***" for name, value in parse_qsl(urlsplit(url).query) if name != "timestamp"}
            reply = await request(
                self._client,
                "POST",
                url,
                timeout=self._settings.timeout,
                headers={"Content-Type": "application/json"},
                content=body,
                max_bytes=_ANSWER_BYTES,
            )
        except ValueError:
            remedy = "`webhook_url` is not a URL; copy it from the robot's settings"
            raise Permanent(f"DingTalk: {remedy}", reason="client") from None
        except Unreachable as error:
            raise no_answer(error, "DingTalk", hide=hide) from None
        return read(reply, hide)
