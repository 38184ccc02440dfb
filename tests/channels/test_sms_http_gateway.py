"""Any HTTP gateway: what the description makes of a message, and of an answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from hbalert.channels.sms import SmsChannel
from hbalert.channels.sms.placeholders import Placeholders
from hbalert.config.channels.sms import HttpGateway, SmsSettings
from hbalert.demo.gateways.sms import PlainRequest, PlainSmsGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from tests.channels.wire import failure, message, send, words_of

KEY = "s3cret/key+1"
HOSTILE = "a\"b\\c&d=e<f>\r\nX-Evil: {api_key} {to} 高 ' %2F + #"


def channel_to(url: str, *, timeout: str = "5s", **keys: Any) -> SmsChannel:
    gateway = {"provider": "http", "url": url, "secrets": {"api_key": KEY}} | keys
    return SmsChannel(
        SmsSettings.model_validate(
            {"type": "sms", "to": ("13800138000",), "timeout": timeout, "gateway": gateway}
        )
    )


async def sent(text: str = HOSTILE, *, path: str = "", **keys: Any) -> PlainRequest:
    """The request that a description makes."""
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url + path, **keys)
        await send(channel, message(text))
        await channel.close()
    return gateway.received[0]


# --- the request -----------------------------------------------------------------------------------


async def test_a_form_holds_every_value_and_nothing_more() -> None:
    request = await sent(body={"mobile": "{to}", "content": "{text}", "apikey": "{api_key}", "ext": "{id}"})
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "mobile": ["+8613800138000"],
        "content": [HOSTILE],
        "apikey": [KEY],
        "ext": ["delivery-1"],
    }


async def test_a_form_written_as_text_is_the_same() -> None:
    request = await sent(body="mobile={to}&content={text}")
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "mobile": ["+8613800138000"],
        "content": [HOSTILE],
    }


async def test_json_as_a_table_keeps_its_shape() -> None:
    body = {"to": ["{to}"], "msg": {"text": "{text}", "at": "{timestamp}"}, "flash": False, "n": 3}
    request = await sent(body_format="json", body=body)
    assert json.loads(request.body) == {
        "to": ["+8613800138000"],
        "msg": {"text": HOSTILE, "at": "1767323045"},
        "flash": False,
        "n": 3,
    }


async def test_json_written_as_text_cannot_be_broken_by_a_value() -> None:
    request = await sent(body_format="json", body='{"to":"{to}","x":{"text":"{text}"}}')
    assert json.loads(request.body) == {"to": "+8613800138000", "x": {"text": HOSTILE}}
    assert request.headers["content-type"] == "application/json"


async def test_xml_cannot_be_broken_by_a_value() -> None:
    request = await sent(
        "</sms><sms>&", body_format="raw", headers={"content-type": "text/xml"}, body="<sms>{text}</sms>"
    )
    assert request.body == b"<sms>&lt;/sms&gt;&lt;sms&gt;&amp;</sms>"
    assert request.headers["content-type"] == "text/xml"


async def test_a_raw_body_is_sent_as_it_is() -> None:
    request = await sent("高", body_format="raw", body="to={to};{text}", charset="gbk")
    assert request.body == "to=+8613800138000;高".encode("gbk")
    assert request.headers["content-type"] == "text/plain; charset=gbk"


async def test_what_a_charset_does_not_have_is_a_question_mark() -> None:
    request = await sent("高👻", charset="gbk", body={"c": "{text}"})
    assert request.body == b"c=%B8%DF%3F"


async def test_values_in_the_url_and_the_query_are_percent_encoded() -> None:
    request = await sent(
        method="GET", path="/{id}?user=ops", query={"to": "{to}", "text": "{text}", "key": "{api_key}"}
    )
    assert (request.method, request.path, request.body) == ("GET", "/send/delivery-1", b"")
    assert request.query == {"user": "ops", "to": "+8613800138000", "text": HOSTILE, "key": KEY}


async def test_a_value_cannot_begin_another_header() -> None:
    request = await sent("a\r\nX-Evil: 1", headers={"X-Text": "{text}", "Authorization": "Bearer {api_key}"})
    assert request.headers["x-text"] == "a X-Evil: 1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-evil" not in request.headers


async def test_a_header_that_cannot_be_sent_is_permanent() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url, headers={"X-Text": "{text}"})
        error = await failure(channel, message("高"))
        await channel.close()
    assert (type(error), error.reason, gateway.calls) == (Permanent, "client", 0)


async def test_basic_authentication_and_no_body() -> None:
    request = await sent(username="ops", password="pass", body_format="none")
    assert request.headers["authorization"] == "Basic b3BzOnBhc3M="
    assert request.body == b""


async def test_the_text_is_cut_to_its_longest() -> None:
    request = await sent("a" * 500, max_chars=20, body_format="raw", body="{text}")
    assert request.body == b"a" * 17 + b"..."


def test_a_text_cannot_ask_for_a_secret() -> None:
    filler = Placeholders({"text": "{api_key}", "api_key": KEY}, "utf-8")
    assert filler.fill("{text}|{api_key}|{unknown}|{}") == f"{{api_key}}|{KEY}|{{unknown}}|{{}}"


@pytest.mark.parametrize("url", ["", "h/send", "ftp://h/", "http://[::1/", "http://h:x/"])
def test_a_url_that_is_none_is_refused_with_the_configuration(url: str) -> None:
    with pytest.raises(ValidationError, match="not a web address"):
        channel_to(url)


async def test_a_url_that_is_none_is_permanent_where_it_is_called_all_the_same() -> None:
    gateway = HttpGateway(provider="http", url="http://h/").model_copy(update={"url": "http://[{to}]/"})
    channel = SmsChannel(SmsSettings(type="sms", to=("13800138000",), gateway=gateway))
    error = await failure(channel)
    await channel.close()
    assert (type(error), error.reason) == (Permanent, "client")


# --- the answer ------------------------------------------------------------------------------------

BY_CODE = {
    "success_path": "result.0.code",
    "success_values": ["0", "ok"],
    "code_path": "result.0.code",
    "message_path": "result.0.msg",
    "id_path": "result.0.id",
    "retry_codes": ["5"],
    "throttle_codes": ["7"],
    "throttle_wait": "90s",
}
BY_LINE = {"success_values": ["0:", "3:"], "retry_codes": ["1"], "throttle_codes": ["2"]}


async def outcome(answer: Any, *, status: int = 200, **keys: Any) -> str | ChannelError:
    """The id of what was accepted, or the error."""
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url, body={"to": "{to}"}, **keys)
        gateway.say(answer, status)
        try:
            return (await send(channel)).provider_id
        except ChannelError as error:
            return error
        finally:
            await channel.close()


@pytest.mark.parametrize(
    ("answer", "keys", "provider_id"),
    [
        pytest.param({"result": [{"code": 0, "id": 17}]}, BY_CODE, "17", id="a number at a path"),
        pytest.param({"result": [{"code": "ok", "id": "x"}]}, BY_CODE, "x", id="a text at a path"),
        pytest.param({"done": True}, {"success_path": "done"}, "", id="true, and no values are given"),
        pytest.param(
            {"sid": "abc"}, {"success_path": "sid", "id_path": "sid"}, "abc", id="an id is yes enough"
        ),
        pytest.param("0: Accepted for delivery\nmore", BY_LINE, "", id="a first line"),
        pytest.param("anything", {}, "", id="no rule: any 2xx"),
        pytest.param("", {}, "", id="no rule: even an empty one"),
    ],
)
async def test_an_answer_is_a_success_by_the_rule(
    answer: Any, keys: dict[str, Any], provider_id: str
) -> None:
    assert await outcome(answer, **keys) == provider_id


@pytest.mark.parametrize(
    ("answer", "status", "keys", "kind", "reason", "wait_s"),
    [
        pytest.param(
            {"result": [{"code": 5, "msg": "busy"}]}, 200, BY_CODE, Transient, "server", None, id="retry code"
        ),
        pytest.param({"result": [{"code": "7"}]}, 200, BY_CODE, NotNow, "rate limit", 90, id="throttle code"),
        pytest.param({"result": [{"code": 9}]}, 200, BY_CODE, Permanent, "client", None, id="any other code"),
        pytest.param({"result": []}, 200, BY_CODE, Transient, "server", None, id="nothing at the path"),
        pytest.param(
            {"result": [{"code": {}}]}, 200, BY_CODE, Transient, "server", None, id="a table at the path"
        ),
        pytest.param("<html>log in</html>", 200, BY_CODE, Transient, "server", None, id="a web page"),
        pytest.param(
            "<html>log in</html>", 200, BY_LINE, Transient, "server", None, id="a web page for a line"
        ),
        pytest.param("", 200, BY_LINE, Transient, "server", None, id="an empty line"),
        pytest.param("1: busy", 200, BY_LINE, Transient, "server", None, id="a line with a retry code"),
        pytest.param(
            "2: slow down", 200, BY_LINE, NotNow, "rate limit", 60, id="a line with a throttle code"
        ),
        pytest.param("4: no credit", 200, BY_LINE, Permanent, "client", None, id="a line with another code"),
        pytest.param({"done": False}, 200, {"success_path": "done"}, Permanent, "client", None, id="false"),
        pytest.param(
            {"result": [{"code": 5}]}, 400, BY_CODE, Transient, "server", None, id="a code before the status"
        ),
        pytest.param("no", 400, {}, Permanent, "client", None, id="400"),
        pytest.param("no", 401, {}, Permanent, "auth", None, id="401"),
        pytest.param("no", 404, {}, Permanent, "client", None, id="404"),
        pytest.param("no", 408, {}, Transient, "timeout", None, id="408"),
        pytest.param("no", 429, {}, NotNow, "rate limit", 60, id="429"),
        pytest.param("no", 302, {}, Transient, "server", None, id="a redirect is not followed"),
        pytest.param("no", 503, {}, Transient, "server", None, id="503"),
    ],
)
async def test_an_answer_is_a_failure_by_the_rule(
    answer: Any, status: int, keys: dict[str, Any], kind: type[ChannelError], reason: str, wait_s: int | None
) -> None:
    error = await outcome(answer, status=status, **keys)
    assert isinstance(error, ChannelError)
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)


async def test_an_answer_that_repeats_the_secrets_is_shown_without_them() -> None:
    answer = f"bad key {KEY} for 13800138000, s3cret%2Fkey%2B1"
    error = await outcome(answer, status=400, username="ops", password="hunter2222")
    assert isinstance(error, ChannelError)
    assert error.answer == "SMS gateway: HTTP 400: bad key *** for 138****8000, ***"
    for hidden in (KEY, "hunter2222", "13800138000"):
        assert hidden not in words_of(error)
