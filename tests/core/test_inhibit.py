"""Inhibition: who keeps whom quiet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.inhibit import Inhibitor, InhibitRule
from hbalert.core.labels import Labels
from hbalert.core.matcher import matches
from tests.core.say import labels, m

DOWN = InhibitRule((m("alertname=Down"),), (m("alertname!=Down"),), ("bot",))
PAIR = InhibitRule((m("severity=critical"),), (m("severity=~critical|warning"),), ("bot",))
ANY = InhibitRule((m("alertname=Down"),), (m("kind=slow"),))


@pytest.mark.parametrize(
    ("rules", "firing", "target", "expected"),
    [
        pytest.param([DOWN], ["alertname=Down bot=a"], "alertname=Slow bot=a", [0], id="same bot"),
        pytest.param([DOWN], ["alertname=Down bot=a"], "alertname=Slow bot=b", [], id="another bot"),
        pytest.param([DOWN], ["alertname=Down"], "alertname=Slow", [0], id="absent on both counts as equal"),
        pytest.param([DOWN], ["alertname=Down bot=a"], "alertname=Slow", [], id="absent on one does not"),
        pytest.param([DOWN], ["alertname=Up bot=a"], "alertname=Slow bot=a", [], id="not a source"),
        pytest.param([DOWN], ["alertname=Down bot=a"], "alertname=Down bot=a", [], id="never itself"),
        pytest.param([DOWN], ["alertname=Down bot=a"], "alertname=Down bot=a x=1", [], id="not a target"),
        pytest.param(
            [DOWN],
            ["alertname=Down bot=a i=1", "alertname=Down bot=a i=2"],
            "alertname=Slow bot=a",
            [0, 1],
            id="every source is named",
        ),
        pytest.param(
            [PAIR],
            ["severity=critical bot=a i=1"],
            "severity=critical bot=a i=2",
            [],
            id="two that match both sides leave each other alone",
        ),
        pytest.param(
            [PAIR],
            ["severity=critical bot=a"],
            "severity=warning bot=a",
            [0],
            id="a target only is inhibited",
        ),
        pytest.param([DOWN, ANY], ["alertname=Down bot=a"], "kind=slow bot=b", [0], id="any rule will do"),
    ],
)
def test_who_inhibits_an_alert(
    rules: list[InhibitRule], firing: list[str], target: str, expected: list[int]
) -> None:
    sources = [labels(text) for text in firing]
    found = Inhibitor(rules, sources).inhibited_by(labels(target))
    assert found == sorted(sources[n].key for n in expected)


def test_when_one_of_two_sources_resolves_the_other_goes_on_inhibiting() -> None:
    one, two = labels("alertname=Down bot=a i=1"), labels("alertname=Down bot=a i=2")
    target = labels("alertname=Slow bot=a")
    inhibitor = Inhibitor([DOWN], [one, two])
    inhibitor.remove(one)
    assert inhibitor.inhibited_by(target) == [two.key]
    inhibitor.remove(two)
    inhibitor.remove(two)
    assert inhibitor.inhibited_by(target) == []


@given(
    rules=st.lists(
        st.builds(
            lambda source, target, equal: InhibitRule(
                (m(f"kind={source}"),), tuple(m(f"level{each}") for each in target), tuple(equal)
            ),
            st.sampled_from("ab"),
            st.lists(st.sampled_from(["=1", "!=1", "=~1|2"]), max_size=2),
            st.sampled_from(["", "x", "xy"]),
        ),
        max_size=24,
    ),
    alerts=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "kind": st.sampled_from("abc"),
                "level": st.sampled_from("123"),
                "x": st.sampled_from("12"),
                "y": st.sampled_from("12"),
            },
        ).map(Labels),
        min_size=1,
        max_size=8,
    ),
    gone=st.integers(0, 7),
)
def test_what_is_looked_up_is_what_asking_every_rule_about_every_pair_finds(
    rules: list[InhibitRule], alerts: list[Labels], gone: int
) -> None:
    inhibitor = Inhibitor(rules, alerts)
    for each in alerts[:gone]:
        inhibitor.remove(each)
    firing = {each.key: each for each in alerts if each not in alerts[:gone]}

    def inhibits(rule: InhibitRule, source: Labels, target: Labels) -> bool:
        is_both = matches(rule.source, target) and matches(rule.target, source)
        sides = matches(rule.source, source) and matches(rule.target, target)
        return sides and not is_both and all(source.get(n, "") == target.get(n, "") for n in rule.equal)

    for target in alerts:
        expected = [
            key
            for key, source in firing.items()
            if key != target.key and any(inhibits(rule, source, target) for rule in rules)
        ]
        assert inhibitor.inhibited_by(target) == sorted(expected)
