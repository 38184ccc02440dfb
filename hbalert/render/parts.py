"""The parts of a message that an operator's templates make, each by itself.

Knows that a template may fail, or make more than a message may be long, and what then is told. Must not
know what a template sees (`own.py`, imported with the first of them) nor the built-in texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from hbalert.core.notification import Notification
from hbalert.render.html import with_notes
from hbalert.render.outline import MOST_ALERTS, Outline
from hbalert.templating.budget import TooMuchWork

FEWER = (100, 30, 10, 3, 1)
"""So many alerts are tried where all of them make too long a text."""


@dataclass(frozen=True, slots=True)
class OwnTexts:
    """The templates of an operator; None: the built-in text.

    body     plain text, markdown or the text of a short message, as the style is
    subject  one line
    html     the whole HTML of a mail
    headers  of a mail, by name; one that comes out empty is left out
    """

    body: str | None = None
    subject: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Parts:
    """Makes the parts of one message. `failures`: what is wrong with those that could not be made."""

    def __init__(self, notification: Notification, told: Outline, where: tzinfo, now: datetime) -> None:
        self.failures: list[str] = []
        self._notification = notification
        self._told = told
        self._where = where
        self._now = now

    def make(self, name: str, template: str | None, style: str, *, empty: bool = False) -> str:
        """One part; nothing where there is no template or it fails.

        name   how a failure names it
        style  as `own_text` takes it
        empty  it may come out empty
        """
        if template is None:
            return ""
        try:
            text = self._in_bounds(template, style)
            if not text and not empty:
                raise ValueError("it makes an empty text")
        except ValueError as error:
            self.failures.append(f"{name}: {error}" if name else str(error))
            return ""
        return text

    def _in_bounds(self, template: str, style: str) -> str:
        """The text about as many alerts as a text has room for, and how many it leaves out."""
        from hbalert.render.own import own_text

        count = len(self._notification.alerts)
        last: ValueError | None = None
        for most in (MOST_ALERTS, *(fewer for fewer in FEWER if fewer < count)):
            try:
                text = own_text(
                    template, style, self._notification, self._told, self._where, self._now, most=most
                )
            except ValueError as error:
                if not isinstance(error.__cause__, TooMuchWork):
                    raise
                last = error
                continue
            return text if last is None else self._with_rest(text, style, count - most)
        raise last or ValueError("it makes no text")

    def _with_rest(self, text: str, style: str, hidden: int) -> str:
        more = self._told.words.more.format(count=hidden)
        if style == "html":
            return with_notes(text, (more,))
        return text if style == "line" else f"{text}\n\n{more}"
