"""A session of requests that comes to an end, whatever answers there.

Knows how long and how much is read. Must not know what is asked (`discovery.py`, next).
requests' own time-out is one for each read: a far side that drips can hold it for ever.
"""

from __future__ import annotations

from queue import Empty, Queue
from threading import Thread
from typing import Any

from requests import ReadTimeout, RequestException, Response, Session

from hbalert.sources.prometheus import MAX_ANSWER_BYTES

_PIECE_BYTES = 64 * 1024


class TooLong(RequestException):
    """The answer has more bytes than the daemon would take."""


class BoundedSession(Session):
    """Each request ends within `seconds`, reads a bounded number of bytes and follows no redirect.

    Raises RequestException, of its kinds ReadTimeout when the time is over, TooLong when the answer is.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def request(self, method: str | bytes, url: str | bytes, *arguments: Any, **options: Any) -> Response:
        options |= {"stream": True, "allow_redirects": False, "timeout": self._seconds}
        came: Queue[Response | Exception] = Queue()

        def exchange() -> None:
            try:
                came.put(_whole(super(BoundedSession, self).request(method, url, *arguments, **options)))
            except Exception as error:
                came.put(error)

        # A thread that is given up ends with the next bytes that come, or with the program.
        Thread(target=exchange, daemon=True).start()
        try:
            answer = came.get(timeout=self._seconds)
        except Empty:
            raise ReadTimeout("no whole answer in time") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _whole(response: Response) -> Response:
    """The response with its body read, as requests leaves it when it does not stream."""
    body = bytearray()
    with response:
        for piece in response.iter_content(_PIECE_BYTES):
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise TooLong(f"its answer has more than {MAX_ANSWER_BYTES >> 20} MiB")
    response._content = bytes(body)
    return response
