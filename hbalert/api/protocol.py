"""uvicorn's protocol for one connection, with a bound for what stands around the body of a request.

Knows the callbacks of httptools, and that uvicorn bounds neither the head of a request nor what may
stand between and behind the parts of its body: all of it would be kept in memory, of anybody, before a
token is looked at. Must not know how long something may take or what else idles (`connections.py`).
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 256 << 10
"""So much may come in a row without a request, its body or its end: far more than any client's headers."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection on which bytes come that lead nowhere."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._led_nowhere = 0

    def data_received(self, data: bytes) -> None:
        """The parser's callbacks below count anew whenever something has come to its end."""
        self._led_nowhere += len(data)
        super().data_received(data)
        if self._led_nowhere <= HEAD_BYTES or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response("The headers of this request are too large.")
        else:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._led_nowhere = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._led_nowhere = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._led_nowhere = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._led_nowhere = 0
        super().on_message_complete()
