"""The rows as rule files of Prometheus, in several hands: quotes and blocks, flow and lines, comments,
anchors, an object of Kubernetes, labels that are templates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.neighbours.collection.rows import RECORDING, ROWS, Row

SEVERITIES = ("warning", "critical")


def files() -> dict[str, str]:
    """Name -> text of a rule file."""
    written = {name: "\n".join(_file(name, rows)) + "\n" for name, rows in ROWS.items()}
    written["odd"] = ODD
    return {f"{name}.yml": text for name, text in written.items()}


def _file(name: str, rows: list[Row]) -> Iterator[str]:
    """Files differ in the way in which they are written."""
    style = sorted(ROWS).index(name) % 3
    yield f"# Rules about {name}."
    yield "groups:"
    if name in RECORDING:
        yield f"- name: {name}.recorded"
        yield "  rules:"
        for record, expr in RECORDING[name]:
            yield f"  - record: {record}"
            yield f"    expr: {json.dumps(expr)}"
    for place in range(0, len(rows), 10):
        yield f"- name: {name}.{place // 10}"
        yield f"  interval: {('2s', '4s')[place // 10 % 2]}"
        yield "  rules:"
        for row in rows[place : place + 10]:
            for severity, bound in zip(SEVERITIES, row.bounds or ("",), strict=False):
                yield from _rule(row, row.expr.replace("@", bound), severity, style)


def _rule(row: Row, expr: str, severity: str, style: int) -> Iterator[str]:
    texts = {
        "summary": row.summary,
        "description": f"{row.alert} holds.\n  VALUE = {{{{ $value }}}}\n  LABELS = {{{{ $labels }}}}",
    }
    hold = f"for: {row.hold}"
    labels = (
        f"{{severity: {severity}, team: '{{{{ $labels.job }}}}'}}"
        if style == 2
        else f"{{severity: {severity}}}"
    )
    match style:
        case 0:
            yield f"  # {row.alert}, {severity}."
            yield f"  - alert: {row.alert}"
            yield "    expr: |"
            yield from (f"      {line}" for line in expr.replace(" and ", "\n  and ").splitlines())
            yield f"    {hold}"
            yield f"    labels: {labels}"
            yield "    annotations:"
            yield f"      summary: {json.dumps(texts['summary'])}"
            yield "      description: |-"
            yield from (f"        {line}" for line in texts["description"].splitlines())
        case 1:
            yield f"  - {{alert: {row.alert}, expr: {json.dumps(expr)}, {hold}, labels: {labels},"
            yield f"     annotations: {json.dumps(texts)}}}"
        case _:
            yield f"    - alert: '{row.alert}'"
            yield "      expr: >-"
            yield f"        {expr}"
            yield f"      {hold}"
            yield f"      labels: {labels}"
            yield "      annotations:"
            yield from (f"        {key}: {json.dumps(text)}" for key, text in texts.items())


ODD = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: odd, labels: {role: alert-rules}}
spec:
  groups:
  - name: odd
    interval: 2s
    rules:
    - &base
      alert: Anchored
      expr: odd_value > 1
      labels: &labels {severity: warning, tier: '{{ if gt $value 5.0 }}high{{ else }}low{{ end }}'}
      annotations:
        summary: 'a {{ with $labels.instance }}{{ . | stripPort | toUpper }}{{ else }}nothing{{ end }} b'
    - <<: *base
      alert: Merged
      expr: odd_value > 2
    - alert: Looked
      expr: odd_value > 0
      labels: *labels
      annotations:
        summary: >-
          {{ range query "odd_value > 0" | sortByLabel "instance" }}[{{ .Labels.instance }}
          {{ .Value | humanize }}]{{ end }}
        first: '{{ query "sort_desc(odd_value)" | first | value | printf "%.2f" }}'
        replaced: '{{ reReplaceAll "(.*):.*" "host $1" $labels.instance | title }}'
        link: '{{ "up == 0" | graphLink }} {{ $labels.instance | urlquery }}'
        jinja: 'a {% b %} {# c #} d'
        runbook: '{{ define "r" }}x{{ end }}{{ template "r" }}'
    - alert: Quoted
      expr: 'odd_value{instance!~"a|b\\\\.c"} > 0'
      labels: {a: "it's \\"so\\"", b: 'no', c: '007', d: "机器人 🚨", e: ''}
      annotations: {summary: "tab\\tand \\\\ and 'quotes'"}
    - alert: Braced
      expr: '{__name__="odd_value", job=~"o.+"} > 0'
      annotations: {summary: '{{ .Value }} {{ $.Labels.job }} {{ .Labels.none }}'}
"""
