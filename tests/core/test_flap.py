"""Flapping: how often is too often, and when it is over."""

from __future__ import annotations

import pytest

from hbalert.core.flap import NEVER, Flapping, Flaps, calmed, holds, remembered, started
from tests.core.say import s, t

FOUR_IN_AN_HOUR = Flapping(4, s(3600))


def after(*seconds: float, limits: Flapping = FOUR_IN_AN_HOUR) -> Flaps:
    flaps = NEVER
    for at in seconds:
        flaps = started(flaps, t(at), limits)
    return flaps


@pytest.mark.parametrize(
    ("starts", "since"),
    [
        pytest.param((0, 600, 1200), None, id="three starts are not four"),
        pytest.param((0, 600, 1200, 1800), 1800, id="the fourth start within the window"),
        pytest.param((0, 600, 1200, 3600), None, id="the first one is out of the window by now"),
        pytest.param((0, 600, 1200, 3599), 3599, id="just within the window"),
        pytest.param((0, 600, 1200, 1800, 2400), 1800, id="a fifth start does not make it begin again"),
        pytest.param((7200, 7800, 8400, 0), None, id="starts of a clock that was set back do not count"),
    ],
)
def test_an_alert_flaps_from_its_nth_start_within_the_window(
    starts: tuple[float, ...], since: float | None
) -> None:
    assert after(*starts).since == (None if since is None else t(since))


def test_without_a_limit_nothing_is_remembered_and_nothing_held() -> None:
    never = Flapping()
    assert after(0, 1, 2, 3, 4, 5, limits=never) == NEVER
    held = after(0, 1, 2, 3)
    assert not holds(held, None, t(4), never)
    assert not remembered(held, t(4), never)


def test_only_the_starts_that_can_still_count_are_kept() -> None:
    assert after(*range(0, 600, 60)).starts == (t(360), t(420), t(480), t(540))


@pytest.mark.parametrize(
    ("away_since", "now", "held"),
    [
        pytest.param(None, 30 + 1799, True, id="there for less than half the window"),
        pytest.param(None, 30 + 1800, False, id="there for half the window: calm"),
        pytest.param(60, 60 + 1799, True, id="away for less than half the window"),
        pytest.param(60, 60 + 1800, False, id="away for half the window: calm"),
        pytest.param(5000, 4000, True, id="a clock that was set back"),
    ],
)
def test_it_is_held_until_nothing_has_changed_for_half_the_window(
    away_since: float | None, now: float, held: bool
) -> None:
    flaps = after(0, 10, 20, 30)
    away = None if away_since is None else t(away_since)
    assert holds(flaps, away, t(now), FOUR_IN_AN_HOUR) is held


def test_what_does_not_flap_is_not_held() -> None:
    assert not holds(after(0, 1, 2), None, t(3), FOUR_IN_AN_HOUR)


def test_calming_down_is_noted_once() -> None:
    flaps = after(0, 10, 20, 30)
    calm = calmed(flaps, t(2000))
    assert (calm.since, calm.calm_since) == (None, t(2000))
    assert calmed(calm, t(3000)) is calm
    assert calmed(NEVER, t(0)) is NEVER


def test_an_alert_that_flaps_again_is_not_calm() -> None:
    calm = calmed(after(0, 10, 20, 30), t(2000))
    assert started(calm, t(2010), FOUR_IN_AN_HOUR) == Flaps((t(0), t(10), t(20), t(30), t(2010)), t(2010))


def test_an_alert_that_is_over_is_remembered_for_one_window() -> None:
    flaps = after(0, 10)
    assert remembered(flaps, t(3609), FOUR_IN_AN_HOUR)
    assert not remembered(flaps, t(3610), FOUR_IN_AN_HOUR)
