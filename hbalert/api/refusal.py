"""Refusals: why a request is not carried out, as an error with a text for the client.

Knows status, text and headers. Must not know how it is written on a path (`door.py`), nor who raises it.
"""

from __future__ import annotations

from collections.abc import Mapping

TOO_MANY = {"Retry-After": "60"}
"""Beside 503, where a sender may come back with alerts for which there is no room now."""


class Refusal(Exception):
    """The request is not carried out; `text` is for the client: what is wrong and what would be right.

    code  for what Alertmanager's framework refuses before its API sees the request: the code that the
          framework gives it. Such an answer is an object there, every other one a string.
    """

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str] | None = None, *, code: int | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = dict(headers or {})
        self.code = code


class Unwelcome(Refusal):
    """It has no token that allows it. Written in one form for all paths below a root, also unknown ones."""
