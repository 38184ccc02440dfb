"""The log: one line per event, on stderr, in the form that whoever reads it understands.

Knows how a line is written, what must never stand in one, and that no text from outside may look
like a line of its own. Must not know what is logged. A leaf: everyone else says
`structlog.get_logger("hbalert.part").info("what_happened", key=value)`.

Formats: "text" for people, "json" for collectors (one object per line), "journal" for systemd
(priority prefix, no time: the journal has its own), "auto" chooses.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

FORMATS = ("auto", "text", "json", "journal")
LEVELS = ("debug", "info", "warning", "error")

QUIET = ("uvicorn", "apscheduler", "httpx", "httpcore", "aiohttp", "asyncio", "tzlocal")
"""Libraries that are only heard from warning upwards; some of them print addresses with tokens in."""

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure(
    level: str = "info",
    format: str = "auto",
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Sets up logging for the process; may be called again.

    level, format  one of LEVELS, FORMATS; ValueError names what is right
    stream         stderr unless a test asks otherwise
    """
    if format not in FORMATS:
        raise ValueError(f"log format {format!r}: use one of {', '.join(FORMATS)}")
    out = stream if stream is not None else sys.stderr
    if format == "auto":
        format = choose(out, os.environ if environ is None else environ)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(
            fmt="iso" if format == "json" else "%Y-%m-%dT%H:%M:%S.%f%z", utc=format == "json"
        ),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderers: dict[str, Callable[[WrappedLogger, str, EventDict], str]] = {
        "text": render_text,
        "json": render_json,
        "journal": render_journal,
    }
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderers[format],
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.raiseExceptions = False  # a log that cannot be written must not write about it
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    set_level(level)
    structlog.configure(
        processors=[keep_to_level, *shared, renderers[format]],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=lambda name="": Writer(name, handler),
        cache_logger_on_first_use=False,
    )


class Writer:
    """Where our own lines go: to the stream, whole, without the detour through the records of `logging`,
    which costs as much as all the rest of a line. Libraries take that way, to the same stream."""

    def __init__(self, name: str, handler: logging.StreamHandler[TextIO]) -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        handler = self._handler
        handler.acquire()
        try:
            with suppress(Exception):  # as `logging` does, whatever it is: nobody is left to be told
                handler.stream.write(line + handler.terminator)
                handler.flush()
        finally:
            handler.release()

    debug = info = warning = error = critical = write


def keep_to_level(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: what is below the level of the process goes no further."""
    if logging.root.level > _NUMBERS.get(method, logging.CRITICAL):
        raise structlog.DropEvent
    return event


_NUMBERS = {level: logging.getLevelNamesMapping()[level.upper()] for level in LEVELS}


def set_level(level: str) -> None:
    """Changes the level of a running process. Raises ValueError that names the levels."""
    if level not in LEVELS:
        raise ValueError(f"log level {level!r}: use one of {', '.join(LEVELS)}")
    logging.getLogger().setLevel(level.upper())


def choose(stream: TextIO, environ: Mapping[str, str]) -> str:
    """The format for where `stream` goes: the journal, a terminal, a container's collector, a file.

    JOURNAL_STREAM is inherited by children whose stderr goes elsewhere, so its device and inode are
    compared with those of the stream (systemd.exec(5)).
    """
    if _is_journal(stream, environ.get("JOURNAL_STREAM", "")):
        return "journal"
    if stream.isatty():
        return "text"
    in_container = "KUBERNETES_SERVICE_HOST" in environ or "container" in environ
    return "json" if in_container or Path("/.dockerenv").exists() else "text"


def _is_journal(stream: TextIO, journal_stream: str) -> bool:
    device, _, inode = journal_stream.partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return device == str(found.st_dev) and inode == str(found.st_ino)


# --- what must not be seen ---------------------------------------------------------------------

_SECRET_KEY = re.compile(r"(?i)(^|_)(token|password|passwd|secret|authorization|cookie|api_?key|signature)$")
_SECRETS_IN_TEXT = re.compile(
    r"""(?ix)
      (?P<pair> \b(?: [a-z_]*token | [a-z_]*secret | password | passwd | pwd | sign | signature
                    | api_?key | accesskeyid ) (?: = | ["']\s*[:=]\s*["'] ) ["']? )
      (?P<value> [^\s&"',;}]+ )
    | (?P<scheme> \bauthorization["']?\s*[:=]\s*["']? (?:bearer|basic)?\s* | \bbearer\s+(?=\S{16}) )
      (?P<credentials> [^\s"',;]+ )
    | (?P<before> ://[^\s/@:]* ) : (?P<userpass> [^\s/@]+ ) @
    | (?<![\w+-]) (?P<phone> \+\d{8,15} | 1[3-9]\d{9} ) (?![\w-])
    """
)


_MAY_HOLD_SECRETS = re.compile(r"[=:]|\d{8}|[Bb][Ee][Aa][Rr][Ee][Rr]")
"""Without one of these there is nothing to find above; most values are short and have none."""


def conceal(text: str) -> str:
    """`text` without tokens, passwords and the middle of phone numbers.

    A safety net: secrets have a type of their own that never prints. This catches what comes back
    in the words of others: a gateway that repeats our URL, a library that prints a header.
    """

    def cover(found: re.Match[str]) -> str:
        groups = found.groupdict()
        if groups["phone"] is not None:
            number = groups["phone"]
            return f"{number[:-8]}****{number[-4:]}"
        if groups["pair"] is not None:
            return f"{groups['pair']}***"
        if groups["scheme"] is not None:
            return f"{groups['scheme']}***"
        return f"{groups['before']}:***@"

    return _SECRETS_IN_TEXT.sub(cover, text) if _MAY_HOLD_SECRETS.search(text) else text


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: no secret leaves, wherever in the event it hides."""
    for key, value in event.items():
        if key not in _OURS:
            event[key] = _redacted(key, value)
    return event


@lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


_OURS = frozenset({"timestamp", "level", "logger", "_record", "_from_structlog"})


def _redacted(key: str, value: Any, depth: int = 0) -> Any:
    if value and _names_secret(key):
        return "***"
    if isinstance(value, str):
        return conceal(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > 4:
        return "..."
    if isinstance(value, Mapping):
        return {str(name): _redacted(str(name), inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(key, inner, depth + 1) for inner in value]
    return conceal(str(value))


# --- lines -------------------------------------------------------------------------------------

_BREAKS_LINES = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Ends a line, moves a terminal's cursor or turns the direction of reading."""

_BARE = re.compile(r"[^\s\"'=\\]+")


def one_line(text: str) -> str:
    """`text` with everything escaped that could end the line or play with the terminal."""
    return _BREAKS_LINES.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    char = found.group()
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    return short or (f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}")


def render_text(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """`2026-01-02T03:04:05+08:00 info  what_happened  key=value`, a traceback indented below."""
    when = event.pop("timestamp", "")
    return f"{when} {_plain(event)}" if when else _plain(event)


def render_journal(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Each line with its priority, so that a traceback keeps it, and without a time."""
    event.pop("timestamp", None)
    prefix = f"<{_PRIORITY.get(str(event.get('level', 'info')), 6)}>"
    return "\n".join(prefix + line for line in _plain(event).split("\n"))


def _plain(event: MutableMapping[str, Any]) -> str:
    level = str(event.pop("level", "info"))
    logger = str(event.pop("logger", ""))
    what = one_line(str(event.pop("event", "")))
    trace = event.pop("exception", None)
    event.pop("stack", None)
    pairs = [f"{one_line(str(key))}={_value(value)}" for key, value in event.items()]
    line = " ".join([f"{level:<7}", f"{one_line(logger)}:" if logger else "", what, *pairs]).rstrip()
    if not trace:
        return line
    return "\n".join([line, *(f"    | {one_line(part)}" for part in str(trace).splitlines())])


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else _encode(value)
    clean = one_line(text)
    if not isinstance(value, str) or _BARE.fullmatch(clean):
        return clean
    return '"' + one_line(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""`json.dumps` would make an encoder for each line."""


def render_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """One object per line; every character that could break a line is escaped inside it."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "logger", "event") if key in event}
    text = _encode({**first, **event})
    return _BREAKS_LINES.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
