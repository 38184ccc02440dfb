"""Mail: the HTML alternative beside the plain text.

Knows the templates `mail.html` and `mail_card.html` and how large a mail may be before a mail program
hides its end. Must not know MIME, headers or SMTP. Everything that others wrote is escaped by
Jinja2's autoescape. Next: `own.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hbalert.render.clean import cut, cut_bytes, size
from hbalert.render.outline import Item, Outline, severity_word

LARGEST = 95_000
"""Bytes: Gmail hides what comes after about 102 KB."""

DETAILED = 10
"""Alerts told in full; behind them two lines each."""

_BODY = 12_000
"""Characters of a body that an operator's template made: at most six bytes each when escaped."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Of one status: the band on top, and the edge of a card. White on a band has at least 4.5:1."""

    band: str
    edge: str


_GRAVE = Colours("#b42318", "#d92d20")
_FIRING = {
    "critical": _GRAVE,
    "error": _GRAVE,
    "page": _GRAVE,
    "emergency": _GRAVE,
    "warning": Colours("#b54708", "#dc6803"),
}
_OTHER = Colours("#175cd3", "#2e90fa")
_RESOLVED = Colours("#067647", "#17b26a")


def colours(firing: bool, severity: str) -> Colours:
    return _FIRING.get(severity.lower(), _OTHER) if firing else _RESOLVED


def mail_html(told: Outline, body: str = "") -> str:
    """The HTML of a mail, in less than 100 KB.

    body  the text that an operator's template made; it stands in place of the alerts
    """
    items = () if body else told.items
    cards: list[Markup] = []
    room = LARGEST - size(_page(told, [], sum(told.counts), body))
    for index, item in enumerate(items):
        forms = (True, False) if index < DETAILED else (False,)
        card = next((card for full in forms if size(card := _card(told, item, index, full)) <= room), None)
        if card is None:
            break
        room -= size(card) + 100  # the gap between two cards
        cards.append(card)
    return _page(told, cards, len(items) - len(cards) + told.hidden, body)


def _card(told: Outline, item: Item, index: int, full: bool) -> Markup:
    several = sum(told.counts) > 1
    headings = {0: told.sections[0][0], len(told.firing): told.sections[-1][0]} if several else {}
    return Markup(  # noqa: S704 - Jinja2 has escaped what is in it
        _environment()
        .get_template("mail_card.html")
        .render(
            item=item,
            full=full,
            titled=several,
            heading=headings.get(index, ""),
            colour=colours(item.firing, item.severity),
        )
    )


def _page(told: Outline, cards: list[Markup], missing: int, body: str) -> str:
    return (
        _environment()
        .get_template("mail.html")
        .render(
            told=told,
            words=told.words,
            cards=cards,
            missing=missing,
            more=told.words.more.format(count=missing),
            body=cut_bytes(cut(body, _BODY), LARGEST // 2),
            colour=colours(told.status == "firing", told.severity),
            severity=severity_word(told.severity, told.words),
            preheader=cut(f"{told.items[0].when}. {told.items[0].description or told.name}", 150),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("hbalert.render", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
