"""What there is to show: of the definition and evaluation of rules, and of the states of their alerts.

Knows each row, the tests that show it on hbalert alone, and what is left out on purpose. Must not know
the cases that both engines play: they name the row they belong to (`cases.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

EVALUATION = "How rules are written and evaluated"
STATES = "What becomes of an alert"

ROWS = {
    # id: (part, what it is about)
    "format": (EVALUATION, "files"),
    "interval": (EVALUATION, "an interval for each group"),
    "slots": (EVALUATION, "slots, and those that are missed"),
    "order": (EVALUATION, "order inside a group"),
    "concurrency": (EVALUATION, "how much is asked at once"),
    "offset": (EVALUATION, "`query_offset`"),
    "labels": (EVALUATION, "labels"),
    "texts": (EVALUATION, "annotations"),
    "functions": (EVALUATION, "variables and functions in texts"),
    "limit": (EVALUATION, "`limit`"),
    "errors": (EVALUATION, "a query that fails"),
    "outage": (EVALUATION, "a source in trouble"),
    "partial": (EVALUATION, "answers that lack a part"),
    "retry": (EVALUATION, "a second try"),
    "sources": (EVALUATION, "several sources"),
    "recording": (EVALUATION, "recording rules"),
    "check": (EVALUATION, "looking at rules before they run"),
    "unit": (EVALUATION, "unit tests of rules"),
    "series": (EVALUATION, "series about alerts"),
    "history": (EVALUATION, "what a rule has done"),
    "editing": (EVALUATION, "rules edited through an API"),
    "pending": (STATES, "`for`"),
    "gone": (STATES, "a series that is gone"),
    "keep": (STATES, "`keep_firing_for`"),
    "clear": (STATES, "hysteresis: `clear`"),
    "no_data": (STATES, "no data at all: `no_data`"),
    "missing": (STATES, "the data of one series are gone: `missing_evaluations`"),
    "flapping": (STATES, "alerts that come and go: `flap_after`"),
    "resolved": (STATES, "how long an end is kept"),
    "reload": (STATES, "a reload"),
    "restart": (STATES, "a restart, by kill -9"),
}
"""In the order of the page."""

CLOCK = "its clock cannot be moved"
OWN = "hbalert's own"


@dataclass(frozen=True)
class Alone:
    """Shown on hbalert alone.

    says   what the test shows
    why    Prometheus does not play it
    tests  "path::name", from the root of the repository
    """

    row: str
    says: str
    why: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """Prometheus or its neighbours have it, hbalert has not; why."""

    row: str
    says: str
    why: str


_EVALUATE = "tests/loops/test_evaluate.py::test_"
_CORE = "tests/core/test_evaluation.py::test_"
_SLOTS = "tests/core/test_slots.py::test_"

ALONE = (
    Alone(
        "format", "every mistake is named with file, line and key, all at once", OWN,
        ("tests/config/test_mistakes.py",),
    ),
    Alone(
        "slots", "a group's slots follow from its name and interval alone: the same after every restart",
        CLOCK,
        (
            f"{_SLOTS}an_offset_follows_from_name_and_interval_alone",
            f"{_SLOTS}after_its_first_evaluation_a_group_comes_into_its_slots",
        ),
    ),
    Alone(
        "slots", "a slot that is missed is skipped, counted and told, not caught up", CLOCK,
        (
            f"{_EVALUATE}slots_missed_while_the_machine_slept_are_counted_told_and_not_caught_up",
            f"{_EVALUATE}a_source_that_hangs_holds_up_nobody_else_and_its_groups_skip_their_slots",
            f"{_SLOTS}slots_evaluated_and_missed_add_up_to_all_slots",
        ),
    ),
    Alone(
        "order", "the rules of a group are decided in the order of the file, for one moment, in one commit",
        "it does not tell in which order it evaluated",
        (f"{_EVALUATE}the_rules_of_a_group_are_decided_in_the_order_of_the_file_for_one_moment",),
    ),
    Alone(
        "concurrency",
        "a source is asked no more than `concurrency` queries at once; rules travel in batches", OWN,
        (
            "tests/sources/test_batch.py::test_at_most_so_many_queries_run_at_once",
            "tests/sources/test_prometheus.py"
            "::test_a_source_runs_no_more_queries_at_once_than_it_may_whoever_asks",
        ),
    ),
    Alone(
        "offset", "what is asked is for so much earlier; what counts is the slot", CLOCK,
        (f"{_EVALUATE}a_query_offset_moves_what_is_asked_not_when_it_counts",),
    ),
    Alone(
        "functions", "every function of Prometheus' templates, against its own table",
        "`promtool` expands the same texts in the test",
        ("tests/templating/test_functions.py", "tests/templating/test_promtool.py"),
    ),
    Alone(
        "functions", "the variables that vmalert has besides", "it has not got them",
        (
            "tests/templating/test_template.py::test_a_text_knows_the_occasion",
            "tests/templating/test_template.py"
            "::test_a_text_knows_its_group_its_alert_and_whether_the_answer_is_whole",
        ),
    ),
    Alone(
        "limit",
        "a lower `limit` and a full one clear nothing that fires; who is let in first; it is told at once",
        OWN,
        (
            f"{_CORE}a_lower_limit_never_clears_what_fires",
            f"{_CORE}limit_keeps_what_fires_lets_in_the_first_by_labels_and_counts_the_rest",
            f"{_EVALUATE}more_alerts_than_the_limit_are_told_at_once",
        ),
    ),
    Alone(
        "outage",
        "a source that is down, hangs, answers 500, HTML or an error for ten intervals, up to what a webhook "
        "hears: no end, one alert about it, nobody told twice when it is back",
        "it is the source",
        (
            "tests/scenarios/test_source_outage.py"
            "::test_a_source_that_fails_resolves_nothing_says_so_once_and_tells_nobody_twice",
        ),
    ),
    Alone(
        "partial",
        '`partial = "error"`: an answer that comes with warnings changes nothing, and that is told',
        "it warns, and goes on",
        (
            f"{_EVALUATE}an_incomplete_answer_changes_nothing_and_is_told_of_its_rule",
            f"{_EVALUATE}when_all_that_a_source_says_is_incomplete_that_is_told_once",
            "tests/sources/test_batch.py"
            "::test_an_answer_that_the_source_doubts_belongs_to_whoever_is_asked_alone_with_it",
        ),
    ),
    Alone(
        "retry",
        "a query on which nobody has worked is asked once more at once; any other in the next slot",
        "it asks itself",
        (
            "tests/sources/test_prometheus.py::test_a_connection_that_was_closed_is_asked_once_more_at_once",
            "tests/sources/test_prometheus.py::test_what_nobody_has_worked_on_is_asked_once_more_at_once",
        ),
    ),
    Alone(
        "sources", "rules name their source; one that hangs holds up no other", "it is its own only source",
        (f"{_EVALUATE}a_source_that_hangs_holds_up_nobody_else_and_its_groups_skip_their_slots",),
    ),
    Alone(
        "check", "twenty planted mistakes are found on a real Prometheus, and none in the shipped rules", OWN,
        ("tests/sources/test_planted.py", "tests/sources/test_shipped.py"),
    ),
    Alone(
        "check", "how often a rule would have fired over the last day", OWN,
        ("tests/sources/test_live.py",),
    ),
    Alone(
        "unit", "promtool's unit tests of rules have the same verdicts",
        "`promtool` judges the same files in the test",
        ("tests/rehearsal/test_beside_promtool.py",),
    ),
    Alone(
        "history", "each step of an alert and its reason is in its timeline, from the store", OWN,
        (f"{_EVALUATE}the_timeline_tells_each_step_and_its_reason",),
    ),
    Alone(
        "keep",
        "it begins when nothing else keeps the alert: neither `clear`, nor missing data, nor flapping", OWN,
        (
            f"{_CORE}keep_firing_for_begins_when_clear_holds",
            f"{_CORE}keep_firing_for_begins_when_the_series_has_been_missing_too_often",
            f"{_CORE}keep_firing_for_goes_on_beside_the_holding",
        ),
    ),
    Alone(
        "missing", "it is held for so many evaluations, counted anew when the series is back", CLOCK,
        (
            f"{_CORE}an_alert_whose_data_vanish_is_held_for_so_many_evaluations",
            f"{_CORE}a_series_that_returns_may_be_missing_as_often_again",
            f"{_EVALUATE}an_alert_whose_machine_is_gone_is_held_and_one_that_is_well_ends",
        ),
    ),
    Alone(
        "flapping", "it is held, told once as flapping and once as over, over a restart too", OWN,
        (
            f"{_EVALUATE}an_alert_that_comes_and_goes_is_told_once_as_flapping_and_once_as_over",
            f"{_EVALUATE}a_flapping_alert_that_was_never_told_as_over_is_told_as_flapping",
            "tests/units/test_outbox.py"
            "::test_that_an_alert_begins_to_flap_while_it_is_being_told_is_told_next",
        ),
    ),
    Alone(
        "resolved",
        "until everybody who was told that it fires is told that it ended; Prometheus: 15 minutes", CLOCK,
        (f"{_EVALUATE}what_has_resolved_is_kept_until_everybody_was_told",),
    ),
    Alone(
        "reload", "rules of one name that change places keep their alerts, told apart by their labels", OWN,
        (f"{_EVALUATE}a_rule_of_the_same_name_put_before_another_takes_nothing_from_it",),
    ),
    Alone(
        "reload", "new texts of an alert that fires are no news to anybody", "it tells nobody itself",
        (f"{_EVALUATE}new_texts_reach_an_alert_that_fires_and_change_nothing_else",),
    ),
    Alone(
        "restart", "a restart every few seconds, on a clock that is moved: no more than one interval", CLOCK,
        (f"{_EVALUATE}for_and_keep_firing_for_are_shifted_by_no_more_than_one_interval_by_restarts",),
    ),
)  # fmt: skip

LEFT_OUT = (
    LeftOut(
        "recording", "rules that record series",
        "hbalert writes into no source; `import prometheus` names each, and Prometheus goes on with them",
    ),
    LeftOut(
        "editing", "rules made and changed by requests",
        "the files are the source: edited, kept in git, checked, reloaded; nothing else knows better",
    ),
    LeftOut(
        "resolved", "alerts sent again and again to whoever routes them",
        "evaluation and routing share one process and one store: nothing has to be said twice",
    ),
)  # fmt: skip
