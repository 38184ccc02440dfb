"""Fewer questions: which leaves are asked, and what becomes of their answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.sources.merge import Leaf, merged


def leaves(
    *exprs: str,
    thresholds: bool = True,
    labels: bool = True,
    most: int = 100,
    max_bytes: int = 10_000,
    never: Collection[str] = (),
) -> list[Leaf]:
    return merged(exprs, thresholds=thresholds, labels=labels, most=most, max_bytes=max_bytes, never=never)


def texts(some: Iterable[Leaf]) -> list[str]:
    return [leaf.text for leaf in some]


def of(bot: str, value: float) -> Sample:
    return Sample(Labels({"bot": bot}), value)


PAIRS = ('x{bot="a"} > 5', 'x{bot="a"} > 9', 'x{bot="b"} > 9', 'x{bot="b"} > 5', "y > 1")


def test_the_weakest_condition_is_asked_and_the_others_are_taken_from_its_answer() -> None:
    (leaf,) = leaves("x > 5", "x > 7", "x >= 5")
    assert leaf.text == "x >= 5"
    assert dict(leaf.apart([of("a", 5), of("b", 6), of("c", 8)])) == {
        "x >= 5": (of("a", 5), of("b", 6), of("c", 8)),
        "x > 5": (of("b", 6), of("c", 8)),
        "x > 7": (of("c", 8),),
    }


def test_rules_of_many_bots_are_asked_as_one_and_told_apart_by_the_bot() -> None:
    (leaf,) = leaves('x{bot="a"}', 'x{bot="b"}', "x{bot='c'}")
    assert leaf.text == 'x{bot=~"a|b|c"}'
    assert dict(leaf.apart([of("c", 1), of("a", 2), of("c", 3)])) == {
        'x{bot="a"}': (of("a", 2),),
        'x{bot="b"}': (),
        "x{bot='c'}": (of("c", 1), of("c", 3)),
    }


def test_pairs_of_many_bots_are_one_question() -> None:
    leaf, other = leaves(*PAIRS)
    assert (leaf.text, other.text) == ('x{bot=~"a|b"} > 5', "y > 1")
    assert dict(leaf.apart([of("a", 6), of("b", 10)])) == {
        'x{bot="a"} > 5': (of("a", 6),),
        'x{bot="a"} > 9': (),
        'x{bot="b"} > 5': (of("b", 10),),
        'x{bot="b"} > 9': (of("b", 10),),
    }


def test_each_switch_works_for_itself() -> None:
    assert texts(leaves(*PAIRS, thresholds=False)) == ['x{bot=~"a|b"} > 5', 'x{bot=~"a|b"} > 9', "y > 1"]
    assert texts(leaves(*PAIRS, labels=False)) == ['x{bot="a"} > 5', 'x{bot="b"} > 5', "y > 1"]
    assert texts(leaves(*PAIRS, thresholds=False, labels=False)) == list(PAIRS)


def test_the_label_with_most_values_makes_the_family() -> None:
    exprs = [f'x{{bot="{bot}",at="{at}"}}' for at in "xy" for bot in "abc"]
    assert texts(leaves(*exprs)) == ['x{bot=~"a|b|c",at="x"}', 'x{bot=~"a|b|c",at="y"}']


def test_a_leaf_has_neither_too_many_values_nor_is_it_too_long() -> None:
    exprs = [f'x{{bot="{bot}"}}' for bot in "abcde"]
    assert texts(leaves(*exprs, most=2)) == ['x{bot=~"a|b"}', 'x{bot=~"c|d"}', 'x{bot="e"}']
    long = [f'x{{bot="{bot * 30}"}} + y{{bot="{bot * 30}"}}' for bot in "abcde"]
    some = texts(leaves(*long, max_bytes=170))
    assert [text.count("|") for text in some] == [2, 2, 0]
    assert all(len(text) <= 170 for text in some)


def test_a_leaf_that_must_not_be_asked_is_asked_in_its_parts() -> None:
    assert texts(leaves('x{bot="a"}', 'x{bot="b"}', never=['x{bot=~"a|b"}'])) == ['x{bot="a"}', 'x{bot="b"}']


def test_halves_end_with_each_expression_for_itself() -> None:
    (leaf,) = leaves(*PAIRS[:4])
    first, second = leaf.halves()
    assert texts([first, second]) == ['x{bot="a"} > 5', 'x{bot="b"} > 5']
    assert texts(first.halves()) == ['x{bot="a"} > 5', 'x{bot="a"} > 9']
    assert [half.is_single for half in first.halves()] == [True, True]
    assert first.halves()[0].halves() == ()
    assert set(leaf.exprs) == set(PAIRS[:4])
