"""uvicorn's protocol for one connection, with bounds, and with a short way for what can be answered at once.

Knows the callbacks of httptools, and that uvicorn bounds neither the head of a request, nor what may
stand between and behind the parts of its body, nor how many requests wait for their turn: all of it
would be kept in memory, of anybody, before a token is looked at. Must not know how long something may
take or what else idles (`connections.py`), nor what is answered (`door.py`).

The short way: senders repeat their alerts all day, and nearly every such post arrives in one piece and
waits for nothing. For each, uvicorn makes a task, an event and two messages, which is half of what the
post costs. So a request that may be answered at once is held back until its body is here; what is not
here in the same piece of the stream, and whatever has to wait, goes uvicorn's way.

An offer to go on with another protocol may be passed over (RFC 9110, 7.8), and nobody here speaks another
one. Java's client makes one with each request (h2c); httptools then takes the body for the other protocol.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sized
from typing import Any

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BEHIND = 100
"""So many requests may stand behind one that is in work: far more than any client sends without an answer."""

HEAD_BYTES = 256 << 10
"""So much may come in a row without a request, its body or its end: far more than any client's headers."""

AtOnce = Callable[[Scope, bytes], bytes]
"""Takes the scope of a request (method, path, headers, client) and its body; gives all that is sent. Empty:
uvicorn's way, with what was put into the scope."""


class Idle:
    """Stands where uvicorn has the timer of a connection without a request.

    uvicorn makes and cancels one around each request; of ours one runs on, and looks when it goes off how
    long the connection has been idle.
    """

    def __init__(self, seconds: float) -> None:
        self.since = 0.0
        self._seconds = seconds

    def when(self) -> float:
        """When the connection has been idle for too long, on the loop's clock."""
        return self.since + self._seconds

    def cancel(self) -> None:
        """Nothing runs here."""


class Flow(FlowControl):
    """Reads on only when nobody stands behind the request in work, whose body is complete then.

    uvicorn's reads on with each body and each answer: whoever asks faster than we answer fills the memory.
    """

    def __init__(self, transport: asyncio.Transport, behind: Sized) -> None:
        super().__init__(transport)
        self._behind = behind

    def resume_reading(self) -> None:
        if not self._behind:
            super().resume_reading()


class Parser(httptools.HttpRequestParser):
    """Reads a request that offers another protocol once more, without the offer."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._protocol = protocol

    def feed_data(self, data: bytes | bytearray | memoryview | array[int]) -> None:
        """Raises httptools.HttpParserError."""
        parser = self
        while True:
            try:
                return super(Parser, parser).feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                head = self._protocol.without_offer()
                if head is None:
                    raise
                # A new one: this one has ended with the request if the connection shall end with it.
                self._protocol.parser = parser = Parser(self._protocol)
                super(Parser, parser).feed_data(head)
                data = memoryview(data)[offer.args[0] :]


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection on which bytes come that lead nowhere.

    prompt  method and target, as they come, -> what may answer such a request at once
    """

    def __init__(self, *args: Any, prompt: Mapping[tuple[bytes, bytes], AtOnce], **more: Any) -> None:
        super().__init__(*args, **more)
        self.parser = Parser(self)
        self._prompt = prompt
        self._led_nowhere = 0
        self._offered = False  # the request at hand offers another protocol
        self._at_once: AtOnce | None = None  # while a request is held back
        self._held: list[bytes] = []  # what has come of its body
        self._idle: Any = Idle(self.timeout_keep_alive)
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """The parser's callbacks below count anew whenever something has come to its end."""
        self._led_nowhere += len(data)
        super().data_received(data)
        if self._at_once is not None and not self.transport.is_closing():
            self._let_go()
        if len(self.pipeline) > MOST_BEHIND:
            self.transport.abort()
        if self._led_nowhere <= HEAD_BYTES or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response("The headers of this request are too large.")
        else:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._led_nowhere = 0
        # Not idle, also where this request comes in one piece with one that has been answered by now.
        self.timeout_keep_alive_task = None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._led_nowhere = 0
        # CONNECT is no offer: it is answered as any other method that is not there.
        self._offered = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if self._offered:
            return
        self._at_once = self._may_answer_at_once()
        if self._at_once is None:
            super().on_headers_complete()
        self.headers = []  # what comes behind the body is no header of the request: no token, no origin

    def on_body(self, body: bytes) -> None:
        self._led_nowhere = 0
        if self._at_once is not None:
            self._held.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._led_nowhere = 0
        if self._offered:
            return
        if self._at_once is None:
            super().on_message_complete()
            return
        scope: Any = self.scope
        answer = self._at_once(scope, b"".join(self._held))
        if not answer:
            self._let_go()
            super().on_message_complete()
            return
        self._at_once = None
        self._held.clear()
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self._rest()

    def without_offer(self) -> bytes | None:
        """The head of the request at hand, without its offer. None: it has made none."""
        if not self._offered:
            return None
        first = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        lines = [first]
        for name, value in self.headers:
            if name == b"connection":
                words = (word.strip() for word in value.split(b","))
                value = b", ".join(word for word in words if word.lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join((*lines, b"", b""))

    def _rest(self) -> None:
        """The connection is idle from now on."""
        self._idle.since = self.loop.time()
        self.timeout_keep_alive_task = self._idle
        if self._alarm is None:
            self._alarm = self.loop.call_at(self._idle.when(), self._look)

    def _look(self) -> None:
        """The alarm has gone off."""
        self._alarm = None
        is_idle = self.timeout_keep_alive_task is self._idle
        if not is_idle:
            return  # a request is in work, or uvicorn's own timer runs
        if self._idle.when() > self.loop.time():
            self._alarm = self.loop.call_at(self._idle.when(), self._look)
        else:
            self.timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._alarm is not None:
            self._alarm.cancel()

    def _may_answer_at_once(self) -> AtOnce | None:
        """What answers the request whose head has come. None: it goes uvicorn's way from here on.

        Not when an earlier answer is due or not taken yet, nor where the connection ends with this one.
        """
        method = self.parser.get_method()
        at_once = self._prompt.get((method, self.url))
        if (
            at_once is None
            or (self.cycle is not None and not self.cycle.response_complete)
            or self.expect_100_continue
            or self.flow.write_paused
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
        ):
            return None
        self.scope["method"], self.scope["path"] = method.decode(), self.url.decode()
        return at_once

    def _let_go(self) -> None:
        """Whatever is held back goes uvicorn's way."""
        self._at_once = None
        super().on_headers_complete()
        if self._held:
            super().on_body(b"".join(self._held))
            self._held.clear()
