"""Lines of the log: one per event, in the right form, without secrets, not to be forged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hbalert import log
from hbalert.config.secret import Secret


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process's; what a test sets up must not reach the next one."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    libraries = {name: logging.getLogger(name).level for name in log.QUIET}
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


def written(format: str, event: str = "attempt", **pairs: Any) -> str:
    """What one event becomes."""
    out = io.StringIO()
    log.configure("debug", format, stream=out)
    structlog.get_logger("hbalert.test").info(event, **pairs)
    return out.getvalue()


def test_a_line_of_text_has_time_with_zone_level_place_and_pairs() -> None:
    line = written("text", notifier="ops mail", ms=12, ok=True, answer='he said "no"', nothing=None)
    time, rest = line.split(" ", 1)
    assert len(time) == len("2026-03-01T12:00:00.000000+0000")
    assert rest == (
        "info    hbalert.test: attempt "
        'notifier="ops mail" ms=12 ok=true answer="he said \\"no\\"" nothing=null\n'
    )


def test_a_line_of_json_is_one_object_with_the_time_in_utc() -> None:
    line = written("json", bot="机器人", ms=1.5)
    read = json.loads(line)
    assert list(read)[:4] == ["timestamp", "level", "logger", "event"]
    assert read["timestamp"].endswith("Z")
    assert (read["event"], read["bot"], read["ms"]) == ("attempt", "机器人", 1.5)
    assert "机器人" in line


def test_a_line_for_the_journal_has_a_priority_and_no_time() -> None:
    assert written("journal", a=1) == "<6>info    hbalert.test: attempt a=1\n"


@pytest.mark.parametrize("format", ["text", "json", "journal"])
def test_an_exception_cannot_be_taken_for_lines_of_the_log(format: str) -> None:
    out = io.StringIO()
    log.configure("info", format, stream=out)
    try:
        raise ValueError("broken\n2026-03-01T12:00:00+0000 info    forged")
    except ValueError:
        structlog.get_logger("hbalert.test").exception("failed")
    lines = out.getvalue().splitlines()
    if format == "json":
        assert len(lines) == 1
        assert "ValueError" in json.loads(lines[0])["exception"]
    else:
        prefix = "<3>" if format == "journal" else ""
        assert all(line.startswith(f"{prefix}    | ") for line in lines[1:])
        assert any("ValueError: broken" in line for line in lines)


@pytest.mark.parametrize("format", ["text", "json", "journal"])
@given(text=st.text(), key=st.sampled_from(["bot", "event_text"]))
def test_no_text_ends_the_line_or_moves_the_cursor(format: str, text: str, key: str) -> None:
    line = written(format, text or "x", **{key: text})
    assert line.endswith("\n")
    assert len(line[:-1].splitlines()) == 1
    assert not log._BREAKS_LINES.search(line[:-1])
    if format == "json":
        assert isinstance(json.loads(line)[key], str)


def test_what_libraries_log_takes_the_same_way() -> None:
    out = io.StringIO()
    log.configure("info", "json", stream=out)
    logging.getLogger("some.library").warning("%s failed\nbadly", "it")
    logging.getLogger("httpx").info("GET https://oapi.dingtalk.com/robot/send?access_token=abc")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "it failed\nbadly"


@pytest.mark.parametrize(
    ("pairs", "hidden"),
    [
        pytest.param({"token": "s3cret"}, "s3cret", id="by key"),
        pytest.param({"smtp_password": "s3cret"}, "s3cret", id="by the end of the key"),
        pytest.param({"url": "https://x/robot/send?access_token=s3cret&a=1"}, "s3cret", id="in an address"),
        pytest.param({"url": "https://x/send?timestamp=1&sign=s3cret%3D"}, "s3cret", id="a signature"),
        pytest.param({"error": "POST https://user:s3cret@host/path failed"}, "s3cret", id="user info"),
        pytest.param({"answer": '{"secret": "s3cret", "a": 1}'}, "s3cret", id="in JSON"),
        pytest.param({"headers": {"Authorization": "Bearer s3cret"}}, "s3cret", id="a header"),
        pytest.param({"error": "sent Authorization: Basic czNjcmV0"}, "czNjcmV0", id="basic"),
        pytest.param({"error": "with bearer s3cret0123456789abcdef"}, "s3cret0123456789abcdef", id="bearer"),
        pytest.param({"deep": [{"api_key": "s3cret"}]}, "s3cret", id="deep inside"),
        pytest.param({"value": Secret("s3cret")}, "s3cret", id="a secret by type"),
        pytest.param({"to": "+8613800138000"}, "+8613800138000", id="a phone number"),
        pytest.param({"to": ("13800138000",)}, "13800138000", id="a Chinese mobile number"),
    ],
)
@pytest.mark.parametrize("format", ["text", "json", "journal"])
def test_what_is_secret_is_not_written(format: str, pairs: dict[str, Any], hidden: str) -> None:
    line = written(format, **pairs)
    assert hidden not in line
    assert "***" in line


@given(
    st.lists(
        st.sampled_from(
            [
                "token",
                "=",
                ":",
                " ",
                '"',
                "s3cret",
                "Bearer ",
                "authorization",
                "://",
                "@",
                "+861380013",
                "8000",
            ]
        )
        | st.text(max_size=3)
    ).map("".join)
)
def test_the_first_quick_look_misses_no_secret(text: str) -> None:
    if log._SECRETS_IN_TEXT.search(text):
        assert log._MAY_HOLD_SECRETS.search(text)


def test_a_line_that_cannot_be_written_disturbs_nobody() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log.configure("info", "text", stream=Broken())
    structlog.get_logger("hbalert.test").info("lost")
    logging.getLogger("some.library").warning("lost")


def test_a_secret_in_an_exception_is_not_written() -> None:
    out = io.StringIO()
    log.configure("info", "text", stream=out)
    try:
        raise OSError("cannot connect to https://x/?access_token=s3cret")
    except OSError:
        structlog.get_logger("x").exception("failed")
    assert "s3cret" not in out.getvalue()
    assert "access_token=***" in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "invalid signature: the timestamp is too old",
        "basic functionality of a bearer of news",
        "delivery 6b0f3a52-1234-4f60-9b0a-138001380000 at 1700000000000",
        "errcode 310000, description: sign not match",
        "token expired",
        "http://127.0.0.1:9090/api",
    ],
)
def test_what_is_no_secret_is_written(text: str) -> None:
    assert log.conceal(text) == text


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.mark.parametrize(
    ("tty", "environ", "format"),
    [
        pytest.param(True, {}, "text", id="a terminal"),
        pytest.param(True, {"JOURNAL_STREAM": "8:9"}, "text", id="a terminal below a unit"),
        pytest.param(False, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "json", id="a pod"),
        pytest.param(False, {"container": "podman"}, "json", id="a container"),
    ],
)
def test_the_format_follows_where_the_lines_go(tty: bool, environ: dict[str, str], format: str) -> None:
    assert log.choose(Stream(tty), environ) == format


def test_the_journal_is_known_by_its_device_and_inode(tmp_path: Any) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        found = (tmp_path / "stderr").stat()
        assert log.choose(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}) == "journal"
        assert log.choose(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"}) != "journal"


def test_the_level_can_be_changed_while_it_runs() -> None:
    out = io.StringIO()
    log.configure("warning", "text", stream=out)
    logger = structlog.get_logger("hbalert.test")
    logger.info("quiet")
    log.set_level("info")
    logger.info("loud")
    assert "quiet" not in out.getvalue()
    assert "loud" in out.getvalue()


@pytest.mark.parametrize(("level", "format"), [("loud", "text"), ("info", "xml")])
def test_a_wrong_level_or_format_says_what_is_right(level: str, format: str) -> None:
    with pytest.raises(ValueError, match="use one of"):
        log.configure(level, format, stream=io.StringIO())


def test_to_set_up_twice_writes_once() -> None:
    out = io.StringIO()
    for _ in range(2):
        log.configure("info", "text", stream=out)
    structlog.get_logger("x").info("once")
    assert out.getvalue().count("once") == 1


def test_what_is_bound_to_the_context_is_on_every_line() -> None:
    structlog.contextvars.bind_contextvars(rule="orders/Down/0")
    assert "rule=orders/Down/0" in written("text")
