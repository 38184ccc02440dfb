"""Which labels results can have: told from the text, and compared with what a real Prometheus answers."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from hbalert.clock import SystemClock
from hbalert.config.expression_labels import kept_labels
from tests.fakes.prometheus import with_history

BOT = {"bot"}


@pytest.mark.parametrize(
    ("expr", "kept", "gone"),
    [
        pytest.param("a", {"bot", "x"}, set(), id="a selector keeps whatever there is"),
        pytest.param("sum(a)", set(), BOT, id="an aggregation without by keeps nothing"),
        pytest.param("sum by (bot) (a)", BOT, {"x"}, id="by keeps what it names"),
        pytest.param("sum by (x) (sum by (bot) (a))", set(), {"x", "bot"}, id="what is gone stays gone"),
        pytest.param("sum without (le) (a)", BOT, {"le"}, id="without takes away what it names"),
        pytest.param("topk by (bot) (3, a)", {"bot", "x"}, set(), id="topk keeps everything"),
        pytest.param('count_values by (bot) ("v", a)', {"bot", "v"}, {"x"}, id="count_values adds its label"),
        pytest.param('absent(a{bot="q", x=~".+"})', BOT, {"x"}, id="absent keeps what is equal to something"),
        pytest.param('absent_over_time(a{bot="q"}[5m])', BOT, {"x"}, id="over time as well"),
        pytest.param("vector(1) > 0", set(), BOT, id="a number has none"),
        pytest.param("1 - avg by (bot) (a) > 0.9", BOT, {"x"}, id="numbers beside series change nothing"),
        pytest.param('label_replace(sum(a), "q", "$1", "w", "(.*)")', {"q"}, BOT, id="label_replace adds"),
        pytest.param('label_join(sum(a), "q", ",", "w")', {"q"}, BOT, id="label_join adds"),
        pytest.param("histogram_quantile(0.9, a)", BOT, {"le"}, id="a quantile takes le away"),
        pytest.param(
            "max_over_time(sum by (bot) (a)[5m:1m])", BOT, {"x"}, id="a subquery keeps what is inside"
        ),
        pytest.param("a / on (bot) b", BOT, {"x"}, id="on keeps what it names"),
        pytest.param("a / ignoring (x) b", BOT, {"x"}, id="ignoring takes away what it names"),
        pytest.param("a * on (bot) group_left (x) sum by (bot, x) (b)", {"bot", "x", "y"}, set(), id="left"),
        pytest.param("sum by (bot) (a) * on (bot) group_right () b", {"bot", "x"}, set(), id="group_right"),
        pytest.param(
            "sum by (bot) (a) * on (bot) group_left (y) b", {"bot", "y"}, {"x"}, id="group_left adds"
        ),
        pytest.param("a + sum by (bot) (b)", BOT, {"x"}, id="both sides have the same labels"),
        pytest.param("sum by (bot) (a) and on (bot) b", BOT, {"x"}, id="and keeps the left side's"),
        pytest.param("sum by (bot) (a) unless b", BOT, {"x"}, id="unless as well"),
        pytest.param(
            "sum by (bot) (a) or sum by (x) (b)", {"bot", "x"}, {"y"}, id="or: those of either side"
        ),
        pytest.param("sum without (x) (a) or sum without (x, y) (b)", {"y"}, {"x"}, id="gone on both sides"),
        pytest.param("-(sum by (bot) (a))", BOT, {"x"}, id="signs and parentheses change nothing"),
        pytest.param("holt_winters(a[5m], 1, 1", {"bot", "x"}, set(), id="not read here: anything may be"),
    ],
)
def test_which_labels_are_kept(expr: str, kept: set[str], gone: set[str]) -> None:
    found = kept_labels(expr)
    assert {label for label in kept | gone if found.may_have(label)} == kept


ASKED = (
    "a", "sum(a)", "sum by (bot) (a)", "sum without (x) (a)", "topk(1, a)", 'count_values("v", a)',
    'absent(missing{bot="q", x=~".+"})', "a / on (bot) b", "a / ignoring (x) b", "a and b", "a > on (bot) b",
    "a * on (bot) group_left (y) b", "sum by (bot) (a) > bool 0", 'label_replace(sum(a), "q", "v", "", "")',
    "sum by (bot) (a) or sum by (x) (a)", "a > 0", "2 * a", "a + on (bot) b > 0",
    "sum by (bot) (a) + sum by (bot) (b)",
    "max_over_time(a[5m])", "quantile by (x) (0.5, a)", "group(a)", "a == on (bot) b", "vector(1)",
)  # fmt: skip


@pytest.mark.prometheus
async def test_no_answer_of_a_real_prometheus_has_a_label_that_was_ruled_out(tmp_path: Path) -> None:
    now = int(SystemClock().now().timestamp())
    history = [
        "# TYPE a gauge",
        f'a{{bot="1",x="u"}} 3 {now - 30}',
        "# TYPE b gauge",
        f'b{{bot="1",y="w"}} 3 {now - 30}',
    ]
    async with with_history(history, tmp_path) as prometheus:
        seen = 0
        for expr in ASKED:
            url = f"{prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': expr, 'time': now - 10})}"
            with urllib.request.urlopen(url) as reply:
                answer = json.load(reply)["data"]["result"]
            for series in answer:
                seen += 1
                names = series["metric"].keys() - {"__name__"}
                assert all(map(kept_labels(expr).may_have, names)), (expr, series)
    assert seen >= len(ASKED) - 2
