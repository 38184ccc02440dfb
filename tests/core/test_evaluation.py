"""Evaluation: what an answer makes of alerts, as tables, as dialogues in time, and for any history."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hbalert.core.evaluation import TRANSITIONS, Condition, Evaluation, Transition, evaluate
from hbalert.core.flap import Flapping, Flaps
from hbalert.core.labels import Labels
from hbalert.core.rule import Occasion, Rule, RuleAlert, RuleAlertState, Sample
from tests.core.say import labels, s, t

PENDING, FIRING, RESOLVED = RuleAlertState.PENDING, RuleAlertState.FIRING, RuleAlertState.RESOLVED
NAN = float("nan")


def expand(text: str, series: Labels, value: float, when: Occasion) -> str:
    """Knows `{value}` and `{some label}`; `{broken}` fails."""
    if "{broken}" in text:
        raise ValueError("nothing is called broken")
    return text.format_map({"value": f"{value:g}", **series, "__name__": series.get("__name__", "")})


def sample(text: str, value: float = 1.0) -> Sample:
    return Sample(labels(text), value)


def a_rule(**more: object) -> Rule:
    return replace(Rule("g/Down", "Down", "up == 0", "main"), **more)  # type: ignore[arg-type]


class Play:
    """One rule's life: `at(90, samples)` evaluates it and remembers its rows, as the store would."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.rows: dict[bytes, RuleAlert] = {}
        self.last = Evaluation()

    def at(self, seconds: float, *samples: Sample | str, **more: object) -> list[str]:
        """What changed, as `bot=a: pending -> firing`; the alert's name is left out."""
        answer = [each if isinstance(each, Sample) else sample(each) for each in samples]
        self.last = evaluate(self.rule, self.rows, answer, t(seconds), expand, **more)  # type: ignore[arg-type]
        for row in (*self.last.written, *self.last.refreshed):
            self.rows[row.labels.key] = row
        for key in self.last.removed:
            del self.rows[key]
        return [words(each) for each in self.last.transitions]

    @property
    def firing(self) -> list[str]:
        return sorted(short(row.labels) for row in self.rows.values() if row.state is FIRING)

    def row(self, text: str = "") -> RuleAlert:
        return self.rows[labels(f"alertname=Down {text}").key]


def short(of: Labels) -> str:
    return ",".join(f"{name}={value}" for name, value in of.without("alertname").items())


def words(change: Transition) -> str:
    before, after = (state.value if state else "inactive" for state in (change.before, change.after))
    return f"{short(change.alert.labels)}: {before} -> {after}"


# --- the table ---


def test_the_table_answers_every_condition_of_every_state() -> None:
    """What is inactive has no row, so its series cannot be missing; what is resolved is gone."""
    for state in (PENDING, FIRING):
        assert {condition for before, condition in TRANSITIONS if before is state} == set(Condition)
    assert {c for before, c in TRANSITIONS if before is None} == {Condition.TRUE, Condition.HELD}
    assert not any(before is RESOLVED for before, _ in TRANSITIONS)


def test_only_what_fires_can_resolve() -> None:
    assert {before for (before, _), after in TRANSITIONS.items() if after is RESOLVED} == {FIRING}


def test_nothing_fires_that_is_not_held_except_what_fires_already() -> None:
    for (before, condition), after in TRANSITIONS.items():
        if after is FIRING and before is not FIRING:
            assert condition is Condition.HELD


# --- labels ---


@pytest.mark.parametrize(
    ("series", "own", "expected"),
    [
        pytest.param("bot=a", {}, "bot=a alertname=Down", id="of the series and the name"),
        pytest.param("__name__=up bot=a", {}, "bot=a alertname=Down", id="the metric's name is dropped"),
        pytest.param("bot=a", {"team": "t"}, "bot=a team=t alertname=Down", id="of the rule, too"),
        pytest.param("bot=a", {"bot": "b"}, "bot=b alertname=Down", id="the rule's label wins"),
        pytest.param("bot=a x=1", {"bot": ""}, "x=1 alertname=Down", id="an empty one takes a label away"),
        pytest.param("bot=a", {"who": "is {bot}"}, None, id="a template sees the series"),
        pytest.param("__name__=up", {"m": "{__name__}"}, "m=up alertname=Down", id="also the metric's name"),
        pytest.param("bot=a", {"alertname": "X"}, "bot=a alertname=Down", id="nothing overwrites the name"),
        pytest.param("alertname=X", {}, "alertname=Down", id="not even the series"),
    ],
)
def test_labels_of_an_alert(series: str, own: Mapping[str, str], expected: str | None) -> None:
    (row,) = evaluate(a_rule(labels=own), {}, [sample(series)], t(0), expand).written
    wanted = labels(expected) if expected else Labels({"bot": "a", "who": "is a", "alertname": "Down"})
    assert row.labels == wanted


def test_two_series_with_equal_final_labels_fail_the_whole_rule_and_keep_its_state() -> None:
    play = Play(a_rule(labels={"bot": "same"}))
    play.at(0, "bot=a")
    rows = dict(play.rows)
    assert play.at(15, "bot=b", "bot=c", "x=1") == []
    assert play.last == Evaluation(error=play.last.error)
    assert 'two series of the answer have the labels {alertname="Down", bot="same"}' in (
        play.last.error or ""
    )
    assert play.rows == rows


def test_a_template_that_fails_becomes_the_text_of_its_error_and_the_alert_stays() -> None:
    broken = a_rule(labels={"team": "{broken}"}, annotations={"summary": "{broken}", "value": "{value}"})
    (row,) = evaluate(broken, {}, [sample("bot=a", 2)], t(0), expand).written
    failed = "<error expanding template: nothing is called broken>"
    assert row.labels["team"] == failed
    assert row.annotations == {"summary": failed, "value": "2"}


# --- for ---


def test_without_for_an_alert_fires_at_once() -> None:
    result = evaluate(a_rule(annotations={"v": "{value}"}), {}, [sample("bot=a", 7)], t(0), expand)
    row = RuleAlert("g/Down", labels("alertname=Down bot=a"), FIRING, t(0), 7.0, {"v": "7"}, fired_at=t(0))
    assert result == Evaluation(written=(row,), transitions=(Transition(None, FIRING, row),))


def test_with_for_an_alert_is_pending_until_it_has_held_that_long() -> None:
    play = Play(a_rule(hold=s(60)))
    assert play.at(0, "bot=a") == ["bot=a: inactive -> pending"]
    assert play.at(45, "bot=a") == []
    assert play.at(59, "bot=a") == []
    assert play.at(60, "bot=a") == ["bot=a: pending -> firing"]
    assert (play.row("bot=a").active_at, play.row("bot=a").fired_at) == (t(0), t(60))
    assert play.at(75, "bot=a") == []
    assert play.row("bot=a").fired_at == t(60)


def test_a_pending_alert_that_stops_is_forgotten_at_once() -> None:
    play = Play(a_rule(hold=s(60), keep_firing_for=s(300)))
    play.at(0, "bot=a")
    assert play.at(45) == ["bot=a: pending -> inactive"]
    assert play.rows == {}
    assert play.at(60, "bot=a") == ["bot=a: inactive -> pending"]
    assert play.at(119, "bot=a") == []


def test_an_alert_that_stops_firing_resolves_and_is_not_remembered() -> None:
    play = Play(a_rule())
    play.at(0, "bot=a")
    assert play.at(15) == ["bot=a: firing -> resolved"]
    (change,) = play.last.transitions
    assert change.alert.resolved_at == t(15)
    assert change.alert.fired_at == t(0)
    assert play.rows == {}
    assert play.at(30) == []


def test_an_alert_that_comes_back_fires_anew() -> None:
    play = Play(a_rule())
    play.at(0, "bot=a")
    play.at(15)
    assert play.at(30, "bot=a") == ["bot=a: inactive -> firing"]
    assert play.row("bot=a").fired_at == t(30)


def test_a_longer_for_sends_a_firing_alert_back_to_pending() -> None:
    play = Play(a_rule(hold=s(60)))
    play.at(0, "bot=a")
    play.at(60, "bot=a")
    play.rule = a_rule(hold=s(300))
    assert play.at(75, "bot=a") == ["bot=a: firing -> pending"]
    row = play.row("bot=a")
    assert (row.active_at, row.fired_at, row.keep_firing_since) == (t(0), None, None)
    assert play.at(300, "bot=a") == ["bot=a: pending -> firing"]


def test_a_shorter_for_fires_at_the_next_evaluation() -> None:
    play = Play(a_rule(hold=s(300)))
    play.at(0, "bot=a")
    play.rule = a_rule(hold=s(30))
    assert play.at(30, "bot=a") == ["bot=a: pending -> firing"]


def test_a_stored_row_that_is_resolved_counts_as_absent() -> None:
    """None is written, but a store of another version may hold one."""
    old = RuleAlert("g/Down", labels("alertname=Down bot=a"), RESOLVED, t(0), 1.0, resolved_at=t(9))
    gone = evaluate(a_rule(), {old.labels.key: old}, [], t(15), expand)
    assert gone == Evaluation(removed=(old.labels.key,))
    again = evaluate(a_rule(hold=s(60)), {old.labels.key: old}, [sample("bot=a")], t(15), expand)
    assert [words(each) for each in again.transitions] == ["bot=a: inactive -> pending"]
    assert again.written[0].active_at == t(15)


# --- keep_firing_for ---


def test_keep_firing_for_delays_the_end_and_keeps_the_last_real_value() -> None:
    play = Play(a_rule(keep_firing_for=s(60), annotations={"v": "{value}"}))
    play.at(0, sample("bot=a", 1))
    play.at(15, sample("bot=a", 2))
    assert play.at(30) == []
    assert play.row("bot=a").keep_firing_since == t(30)
    assert play.at(89) == []
    row = play.row("bot=a")
    assert (row.state, row.value, row.annotations) == (FIRING, 2.0, {"v": "2"})
    assert play.at(90) == ["bot=a: firing -> resolved"]


def test_a_series_that_returns_ends_the_waiting() -> None:
    play = Play(a_rule(keep_firing_for=s(60)))
    play.at(0, "bot=a")
    play.at(15)
    assert play.at(60, "bot=a") == []
    assert play.row("bot=a").keep_firing_since is None
    assert play.at(75) == []
    assert play.at(134) == []
    assert play.at(135) == ["bot=a: firing -> resolved"]


# --- clear ---


def test_with_clear_an_alert_ends_only_when_the_second_expression_holds() -> None:
    play = Play(a_rule(clear="x < 1", labels={"severity": "bad"}))
    play.at(0, "bot=a", "bot=b")
    assert play.at(15, cleared=[]) == []
    assert play.at(30, cleared=[sample("__name__=x bot=b severity=good")]) == [
        "bot=b,severity=bad: firing -> resolved"
    ]
    assert play.firing == ["bot=a,severity=bad"]
    assert play.at(45, cleared=[sample("")]) == ["bot=a,severity=bad: firing -> resolved"]


def test_a_series_of_clear_that_has_a_label_the_alert_has_not_speaks_of_another() -> None:
    play = Play(a_rule(clear="x < 1"))
    play.at(0, "bot=a")
    assert play.at(15, cleared=[sample("bot=a exchange=b")]) == []


def test_keep_firing_for_begins_when_clear_holds() -> None:
    play = Play(a_rule(clear="x < 1", keep_firing_for=s(60)))
    clear = [sample("bot=a")]
    play.at(0, "bot=a")
    assert play.at(100, cleared=clear) == []
    assert play.row("bot=a").keep_firing_since == t(100)
    assert play.at(150, cleared=[]) == []
    assert play.row("bot=a").keep_firing_since is None
    assert play.at(160, cleared=clear) == []
    assert play.at(220, cleared=clear) == ["bot=a: firing -> resolved"]


# --- no_data ---


def test_no_data_keep_lets_what_fires_go_on_firing() -> None:
    play = Play(a_rule(no_data="keep", keep_firing_for=s(30)))
    play.at(0, "bot=a", "bot=b")
    play.at(15, "bot=a")
    assert play.row("bot=b").keep_firing_since == t(15)
    assert play.at(100) == []
    assert play.row("bot=b").keep_firing_since == t(15)
    assert play.firing == ["bot=a", "bot=b"]
    assert play.at(115, "bot=a") == ["bot=b: firing -> resolved"]


def test_no_data_keep_ends_an_alert_when_there_are_data_and_none_is_bad() -> None:
    """An empty answer to `failed > 5` is good news as long as `failed` itself is there."""
    play = Play(a_rule(no_data="keep"))
    play.at(0, "bot=a")
    assert play.at(15, has_data=False) == []
    assert play.at(30, has_data=True) == ["bot=a: firing -> resolved"]


def test_no_data_does_not_keep_what_is_pending() -> None:
    """Nobody knows that it held meanwhile."""
    play = Play(a_rule(no_data="keep", hold=s(60)))
    play.at(0, "bot=a")
    assert play.at(15) == ["bot=a: pending -> inactive"]


def test_no_data_alert_raises_an_alert_of_its_own_and_keeps_what_fires() -> None:
    play = Play(a_rule(no_data="alert", labels={"severity": "bad"}, annotations={"v": "{value}"}))
    play.at(0, "bot=a")
    assert play.at(15) == ["hbalert_no_data=true,severity=bad: inactive -> firing"]
    assert play.last.written[0].annotations == {"v": "nan"}
    assert play.firing == ["bot=a,severity=bad", "hbalert_no_data=true,severity=bad"]
    assert play.at(30) == []
    assert play.last == Evaluation()
    assert play.at(45, "bot=a") == ["hbalert_no_data=true,severity=bad: firing -> resolved"]


def test_no_data_alert_waits_for_as_long_as_the_rule_does_and_does_not_wait_for_clear() -> None:
    play = Play(a_rule(no_data="alert", hold=s(60), clear="x < 1"))
    assert play.at(0) == ["hbalert_no_data=true: inactive -> pending"]
    assert play.at(60) == ["hbalert_no_data=true: pending -> firing"]
    assert play.at(75, has_data=True) == ["hbalert_no_data=true: firing -> resolved"]


# --- missing_evaluations ---


def test_an_alert_whose_data_vanish_is_held_for_so_many_evaluations() -> None:
    play = Play(a_rule(missing_evaluations=2))
    play.at(0, "bot=a", "bot=b")
    here = [sample("__name__=x bot=b")]
    assert play.at(15, "bot=b", behind=here) == []
    assert play.at(30, "bot=b", behind=here) == []
    assert (play.row("bot=a").missed, play.row("bot=b").missed) == (2, 0)
    assert play.at(45, "bot=b", behind=here) == ["bot=a: firing -> resolved"]


def test_an_alert_whose_data_are_there_and_no_longer_bad_ends_at_once() -> None:
    play = Play(a_rule(missing_evaluations=2, labels={"severity": "bad"}))
    play.at(0, "bot=a", "bot=b")
    assert play.at(15, behind=[sample("__name__=x bot=b severity=y")]) == [
        "bot=b,severity=bad: firing -> resolved"
    ]
    assert play.firing == ["bot=a,severity=bad"]


def test_where_nobody_can_tell_whether_data_are_missing_they_count_as_missing() -> None:
    play = Play(a_rule(missing_evaluations=1))
    play.at(0, "bot=a")
    assert play.at(15) == []
    assert play.at(30) == ["bot=a: firing -> resolved"]


def test_a_series_that_returns_may_be_missing_as_often_again() -> None:
    play = Play(a_rule(missing_evaluations=1))
    play.at(0, "bot=a")
    assert play.at(15) == []
    play.at(30, "bot=a")
    assert play.row("bot=a").missed == 0
    assert play.at(45) == []
    assert play.at(60) == ["bot=a: firing -> resolved"]


def test_keep_firing_for_begins_when_the_series_has_been_missing_too_often() -> None:
    play = Play(a_rule(missing_evaluations=1, keep_firing_for=s(30)))
    play.at(0, "bot=a")
    assert play.at(15) == []
    assert play.row("bot=a").keep_firing_since is None
    assert play.at(30) == []
    assert play.row("bot=a").keep_firing_since == t(30)
    assert play.at(60) == ["bot=a: firing -> resolved"]


def test_what_is_pending_does_not_wait_for_missing_data() -> None:
    """Nobody knows that it held meanwhile."""
    play = Play(a_rule(missing_evaluations=3, hold=s(60)))
    play.at(0, "bot=a")
    assert play.at(15) == ["bot=a: pending -> inactive"]


# --- flapping ---


def flapping_rule(**more: object) -> Rule:
    return a_rule(flapping=Flapping(3, s(600)), **more)


def flap(play: Play, *starts: float) -> list[list[str]]:
    """Starts at each of these times, and ends ten seconds later."""
    return [play.at(at + pause, *there) for at in starts for pause, there in ((0, ("bot=a",)), (10, ()))]


def test_an_alert_that_starts_too_often_is_held_as_firing() -> None:
    play = Play(flapping_rule())
    starts, ends = ["bot=a: inactive -> firing"], ["bot=a: firing -> resolved"]
    assert flap(play, 0, 60, 120) == [starts, ends, starts, ends, starts, []]
    assert play.row("bot=a").flaps.since == t(120)
    assert flap(play, 180, 240) == [[], [], [], []]
    assert play.firing == ["bot=a"]


def test_an_alert_that_is_over_is_remembered_while_its_starts_count() -> None:
    play = Play(flapping_rule())
    flap(play, 0)
    row = play.row("bot=a")
    assert (row.state, row.resolved_at, row.flaps.starts) == (RESOLVED, t(10), (t(0),))
    assert play.at(599) == []
    assert play.last == Evaluation()
    assert play.at(600) == []
    assert play.rows == {}


def test_a_held_alert_that_stays_away_resolves_when_it_has_calmed_down() -> None:
    play = Play(flapping_rule())
    flap(play, 0, 60, 120)
    assert play.row("bot=a").keep_firing_since == t(130)
    assert play.at(429) == []
    assert play.at(430) == ["bot=a: firing -> resolved"]


def test_a_held_alert_that_stays_fires_on_when_it_has_calmed_down() -> None:
    play = Play(flapping_rule())
    flap(play, 0, 60)
    play.at(120, "bot=a")
    assert play.at(419, "bot=a") == []
    assert play.at(420, "bot=a") == []
    flaps = play.row("bot=a").flaps
    assert (flaps.since, flaps.calm_since) == (None, t(420))
    assert play.at(435) == ["bot=a: firing -> resolved"]
    assert play.row("bot=a").flaps.calm_since is None


def test_for_has_to_pass_for_each_start_that_counts() -> None:
    play = Play(flapping_rule(hold=s(5)))
    assert (
        flap(play, 0, 60, 120, 180)
        == [
            ["bot=a: inactive -> pending"],
            ["bot=a: pending -> inactive"],
        ]
        * 4
    )
    assert play.rows == {}


def test_what_waits_for_its_for_keeps_the_memory_of_its_starts() -> None:
    play = Play(flapping_rule(hold=s(20)))
    play.at(0, "bot=a")
    play.at(20, "bot=a")
    play.at(30)
    assert play.at(40, "bot=a") == ["bot=a: inactive -> pending"]
    assert play.at(45) == ["bot=a: pending -> inactive"]
    assert play.row("bot=a").flaps.starts == (t(20),)


def test_a_start_within_keep_firing_for_is_none() -> None:
    play = Play(flapping_rule(keep_firing_for=s(60)))
    assert flap(play, 0, 30, 60, 90) == [["bot=a: inactive -> firing"], [], [], [], [], [], [], []]
    assert play.row("bot=a").flaps == Flaps((t(0),))


def test_keep_firing_for_goes_on_beside_the_holding() -> None:
    play = Play(flapping_rule(keep_firing_for=s(400)))
    play.rule = flapping_rule()
    flap(play, 0, 60, 120)
    play.rule = flapping_rule(keep_firing_for=s(400))
    assert play.at(440) == []
    assert play.row("bot=a").flaps.since is None
    assert play.at(530) == ["bot=a: firing -> resolved"]


def test_a_reload_that_takes_the_limit_away_lets_go_of_what_was_held() -> None:
    play = Play(flapping_rule())
    flap(play, 0, 60, 120)
    play.rule = a_rule()
    assert play.at(140) == ["bot=a: firing -> resolved"]
    assert play.rows == {}


# --- limit ---


def test_limit_keeps_what_fires_lets_in_the_first_by_labels_and_counts_the_rest() -> None:
    play = Play(a_rule(limit=2))
    play.at(0, "bot=m")
    assert play.at(15, "bot=z", "bot=m", "bot=b", "bot=a") == ["bot=a: inactive -> firing"]
    assert play.firing == ["bot=a", "bot=m"]
    assert play.last.overflow == 2
    assert play.last.error is None


def test_limit_prefers_what_is_pending_to_what_is_new() -> None:
    play = Play(a_rule(limit=1, hold=s(30)))
    play.at(0, "bot=z")
    assert play.at(15, "bot=a", "bot=z") == []
    assert play.at(30, "bot=a", "bot=z") == ["bot=z: pending -> firing"]


def test_a_lower_limit_never_clears_what_fires() -> None:
    play = Play(a_rule())
    play.at(0, "bot=a", "bot=b", "bot=c")
    play.rule = a_rule(limit=1)
    assert play.at(15, "bot=a", "bot=b", "bot=c", "bot=d") == []
    assert play.last.overflow == 1
    assert play.firing == ["bot=a", "bot=b", "bot=c"]


def test_a_lower_limit_forgets_what_is_pending_beyond_it() -> None:
    play = Play(a_rule(hold=s(60)))
    play.at(0, "bot=a", "bot=b")
    play.rule = a_rule(hold=s(60), limit=1)
    assert play.at(15, "bot=a", "bot=b") == ["bot=b: pending -> inactive"]


def test_an_alert_that_fires_on_without_its_series_takes_room() -> None:
    play = Play(a_rule(limit=1, keep_firing_for=s(60)))
    play.at(0, "bot=a")
    assert play.at(15, "bot=b") == []
    assert play.last.overflow == 1


# --- refreshes, and clocks that step ---


def test_another_value_is_a_refresh_not_a_transition() -> None:
    play = Play(a_rule(annotations={"v": "{value}"}))
    play.at(0, sample("bot=a", 1))
    play.at(15, sample("bot=a", 2))
    assert [row.value for row in play.last.refreshed] == [2.0]
    assert (play.last.written, play.last.removed, play.last.transitions) == ((), (), ())


def test_nan_that_stays_nan_is_no_news() -> None:
    play = Play(a_rule())
    play.at(0, sample("bot=a", float("nan")))
    assert play.at(15, sample("bot=a", float("nan"))) == []
    assert play.last == Evaluation()


def test_a_clock_that_is_set_back_resolves_nothing_and_sends_nothing_back_to_pending() -> None:
    play = Play(a_rule(hold=s(60), keep_firing_for=s(30)))
    play.at(0, "bot=a")
    play.at(60, "bot=a")
    assert play.at(-3600, "bot=a") == []
    assert play.at(-3585) == []
    assert play.at(-3555) == ["bot=a: firing -> resolved"]


def test_a_pending_alert_does_not_wait_for_a_clock_that_was_set_back() -> None:
    play = Play(a_rule(hold=s(60)))
    play.at(0, "bot=a")
    play.at(-3600, "bot=a")
    assert play.row("bot=a").active_at == t(-3600)
    assert play.at(-3540, "bot=a") == ["bot=a: pending -> firing"]


def test_a_clock_set_back_while_an_alert_is_kept_does_not_keep_it_for_an_hour() -> None:
    play = Play(a_rule(keep_firing_for=s(60)))
    play.at(0, "bot=a")
    play.at(15)
    assert play.at(-3600) == []
    assert play.at(-3540) == ["bot=a: firing -> resolved"]


# --- any history ---

BOTS = ("bot=a", "bot=b", "bot=c")
answers = st.dictionaries(
    st.sampled_from(BOTS), st.sampled_from([0.0, 1.0, NAN, float("inf")]), max_size=3
).map(lambda found: [sample(text, value) for text, value in found.items()])


class AnyHistory(RuleBasedStateMachine):
    """Answers, failures and steps of time in any order; what a reader of the rows may rely on."""

    @initialize(hold=st.integers(0, 90), keep=st.integers(0, 60), limit=st.integers(0, 2))
    def begin(self, hold: int, keep: int, limit: int) -> None:
        self.play = Play(a_rule(hold=s(hold), keep_firing_for=s(keep), limit=limit))
        self.now = 0.0
        self.true_since: dict[bytes, float] = {}
        self.told: set[bytes] = set()

    @rule(wait=st.integers(1, 60), answer=answers)
    def evaluate_again(self, wait: int, answer: Sequence[Sample]) -> None:
        self.now += wait
        present = {Labels({**each.labels, "alertname": "Down"}).key for each in answer}
        self.true_since = {key: self.true_since.get(key, self.now) for key in present}
        before = dict(self.play.rows)
        self.play.at(self.now, *answer)
        for change in self.play.last.transitions:
            key = change.alert.labels.key
            assert change.before is (before[key].state if key in before else None)
            if change.after is FIRING:
                assert self.now - self.true_since[key] >= self.play.rule.hold.total_seconds()
                self.told.add(key)
            if change.after is RESOLVED:
                assert key not in present
                self.told.remove(key)

    @precondition(lambda self: self.play.rows)
    @rule()
    def an_error_changes_nothing(self) -> None:
        known = dict(self.play.rows)
        twins = [sample("bot=a __name__=x"), sample("bot=a __name__=y")]
        assert self.play.at(self.now + 1, *twins) == []
        assert self.play.rows == known

    @rule(answer=answers, seed=st.randoms(use_true_random=False))
    def the_same_answer_twice_at_one_time_changes_nothing(
        self, answer: list[Sample], seed: random.Random
    ) -> None:
        self.evaluate_again(1, answer)
        shuffled = list(answer)
        seed.shuffle(shuffled)
        again = evaluate(self.play.rule, self.play.rows, shuffled, t(self.now), expand)
        assert again == Evaluation(overflow=self.play.last.overflow)

    @invariant()
    def rows_are_what_was_told(self) -> None:
        rows = getattr(self, "play", Play(a_rule())).rows
        assert {key for key, row in rows.items() if row.state is FIRING} == getattr(self, "told", set())
        for row in rows.values():
            assert (row.fired_at is not None) == (row.state is FIRING)
            assert row.resolved_at is None


TestAnyHistory = AnyHistory.TestCase


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "__name__", "team"]), st.text(max_size=3)),
        max_size=5,
        unique_by=lambda pair: pair[0],
    ),
    seed=st.randoms(use_true_random=False),
)
def test_label_order_never_matters(pairs: list[tuple[str, str]], seed: random.Random) -> None:
    shuffled = list(pairs)
    seed.shuffle(shuffled)
    one, other = (
        evaluate(a_rule(labels={"team": "x"}), {}, [Sample(Labels(dict(each)), 1.0)], t(0), expand)
        for each in (pairs, shuffled)
    )
    assert one == other
    assert [row.labels.key for row in one.written] == [row.labels.key for row in other.written]


@given(
    extra=st.integers(1, 59),
    answer=st.just([sample("bot=a")]),
)
def test_an_extra_evaluation_with_the_same_answer_never_delays_firing(
    extra: int, answer: list[Sample]
) -> None:
    play = Play(a_rule(hold=timedelta(seconds=60)))
    play.at(0, *answer)
    play.at(extra, *answer)
    assert play.at(60, *answer) == ["bot=a: pending -> firing"]
