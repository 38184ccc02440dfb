"""Pictures of curves as SVG: axes in powers, labelled, readable on light and on dark pages.

Knows how to draw. Must not know what is measured. Text stays text, so that it is searched, read aloud and
compared line by line; a point stands at the median of its figures, a thin line spans them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDE, HIGH = 460, 300
"""One picture, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 58, 52, 72, 46
"""What is around its plot."""

HEAD, FOOT, COLUMNS = 46, 34, 2
LABEL_APART = 13.0

STYLES = ("we", "peer", "third")
"""Looks of the curves of a picture, in their order; each has a colour and a mark of its own."""

_CSS = """
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 13px; font-weight: 600; } .heading { font-size: 16px; font-weight: 600; }
.soft { fill: var(--soft); font-size: 11px; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--grid); fill: none; } .axis { stroke: var(--soft); fill: none; }
.we, .peer, .third, .budget { stroke-width: 2; fill: none; stroke-linejoin: round; }
.we { stroke: var(--we); } .peer { stroke: var(--peer); } .third { stroke: var(--third); }
.budget { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 4; stroke-linecap: round; }
.mark { stroke-width: 1.5; } .mark.we { fill: var(--we); } .mark.peer { fill: var(--paper); }
.mark.third { fill: var(--third); } .span { stroke-width: 1; opacity: .75; }
.paper { fill: var(--paper); }
svg { --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #e4e7eb; --we: #0a63c9; --peer: #c2410c;
  --third: #15803d; }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --soft: #9aa4b0;
  --grid: #2a313a; --we: #58a6ff; --peer: #ff9d5c; --third: #56d364; } }
"""


@dataclass(frozen=True)
class Spread:
    """A point of a curve: median, smallest and greatest of what was found there."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Picture:
    """One plot.

    curves  label -> along -> what was found; the first is drawn as ours
    budget  along -> the most that is good
    """

    title: str
    along: str
    unit: str
    curves: Mapping[str, Mapping[float, Spread]]
    budget_label: str
    budget: Mapping[float, float]


@dataclass(frozen=True)
class Axis:
    """Where a number lies between two places, in powers."""

    least: float
    most: float
    begins: float
    ends: float

    def at(self, number: float) -> float:
        share = math.log(number / self.least) / math.log(self.most / self.least)
        return round(self.begins + share * (self.ends - self.begins), 1)


def steps(least: float, most: float) -> list[float]:
    """1, 2, 5, 10, 20 ... from below the least to above the most; only powers of ten where that is enough."""
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)

    def around(digits: Sequence[int]) -> list[float]:
        every = sorted(digit * 10.0**power for power in powers for digit in digits)
        below = max(step for step in every if step <= least * 0.97)
        above = min(step for step in every if step >= most * 1.03)
        return [step for step in every if below <= step <= above]

    fine = around((1, 2, 5))
    return fine if len(fine) <= 8 else around((1,))


def figure(number: float) -> str:
    """Three digits that count, thousands set apart."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def apart(places: Iterable[float], least: float = LABEL_APART) -> list[float]:
    """The same places, moved so that labels there do not cover each other; in the order given."""
    wanted = sorted(enumerate(places), key=lambda one: one[1])
    placed: dict[int, float] = {}
    floor = -math.inf
    for index, place in wanted:
        placed[index] = floor = max(place, floor + least)
    return [placed[index] for index in sorted(placed)]


def draw(heading: str, pictures: Sequence[Picture], foot: str) -> str:
    """All pictures, two in a row, as one SVG document."""
    rows = -(-len(pictures) // COLUMNS)
    wide, high = COLUMNS * WIDE, HEAD + rows * HIGH + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
        f' role="img" aria-label="{escape(heading)}">',
        f"<style>{_CSS}</style>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        _text(16, 28, heading, "heading"),
    ]
    for index, picture in enumerate(pictures):
        x, y = index % COLUMNS * WIDE, HEAD + index // COLUMNS * HIGH
        parts += [f'<g transform="translate({x} {y})">', *_picture(picture), "</g>"]
    parts += [_text(16, high - 14, foot, "soft"), "</svg>", ""]
    return "\n".join(parts)


def _picture(picture: Picture) -> list[str]:
    right, bottom = WIDE - RIGHT, HIGH - BOTTOM
    found = [spread for curve in picture.curves.values() for spread in curve.values()]
    along = sorted({place for curve in picture.curves.values() for place in curve})
    marks = steps(
        min([one.least for one in found] + list(picture.budget.values())),
        max([one.most for one in found] + list(picture.budget.values())),
    )
    across = Axis(along[0], along[-1], LEFT + 12, right - 12)
    up = Axis(marks[0], marks[-1], bottom, TOP)
    parts = [_text(16, 18, picture.title, "title"), *_legend(picture)]
    for mark in marks:
        parts.append(_line(LEFT, up.at(mark), right, up.at(mark), "grid"))
        parts.append(_text(LEFT - 6, up.at(mark) + 4, figure(mark), "soft end"))
    for place in along:
        parts.append(_line(across.at(place), TOP, across.at(place), bottom, "grid"))
        parts.append(_text(across.at(place), bottom + 16, figure(place), "soft middle"))
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    parts.append(_text((LEFT + right) / 2, bottom + 34, picture.along, "middle"))
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="middle" transform="translate(14 {middle}) rotate(-90)">{escape(picture.unit)}</text>'
    )
    ends = []
    for style, curve in zip(STYLES, picture.curves.values(), strict=False):
        places = sorted(curve)
        at = [(across.at(place), up.at(curve[place].median)) for place in places]
        parts.append(_path(style, at))
        for place, (x, y) in zip(places, at, strict=True):
            spread = curve[place]
            parts.append(_line(x, up.at(spread.least), x, up.at(spread.most), f"{style} span"))
            parts.append(_mark(style, x, y))
        ends.append((*at[-1], figure(curve[places[-1]].median)))
    if picture.budget:
        parts.append(
            _path("budget", [(across.at(x), up.at(most)) for x, most in sorted(picture.budget.items())])
        )
    for (x, _, label), y in zip(ends, apart(y for _, y, _ in ends), strict=True):
        parts.append(_text(x + 10, y + 4, label))
    return parts


def _legend(picture: Picture) -> list[str]:
    """Whose curve is which, in two lines above the plot."""
    parts, x = [], 16.0
    for style, label in zip(STYLES, picture.curves, strict=False):
        parts += [_path(style, [(x, 36), (x + 22, 36)]), _mark(style, x + 11, 36), _text(x + 28, 40, label)]
        x += 28 + 7.0 * len(label) + 16
    if picture.budget:
        parts += [_path("budget", [(16, 55), (38, 55)]), _text(44, 59, picture.budget_label)]
    return parts


def _mark(style: str, x: float, y: float) -> str:
    """A disc, a square, a triangle: colours alone do not tell everybody apart."""
    if style == "we":
        return f'<circle class="mark {style}" cx="{x}" cy="{y}" r="3.5"/>'
    if style == "peer":
        return f'<rect class="mark {style}" x="{x - 3.5:g}" y="{y - 3.5:g}" width="7" height="7"/>'
    return f'<path class="mark {style}" d="M{x:g} {y - 4:g}l4 7h-8z"/>'


def _path(style: str, places: Iterable[tuple[float, float]]) -> str:
    return f'<path class="{style}" d="M{" ".join(f"{x:g} {y:g}" for x, y in places)}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<path class="{style}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def _text(x: float, y: float, words: str, style: str = "") -> str:
    look = f' class="{style}"' if style else ""
    return f'<text{look} x="{x:g}" y="{y:g}">{escape(words)}</text>'
