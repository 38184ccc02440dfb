"""Label sets: identity, order, printing, fingerprints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.labels import Labels, fingerprint, key_part, listing_order, quote
from tests.core.say import labels as said


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({"alertname": "alert1", "severity": "critical"}, "0223b772b51c29e1", id="two labels"),
        pytest.param({"job": "foo", "severity": "warning"}, "9266ef3da838ad95", id="foo warning"),
        pytest.param({"job": "foo", "severity": "critical"}, "3b15fd163d36582e", id="foo critical"),
        pytest.param({"job": "bar", "severity": "critical"}, "c7e68cb08e3e67f9", id="bar critical"),
        pytest.param(
            {"alertname": "HighCPU", "instance": "web-01:9100", "severity": "critical"},
            "20c7e821a52907a9",
            id="three labels",
        ),
        pytest.param({}, f"{14695981039346656037:016x}", id="no label: the offset itself"),
        pytest.param(
            {"name": "garland, briggs", "fear": "love is not enough"},
            f"{5799056148416392346:016x}",
            id="upstream's own test vector",
        ),
    ],
)
def test_fingerprints_equal_those_of_alertmanager(labels: dict[str, str], expected: str) -> None:
    assert fingerprint(labels) == expected
    assert fingerprint(Labels(labels)) == expected


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_label_order_never_matters(pairs: dict[str, str]) -> None:
    backwards = dict(reversed(pairs.items()))
    assert Labels(pairs) == Labels(backwards)
    assert hash(Labels(pairs)) == hash(Labels(backwards))
    assert list(Labels(pairs)) == sorted(pairs)


@given(
    st.dictionaries(st.text("ab", min_size=1), st.text("ab=", min_size=1)),
    st.dictionaries(st.text("ab", min_size=1), st.text("ab=", min_size=1)),
)
def test_keys_are_equal_exactly_when_the_labels_are(one: dict[str, str], two: dict[str, str]) -> None:
    assert (Labels(one).key == Labels(two).key) == (one == two)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_a_key_holds_the_part_of_each_of_its_labels(pairs: dict[str, str]) -> None:
    key = Labels(pairs).key
    assert all(key_part(name, value) in key for name, value in pairs.items())


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1)))
def test_a_key_tells_the_labels_again(pairs: dict[str, str]) -> None:
    assert Labels.from_key(Labels(pairs).key) == Labels(pairs)


def test_an_empty_value_is_no_label() -> None:
    assert Labels({"a": "", "b": "1"}) == Labels({"b": "1"})


def test_labels_are_not_equal_to_anything_else() -> None:
    assert Labels({"a": "1"}) != {"a": "1"}


def test_labels_are_read_like_a_mapping() -> None:
    labels = Labels([("b", "2"), ("a", "1")])
    assert (labels["a"], len(labels), dict(labels)) == ("1", 2, {"a": "1", "b": "2"})


def test_labels_print_as_prometheus_prints_them() -> None:
    assert str(Labels({"b": 'say "hi"\n', "a": "1"})) == '{a="1", b="say \\"hi\\"\\n"}'
    assert repr(Labels({"a": "1"})) == 'Labels({a="1"})'


def test_with_overrides_and_removes() -> None:
    assert Labels({"a": "1", "b": "2"}).with_({"a": "9", "b": "", "c": "3"}) == Labels({"a": "9", "c": "3"})


def test_without_removes() -> None:
    assert Labels({"a": "1", "b": "2"}).without("a", "z") == Labels({"b": "2"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain 中文", '"plain 中文"', id="plain text and Chinese stay"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="quote and backslash"),
        pytest.param("\t\x01\x7f", '"\\t\\x01\\x7f"', id="control characters"),
        pytest.param("é 日本 🔔", '"é 日本 🔔"', id="other alphabets stay"),
        pytest.param("\u3000\u200b\ue000", '"\\u3000\\u200b\\ue000"', id="what cannot be printed"),
        pytest.param("\U0010ffff", '"\\U0010ffff"', id="beyond the basic plane"),
    ],
)
def test_quote(text: str, expected: str) -> None:
    assert quote(text) == expected


def test_label_sets_are_listed_as_alertmanager_lists_them() -> None:
    wanted = [
        "z=9",
        "b=1 c=1",
        "aa=1 c=1",
        "a=1 d=1",
        "a=1 c=1",
        "a=host1 c=2",
        "a=host10 c=1",
        "a=1 b=1 c=1",
    ]
    assert sorted(map(said, reversed(wanted)), key=listing_order) == [said(text) for text in wanted]
