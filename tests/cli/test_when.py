"""Times as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest

from hbalert.cli.when import future, length, past

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
"""20:00:30 in Shanghai."""


@pytest.fixture(autouse=True)
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time, eight hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2h", "2026-03-01T14:00:30+00:00"),
        ("now+1d12h", "2026-03-03T00:00:30+00:00"),
        ("20:30", "2026-03-01T20:30:00+08:00"),
        ("20:00", "2026-03-02T20:00:00+08:00"),
        ("8:15", "2026-03-02T08:15:00+08:00"),
        ("today 20:30", "2026-03-01T20:30:00+08:00"),
        ("tomorrow 09:00", "2026-03-02T09:00:00+08:00"),
        ("2026-03-05", "2026-03-05T00:00:00+08:00"),
        ("2026-03-05 18:30", "2026-03-05T18:30:00+08:00"),
        ("2026-03-05T18:30:00Z", "2026-03-05T18:30:00+00:00"),
    ],
)
def test_a_time_ahead(text: str, iso: str) -> None:
    assert future(text, NOW) == datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2h", "2026-03-01T10:00:30+00:00"),
        ("now-90s", "2026-03-01T11:59:00+00:00"),
        ("20:30", "2026-02-28T20:30:00+08:00"),
        ("20:00", "2026-03-01T20:00:00+08:00"),
        ("2026-02-28 08:00", "2026-02-28T08:00:00+08:00"),
    ],
)
def test_a_time_behind(text: str, iso: str) -> None:
    assert past(text, NOW) == datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        pytest.param("2026-03-29 02:30", "2026-03-29T03:30:00+02:00", id="jumped over: as much later"),
        pytest.param("02:30", "2026-03-29T03:30:00+02:00", id="the same, as a time of day"),
        pytest.param("2026-10-25 02:30", "2026-10-25T02:30:00+02:00", id="comes twice: the first"),
        pytest.param("2026-03-29 03:00", "2026-03-29T03:00:00+02:00", id="the moment of the jump"),
    ],
)
def test_a_time_at_which_clocks_change(text: str, iso: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert future(text, datetime(2026, 3, 29, 0, 0, tzinfo=UTC)) == datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:60", "2026-02-30", "-2h", "2h ago", "99999999999d", "0000-01-01", "²h"]
)
def test_what_is_no_time_is_explained(text: str) -> None:
    for read in (past, future):
        with pytest.raises(click.UsageError, match="is not a time; write"):
            read(text, NOW)


def test_a_length_is_longer_than_none() -> None:
    assert length("1d12h") == timedelta(hours=36)
    for text in ("0", "0s", "x", "99999999999999d"):
        with pytest.raises(click.UsageError):
            length(text)
