"""What DingTalk's answers mean: from errcode and text to what is to be done about it.

Knows every code of the robot's webhook with its class and its remedy. Must not know what was sent;
nothing in an answer may show the token or the signature. Next: `__init__.py`, which raises it.

HTTP 200 does not mean success here: the `errcode` decides, a body without one is a failure, and a
code that nobody documented is tried again.
Source: open.dingtalk.com, "Error codes of custom robots"; the codes marked "seen" are in no table of
DingTalk's but were answered by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hbalert.channels.answers import clock_difference, excerpt, is_html, page_words, parse_object, retry_after
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply

_PENALTY = timedelta(minutes=10)  # for the 21st message within a minute
_BLOCKED = timedelta(minutes=5)  # for an address with more than 10,000 calls in 20 s

_CHECK_URL = "copy the robot's webhook URL from the group's settings into `webhook_url` again"
_QUOTA = "the month's webhook calls are used up; buy more, or let an administrator exempt this robot"
_OUR_BODY = "DingTalk does not understand the message; please report this as a bug of hbalert"
_SHORTEN = "too long even when shortened; use a shorter template"
_UNSAFE_TEXT = "refused as unsafe even as plain text; look at the links and words of the template"

TOO_LONG = frozenset({460101, 101002})  # seen
UNSAFE: Mapping[int, str] = {430101: "link", 430102: "text", 430103: "picture", 430104: "content"}
_TOO_FAST = frozenset({410100, 130101, 660026})  # the last two: seen
_OVER_QPS = frozenset({90018, 90002})
_FINAL: Mapping[int, tuple[str, str]] = {  # errcode -> (reason, remedy)
    88: ("auth", _CHECK_URL),
    300001: ("auth", _CHECK_URL),  # seen
    300005: ("auth", _CHECK_URL),  # seen
    400101: ("auth", _CHECK_URL),
    400102: ("auth", "the robot is switched off; switch it on in the group's settings"),
    400106: ("auth", "the robot is not in the group any more; add it again"),
    400013: ("auth", "the group has been dissolved; make a robot in another group"),
    90020: ("quota", _QUOTA),
    90030: ("quota", _QUOTA),  # seen
    400105: ("client", _OUR_BODY),
    400602: ("client", _OUR_BODY),  # seen
    40035: ("client", _OUR_BODY),
    43004: ("client", _OUR_BODY),
    **dict.fromkeys(TOO_LONG, ("client", _SHORTEN)),
    **dict.fromkeys(UNSAFE, ("client", _UNSAFE_TEXT)),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """DingTalk's answer: `code` None when it holds no errcode; `words` are fit to be shown."""

    code: int | None
    words: str
    fields: Mapping[str, Any]
    reply: Reply

    @property
    def accepted(self) -> bool:
        return self.code == 0 and 200 <= self.reply.status < 300


def read(reply: Reply, hide: Mapping[str, str]) -> Answer:
    """The answer in a reply. `errcode` is taken as a number and as text: DingTalk writes both."""
    fields = parse_object(reply.text) or {}
    code = _number(fields.get("errcode"))
    if code == 88:  # the old gateway wraps the code that matters
        code = _number(fields.get("sub_code")) or code
    words = fields.get("errmsg") or fields.get("sub_msg") or page_words(reply.text)
    return Answer(code, excerpt(str(words), hide=hide), fields, reply)


def refusal(answer: Answer, now: datetime, *, signs: bool) -> ChannelError:
    """What an answer that is not `accepted` asks for.

    signs  whether a secret is configured: a robot that wants a signature and one that got a wrong
           one say the same
    """
    code, status, headers = answer.code, answer.reply.status, answer.reply.headers
    said = f"DingTalk: {'' if code is None else f'{code} '}{answer.words}"
    asked = _announced_wait(answer.fields) or retry_after(headers, now)
    if code in _TOO_FAST:
        return NotNow(f"{said}; too many a minute", reason="rate limit", retry_after=asked or _PENALTY)
    if _number(answer.fields.get("status")) == 1111 or _is_block_page(answer):
        said = f"DingTalk refuses every call from this address for some minutes: {answer.words}"
        return NotNow(said, reason="rate limit", retry_after=asked or _BLOCKED)
    if code in _OVER_QPS:
        return NotNow(said, reason="rate limit", retry_after=asked or timedelta(seconds=1))
    if code == 310000:
        return _security_refusal(answer, said, now, signs=signs)
    if code is not None and code in _FINAL:
        reason, remedy = _FINAL[code]
        return Permanent(f"{said}; {remedy}", reason=reason)
    said = f"{said or 'DingTalk:'} (HTTP {status}, {'no errcode' if code is None else 'unknown errcode'})"
    if code is None and status in (404, 405, 410):
        return Permanent(f"{said}; {_CHECK_URL}", reason="client")
    if status == 429:
        return NotNow(said, reason="rate limit", retry_after=asked or timedelta(minutes=1))
    reason = "server" if status >= 500 or code in (-1, 0, None) else "other"
    return Transient(said, reason=reason, retry_after=asked)


def _security_refusal(answer: Answer, said: str, now: datetime, *, signs: bool) -> Permanent:
    """310000 is one code for four causes; only its text, English or Chinese, tells them apart."""
    words = answer.words.lower()
    if re.search(r"keyword|关键词|关键字", words):
        remedy = "the message holds none of the robot's keywords; set `keyword` to one of them"
        return Permanent(f"{said}; {remedy}", reason="client")
    if re.search(r"whitelist|白名单|\bip\b|ip\s?地址", words):
        remedy = "this machine's address is not in the robot's list of allowed addresses; add it there"
    elif not signs:
        remedy = "this robot wants a signature; set `secret` to the SEC... text of its security settings"
    elif re.search(r"timestamp|时间戳", words):
        remedy = (
            f"the signature's time is more than an hour off: {clock_difference(answer.reply.headers, now)}"
        )
    else:
        remedy = "`secret` is not the SEC... text of this robot's security settings; copy it again"
    return Permanent(f"{said}; {remedy}", reason="auth")


def _is_block_page(answer: Answer) -> bool:
    """DingTalk blocks an address by a web page; a proxy's page comes with 404, 5xx or a redirect."""
    blocks = answer.reply.status in (200, 403, 405, 429)
    return answer.code is None and blocks and is_html(answer.reply.headers, answer.reply.text)


def _announced_wait(fields: Mapping[str, Any]) -> timedelta | None:
    """The `wait` of the gateway in front of DingTalk, in minutes; it stands beside status 1111."""
    wait = _number(fields.get("wait"))
    return timedelta(minutes=wait) if wait is not None and 0 < wait <= 60 else None


def _number(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,10}\s*", value):
        return int(value)
    return None
