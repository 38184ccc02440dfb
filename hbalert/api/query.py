"""What a client asks for: query parameters as values.

Knows how parameters are spelt and which values they may have. Must not know what is done with them.
Everything wrong is a `Refusal` that names the parameter.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from hbalert.api.ingest import check_labels
from hbalert.api.refusal import Refusal
from hbalert.api.wire import moment
from hbalert.book import Wanted
from hbalert.config.types import Limits
from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, Op, matches, parse
from hbalert.regex import compile_regex

_TRUE = frozenset({"true", "1", "t", "yes", "y", "ok", "on", "enabled", "checked", "selected"})
_FALSE = frozenset({"false", "0", "f", "no", "n", "off", "disabled"})
"""The words that Alertmanager takes for true, and their opposites. Alertmanager takes any other word for
false, a slip of the pen included; here it is refused."""


def flag(request: Request, name: str, default: bool = True) -> bool:
    """A parameter that is true or false."""
    text = request.query_params.get(name)
    if not text:
        return default
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Refusal(400, f"{name}: {text[:40]!r} is neither true nor false")


def matchers(request: Request, limits: Limits, name: str = "filter") -> tuple[Matcher, ...]:
    """Repeated parameters, each one matcher in Alertmanager's grammar."""
    texts = request.query_params.getlist(name)
    if len(texts) > limits.matchers:
        raise Refusal(400, f"{name}: {len(texts)} are more than the limit of {limits.matchers}")
    if any("\ufffd" in text for text in texts) and not _is_utf8(request):
        raise Refusal(400, f"bad matcher format: {name} is not valid UTF-8")
    try:
        return tuple(parse(text, compile_regex) for text in texts)
    except ValueError as error:
        raise Refusal(400, f"bad matcher format: {error}") from None


def labels(request: Request, limits: Limits, name: str = "label") -> Labels:
    """Repeated parameters `name=value` as one label set."""
    given = matchers(request, limits, name)
    for each in given:
        if each.op is not Op.EQUAL:
            raise Refusal(400, f"{name}: {each} is a condition; an alert's labels are written name=value")
    try:
        return check_labels({each.name: each.value for each in given}, limits)
    except ValueError as error:
        raise Refusal(400, f"{name}: {error}") from None


def _is_utf8(request: Request) -> bool:
    """Whether the parameters are UTF-8 as they were sent: what is not has been replaced by now."""
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        return False
    return True


def wanted(request: Request, limits: Limits) -> Wanted:
    """Which alerts are asked for. `unprocessed` is taken and changes nothing, as in Alertmanager."""
    flag(request, "unprocessed")
    receiver = request.query_params.get("receiver")
    try:
        test = compile_regex(receiver) if receiver else None
    except ValueError as error:
        raise Refusal(400, f"failed to parse receiver param: {error}") from None
    if not receivers(request, limits):
        test = _none
    return Wanted(
        matchers=matchers(request, limits),
        active=flag(request, "active"),
        silenced=flag(request, "silenced"),
        inhibited=flag(request, "inhibited"),
        muted=flag(request, "muted"),
        receiver=test,
    )


def receivers(request: Request, limits: Limits) -> bool:
    """Whether `receiver_matchers` leaves any receiver: they match a receiver's labels, and ours have none."""
    return matches(matchers(request, limits, "receiver_matchers"), {})


def _none(receiver: str) -> bool:
    return False


def time(request: Request, name: str) -> datetime | None:
    """A time, RFC 3339; None when it is not given."""
    try:
        return moment(request.query_params.get(name), name)
    except ValueError as error:
        raise Refusal(400, str(error)) from None


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise Refusal(400, f"{name}: {text[:40]!r} is not a number from 1 to {most}")
    return int(text)


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`; "" when it is not given."""
    text = request.query_params.get(name, "")
    if text and text not in allowed:
        raise Refusal(400, f"{name}: {text[:40]!r} is not one of {', '.join(allowed)}")
    return text
