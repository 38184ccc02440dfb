"""One engine, one collector, and the words a score is written in.

Knows the v2 API that both engines speak, and how what was heard becomes a short text. Must not know
which engine it has before it, nor what is expected.

Time is real and machines are loaded: a score waits for messages with a generous limit, and what must
not come is waited for in `story`, at the end.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from hbalert.demo.gateways.smtp import SmtpSink
from tests.compat.collector import Collector, Message
from tests.compat.peers import Peer
from tests.compat.setup import Setup

SETTLE_S = 1.6
"""One and a half group intervals of the usual route: what would still come has come by then."""

Posted = dict[str, Any]


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def soon(seconds: float = 0) -> datetime:
    """That many seconds from now; negative: ago."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def alert(
    name: str,
    *,
    since_s: float | None = None,
    lives_s: float | None = None,
    annotations: Mapping[str, str] | None = None,
    url: str = "",
    **labels: str,
) -> Posted:
    """An alert as the API takes it, with team "x" unless the labels say otherwise.

    since_s  how long it has been firing; None: startsAt is left out
    lives_s  how long until it ends; None: endsAt is left out
    """
    posted: Posted = {"labels": {"alertname": name, "team": "x", **labels}}
    if since_s is not None:
        posted["startsAt"] = iso(soon(-since_s))
    if lives_s is not None:
        posted["endsAt"] = iso(soon(lives_s))
    if annotations is not None:
        posted["annotations"] = dict(annotations)
    if url:
        posted["generatorURL"] = url
    return posted


def ended(posted: Posted) -> Posted:
    """The same alert, ended now."""
    return {**posted, "endsAt": iso(soon())}


def matcher(text: str) -> dict[str, Any]:
    """A matcher as the API takes it, from `name=value` with any of the four operators."""
    found = re.fullmatch(r"(\w+)(=~|!~|!=|=)(.*)", text)
    assert found is not None, text
    name, operator, value = found.groups()
    return {"name": name, "value": value, "isRegex": "~" in operator, "isEqual": "!" not in operator}


class Scene:
    """What a score acts on.

    peer       the engine, running
    collector  what it told
    smtp       the mail server, when the setup has mail notifiers
    setup      what the engine runs with
    """

    def __init__(
        self,
        peer: Peer,
        collector: Collector,
        setup: Setup,
        session: aiohttp.ClientSession,
        smtp: SmtpSink | None = None,
    ) -> None:
        self.peer = peer
        self.collector = collector
        self.setup = setup
        self._session = session
        self._smtp = smtp

    @property
    def smtp(self) -> SmtpSink:
        assert self._smtp is not None, "the setup has no mail notifier"
        return self._smtp

    # --- what is done to it ---

    async def post(self, *alerts: Posted) -> None:
        """Posts alerts in one request, which must be accepted."""
        status, text = await self.ask("POST", "/api/v2/alerts", list(alerts))
        assert status == 200, text

    async def end(self, *alerts: Posted) -> None:
        """Posts the ends of alerts."""
        await self.post(*map(ended, alerts))

    async def silence(
        self,
        *matchers: str,
        lasts_s: float = 600,
        starts_in_s: float = 0,
        replaces: str | None = None,
        starts_at: datetime | None = None,
    ) -> str:
        """Makes a silence, or a new version of one; returns the id that is in force."""
        begins = starts_at or soon(starts_in_s)
        posted: dict[str, Any] = {
            "matchers": [matcher(text) for text in matchers],
            "startsAt": iso(begins),
            "endsAt": iso(soon(lasts_s)),
            "createdBy": "compat",
            "comment": "a case",
        }
        if replaces is not None:
            posted["id"] = replaces
        status, answer = await self.ask("POST", "/api/v2/silences", posted)
        assert status == 200, answer
        return str(answer["silenceID"])

    async def unsilence(self, silence_id: str) -> None:
        """Ends a silence now."""
        status, answer = await self.ask("DELETE", f"/api/v2/silence/{silence_id}")
        assert status == 200, answer

    async def silence_of(self, silence_id: str) -> dict[str, Any]:
        """A silence as the API shows it."""
        status, answer = await self.ask("GET", f"/api/v2/silence/{silence_id}")
        assert status == 200, answer
        return dict(answer)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Any other request: its status, and the parsed JSON or the text of its answer."""
        sent = {} if body is None else {"json": body}
        async with self._session.request(method, self.peer.url + path, **sent) as answer:
            text = await answer.text()
            if answer.content_type == "application/json" and text:
                return answer.status, await answer.json()
            return answer.status, text

    # --- what is heard of it ---

    async def messages(self, count: int, *, within_s: float = 10, path: str = "") -> Sequence[Message]:
        """Waits until so many messages have come in all, on a path or on any; returns those there are.

        Fewer than that is no failure here: the story will show it.
        """

        def heard() -> list[Message]:
            return [one for one in self.collector.messages if one.path.startswith(path)]

        await self.collector.arrived(lambda: len(heard()) >= count, within_s)
        return heard()

    async def wait(self, seconds: float) -> None:
        """Lets time pass, for what is about time."""
        await asyncio.sleep(seconds)

    def check_reasons(self, *reasons: str) -> None:
        """The messages so far give these reasons. Older than 0.32, Alertmanager gives none."""
        found = [one.reason for one in self.collector.messages if "notification_reason" in one.payload]
        assert not found or found == list(reasons), f"reasons: {found}"

    async def story(self, *, settle_s: float = SETTLE_S, ordered: bool = True) -> str:
        """What was told, once nothing more can be expected: "+A +B / -A" and so on.

        +A tells that A fires, -A that it ended; messages are in order, with " / " between them.
        Where there are several receivers, each has its own: "db: +A; web: +A / -A".

        ordered  False where several groups speak at once: messages are then sorted by what they say
        """
        await asyncio.sleep(settle_s)
        messages = self.collector.messages if ordered else sorted(self.collector.messages, key=str)
        return tell(messages, several=len(self.setup.receivers) > 1)


def tell(messages: Sequence[Message], *, several: bool = False) -> str:
    """The short text of what was heard; see `Scene.story`."""
    if not messages:
        return "nothing"
    if not several:
        return " / ".join(map(str, messages))
    heard: dict[str, list[str]] = {}
    for message in messages:
        heard.setdefault(message.path.strip("/").rsplit("_", 1)[0], []).append(str(message))
    return "; ".join(f"{receiver}: {' / '.join(said)}" for receiver, said in sorted(heard.items()))
