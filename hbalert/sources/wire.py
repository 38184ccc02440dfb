"""The query API on the wire: a request body, an answer's bytes, and what went wrong.

Knows the JSON of Prometheus' `/api/v1/query`, and where VictoriaMetrics, Thanos and Mimir differ. Must
not know HTTP clients, batches or names of sources: texts raised here say only what happened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote_plus

import msgspec

from hbalert.errors import BadQuery, SourceError, TooMuch, Unavailable
from hbalert.ports import PARTIAL

MAX_TEXT = 500
"""Characters of a server's own words that are worth showing."""

_TOO_MUCH = re.compile(
    r"too many (samples|points|series|time ?series|chunks)|max-?samples|max-?query-?len|max-?series"
    r"|query is too (long|large|big)|too long query|request (body|entity) too large|too large"
    r"|exceed(s|ed)? (the )?(max|limit)",
    re.IGNORECASE,
)
_SERVER_FAULTS = {"timeout", "canceled", "internal", "unavailable", "server_error"}


class _Series(msgspec.Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct):
    resultType: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Reply(msgspec.Struct):
    status: str
    data: _Data | None = None
    errorType: str | int = ""
    error: str = ""
    warnings: list[str] | None = None
    isPartial: bool = False


_REPLY = msgspec.json.Decoder(_Reply)
_VECTOR = msgspec.json.Decoder(list[_Series] | None)
_SCALAR = msgspec.json.Decoder(tuple[float, str])


@dataclass(frozen=True, slots=True)
class Vector:
    """A decoded answer: label sets as answered, with their values.

    warnings    the server's
    doubted     whether the server itself says that something is wrong with it or missing
    histograms  label sets of series that have a native histogram in place of a value
    """

    series: list[tuple[dict[str, str], float]]
    warnings: tuple[str, ...] = ()
    doubted: bool = False
    histograms: tuple[dict[str, str], ...] = ()


def form(expr: str) -> bytes:
    """The part of a request body that does not depend on time, percent-encoded."""
    return b"query=" + quote_plus(expr).encode()


def body(query: bytes, at: datetime, timeout_ms: int) -> bytes:
    """A whole request body. The server is told to stop when nobody waits any more."""
    return b"%b&time=%.3f&timeout=%dms" % (query, at.timestamp(), timeout_ms)


def read(status: int, content: bytes) -> Vector:
    """The answer that a server gave. Raises SourceError: Unavailable unless it is clearly the query."""
    try:
        reply = _REPLY.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _no_answer(status) from None
    if reply.status != "success" or status >= 300:
        raise _refusal(status, reply)
    if reply.data is None:
        raise Unavailable("it answered success without data")
    warnings = tuple(_short(text) for text in reply.warnings or ())
    # What Prometheus 3 says of an expression begins so; every other warning is about data that is not there.
    doubted = reply.isPartial or not all(text.startswith("PromQL ") for text in warnings)
    if reply.isPartial:
        warnings += (PARTIAL,)
    try:
        return _vector(reply.data, warnings, doubted)
    except (msgspec.DecodeError, ValueError):
        raise Unavailable("the answer is not what the query API promises") from None


def check_words(status: int, content: bytes) -> None:
    """Raises Unavailable unless an answer is a success, or an error that is about what was asked."""
    try:
        reply = _REPLY.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unavailable(str(_no_answer(status))) from None
    if status not in (200, 400, 404, 422) or reply.status not in ("success", "error"):
        raise Unavailable(str(_refusal(status, reply)))


def is_of_the_way(status: int, content: bytes) -> bool:
    """Whether a proxy answered because it had nobody to ask: then nobody has worked on the query."""
    return status in (502, 503) and not content.lstrip().startswith(b"{")


def _vector(data: _Data, warnings: tuple[str, ...], doubted: bool) -> Vector:
    if data.resultType == "scalar":
        value = float(_SCALAR.decode(data.result)[1])
        return Vector([({}, value)], warnings, doubted)
    if data.resultType != "vector":
        raise not_a_vector("string" if data.resultType == "string" else "range vector")
    series = _VECTOR.decode(data.result) or []
    found = [(each.metric, float(each.value[1])) for each in series if each.value is not None]
    histograms = tuple(each.metric for each in series if each.value is None)
    return Vector(found, warnings, doubted, histograms)


def without_histograms(number: int) -> tuple[str, ...]:
    """What is said of series that were left out; nothing when there are none."""
    if not number:
        return ()
    return (
        f"{number} native histograms were left out: a rule judges numbers;"
        " use histogram_quantile() or histogram_count()",
    )


def not_a_vector(kind: Literal["string", "range vector"]) -> BadQuery:
    """What is wrong with an expression that gives no instant vector."""
    remedy = "; apply a function such as rate() or max_over_time() to it" if kind == "range vector" else ""
    return BadQuery(f"the expression gives a {kind}; a rule needs an instant vector or a number{remedy}")


def _no_answer(status: int) -> SourceError:
    """The body is not of the query API: a proxy, a login page, or an answer that was cut off."""
    if status == 413:
        return TooMuch("the query is too long for a proxy on the way (413)")
    if status in (401, 403):
        return Unavailable(f"it answered {status}; check the credentials of this source")
    if 300 <= status < 400:
        return Unavailable(f"it answered {status}, a redirect, which is not followed; use its target as url")
    if status == 404:
        return Unavailable("it answered 404; url must be the server's address, without /api/v1/query")
    if status < 300:
        return Unavailable(f"it answered {status} with something cut off or not of the query API")
    return Unavailable(f"it answered {status} without words of the query API")


def _refusal(status: int, reply: _Reply) -> SourceError:
    said = _short(reply.error) or "no reason given"
    asked_wrongly = status in (400, 422) or (status < 300 and str(reply.errorType) not in _SERVER_FAULTS)
    if status == 413 or (asked_wrongly and _TOO_MUCH.search(reply.error)):
        return TooMuch(f"it refuses the query for its size: {said}")
    if asked_wrongly:
        return BadQuery(f"it refuses the query: {said}")
    if status in (401, 403):
        return Unavailable(f"it answered {status}: {said}; check the credentials of this source")
    return Unavailable(f"it answered {status}: {said}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
