"""Alerts as JSON, kept: what was encoded once is encoded again only where it has changed.

Knows the order of the fields on the wire, and how a large answer is sent. Must not know which alerts are
asked for (`query.py`) nor what is shown of them (`views.py`).

A refresh brings another end, another time of the last report, and often other annotations; the rest of an
alert's text stays, and is taken from the text that there is. Whoever lists 20,000 alerts is sent 14 MB:
those who ask at the same time are sent the same bytes, piece by piece, as fast as each of them takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from weakref import WeakValueDictionary

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hbalert.api.body import JSON
from hbalert.api.wire import EARLIEST, AlertStatus, GettableAlert, NamedReceiver, stamp
from hbalert.views import AlertView

PIECE_BYTES = 128 << 10
"""So much of an answer is handed over at a time; with what uvicorn holds, what one slow reader costs."""


def shown(view: AlertView, end: datetime, muted_by: tuple[str, ...] = ()) -> GettableAlert:
    """An alert as the API shows it."""
    return GettableAlert(
        annotations=dict(view.alert.annotations),
        ends_at=stamp(end),
        fingerprint=view.fingerprint,
        receivers=[NamedReceiver(name) for name in view.receivers],
        starts_at=stamp(view.alert.starts_at),
        status=AlertStatus(
            inhibited_by=view.inhibited_by,
            silenced_by=view.silenced_by,
            muted_by=muted_by,
            state="suppressed" if muted_by else view.state,
        ),
        updated_at=stamp(view.alert.updated_at),
        generator_url=view.alert.generator_url,
        labels=view.alert.labels.as_dict(),
    )


_encode = msgspec.json.Encoder().encode

Pieces = tuple[bytes, bytes, bytes, bytes]
"""The text of one alert: annotations and end; what lies between; when it was last reported; the rest."""

_ANNOTATIONS, _UPDATED = b'{"annotations":', b'"updatedAt":"'
_TO_TAIL = len(_UPDATED) + len(stamp(EARLIEST)) + len(b'",')


Kept = tuple[int, datetime, Pieces]
"""Edition of the view, the end that is shown, the text."""


def _head(view: AlertView, end: datetime) -> bytes:
    known = view.alert.annotations
    annotations = _encode(known if isinstance(known, dict) else dict(known))
    # Not `stamp`, which remembers: senders give each alert an end of its own.
    ends = f',"endsAt":"{end.isoformat("T", "milliseconds")[:23]}Z",'
    return b"".join((_ANNOTATIONS, annotations, ends.encode()))


def _updated(at: datetime) -> bytes:
    return b'%b%b",' % (_UPDATED, stamp(at).encode())


def _pieces(view: AlertView, end: datetime) -> Pieces:
    text, head = _encode(shown(view, end)), _head(view, end)
    # No string holds this: quotes within strings are escaped.
    middle = text.index(_UPDATED, len(head))
    return head, text[len(head) : middle], _updated(view.alert.updated_at), text[middle + _TO_TAIL :]


class AlertTexts:
    """The JSON of each shown alert, kept as long as there is no other edition of its view."""

    def __init__(self) -> None:
        self._kept: dict[int, Kept] = {}  # by what no other alert has: since when its views are alike

    def of(self, views: Iterable[AlertView], ahead: datetime) -> list[Pieces]:
        """The texts, in order. ahead: the end that is shown where there is none in sight."""
        kept, out = self._kept, []
        at: datetime | None = None  # those of one post were reported at one moment
        for view in views:
            end = view.ends_at or ahead
            known = kept.get(view.alike)
            if known is None:
                known = kept[view.alike] = (view.edition, end, _pieces(view, end))
            elif known[0] != view.edition or known[1] != end:
                if view.alert.updated_at is not at:
                    at = view.alert.updated_at
                    updated = _updated(at)
                _, middle, _, tail = known[2]
                known = kept[view.alike] = (view.edition, end, (_head(view, end), middle, updated, tail))
            out.append(known[2])
        return out

    def forget(self, living: Sequence[AlertView]) -> None:
        """Drops the texts of what is gone or has changed, when they are more than a quarter."""
        if len(self._kept) > 1.25 * len(living) + 1000:
            kept = ((view.alike, self._kept.get(view.alike)) for view in living)
            self._kept = {alike: known for alike, known in kept if known is not None}


def listed(texts: Iterable[Pieces]) -> list[bytes]:
    """A JSON list of alerts, to be joined."""
    out = [b"["]
    add, comma = out.append, b","
    for pieces in texts:
        out += pieces
        add(comma)
    if len(out) > 1:
        out.pop()
    add(b"]")
    return out


class Body:
    """What several answers may send at once; it lives as long as one of them does."""

    __slots__ = ("__weakref__", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text


class Bodies:
    """The bodies that are being sent, by what they say."""

    def __init__(self) -> None:
        self._sent: WeakValueDictionary[object, Body] = WeakValueDictionary()

    def get(self, key: object) -> Body | None:
        return self._sent.get(key)

    def put(self, key: object, text: bytes) -> Body:
        body = self._sent[key] = Body(text)
        return body


class Listed(Response):
    """A large JSON answer, sent in pieces, each when the one before has been taken.

    tag  of the state that is shown, for whoever asks again
    """

    def __init__(self, body: Body, tag: str = "") -> None:
        headers = {"Cache-Control": "no-store", "Content-Length": str(len(body.text))}
        super().__init__(b"", 200, headers | ({"ETag": tag} if tag else {}), JSON)
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        text = memoryview(self._body.text)
        for begin in range(0, len(text), PIECE_BYTES):
            end = begin + PIECE_BYTES
            await send({"type": "http.response.body", "body": text[begin:end], "more_body": end < len(text)})
