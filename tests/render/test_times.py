"""Moments and durations as they stand in a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hbalert.render.times import spell_duration, spell_moment, spell_short, zone
from hbalert.render.words import EN, ZH

AT = datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UTC", "2026-01-01 19:04:05 UTC"),
        ("Asia/Shanghai", "2026-01-02 03:04:05 CST (UTC+8)"),
        ("America/Chicago", "2026-01-01 13:04:05 CST (UTC-6)"),
        ("Asia/Kolkata", "2026-01-02 00:34:05 IST (UTC+5:30)"),
        ("America/Sao_Paulo", "2026-01-01 16:04:05 UTC-3"),
        ("Not/AZone", "2026-01-01 19:04:05 UTC"),
        ("../etc/passwd", "2026-01-01 19:04:05 UTC"),
        ("", "2026-01-01 19:04:05 UTC"),
    ],
)
def test_a_moment_names_its_zone_so_that_it_cannot_be_mistaken(name: str, expected: str) -> None:
    assert spell_moment(AT, zone(name)) == expected


def test_a_moment_of_today_is_an_hour_and_another_one_has_its_date() -> None:
    where = zone("Asia/Shanghai")
    assert spell_short(AT, where, AT) == "03:04"
    assert spell_short(AT, where, AT + timedelta(hours=21)) == "01-02 03:04"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-5, "0 s", "0 秒"),
        (0.9, "0 s", "0 秒"),
        (45, "45 s", "45 秒"),
        (61, "1 min 1 s", "1 分钟 1 秒"),
        (180, "3 min", "3 分钟"),
        (599, "9 min 59 s", "9 分钟 59 秒"),
        (725, "12 min", "12 分钟"),
        (3 * 3600 + 300 + 7, "3 h 5 min", "3 小时 5 分钟"),
        (3600 + 7, "1 h", "1 小时"),
        (2 * 86400 + 4 * 3600 + 59, "2 d 4 h", "2 天 4 小时"),
        (2 * 86400 + 59 * 60, "2 d", "2 天"),
    ],
)
def test_a_duration_has_the_two_units_that_matter(seconds: float, english: str, chinese: str) -> None:
    assert spell_duration(timedelta(seconds=seconds), EN) == english
    assert spell_duration(timedelta(seconds=seconds), ZH) == chinese


def test_the_ends_of_the_calendar_are_no_trouble() -> None:
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert spell_moment(moment, zone("Asia/Shanghai"))
        assert spell_moment(moment, zone("America/Chicago"))
