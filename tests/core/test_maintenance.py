"""Maintenance windows: when they come, on clocks that change, and the silence that each occurrence is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from hbalert.core.interval import Span
from hbalert.core.maintenance import (
    Occurrence,
    Recurrence,
    Window,
    first_moment,
    has_to_be_made,
    is_stale,
    occurrence_id,
    overlap,
    running_and_next,
    silence_of,
    timed,
    weekly,
    withdraw,
)
from hbalert.core.silence import Silence, expire
from tests.core.say import m, s, t

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def spans(recurrence: Recurrence, zone: ZoneInfo, after: str, count: int) -> list[str]:
    """`Sat 22:00+01:00 .. Sun 06:00+02:00`"""
    found = islice(weekly(recurrence, zone, at(after)), count)

    def shown(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return f"{local:%a} {local.isoformat()[11:16]}{local.isoformat()[-6:]}"

    return [f"{shown(each.starts_at)} .. {shown(each.ends_at)}" for each in found]


NIGHT = Recurrence("Europe/Berlin", start=22 * 60, end=6 * 60)


@pytest.mark.parametrize(
    ("recurrence", "after", "expected"),
    [
        pytest.param(
            replace(NIGHT, weekdays=(Span(6, 6),)),
            "2026-03-27T12:00+00:00",
            ["Sat 22:00+01:00 .. Sun 06:00+02:00", "Sat 22:00+02:00 .. Sun 06:00+02:00"],
            id="over midnight and over the change to summer time: an hour shorter",
        ),
        pytest.param(
            replace(NIGHT, weekdays=(Span(6, 6),)),
            "2026-10-24T12:00+00:00",
            ["Sat 22:00+02:00 .. Sun 06:00+01:00"],
            id="over the change to winter time: an hour longer",
        ),
        pytest.param(
            replace(NIGHT, start=150, end=240),
            "2026-03-28T12:00+00:00",
            ["Sun 03:00+02:00 .. Sun 04:00+02:00", "Mon 02:30+02:00 .. Mon 04:00+02:00"],
            id="its start is jumped over: it begins with the jump",
        ),
        pytest.param(
            replace(NIGHT, start=125, end=150),
            "2026-03-28T12:00+00:00",
            ["Mon 02:05+02:00 .. Mon 02:30+02:00"],
            id="all of it is jumped over: it does not come that day",
        ),
        pytest.param(
            replace(NIGHT, start=90, end=150),
            "2026-10-24T12:00+00:00",
            ["Sun 01:30+02:00 .. Sun 02:30+02:00"],
            id="its end comes twice: the first counts",
        ),
        pytest.param(
            replace(NIGHT, start=0, end=1440, weekdays=(Span(1, 5),)),
            "2026-03-06T12:00+00:00",
            ["Fri 00:00+01:00 .. Sat 00:00+01:00", "Mon 00:00+01:00 .. Tue 00:00+01:00"],
            id="whole days of the working week, the running one first",
        ),
        pytest.param(
            NIGHT,
            "2026-03-02T05:00+00:00",
            ["Mon 22:00+01:00 .. Tue 06:00+01:00"],
            id="one that ends at that very moment is over",
        ),
    ],
)
def test_weekly_occurrences(recurrence: Recurrence, after: str, expected: list[str]) -> None:
    assert spans(recurrence, BERLIN, after, len(expected)) == expected


def test_a_change_of_half_an_hour_is_found_to_the_second() -> None:
    """Lord Howe jumps from 02:00 to 02:30."""
    assert first_moment(date(2026, 10, 4), 135, LORD_HOWE) == at("2026-10-04T02:30+11:00")


def test_there_is_an_end_of_time() -> None:
    assert list(weekly(NIGHT, BERLIN, datetime(8999, 12, 30, 12, tzinfo=UTC)))[-1].starts_at.year == 8999


def test_an_hour_of_cron_is_an_hour_whatever_clocks_do() -> None:
    starts = [datetime(2026, 3, 28, 1, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)]
    found = list(timed(starts, timedelta(hours=2), at("2026-03-28T03:30+01:00")))
    assert found == [Occurrence(at("2026-03-29T01:30+01:00"), at("2026-03-29T04:30+02:00"))]


def occurrence(start: float, end: float) -> Occurrence:
    return Occurrence(t(start), t(end))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([(-10, 5), (20, 30), (40, 50)], [(-10, 5), (20, 30)], id="one runs: it and the next"),
        pytest.param([(20, 30), (40, 50)], [(20, 30)], id="none runs: the next"),
        pytest.param([(0, 5), (20, 30)], [(0, 5), (20, 30)], id="one that begins now runs"),
        pytest.param([], [], id="none will ever come"),
    ],
)
def test_running_and_next(given: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    found = running_and_next([occurrence(*each) for each in given], t(0))
    assert found == [occurrence(*each) for each in expected]


def test_occurrences_that_lie_on_top_of_each_other_are_seen() -> None:
    assert overlap([occurrence(0, 10), occurrence(10, 20), occurrence(19, 30)])
    assert not overlap([occurrence(0, 10), occurrence(10, 20)])


WEEKLY = Window("exchange", (m("bot=a"),), NIGHT, "upgrade", "li")


def test_an_occurrence_is_a_silence_that_names_its_window() -> None:
    silence = silence_of(WEEKLY, occurrence(0, 60), t(5))
    assert (silence.starts_at, silence.ends_at, silence.updated_at) == (t(0), t(60), t(5))
    assert (silence.created_by, silence.comment, silence.matchers) == ("li", "upgrade", WEEKLY.matchers)
    assert (silence.window, silence.kept_until) == ("exchange", t(60))
    assert silence.annotations == {"maintenance": "exchange"}
    assert silence.id == occurrence_id(WEEKLY, t(0)) == "11ec2f4f-ebe7-58d6-8adf-bec904a0400a"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"comment": "other", "created_by": "ann", "made_at": t(0)}, True, id="other words"),
        pytest.param({"name": "other"}, False, id="another name"),
        pytest.param({"matchers": (m("bot=b"),)}, False, id="other matchers"),
        pytest.param({"recurrence": replace(NIGHT, end=300)}, False, id="another end"),
        pytest.param({"recurrence": replace(NIGHT, weekdays=(Span(1, 5),))}, False, id="other days"),
        pytest.param({"recurrence": replace(NIGHT, location="UTC")}, False, id="another zone"),
        pytest.param({"recurrence": Recurrence(cron="0 2 * * *", duration=s(60))}, False, id="cron"),
    ],
)
def test_a_window_that_is_changed_has_other_occurrences(change: dict[str, object], same: bool) -> None:
    other = replace(WEEKLY, **change)  # type: ignore[arg-type]
    silence = silence_of(WEEKLY, occurrence(0, 60), t(0))
    assert is_stale(silence, {other.name: other}) is not same


def test_an_ordinary_silence_is_never_stale_and_one_whose_window_is_gone_is() -> None:
    silence = silence_of(WEEKLY, occurrence(0, 60), t(0))
    assert is_stale(silence, {})
    assert not is_stale(replace(silence, window=""), {})


@pytest.mark.parametrize(
    ("there", "made"),
    [
        pytest.param(None, True, id="there is none yet"),
        pytest.param(silence_of(WEEKLY, occurrence(0, 60), t(0)), False, id="it is there"),
        pytest.param(
            expire(silence_of(WEEKLY, occurrence(0, 60), t(0)), t(9)), False, id="it was ended by hand"
        ),
        pytest.param(
            withdraw(silence_of(WEEKLY, occurrence(0, 60), t(0)), t(9)), True, id="its window was gone"
        ),
        pytest.param(
            replace(silence_of(WEEKLY, occurrence(0, 60), t(0)), window="", kept_until=None),
            False,
            id="it was changed by hand",
        ),
    ],
)
def test_an_occurrence_is_made_unless_somebody_has_decided_about_it(
    there: Silence | None, made: bool
) -> None:
    assert has_to_be_made(there) is made


@pytest.mark.parametrize(
    ("recurrence", "shown"),
    [
        (Recurrence(cron="0 2 * * sun", duration=s(7200)), "0 2 * * sun for 2:00:00 (UTC)"),
        (
            replace(NIGHT, weekdays=(Span(1, 5), Span(0, 0))),
            "monday:friday,sunday:sunday 22:00-06:00 (Europe/Berlin)",
        ),
        (NIGHT, "daily 22:00-06:00 (Europe/Berlin)"),
    ],
)
def test_how_a_recurrence_is_shown(recurrence: Recurrence, shown: str) -> None:
    assert str(recurrence) == shown
