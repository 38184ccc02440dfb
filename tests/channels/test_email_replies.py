"""What replies of mail servers mean; texts as Postfix, Exim, Gmail and Exchange write them."""

from __future__ import annotations

import pytest

from hbalert.channels.email_replies import GREYLISTED, Reply, Stage, Verdict, common_wait, judge


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        pytest.param(Stage.DATA, 250, "2.0.0 Ok: queued as 4F2", Verdict.ACCEPTED, id="ok"),
        pytest.param(Stage.RECIPIENT, 550, "5.1.1 User unknown", Verdict.REFUSED, id="unknown user"),
        pytest.param(Stage.RECIPIENT, 551, "User not local", Verdict.REFUSED, id="not local"),
        pytest.param(Stage.RECIPIENT, 553, "Mailbox name not allowed", Verdict.REFUSED, id="bad name"),
        pytest.param(Stage.RECIPIENT, 554, "5.7.1 Relay access denied", Verdict.REFUSED, id="no relay"),
        pytest.param(Stage.RECIPIENT, 450, "4.2.0 Greylisted", Verdict.DEFERRED, id="greylist"),
        pytest.param(Stage.RECIPIENT, 451, "4.3.0 Local error", Verdict.DEFERRED, id="local error"),
        pytest.param(Stage.RECIPIENT, 452, "4.5.3 Too many recipients", Verdict.DEFERRED, id="too many to"),
        pytest.param(Stage.RECIPIENT, 552, "Mailbox full", Verdict.DEFERRED, id="full, basic code"),
        pytest.param(Stage.RECIPIENT, 550, "5.2.2 Over quota", Verdict.DEFERRED, id="full, enhanced code"),
        pytest.param(
            Stage.RECIPIENT, 450, "5.1.1 No such user", Verdict.REFUSED, id="enhanced 5 over basic 4"
        ),
        pytest.param(Stage.RECIPIENT, 550, "4.2.1 Busy", Verdict.DEFERRED, id="enhanced 4 over basic 5"),
        pytest.param(Stage.RECIPIENT, 530, "5.7.0 Log in first", Verdict.LOGIN, id="log in first"),
        pytest.param(Stage.SENDER, 451, "4.7.1 rate limit exceeded", Verdict.LIMITED, id="rate"),
        pytest.param(Stage.DATA, 421, "4.7.28 unusual rate of mail", Verdict.LIMITED, id="Gmail's rate"),
        pytest.param(
            Stage.RECIPIENT, 451, "4.7.1 Greylisted, limit 300 s", Verdict.DEFERRED, id="greylist, not rate"
        ),
        pytest.param(
            Stage.SENDER, 451, "4.7.1 Please try later", Verdict.DEFERRED, id="policy without a rate"
        ),
        pytest.param(Stage.SENDER, 421, "Service not available", Verdict.DEFERRED, id="421"),
        pytest.param(Stage.SENDER, 455, "Cannot use parameters", Verdict.DEFERRED, id="455"),
        pytest.param(Stage.LOGIN, 535, "5.7.8 Bad credentials", Verdict.LOGIN, id="535"),
        pytest.param(Stage.LOGIN, 534, "5.7.9 Application-specific password", Verdict.LOGIN, id="534"),
        pytest.param(Stage.LOGIN, 500, "Unknown command", Verdict.LOGIN, id="any 5xx at the login"),
        pytest.param(Stage.LOGIN, 454, "4.7.0 Temporary failure", Verdict.DEFERRED, id="login later"),
        pytest.param(
            Stage.LOGIN, 454, "4.7.0 Too many login attempts", Verdict.LIMITED, id="too many logins"
        ),
        pytest.param(Stage.SENDER, 552, "Message size exceeds maximum", Verdict.TOO_BIG, id="SIZE at MAIL"),
        pytest.param(Stage.DATA, 552, "5.3.4 Message too big", Verdict.TOO_BIG, id="too big at DATA"),
        pytest.param(Stage.DATA, 554, "5.2.3 Message too long", Verdict.TOO_BIG, id="5.2.3"),
        pytest.param(Stage.DATA, 552, "5.2.2 Mailbox full", Verdict.DEFERRED, id="full at DATA"),
        pytest.param(Stage.DATA, 554, "5.7.1 Spam", Verdict.REFUSED, id="content"),
        pytest.param(Stage.HELLO, 550, "Bad HELO", Verdict.REFUSED, id="HELO"),
        pytest.param(Stage.GREETING, 554, "No SMTP service here", Verdict.REFUSED, id="greeting"),
        pytest.param(
            Stage.GREETING, -1, "Malformed SMTP response line: SSH-2.0", Verdict.DEFERRED, id="no SMTP"
        ),
    ],
)
def test_a_reply_means(stage: Stage, code: int, text: str, expected: Verdict) -> None:
    assert judge(Reply(code, text), stage) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.0.0 Ok: queued as 4WxT1k2pJ9z3", "4WxT1k2pJ9z3"),
        ("OK id=1rKqXo-0003Jd-2A", "1rKqXo-0003Jd-2A"),
        ("2.0.0 41234abcd Message accepted for delivery", "41234abcd"),
        ("2.0.0 OK  1767323045 d2e1a72fcca58-7a gsmtp", ""),
    ],
)
def test_the_servers_name_for_a_mail_is_found_in_its_answer(text: str, expected: str) -> None:
    assert Reply(250, text).queue_id == expected


def test_a_reply_is_shown_on_one_line() -> None:
    assert str(Reply(550, "5.1.1 no\r\nsuch \x1b[31muser")) == "550 5.1.1 no such [31muser"


def test_a_wait_is_common_only_when_everyone_asks_for_one() -> None:
    grey, busy = Reply(450, "4.2.0 Greylisted"), Reply(451, "4.3.0 busy")
    assert common_wait([grey, grey]) == GREYLISTED
    assert common_wait([grey, busy]) is None
    assert common_wait([]) is None
