"""DingTalk: signature, body, every code, and a robot that checks what it gets."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from hbalert.channels.dingtalk import DingTalkChannel, sign, signed_url
from hbalert.channels.dingtalk.answer import read, refusal
from hbalert.channels.dingtalk.body import BODY_LIMIT, Mentions, compose, without_links
from hbalert.config.channels.dingtalk import DingTalkSettings
from hbalert.config.secret import Secret
from hbalert.core.delivery import Pace
from hbalert.demo.gateways.dingtalk import DingTalkGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply
from tests.channels.wire import NOW, StoppedClock, failure, message, nobody_listening, send, words_of

TOKEN = "0d1e2a3d4b5e6e7f8a9b0c1d2e3f4a5b"
SECRET = "SEChbalert0000000000000000000000000000000000000000000000000000000001"


def channel_to(url: str, **keys: Any) -> DingTalkChannel:
    keys = {"secret": SECRET, "timeout": "5s"} | keys
    return DingTalkChannel(DingTalkSettings(type="dingtalk", webhook_url=url, **keys))


def robot(**keys: Any) -> DingTalkGateway:
    defaults: dict[str, Any] = {"token": TOKEN, "secret": SECRET, "clock": StoppedClock()}
    return DingTalkGateway(**(defaults | keys))


# --- signature -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp_ms", "secret", "expected"),
    [
        pytest.param(
            1577262236757,
            "this is a secret",
            "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA=",
            id="DingTalk's own example",
        ),
        pytest.param(
            1767323045000,
            SECRET,
            "4u5lk6iVjqSm2QWiFSJfMAdqcubntyBOX9LUY/Zys+w=",
            id="with a plus and a slash",
        ),
        pytest.param(
            1767323045123,
            "this is secret",
            "wff29SCmtPR6UcpmBYZUkPjtNALAftKzjHD0sQLwXHo=",
            id="with milliseconds",
        ),
    ],
)
def test_the_signature_is_that_of_the_published_vectors(
    timestamp_ms: int, secret: str, expected: str
) -> None:
    assert sign(timestamp_ms, secret) == expected


def test_the_signature_is_percent_encoded_once_in_the_url() -> None:
    url = signed_url("https://oapi.dingtalk.com/robot/send?access_token=T", SECRET, NOW)
    assert url == (
        "https://oapi.dingtalk.com/robot/send?access_token=T&timestamp=1767323045000"
        "&sign=4u5lk6iVjqSm2QWiFSJfMAdqcubntyBOX9LUY%2FZys%2Bw%3D"
    )


def test_a_stale_signature_in_the_configured_url_is_replaced_and_the_token_kept() -> None:
    url = signed_url("https://h/robot/send?timestamp=1&access_token=T%2B1&sign=old%3D&x=#part", SECRET, NOW)
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    signed = [("timestamp", "1767323045000"), ("sign", sign(1767323045000, SECRET))]
    assert query == [("access_token", "T+1"), ("x", ""), *signed]


def test_without_a_secret_nothing_is_signed() -> None:
    assert (
        signed_url("https://h/robot/send?access_token=T&sign=old", "", NOW)
        == "https://h/robot/send?access_token=T"
    )


# --- body ----------------------------------------------------------------------------------------


def composed(text: str, **keys: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(compose("markdown", "title", text, **({"uuid": "u"} | keys)))
    return body


def test_mobiles_lose_the_prefix_of_the_mainland_and_their_dashes() -> None:
    mentions = Mentions.of(
        ["+86-138-0013-8000", "8613900139000", "138 0013 8000", "+85251234567"], ["manager01"], everyone=False
    )
    assert mentions.at == {
        "atMobiles": ("13800138000", "13900139000", "+85251234567"),
        "atUserIds": ("manager01",),
    }
    assert mentions.tail == "\n\n@13800138000 @13900139000 @+85251234567 @manager01"


def test_a_mobile_that_is_no_number_stays_as_it_was_written() -> None:
    assert Mentions.of(["@ops 1"], [], everyone=True).at == {"atMobiles": ("ops1",), "isAtAll": True}


def test_at_most_fifty_people_are_mentioned() -> None:
    mentions = Mentions.of([f"138{n:08}" for n in range(45)], [f"user{n}" for n in range(45)], everyone=False)
    assert len(mentions.mobiles) + len(mentions.user_ids) == 50


def test_chinese_is_sent_as_it_is_and_not_as_escapes() -> None:
    assert "监控告警".encode() in compose("markdown", "监控告警", "机器人", uuid="u")


@pytest.mark.parametrize(
    "text", ["界" * 20_000, "a\n" * 20_000, '"\\' * 20_000, "👻" * 20_000, "\x01\ud800" * 20_000]
)
def test_the_body_never_exceeds_its_limit_whatever_the_text(text: str) -> None:
    body = compose("markdown", "t" * 100, text, uuid="u", mentions=Mentions(("13800138000",)), keyword="监控")
    assert len(body) <= BODY_LIMIT
    assert len(body) > BODY_LIMIT * 0.75
    shown = json.loads(body)["markdown"]["text"]
    assert "…" in shown
    assert shown.endswith("@13800138000\n\n监控")


def test_a_text_is_cut_at_the_end_of_a_line_where_one_is_near() -> None:
    text = "\n".join(f"- [bot_{n}](https://alerts.example.com/{n})" for n in range(2000))
    shown = composed(text)["markdown"]["text"]
    assert shown.removesuffix("\n\n…").splitlines()[-1].endswith(")")


def test_the_keyword_is_added_only_where_it_is_missing() -> None:
    assert composed("监控: bot_a", keyword="监控")["markdown"]["text"] == "监控: bot_a"
    assert composed("bot_a", keyword="监控")["markdown"]["text"] == "bot_a\n\n监控"


def test_a_keyword_that_was_cut_off_is_added_again() -> None:
    shown = composed("a" * 30_000 + "监控", keyword="监控")["markdown"]["text"]
    assert shown.endswith("…\n\n监控")


def test_plain_text_has_no_links_pictures_or_marks() -> None:
    markdown = (
        "### **Down**\n> [runbook](https://wiki.example.com/a) ![chart](https://x/y.png)\n"
        "- dingtalk://a?b www.a.example/b"
    )
    assert without_links(markdown) == "Down\nrunbook chart\n-"


def test_stripping_links_of_hostile_text_takes_no_time() -> None:
    """A text of brackets must not make the expression run for seconds: the test's time-out says so."""
    for hostile in ("[" * 20_000, "[](" * 7000, "![a](" * 4000, "<" * 20_000, "a://" * 5000, "*" * 20_000):
        without_links(hostile)


# --- codes ---------------------------------------------------------------------------------------

TEN_MINUTES, FIVE_MINUTES = timedelta(minutes=10), timedelta(minutes=5)


def judged(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None, signs: bool = True
) -> ChannelError:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    reply = Reply(status, httpx.Headers(headers or {"content-type": "application/json"}), text.encode())
    return refusal(read(reply, {}), NOW, signs=signs)


@pytest.mark.parametrize(
    ("code", "text", "kind", "reason", "wait"),
    [
        pytest.param(-1, "system busy", Transient, "server", None, id="-1 busy"),
        pytest.param("-1", "system busy", Transient, "server", None, id="-1 as text"),
        pytest.param(410100, "too fast", NotNow, "rate limit", TEN_MINUTES, id="410100"),
        pytest.param(130101, "exceed 20 times per minute", NotNow, "rate limit", TEN_MINUTES, id="130101"),
        pytest.param("660026", "too many per minute", NotNow, "rate limit", TEN_MINUTES, id="660026 as text"),
        pytest.param(90018, "app qps", NotNow, "rate limit", timedelta(seconds=1), id="90018"),
        pytest.param(90002, "api qps", NotNow, "rate limit", timedelta(seconds=1), id="90002"),
        pytest.param(90020, "monthly", Permanent, "quota", None, id="90020 monthly quota"),
        pytest.param(90030, "webhook over limit", Permanent, "quota", None, id="90030 monthly quota"),
        pytest.param(310000, "keywords not in content", Permanent, "client", None, id="310000 keyword"),
        pytest.param(310000, "invalid timestamp", Permanent, "auth", None, id="310000 timestamp"),
        pytest.param(310000, "sign not match", Permanent, "auth", None, id="310000 sign"),
        pytest.param(310000, "ip 1.2.3.4 not in whitelist", Permanent, "auth", None, id="310000 address"),
        pytest.param(300001, "token is not exist", Permanent, "auth", None, id="300001"),
        pytest.param(300005, "token is not exist", Permanent, "auth", None, id="300005"),
        pytest.param(400101, "access_token不存在", Permanent, "auth", None, id="400101"),
        pytest.param(400102, "机器人已停用", Permanent, "auth", None, id="400102"),
        pytest.param(400106, "机器人不存在", Permanent, "auth", None, id="400106"),
        pytest.param(400013, "群已被解散", Permanent, "auth", None, id="400013"),
        pytest.param(400105, "不支持的消息类型", Permanent, "client", None, id="400105"),
        pytest.param(400602, "miss param : markdown->text", Permanent, "client", None, id="400602"),
        pytest.param(40035, "缺少参数 json", Permanent, "client", None, id="40035"),
        pytest.param(43004, "无效的HTTP HEADER Content-Type", Permanent, "client", None, id="43004"),
        pytest.param(430101, "unsafe link", Permanent, "client", None, id="430101"),
        pytest.param(430102, "unsafe text", Permanent, "client", None, id="430102"),
        pytest.param(430103, "unsafe picture", Permanent, "client", None, id="430103"),
        pytest.param(430104, "unsafe content", Permanent, "client", None, id="430104"),
        pytest.param(460101, "exceed 20000 bytes", Permanent, "client", None, id="460101"),
        pytest.param(101002, "message is too long", Permanent, "client", None, id="101002"),
        pytest.param(88, "ding talk error", Permanent, "auth", None, id="88 without a code inside"),
        pytest.param(987654, "nobody knows", Transient, "other", None, id="an unknown code is tried again"),
    ],
)
def test_a_code_of_dingtalk_becomes_an_outcome(
    code: object, text: str, kind: type[ChannelError], reason: str, wait: timedelta | None
) -> None:
    error = judged({"errcode": code, "errmsg": text})
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)
    assert text in error.answer
    assert str(code) in error.answer


@pytest.mark.parametrize(
    ("body", "kind", "reason", "wait"),
    [
        pytest.param(
            {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "u"},
            NotNow, "rate limit", FIVE_MINUTES, id="blocked address",
        ),
        pytest.param({"status": "1111"}, NotNow, "rate limit", FIVE_MINUTES, id="blocked, status as text"),
        pytest.param(
            {"errcode": 130101, "errmsg": "too fast", "status": 1111, "wait": 7},
            NotNow, "rate limit", timedelta(minutes=7), id="the answer names the wait",
        ),
        pytest.param(
            {"errcode": 88, "sub_code": "90018", "sub_msg": "qps"},
            NotNow, "rate limit", timedelta(seconds=1), id="88 wraps a code",
        ),
        pytest.param("<!doctype html><title>Hi</title>", NotNow, "rate limit", FIVE_MINUTES, id="block page"),
        pytest.param("", Transient, "server", None, id="empty"),
        pytest.param("ok", Transient, "server", None, id="a bare word"),
        pytest.param("[]", Transient, "server", None, id="a list"),
        pytest.param('{"errcode":', Transient, "server", None, id="cut off"),
        pytest.param("[" * 60_000, Transient, "server", None, id="deep nesting"),
        pytest.param({"errcode": None}, Transient, "server", None, id="null"),
        pytest.param({"errcode": True, "errmsg": "ok"}, Transient, "server", None, id="true is no code"),
        pytest.param({"errmsg": "ok"}, Transient, "server", None, id="ok without a code is no success"),
        pytest.param('{"errcode": 1e400}', Transient, "server", None, id="infinity"),
    ],
)  # fmt: skip
def test_an_answer_without_a_known_code_is_a_failure(
    body: object, kind: type[ChannelError], reason: str, wait: timedelta | None
) -> None:
    error = judged(body)
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        pytest.param(500, Transient, "server", id="500"),
        pytest.param(502, Transient, "server", id="502 with a page"),
        pytest.param(302, Transient, "server", id="a redirect is not followed"),
        pytest.param(403, NotNow, "rate limit", id="403 with a page: blocked"),
        pytest.param(404, Permanent, "client", id="404: a wrong URL"),
        pytest.param(429, NotNow, "rate limit", id="429"),
    ],
)
def test_a_page_is_judged_by_its_status(status: int, kind: type[ChannelError], reason: str) -> None:
    error = judged("<html><b>no</b></html>", status=status, headers={"content-type": "text/html"})
    assert (type(error), error.reason) == (kind, reason)


def test_a_zero_with_an_error_status_is_no_success() -> None:
    assert isinstance(
        judged({"errcode": 0, "errmsg": "ok"}, status=503, headers={"retry-after": "30"}), Transient
    )


@pytest.mark.parametrize(
    ("text", "signs", "remedy"),
    [
        pytest.param("错误描述:关键词不匹配;解决方案:请联系群管理员", True, "set `keyword`", id="keyword"),
        pytest.param("description:签名不匹配;solution:检查加签;link:x", True, "copy it again", id="sign"),
        pytest.param("sign not match", False, "set `secret`", id="sign, and none is configured"),
        pytest.param("错误描述:timestamp 无效", True, "our clock is 2400 s ahead of theirs", id="timestamp"),
        pytest.param("错误描述:ip 1.2.3.4 不在白名单中", True, "add it there", id="address"),
    ],
)  # fmt: skip
def test_the_one_code_of_four_causes_is_told_apart_with_its_remedy(
    text: str, signs: bool, remedy: str
) -> None:
    error = judged(
        {"errcode": 310000, "errmsg": text}, headers={"date": "Fri, 02 Jan 2026 02:24:05 GMT"}, signs=signs
    )
    assert isinstance(error, Permanent)
    assert remedy in error.answer


# --- the robot -----------------------------------------------------------------------------------


async def test_a_message_reaches_the_group_signed_and_with_its_mentions() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url, at_mobiles=["+86-13800138000"], at_user_ids=["manager01"])
        receipt = await send(channel, message("**bot_a** is down"))
        await channel.close()
    assert receipt.answer == "ok"
    (shown,) = gateway.received
    assert (shown.kind, shown.title) == ("markdown", "[FIRING] HummingbotDown")
    assert shown.text == "**bot_a** is down\n\n@13800138000 @manager01"
    assert (shown.mentioned, shown.unheard) == (("13800138000", "manager01"), ())
    assert shown.uuid == "delivery-1"
    assert not gateway.refused


async def test_a_resolve_calls_nobody() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url, at_mobiles=["13800138000"], at_all=True)
        await send(channel, message(resolved=True))
        await send(channel, message(), delivery_id="delivery-2")
        await channel.close()
    resolved, firing = gateway.received
    assert "at" not in resolved.body
    assert "@" not in resolved.text
    assert firing.everyone


async def test_a_label_cannot_call_anybody() -> None:
    """Who is called stands in the `at` object alone, and that comes from the configuration."""
    async with robot() as gateway:
        channel = channel_to(gateway.url, at_mobiles=["13800138000"])
        await send(channel, message("@all @13900139000 down", subject="@13900139000\n@all\r\nx"))
        await channel.close()
    assert gateway.received[0].body["at"] == {"atMobiles": ["13800138000"]}
    assert gateway.received[0].title == "@13900139000 @all x"


async def test_what_the_channel_composes_at_its_limit_is_taken() -> None:
    async with robot(keyword="监控") as gateway:
        channel = channel_to(gateway.url, keyword="监控", at_mobiles=[f"138{n:08}" for n in range(50)])
        await send(channel, message("界" * (channel.max_bytes // 3)))
        await send(channel, message("界\n" * 40_000), delivery_id="delivery-2")
        await channel.close()
    within, cut = gateway.received
    assert "…" not in within.text
    assert "…" in cut.text
    assert max(within.size, cut.size) <= BODY_LIMIT


async def test_a_repeat_after_a_lost_answer_is_shown_once() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("lost answer")
        error = await failure(channel)
        assert (type(error), error.reason) == (Transient, "network")
        await send(channel)
        await channel.close()
    assert (len(gateway.received), gateway.swallowed) == (1, 1)


async def test_an_errcode_written_as_text_is_read() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("string errcode")
        assert (await send(channel)).answer == "ok"
        await channel.close()


async def test_a_busy_system_is_tried_again_with_success() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("busy")
        assert type(await failure(channel)) is Transient
        await send(channel)
        await channel.close()
    assert len(gateway.received) == 1


@pytest.mark.parametrize(
    ("mode", "kind", "reason"),
    [
        ("html", NotNow, "rate limit"),
        ("blocked", NotNow, "rate limit"),
        ("too fast", NotNow, "rate limit"),
        ("429", NotNow, "rate limit"),
        ("quota", Permanent, "quota"),
        ("robot off", Permanent, "auth"),
        ("empty", Transient, "server"),
        ("garbage", Transient, "server"),
        ("500", Transient, "server"),
        ("502", Transient, "server"),
        ("503", Transient, "server"),
        ("reset", Transient, "network"),
        ("slow", Transient, "timeout"),
        ("slow answer", Transient, "timeout"),
    ],
)
async def test_a_failing_robot_gives_an_outcome_without_secrets(
    mode: str, kind: type[ChannelError], reason: str
) -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url, timeout="300ms" if "slow" in mode else "5s")
        gateway.behave(mode)
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (kind, reason)
    assert_no_secret(error)


async def test_retry_after_is_honoured() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("429")
        assert (await failure(channel)).retry_after == timedelta(seconds=7)
        await channel.close()


async def test_a_refused_connection_is_transient() -> None:
    async with nobody_listening() as port:
        channel = channel_to(f"http://127.0.0.1:{port}/robot/send?access_token={TOKEN}")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "network")
    assert_no_secret(error)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "oapi.dingtalk.com/robot/send",
        "ftp://h/x",
        "http://[::1/x",
        "http://h:99999/",
        "http://a..b/",
        f"http:///?access_token={TOKEN}",
    ],
)
async def test_a_url_that_is_none_is_permanent(url: str) -> None:
    """The configuration refuses it before; the channel does not rely on that."""
    settings = DingTalkSettings(type="dingtalk", webhook_url="https://h/")
    channel = DingTalkChannel(settings.model_copy(update={"webhook_url": Secret(url)}))
    error = await failure(channel)
    await channel.close()
    assert (type(error), error.reason) == (Permanent, "client")
    assert_no_secret(error)


@pytest.mark.parametrize(
    ("robot_keys", "channel_keys", "remedy"),
    [
        pytest.param({"secret": "SECanother"}, {}, "copy it again", id="wrong secret"),
        pytest.param({}, {"secret": None}, "set `secret`", id="no secret where one is wanted"),
        pytest.param({"token": "another"}, {}, "webhook_url", id="wrong token"),
        pytest.param({"keyword": "监控"}, {}, "set `keyword`", id="no keyword"),
        pytest.param({"allow": ["203.0.113.0/24"]}, {}, "add it there", id="address not allowed"),
    ],
)
async def test_what_the_robot_refuses_for_good_is_permanent_and_says_the_remedy(
    robot_keys: dict[str, Any], channel_keys: dict[str, Any], remedy: str
) -> None:
    async with robot(**robot_keys) as gateway:
        url = f"{gateway.base_url}/robot/send?access_token={TOKEN}"
        channel = channel_to(url, **channel_keys)
        error = await failure(channel)
        await channel.close()
    assert isinstance(error, Permanent)
    assert remedy in error.answer
    assert gateway.calls == 1
    assert not gateway.received
    assert_no_secret(error)


async def test_a_signature_made_by_a_clock_that_is_off_is_refused_and_the_difference_told() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        await send(channel, now=NOW - timedelta(minutes=59))
        error = await failure(channel, now=NOW - timedelta(hours=2), delivery_id="delivery-2")
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "auth")
    assert "our clock is 7200 s behind theirs" in error.answer


async def test_the_21st_message_of_a_minute_closes_the_robot_for_ten_minutes() -> None:
    clock = StoppedClock()
    async with robot(clock=clock) as gateway:
        channel = channel_to(gateway.url)
        for n in range(20):
            await send(channel, delivery_id=f"d{n}")
        error = await failure(channel, delivery_id="d20")
        assert (type(error), error.retry_after) == (NotNow, TEN_MINUTES)
        clock.advance(minutes=9)
        assert type(await failure(channel, delivery_id="d20", now=clock.now())) is NotNow
        clock.advance(minutes=10)
        await send(channel, delivery_id="d20", now=clock.now())
        await channel.close()
    assert len(gateway.received) == 21


async def test_the_month_s_quota_is_permanent_so_that_another_notifier_takes_over() -> None:
    async with robot(month_quota=1) as gateway:
        channel = channel_to(gateway.url)
        await send(channel)
        error = await failure(channel, delivery_id="delivery-2")
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "quota")


async def test_unsafe_content_is_sent_once_more_as_plain_text_without_links() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url, at_mobiles=["13800138000"])
        gateway.behave("unsafe link")
        receipt = await send(channel, message("**Down**, see [runbook](https://wiki.example.com/x)"))
        await channel.close()
    (shown,) = gateway.received
    assert (shown.kind, shown.uuid) == ("text", "delivery-1-plain")
    assert shown.text == "[FIRING] HummingbotDown\n\nDown, see runbook\n\n@13800138000"
    assert "plain text" in receipt.answer


async def test_content_that_stays_unsafe_is_permanent_after_one_more_try() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("unsafe content", times=2)
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason, gateway.calls) == (Permanent, "client", 2)


async def test_what_is_too_long_after_all_is_sent_once_more_at_half_the_length() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("too long")
        receipt = await send(channel, message("界" * 5000))
        gateway.behave("too long", times=2)
        error = await failure(channel, message("界" * 5000), delivery_id="delivery-2")
        await channel.close()
    (shown,) = gateway.received
    assert shown.size <= BODY_LIMIT // 2
    assert shown.text.endswith("…")
    assert "shortened" in receipt.answer
    assert (type(error), gateway.calls) == (Permanent, 4)


async def test_a_message_without_text_says_its_subject() -> None:
    async with robot() as gateway:
        channel = channel_to(gateway.url)
        await send(channel, message("  ", subject="subject"))
        await send(channel, message("", subject=""), delivery_id="delivery-2")
        await channel.close()
    assert [shown.text for shown in gateway.received] == ["subject", "hbalert"]


async def test_an_answer_that_repeats_the_token_is_shown_without_it() -> None:
    reply = Reply(
        200,
        httpx.Headers(),
        json.dumps({"errcode": 7, "errmsg": f"bad {TOKEN} and {quote('a/b+c=')}"}).encode(),
    )
    answer = read(reply, {TOKEN: "***", "a/b+c=": "***"})
    assert answer.words == "bad *** and ***"


async def test_the_pace_is_the_configured_one() -> None:
    channel = channel_to("https://oapi.dingtalk.com/robot/send?access_token=T", per_minute=12)
    assert (channel.style, channel.concurrency) == ("markdown", 1)
    assert channel.pace == Pace(12, timedelta(minutes=1))
    assert 12_000 < channel.max_bytes < BODY_LIMIT
    await channel.close()


# --- the robot itself ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"{}", 40035, id="no msgtype"),
        pytest.param(b"not json", 40035, id="no JSON"),
        pytest.param(b'{"msgtype":"voice"}', 400105, id="unknown type"),
        pytest.param(b'{"msgtype":"markdown","markdown":{"title":"t"}}', 400602, id="no text"),
        pytest.param(b'{"msgtype":"text","text":{"content":"%s"}}' % (b"a" * 20_000), 460101, id="too long"),
    ],
)  # fmt: skip
async def test_the_robot_refuses_a_body_that_dingtalk_refuses(body: bytes, code: int) -> None:
    async with robot() as gateway, httpx.AsyncClient(trust_env=False) as client:
        url = signed_url(gateway.url, SECRET, NOW)
        answer = await client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["errcode"] == code
    assert not gateway.received


async def test_the_robot_refuses_a_signature_that_is_not_percent_encoded() -> None:
    async with robot() as gateway, httpx.AsyncClient(trust_env=False) as client:
        bare = base64.b64encode(base64.b64decode(sign(1767323045000, SECRET))).decode()
        url = f"{gateway.url}&timestamp=1767323045000&sign={bare}"
        answer = await client.post(url, content=b"{}", headers={"Content-Type": "application/json"})
    assert answer.json() == {"errcode": 310000, "errmsg": "sign not match"}


async def test_a_way_to_behave_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="no way to behave"):
        robot().behave("badly")


def assert_no_secret(error: ChannelError) -> None:
    seen = words_of(error) + "".join(traceback.format_exception(error))
    for secret in (TOKEN, SECRET, quote(sign(1767323045000, SECRET), safe=""), sign(1767323045000, SECRET)):
        assert secret not in seen
