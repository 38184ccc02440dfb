"""Silences: their life, what they match, how they change."""

from dataclasses import replace

import pytest

from hbalert.core.silence import Silence, SilenceState, expire, problems, silenced_by, state, update
from tests.core.say import labels, m, t

QUIET = Silence("old", (m("bot=alpha"),), t(100), t(200), "lin", "maintenance", t(90))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(99, SilenceState.PENDING, id="before"),
        pytest.param(100, SilenceState.ACTIVE, id="its start counts"),
        pytest.param(200, SilenceState.EXPIRED, id="its end does not"),
    ],
)
def test_life(now: float, expected: SilenceState) -> None:
    assert state(QUIET, t(now)) is expected


def test_who_silences_an_alert() -> None:
    other = replace(QUIET, id="another", matchers=(m("bot=~a.*"), m("severity!=critical")))
    both = [QUIET, other]
    assert silenced_by(labels("bot=alpha severity=warning"), both, t(150)) == ["another", "old"]
    assert silenced_by(labels("bot=alpha severity=critical"), both, t(150)) == ["old"]
    assert silenced_by(labels("bot=alpha"), both, t(250)) == []


@pytest.mark.parametrize(
    ("silence", "field"),
    [
        pytest.param(replace(QUIET, matchers=()), "matchers", id="no matcher"),
        pytest.param(replace(QUIET, matchers=(m("a=~.*"),)), "matchers", id="matches the empty string"),
        pytest.param(replace(QUIET, ends_at=t(100)), "endsAt", id="no duration"),
        pytest.param(replace(QUIET, starts_at=t(1), ends_at=t(2)), "endsAt", id="in the past"),
    ],
)
def test_a_silence_that_cannot_be_accepted_names_the_field(silence: Silence, field: str) -> None:
    (problem,) = problems(silence, t(50))
    assert problem.startswith(f"{field}: ")


def test_a_good_silence_has_no_problem() -> None:
    assert problems(QUIET, t(50)) == []


def ids(rows: list[Silence]) -> list[str]:
    return [row.id for row in rows]


@pytest.mark.parametrize(
    ("change", "now", "expected"),
    [
        pytest.param({"ends_at": t(300)}, 150, ["old"], id="active, later end: in place"),
        pytest.param({"ends_at": t(300), "starts_at": t(120)}, 150, ["old", "new"], id="active, other start"),
        pytest.param({"matchers": (m("bot=beta"),)}, 150, ["old", "new"], id="other matchers: a new one"),
        pytest.param({"starts_at": t(60)}, 50, ["old"], id="pending, new start ahead: in place"),
        pytest.param({"starts_at": t(40)}, 50, ["old", "new"], id="pending, start in the past: a new one"),
        pytest.param({"ends_at": t(400)}, 250, ["new"], id="expired: a new one, the old untouched"),
    ],
)
def test_an_update(change: dict[str, object], now: float, expected: list[str]) -> None:
    rows = update(QUIET, replace(QUIET, **change), "new", t(now))  # type: ignore[arg-type]
    assert ids(rows) == expected
    assert rows[-1].starts_at >= t(now) or rows[-1].id == "old"
    if expected == ["old", "new"]:
        assert state(rows[0], t(now)) is SilenceState.EXPIRED


def test_a_new_silence_begins_now_at_the_earliest() -> None:
    (made,) = update(None, replace(QUIET, starts_at=t(0)), "new", t(50))
    assert (made.id, made.starts_at, made.updated_at) == ("new", t(50), t(50))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(50, (t(50), t(50)), id="a pending one never was"),
        pytest.param(150, (t(100), t(150)), id="an active one ends now"),
        pytest.param(250, (t(100), t(200)), id="an expired one stays"),
    ],
)
def test_expire(now: float, expected: tuple[object, object]) -> None:
    ended = expire(QUIET, t(now))
    assert (ended.starts_at, ended.ends_at) == expected
