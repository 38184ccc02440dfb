"""An operator's own subject, HTML and headers of a mail, as they reach a mail server over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbalert.channels.email import EmailChannel
from hbalert.config.channels.email import EmailSettings
from hbalert.config.values import Surroundings, within
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.notification import Notification
from hbalert.demo.gateways.smtp import ReceivedMail, SmtpSink
from hbalert.render import OwnTexts, check_template
from hbalert.speak import speak
from tests.render.samples import NOW, alert, notification, say

HOSTILE = "x\r\nBcc: evil@example.com <b>\"'+&</b> \u202e {{ 7*7 }}"


async def mailed(
    folder: Path, told: Notification, files: dict[str, str] | None = None, **keys: object
) -> ReceivedMail:
    """The one mail that arrives when `told` is sent by a notifier with these keys."""
    for name, text in (files or {}).items():
        (folder / name).write_text(text, "utf-8")
    async with SmtpSink() as sink:
        with within(Surroundings(folder, {})):
            settings = EmailSettings.model_validate(
                {
                    "type": "email",
                    "smarthost": f"127.0.0.1:{sink.port}",
                    "security": "none",
                    "from": "hbalert@example.com",
                    "to": ["ops@example.com"],
                    **keys,
                }
            )
        delivery = Delivery("d1", 0, told.group_id, "mail", told, DeliveryState.SENDING, NOW, NOW)
        channel = EmailChannel(settings)
        await channel.send(speak(delivery, channel, settings, NOW), delivery_id="d1", now=NOW)
        await channel.close()
    (mail,) = sink.received
    return mail


async def test_every_part_can_be_the_operators_own(tmp_path: Path) -> None:
    mail = await mailed(
        tmp_path,
        notification(alert("alpha"), alert("beta", ended=NOW)),
        {
            "page.html": "<body><h1>{{ common_labels.alertname }}</h1></body>",
            "body.txt": "{{ firing|length }} fires",
        },
        subject="{{ status|upper }} {{ group_labels.alertname }} 机器人",
        html="page.html",
        template="body.txt",
        headers={
            "X-Team": "{{ common_labels.job }}",
            "X-Reason": "{{ notification_reason }}",
            "Importance": "low",
            "X-Empty": "{{ common_labels.none }}",
            "List-ID": "alerts <alerts.example.com>",
        },
    )
    assert mail.headers["Subject"] == "FIRING HummingbotDown 机器人"
    assert mail.html.strip() == "<body><h1>HummingbotDown</h1></body>"
    assert mail.text.strip() == "1 fires"
    assert mail.headers["X-Team"] == "hummingbot"
    assert mail.headers["X-Reason"] == "first notification"
    assert mail.headers.get_all("Importance") == ["low"]
    assert mail.headers["List-ID"] == "alerts <alerts.example.com>"
    assert "X-Empty" not in mail.headers


async def test_what_a_label_holds_ends_no_header_and_writes_no_html(tmp_path: Path) -> None:
    shown = "{{ alerts[0].labels.note }}"
    mail = await mailed(
        tmp_path,
        notification(alert(note=HOSTILE)),
        {"page.html": f'<p title="{shown}">{shown}</p>'},
        subject=f"s {shown}",
        html="page.html",
        headers={"X-Note": shown, "X-Long": f"{shown * 30}"},
    )
    assert "Bcc" not in mail.headers
    for name in ("Subject", "X-Note"):
        assert "x Bcc: evil@example.com <b>\"'+&</b>" in mail.headers[name]
        assert "{{ 7*7 }}" in mail.headers[name]
    assert "\n" not in mail.headers["X-Long"]
    assert "&lt;b&gt;&#34;&#39;&#43;&amp;&lt;/b&gt;" in mail.html
    assert "<b>" not in mail.html
    assert "\u202e" not in mail.html + mail.headers["Subject"]


@pytest.mark.parametrize(
    ("part", "own"),
    [
        ("subject", OwnTexts(subject="{{ nope }}")),
        ("subject", OwnTexts(subject="  ")),
        ("subject", OwnTexts(subject="{% for")),
        ("html", OwnTexts(html="{{ alerts[9].title }}")),
        ("html", OwnTexts(html="{% for i in range(9000) %}{% for j in range(9) %}x{% endfor %}{% endfor %}")),
        ("html", OwnTexts(html="{% include 'config.toml' %}")),
        ("X-Team", OwnTexts(headers={"X-Team": "{{ 1 / 0 }}", "X-Good": "{{ status }}"})),
    ],
)
def test_a_part_that_fails_is_the_built_in_one_and_the_mail_says_why(part: str, own: OwnTexts) -> None:
    value = notification(alert("alpha"))
    built_in, message = say(value, "mail"), say(value, "mail", own=own)
    assert message.subject == built_in.subject
    assert message.headers == ({"X-Good": "firing"} if part == "X-Team" else {})
    for text in (message.text, message.html):
        assert f"so this is the built-in text: {part}: " in text
        assert "alpha: no metrics for 5 minutes" in text


def test_a_part_that_fails_takes_no_other_part_with_it() -> None:
    own = OwnTexts(
        body="own body", subject="{{ nope }}", html="<html><BODY>own page</BODY></html>", headers={"X-A": "a"}
    )
    message = say(notification(), "mail", own=own)
    assert message.text.startswith("own body\n\nThe template of this notifier failed")
    assert message.html.startswith("<html><BODY>own page<p ")
    assert message.html.endswith("</p></BODY></html>")
    assert "nope is unknown" in message.html
    assert message.headers == {"X-A": "a"}


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("http://x/?a=b&c=d e\"'<", "http://x/?a=b&amp;c=d%20e%22%27%3C"),
        ("javascript:alert(1)", "#"),
        (" JavaScript:alert(1)", "#"),
        ("data:text/html,x", "#"),
        ("/graph?x=1", "/graph?x=1"),
        ("mailto:ops@example.com", "mailto:ops@example.com"),
        ("http://x/100%/%41", "http://x/100%25/%41"),
    ],
)
def test_an_address_in_a_page_cannot_be_a_script(address: str, href: str) -> None:
    value = notification(alert(annotations={"u": address, "summary": "s"}))
    page = say(value, "mail", own=OwnTexts(html='<a href="{{ alerts[0].annotations.u|url }}">x</a>')).html
    assert page == f'<a href="{href}">x</a>'


def test_a_link_of_a_page_leads_somewhere_or_is_only_its_words() -> None:
    def page(template: str) -> str:
        return say(notification(), "mail", own=OwnTexts(html=template)).html

    assert (
        page("{{ external_url|link('<open>') }}") == '<a href="https://alerts.example.com">&lt;open&gt;</a>'
    )
    assert page("{{ 'javascript:1'|link('<open>') }}") == "&lt;open&gt;"
    assert page("{{ '<b>x</b>'|safeHtml }} {{ '<b>'|safeHtml|upper }}") == "<b>x</b> &lt;B&gt;"
    assert page("?r={{ '[FIRING] a&b=c'|url_query }}") == "?r=%5BFIRING%5D%20a%26b%3Dc"


def test_a_template_may_come_out_empty_only_where_nobody_misses_it() -> None:
    assert check_template("{{ common_labels.none }}", "line", empty=True) == []
    assert check_template("{{ common_labels.none }}", "line") == ["it makes an empty text"]
    assert check_template("{{ nope }}", "html") == ["nope is unknown"]


def test_a_storm_of_alerts_is_told_in_the_operators_words_as_far_as_they_reach() -> None:
    """A page may have 64 KB; one with a kilobyte for each of 300 alerts tells of 30 and counts the rest."""
    storm = notification(
        *(alert(f"bot{number}", ended=NOW if number < 200 else None) for number in range(300))
    )
    row = "{% for alert in alerts %}<p>{{ alert.labels.bot }}" + "." * 1000 + "</p>{% endfor %}"
    text = "{% for alert in alerts %}{{ alert.labels.bot }}" + "." * 1000 + "{% endfor %}"
    message = say(
        storm, "mail", own=OwnTexts(html=f"<body>{row}</body>", body=text, subject="{{ alerts|length }}")
    )
    assert message.html.count("<p>bot") == 30
    assert "<p>bot200." in message.html, "those that fire come first"
    assert "... and 270 more</p></body>" in message.html
    assert message.text.endswith("... and 270 more")
    assert message.subject == "300"
    assert "failed" not in message.text + message.html
