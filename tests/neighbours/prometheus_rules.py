"""Made-up rule files of Prometheus for hypothesis: whatever its keys may hold."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
DURATIONS = st.sampled_from(["30s", "1m", "1m30s", "5m", "1h", "1d", "1w", "2h45m", "1500ms", "0s"])
INTERVALS = st.sampled_from(["15s", "1m", "1m30s", "1h"])
ODD = st.text(
    st.characters(codec="utf-8", exclude_characters="{}\x00\r", exclude_categories=["Cs", "Cc"])
    | st.sampled_from("\n\t '\"\\:#-|>&*!%@`?,[]~"),
    max_size=30,
)
ACTIONS = st.sampled_from([
    "{{ $labels.instance }}", "{{ $value | humanize }}", '{{ printf "%.2f" $value }}', "{{ .Labels.job }}",
    "{{ if gt $value 5.0 }}high{{ else }}low{{ end }}", "{{- /* why */ -}}", '{{ "{{" }}',
    "{{ with query `up` }}{{ . | first | value }}{{ end }}", "{{ $externalLabels.site }}",
    "{{ range query `up` }}{{ .Labels.job }} {{ .Value }}{{ end }}",
])  # fmt: skip
TEXTS = st.lists(ODD | ACTIONS, min_size=1, max_size=4).map("".join)
LABELS = st.dictionaries(
    NAMES.filter(lambda name: name not in ("__name__", "alertname")),
    ODD | ACTIONS.filter(lambda a: "query" not in a),
    max_size=3,
)
EXPRESSIONS = st.sampled_from([
    "up == 0", "sum by (job) (rate(a_total[5m])) > 1", "a\n  / b > 0.5\n", "  a # why\n",
    "absent(up{job=\"a'b\"})",
    'a{b=~".+\\\\d"} offset 5m', "vector(1)", "time() - a > 600", "a unless on (b) c\nor d\n\n",
])  # fmt: skip


def _some(**optional: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return optional


RULES = st.fixed_dictionaries(
    {"alert": NAMES, "expr": EXPRESSIONS},
    optional=_some(
        **{"for": DURATIONS, "keep_firing_for": DURATIONS},
        labels=LABELS,
        annotations=st.dictionaries(NAMES, TEXTS, max_size=3),
    ),
)
GROUPS = st.fixed_dictionaries(
    {"name": ODD.filter(str.strip), "rules": st.lists(RULES, min_size=1, max_size=4)},
    optional=_some(interval=INTERVALS, limit=st.integers(1, 9)),
)
RULE_FILES = st.lists(GROUPS, min_size=1, max_size=3, unique_by=lambda group: group["name"]).map(
    lambda groups: {"groups": groups}
)


def as_yaml(content: Any) -> str:
    """JSON, which is YAML when nothing unseen is in it."""
    text = json.dumps(content, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text)
