"""Time intervals: when a route is quiet, and what is told when it may speak again.

Both engines read the real clock, so that intervals are made around the present moment.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.compat.case import NO_COUNTERPART, case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Hook, Setup, fast

Description = Mapping[str, Any]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(name.lower() for name in calendar.month_name[1:])


def around(now: datetime, before_min: int = 30, after_min: int = 30) -> list[dict[str, str]]:
    """Times of day from so many minutes before to so many after; two ranges over midnight."""
    start = now.hour * 60 + now.minute - before_min
    end = now.hour * 60 + now.minute + after_min
    if start < 0:
        return [_range(0, end), _range(start + 1440, 1440)]
    if end > 1440:
        return [_range(start, 1440), _range(0, end - 1440)]
    return [_range(start, end)]


def _range(start: int, end: int) -> dict[str, str]:
    return {
        "start_time": f"{start // 60:02d}:{start % 60:02d}",
        "end_time": f"{end // 60:02d}:{end % 60:02d}",
    }


def descriptions() -> dict[str, list[Description]]:
    """Time intervals by the name of the alert they are about. Q...: it holds now; L...: it does not."""
    now = datetime.now(UTC)
    far_off = now - timedelta(hours=6)
    local = now.astimezone(ZoneInfo("Asia/Shanghai"))
    length = calendar.monthrange(now.year, now.month)[1]
    from_end = now.day - length - 1
    weekday, month = WEEKDAYS[now.weekday()], MONTHS[now.month - 1]
    other_month = MONTHS[now.month % 12]
    return {
        "Qtimes": [{"times": around(now)}],
        "Ltimes": [{"times": around(far_off)}],
        "Qzone": [{"times": around(local), "location": "Asia/Shanghai"}],
        "Lzone": [{"times": around(now), "location": "Asia/Shanghai"}],
        "Qyork": [
            {"times": around(now.astimezone(ZoneInfo("America/New_York"))), "location": "America/New_York"}
        ],
        "Qweekday": [{"weekdays": [weekday]}],
        "Lweekday": [{"weekdays": [WEEKDAYS[(now.weekday() + 2) % 7]]}],
        "Qweek": [{"weekdays": ["sunday:saturday"]}],
        "Qday": [{"days_of_month": [str(now.day)]}],
        "Lday": [{"days_of_month": [str(now.day % 28 + 2 if now.day % 28 + 2 != now.day else 1)]}],
        "Qback": [{"days_of_month": [f"{from_end}:{from_end}"]}],
        "Lback": [{"days_of_month": [f"{from_end - 1}:{from_end - 1}" if from_end > -28 else "-1"]}],
        "Qmixed": [{"days_of_month": [f"{now.day}:-1"]}],
        "Qmonth": [{"months": [month.upper()]}],
        "Qnumber": [{"months": [str(now.month)]}],
        "Lmonth": [{"months": [other_month]}],
        "Qyear": [{"years": [f"{now.year - 1}:{now.year}"]}],
        "Lyear": [{"years": [str(now.year + 1)]}],
        "Qall": [{"times": around(now), "weekdays": [weekday], "months": [month], "years": [str(now.year)]}],
        "Lall": [{"times": around(now), "weekdays": [weekday], "months": [other_month]}],
        "Qeither": [{"months": [other_month]}, {"weekdays": [weekday]}],
        "Qranges": [{"times": [*around(far_off), *around(now)]}],
    }


def one_route_each(key: str) -> Setup:
    """A route for each of the descriptions, which is mute or active by it."""
    intervals = descriptions()
    routes = [
        {"matchers": [f'alertname = "{name}"'], key: [name], "group_by": ["alertname"]} for name in intervals
    ]
    return Setup(fast(routes=routes), time_intervals=intervals)


async def told_now(scene: Scene, expected: int) -> str:
    """Which of the alerts are told at once, by the first letter of their names."""
    names = list(scene.setup.time_intervals)
    await scene.post(*(alert(name) for name in names))
    await scene.messages(expected)
    await scene.wait(1.5)
    told = {name for one in scene.collector.messages for name in one.names("firing")}
    wrong = [name for name in names if (name in told) != (len(told) > 0 and name[0] == min(told)[0])]
    return f"told: {' '.join(sorted(told))}" + (f"; wrong: {' '.join(wrong)}" if wrong else "")


@case(
    "mute_time_intervals by times, weekdays, days of the month, months, years and time zones",
    expect="told: Lall Lback Lday Lmonth Ltimes Lweekday Lyear Lzone",
    setup=lambda: one_route_each("mute_time_intervals"),
    quick=True,
)
async def _(scene: Scene) -> str:
    return await told_now(scene, 8)


@case(
    "active_time_intervals by the same",
    expect=(
        "told: Qall Qback Qday Qeither Qmixed Qmonth Qnumber Qranges Qtimes Qweek Qweekday Qyear Qyork Qzone"
    ),
    setup=lambda: one_route_each("active_time_intervals"),
)
async def _(scene: Scene) -> str:
    return await told_now(scene, 14)


ALWAYS: Sequence[Description] = [{"years": ["2000:2999"]}]
NEVER: Sequence[Description] = [{"years": ["2000:2001"]}]


def with_intervals(*routes: Mapping[str, Any], **root: Any) -> Setup:
    hooks = {name: (Hook(),) for name in ("web", "other")}
    return Setup(
        fast(routes=list(routes), **root), hooks, time_intervals={"always": [*ALWAYS], "never": [*NEVER]}
    )


@case(
    "A child does not have its parent's mute interval",
    expect="other: +B",
    setup=lambda: with_intervals(
        {
            "matchers": ['team = "x"'],
            "mute_time_intervals": ["always"],
            "routes": [{"matchers": ['alertname = "B"'], "receiver": "other"}],
        }
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    return await scene.story()


@case(
    "Several mute intervals: one that holds is enough; several active ones: one is enough, too",
    expect="other: +B",
    setup=lambda: with_intervals(
        {"matchers": ['alertname = "A"'], "mute_time_intervals": ["never", "always"]},
        {"matchers": ['alertname = "B"'], "active_time_intervals": ["never", "always"], "receiver": "other"},
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    return await scene.story()


@case(
    "Active and muted at once: muted",
    expect="nothing",
    setup=lambda: with_intervals(
        {
            "matchers": ['team = "x"'],
            "active_time_intervals": ["always"],
            "mute_time_intervals": ["always"],
        },
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    return await scene.story(settle_s=3)


@case(
    "A muted route leaves its siblings alone: `continue`",
    expect="other: +A",
    setup=lambda: with_intervals(
        {"matchers": ['team = "x"'], "mute_time_intervals": ["always"], "continue": True},
        {"matchers": ['team = "x"'], "receiver": "other"},
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    return await scene.story()


@case(
    "A mute interval on the root route",
    expect="nothing",
    theirs=NO_COUNTERPART,
    setup=lambda: with_intervals(mute_time_intervals=["always"]),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    return await scene.story(settle_s=3)


@case(
    "An alert comes and goes while its route is muted: told to nobody",
    expect="nothing",
    setup=lambda: with_intervals({"matchers": ['team = "x"'], "mute_time_intervals": ["always"]}),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.wait(2)
    await scene.end(alert("A"))
    return await scene.story(settle_s=3)


def minute_from_now(lead_s: int) -> tuple[datetime, Description]:
    """The next whole minute that is at least so far away, and an interval that ends there."""
    soonest = datetime.now(UTC) + timedelta(seconds=lead_s)
    edge = soonest.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return edge, {"times": around(edge, 10, 0)}


def until_the_minute(group_interval: str) -> Setup:
    _, interval = minute_from_now(8)
    return Setup(
        fast(
            group_interval=group_interval,
            routes=[{"matchers": ['team = "x"'], "mute_time_intervals": ["soon over"]}],
        ),
        time_intervals={"soon over": [interval]},
    )


def seconds_to(clock_text: str) -> float:
    """Until the next time that the clock (UTC) shows this."""
    now = datetime.now(UTC)
    hour, minute = map(int, clock_text.split(":"))
    at = now.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    return ((at - now).total_seconds() + 43_200) % 86_400 - 43_200


async def told_after_the_interval(scene: Scene) -> str:
    await scene.post(alert("A"))
    (interval,) = scene.setup.time_intervals["soon over"]
    over = time.monotonic() + seconds_to(interval["times"][0]["end_time"])
    await scene.messages(1, within_s=over - time.monotonic() + 6)
    if not scene.collector.messages:
        return "not within 6 s"
    (message,) = scene.collector.messages
    return f"{message}, {'within 4 s' if over - 0.1 <= message.at < over + 4 else 'early or late'}"


@case(
    "A mute interval ends: what still fires is told",
    expect="+A, within 4 s",
    setup=lambda: until_the_minute("1s"),
    bound_s=100,
)
async def _(scene: Scene) -> str:
    return await told_after_the_interval(scene)


@case(
    "The same in a group with a long interval",
    expect="+A, within 4 s",
    theirs="not within 6 s",
    setup=lambda: until_the_minute("10m"),
    bound_s=100,
)
async def _(scene: Scene) -> str:
    return await told_after_the_interval(scene)


def for_a_minute() -> Setup:
    edge, _ = minute_from_now(8)
    return Setup(
        fast(routes=[{"matchers": ['team = "x"'], "mute_time_intervals": ["a minute"]}]),
        time_intervals={"a minute": [{"times": around(edge, 0, 1)}]},
    )


@case(
    "Told, muted by an interval, ended: its end is told when the interval is over",
    expect="+A / -A, after it",
    theirs="+A",
    setup=for_a_minute,
    bound_s=170,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    (interval,) = scene.setup.time_intervals["a minute"]
    (times,) = interval["times"]
    await scene.wait(seconds_to(times["start_time"]) + 2)
    await scene.end(alert("A"))
    over = time.monotonic() + seconds_to(times["end_time"])
    await scene.messages(2, within_s=over - time.monotonic() + 5)
    late = (
        " after it"
        if len(scene.collector.messages) > 1 and scene.collector.messages[1].at >= over - 0.1
        else ""
    )
    return await scene.story(settle_s=0) + ("," + late if late else "")
