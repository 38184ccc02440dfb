"""The HTML of a mail: safe, small enough, readable without a style sheet."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from hbalert.render.mail import colours
from tests.render.samples import NOW, alert, notification, say

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\"'&amp; {{ 7*7 }} {% x %}"
VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Reads like a mail program that drops <style>: tags, links and what is visible."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.visible = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "title" not in self.open:
            self.visible += data


def read(html: str) -> Reader:
    reader = Reader(html)
    assert reader.open == []
    return reader


def contrast(first: str, second: str) -> float:
    """The ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_what_others_wrote_is_text_and_nothing_else() -> None:
    value = notification(
        alert(HOSTILE, annotations={"summary": HOSTILE, "description": HOSTILE, HOSTILE: HOSTILE}, x=HOSTILE),
        alert(severity=HOSTILE),
        external_url=f'https://x.example.com/"><script>{HOSTILE}',
    )
    page = read(say(value, "mail").html)
    names = {tag for tag, _ in page.tags} - {"html", "head", "meta", "title", "style", "body"}
    assert names == {"div", "table", "tr", "td", "span", "a"}
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on")}
    assert "<script>alert(1)</script>" in page.visible
    assert "{{ 7*7 }}" in page.visible


def test_links_lead_only_to_web_pages() -> None:
    annotations = {
        "summary": "s",
        "runbook_url": "javascript:alert(1)",
        "dashboard_url": "https://g.example.com",
    }
    page = read(say(notification(alert(annotations=annotations)), "mail").html)
    assert page.links == [
        "https://g.example.com", "http://prometheus.example.com/graph", "https://alerts.example.com",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 9, 300, 2000])
def test_a_mail_stays_below_what_mail_programs_hide(count: int) -> None:
    annotations = {"summary": "<价格>" * 60, "description": "<价格>" * 500, "note": "&" * 300}
    labels = {f"l{j}": "<&" * 150 for j in range(50)}
    many = [alert(f"b{i}", annotations=annotations, others=labels) for i in range(count)]
    message = say(notification(*many), "mail", "zh")
    assert len(message.html.encode()) < 100_000
    page = read(message.html)
    if count > 1:
        assert re.search(r"……另有 \d+ 条", page.visible)


def test_the_html_counts_what_it_leaves_out() -> None:
    page = read(say(notification(*(alert(f"bot{i:04}") for i in range(1500))), "mail").html)
    shown = len(set(re.findall(r"bot\d{4}: no metrics", page.visible)))
    assert shown > 50
    assert f"... and {1500 - shown} more" in page.visible


def test_the_preview_of_a_mail_on_a_locked_phone_is_told_first() -> None:
    """Mail programs show the first visible or hidden words behind the subject."""
    page = read(say(notification(), "mail").html)
    assert page.visible.strip().startswith("since 03:04, 12 min.")


def test_the_html_says_what_the_text_says() -> None:
    value = notification(
        alert("alpha", annotations={"summary": "alpha is down", "value": "0.5", "impact": "no trading"}),
        alert("beta", ended=NOW),
    )
    for language in ("en", "zh"):
        message = say(value, "mail", language)
        page = read(message.html)
        visible = f"{page.visible} {page.links}".replace("\n", " ")
        without_heading = re.sub("(?m)^ *(Labels: |标签：)", "", message.text)
        for line in re.split(r"[\n]|: |：", without_heading):
            for word in line.strip(" *").split(", "):
                assert word in visible, word


def test_layout_does_not_need_a_style_sheet_and_fits_a_phone() -> None:
    html = say(notification(), "mail").html
    page = read(html)
    assert "max-width:600px" in html
    assert 'name="color-scheme" content="light dark"' in html
    tables = [attrs for tag, attrs in page.tags if tag == "table"]
    assert tables
    assert all(attrs.get("role") == "presentation" for attrs in tables)
    assert not re.search(r"<(img|script|link|iframe)|@import|url\(", html)


@pytest.mark.parametrize("severity", ["critical", "warning", "odd", ""])
def test_white_on_the_band_can_be_read(severity: str) -> None:
    assert contrast("#ffffff", colours(True, severity).band) >= 4.5
    assert contrast("#ffffff", colours(False, severity).band) >= 4.5


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ("#1d2733", "#ffffff"), ("#5b6672", "#ffffff"), ("#5b6672", "#f2f4f7"), ("#3b4754", "#eef1f4"),
        ("#175cd3", "#e8f0fe"), ("#6b4700", "#fff4d6"), ("#175cd3", "#f2f4f7"),
        ("#e6e9ed", "#1b232d"), ("#a3adb8", "#1b232d"), ("#a3adb8", "#0f1419"), ("#c9d1d9", "#2a3541"),
        ("#9ecbff", "#2a3541"), ("#fbd38d", "#3a2a0a"), ("#9ecbff", "#0f1419"),
    ],
)  # fmt: skip
def test_every_pair_of_colours_can_be_read_by_day_and_by_night(ink: str, paper: str) -> None:
    html = say(notification(alert("a"), alert("b"), first_decided_at=NOW.replace(hour=1)), "mail").html
    assert ink in html
    assert paper in html
    assert contrast(ink, paper) >= 4.5


def test_a_body_of_the_operators_own_stands_in_the_mail_escaped() -> None:
    message = say(notification(), "mail", template="<b>{{ alerts[0].labels.bot }}</b>\nsecond line")
    assert message.text == "<b>alpha</b>\nsecond line"
    page = read(message.html)
    assert "<b>alpha</b>\nsecond line" in page.visible
    assert "no metrics for 5 minutes" in page.visible, "the headline stays"
    huge = say(notification(), "mail", template="<&价格>" * 9000)
    assert len(huge.html.encode()) < 100_000
