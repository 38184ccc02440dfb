"""Silences: their life, what they match, how they change."""

from dataclasses import replace

import pytest

from hbalert.core.labels import Labels
from hbalert.core.silence import (
    Bounds,
    Silence,
    SilenceState,
    ends_soon,
    excess,
    expire,
    has_nothing_left,
    is_broad,
    is_long,
    problems,
    says_the_same,
    silenced_by,
    size,
    state,
    update,
)
from tests.core.say import labels, m, s, t

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


def test_what_was_changed_by_hand_is_no_occurrence_any_more_but_is_kept_as_long() -> None:
    occurrence = replace(QUIET, window="weekly", kept_until=t(200))
    (row,) = update(occurrence, replace(QUIET, ends_at=t(150)), "new", t(110))
    assert (row.id, row.window, row.kept_until) == ("old", "", t(200))


def test_an_alert_that_speaks_of_a_silence_is_not_silenced_by_it() -> None:
    about = labels("alertname=HbalertSilenceEnding bot=alpha silence=old")
    other = replace(QUIET, id="other")
    assert silenced_by(about, [QUIET, other], t(150)) == ["other"]


LASTING = replace(QUIET, annotations={"until": "resolved"})
ALPHA, BETA = labels("bot=alpha n=1"), labels("bot=beta n=1")


@pytest.mark.parametrize(
    ("silence", "ended", "firing", "now", "over"),
    [
        pytest.param(LASTING, [ALPHA], [BETA], 150, True, id="the last that it matches has resolved"),
        pytest.param(LASTING, [ALPHA], [labels("bot=alpha n=2")], 150, False, id="another one still fires"),
        pytest.param(LASTING, [BETA], [], 150, False, id="what resolved is none of its business"),
        pytest.param(LASTING, [], [], 150, False, id="nothing has resolved: it waits for the trouble"),
        pytest.param(LASTING, [ALPHA], [], 99, False, id="it has not begun"),
        pytest.param(LASTING, [ALPHA], [], 200, False, id="it has ended by the clock"),
        pytest.param(QUIET, [ALPHA], [], 150, False, id="it lasts until its end"),
        pytest.param(
            replace(QUIET, annotations={"until": "Friday"}), [ALPHA], [], 150, False, id="another annotation"
        ),
        pytest.param(
            LASTING, [ALPHA], [labels("bot=alpha silence=old")], 150, True, id="an alert that speaks of it"
        ),
    ],
)
def test_when_a_silence_that_lasts_until_resolved_is_over(
    silence: Silence, ended: list[Labels], firing: list[Labels], now: float, over: bool
) -> None:
    assert has_nothing_left(silence, dict.fromkeys(ended, t(now)), firing, t(now)) is over


def test_what_had_ended_before_it_began_is_not_what_it_waits_for() -> None:
    assert not has_nothing_left(LASTING, {ALPHA: t(99)}, [], t(150))
    assert has_nothing_left(LASTING, {ALPHA: t(100)}, [], t(150))


@pytest.mark.parametrize(
    ("matchers", "broad"),
    [
        pytest.param("alertname=~.+", True, id="any name"),
        pytest.param("env!=dev", True, id="all but one"),
        pytest.param("env!~dev|test", True, id="all but two"),
        pytest.param("env!=dev bot=~.+", True, id="both are broad"),
        pytest.param("env!=dev bot=b1", False, id="one is narrow"),
        pytest.param("severity=~info|warning", False, id="named values"),
    ],
)
def test_what_matches_nearly_everything(matchers: str, broad: bool) -> None:
    assert is_broad([m(each) for each in matchers.split()]) is broad


def test_its_size_counts_bytes_of_all_its_texts() -> None:
    plain = replace(QUIET, created_by="", comment="")
    assert size(plain) == len("bot=alpha")
    assert size(replace(plain, created_by="li", comment="维护", annotations={"a": "bc"})) == 9 + 2 + 6 + 3
    assert size(replace(plain, comment="\ud800")) == 10


@pytest.mark.parametrize(
    ("silence", "now", "notice", "soon"),
    [
        pytest.param(QUIET, 160, 40, True, id="the notice before its end"),
        pytest.param(QUIET, 159, 40, False, id="a second earlier"),
        pytest.param(QUIET, 200, 40, False, id="it has ended"),
        pytest.param(QUIET, 90, 200, False, id="it has not begun"),
        pytest.param(QUIET, 199, 50, False, id="it is not longer than twice the notice"),
        pytest.param(QUIET, 199, 0, False, id="no notice is wanted"),
        pytest.param(replace(QUIET, window="weekly"), 199, 40, False, id="it ends as planned"),
    ],
)
def test_when_its_author_hears_that_it_ends(silence: Silence, now: float, notice: float, soon: bool) -> None:
    assert ends_soon(silence, t(now), s(notice)) is soon


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        pytest.param(Bounds(3, 25), [], id="within both"),
        pytest.param(Bounds(2, 25), ["silences.limit = 2"], id="one too many"),
        pytest.param(Bounds(3, 22), ["silences.max_bytes = 22"], id="a byte too large"),
        pytest.param(Bounds(1, 1), ["silences.max_bytes = 1", "silences.limit = 1"], id="both"),
    ],
)
def test_what_is_over_a_bound_names_it(bounds: Bounds, names: list[str]) -> None:
    assert size(QUIET) == 23
    found = excess(QUIET, 3, bounds)
    assert len(found) == len(names)
    assert all(name in text for name, text in zip(names, found, strict=True))


@pytest.mark.parametrize(
    ("change", "now", "same"),
    [
        pytest.param({}, 150, True, id="the same"),
        pytest.param({"id": "x", "updated_at": t(0)}, 150, True, id="what nobody asked for does not count"),
        pytest.param({"starts_at": t(120)}, 150, True, id="both have begun"),
        pytest.param({"starts_at": t(120)}, 110, False, id="one has not begun"),
        pytest.param({"starts_at": t(120)}, 50, False, id="another start ahead"),
        pytest.param({}, 50, True, id="the same start ahead"),
        pytest.param({}, 200, False, id="it has ended"),
        pytest.param({"ends_at": t(201)}, 150, False, id="another end"),
        pytest.param({"ends_at": t(200.0004)}, 150, True, id="an end that differs by less than a file says"),
        pytest.param({"matchers": (m("bot=beta"),)}, 150, False, id="other matchers"),
        pytest.param({"comment": "x"}, 150, False, id="another reason"),
        pytest.param({"annotations": {"until": "resolved"}}, 150, False, id="until resolved"),
    ],
)
def test_when_another_silence_would_change_nothing(change: dict[str, object], now: float, same: bool) -> None:
    other = replace(QUIET, **change)  # type: ignore[arg-type]
    assert says_the_same(QUIET, other, t(now)) is same


def test_more_than_a_month_is_long() -> None:
    assert is_long(replace(QUIET, ends_at=QUIET.starts_at + s(31 * 86400)))
    assert not is_long(replace(QUIET, ends_at=QUIET.starts_at + s(30 * 86400)))
