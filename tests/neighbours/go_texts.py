"""Templates of Alertmanager, as people write them, for one notification.

One table, asked twice by `test_gotemplate.py`: amtool expands the original, hbalert the translation.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason

START = datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)


def _alert(instance: str, ended: datetime | None = None, **labels: str) -> NotifiedAlert:
    usual = {"alertname": "DiskFull", "job": "node", "instance": instance, "severity": "critical"}
    told = {
        "summary": f"{instance} is <full> & slow",
        "description": "line 1\n\nline 2\n",
        "runbook_url": "https://wiki/x?a=1&b=2",
    }
    return NotifiedAlert(
        Labels({**usual, **labels}),
        told,
        START,
        ended,
        "http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "ab" * 8,
    )


TOLD = Notification(
    receiver="team X/ops",
    group_id="g",
    group_key="{}:{}",
    group_labels=Labels({"alertname": "DiskFull", "cluster": "eu-1"}),
    alerts=(
        _alert("web-1:9100", cluster="eu-1", team="机器人", value="1234567.5"),
        _alert("web-2:9100", START + timedelta(hours=1, seconds=2), cluster="eu-1", note='it\'s "5" + 5'),
        _alert("web-3:9100", cluster="eu-1"),
    ),
    reason=Reason.FIRST,
    decided_at=START,
    first_decided_at=START,
    external_url="https://alerts.example.com",
)

FILE = """\
{{ define "title" -}}
  [{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }}
{{- end }}

{{ define "line" }}{{ .Labels.instance }}: {{ .Annotations.summary }}{{ end }}
{{ define "lines" }}{{ range . }}
* {{ template "line" . }}{{ end }}{{ end }}
{{ define "with.root" }}{{ .root.Status }}/{{ .name }}/{{ $.name }}{{ end }}
{{ define "html.list" }}<ul>{{ range .Alerts }}<li title="{{ .Labels.note }}"><a href="{{ .GeneratorURL }}">{{ .Annotations.summary }}</a></li>{{ end }}</ul>{{ end }}
"""
"""A template file beside the texts."""

TEXTS: list[tuple[str, str]] = [
    # fields
    ("the status", "{{ .Status }}"),
    ("a common label", "{{ .CommonLabels.alertname }}"),
    ("a label that is not there", "[{{ .CommonLabels.nope }}]"),
    (
        "group labels, annotations, receiver, address",
        "{{ .GroupLabels.cluster }} {{ .CommonAnnotations.runbook_url }} {{ .Receiver }} {{ .ExternalURL }}",
    ),
    ("the root by its sign", "{{ $.Status }} {{ $.CommonLabels.job }}"),
    ("labels as a map", "{{ .GroupLabels }}"),
    (
        "a label with a dash, by index",
        '{{ index .CommonLabels "alertname" }}[{{ index .CommonLabels "a-b" }}]',
    ),
    ("the first alert", "{{ (index .Alerts 0).Labels.instance }}"),
    ("a field of what brackets hold", "{{ (index .Alerts.Firing 1).Annotations.summary }}"),
    # loops
    ("all alerts", "{{ range .Alerts }}{{ .Labels.instance }} {{ .Status }} {{ .Fingerprint }}\n{{ end }}"),
    ("those that fire", "{{ range .Alerts.Firing }}{{ .Labels.instance }} {{ end }}"),
    (
        "those that have ended",
        "{{ range .Alerts.Resolved }}{{ .Labels.instance }} {{ .GeneratorURL }}{{ end }}",
    ),
    (
        "with place and alert",
        "{{ range $i, $a := .Alerts }}{{ $i }}:{{ $a.Labels.instance }}{{ .Status }} {{ end }}",
    ),
    ("with one variable", "{{ range $a := .Alerts }}{{ $a.Labels.job }}{{ .Labels.team }} {{ end }}"),
    (
        "with commas between",
        "{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ .Labels.instance }}{{ end }}",
    ),
    ("pairs of labels", "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}"),
    (
        "pairs in pairs",
        "{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}\n{{ end }}",
    ),
    (
        "pairs with a variable",
        "{{ range $p := .GroupLabels.SortedPairs }}{{ $p.Name }}-{{ $p.Value }} {{ end }}",
    ),
    (
        "pairs with their place",
        "{{ range $i, $p := .GroupLabels.SortedPairs }}{{ $i }}{{ $p.Name }} {{ end }}",
    ),
    ("names and values of a map", "{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }} {{ end }}"),
    ("values of a map", "{{ range .GroupLabels }}<{{ . }}>{{ end }}"),
    ("names as a list", "{{ range .GroupLabels.Names }}{{ . }} {{ end }}"),
    ("a loop over nothing", "{{ range .CommonAnnotations.SortedPairs.Names }}{{ . }}{{ else }}none{{ end }}"),
    ("the root within a loop", "{{ range .Alerts }}{{ $.Status }}{{ $.CommonLabels.job }} {{ end }}"),
    ("an alert's annotations", "{{ range .Alerts }}{{ .Annotations.description }}{{ end }}|"),
    # conditions
    ("if and else", '{{ if eq .Status "firing" }}fires{{ else }}over{{ end }}'),
    (
        "else if",
        '{{ if eq .Status "x" }}x{{ else if .CommonLabels.nope }}y{{ else if .CommonLabels.job }}z{{ else }}w{{ end }}',
    ),
    ("several values to be equal to", '{{ if eq .CommonLabels.severity "page" "critical" }}yes{{ end }}'),
    ("not equal", '{{ if ne .CommonLabels.severity "warning" }}yes{{ end }}'),
    (
        "numbers compared",
        "{{ if gt (len .Alerts.Firing) 0 }}f{{ end }}{{ if gt (len .Alerts.Resolved) 1 }}r{{ end }}{{ if le 3 (len .Alerts) }}l{{ end }}",
    ),
    (
        "and, or, not",
        '{{ if and .CommonLabels.job (not .CommonLabels.nope) }}a{{ end }}{{ if or .CommonLabels.nope (eq .Status "firing") }}o{{ end }}',
    ),
    (
        "or as a value",
        '{{ or .CommonLabels.nope .CommonLabels.job "none" }} {{ and .CommonLabels.job .CommonLabels.nope }}',
    ),
    (
        "with",
        "{{ with .CommonLabels.job }}job {{ . }}{{ end }}{{ with .CommonLabels.nope }}x{{ else }}no{{ end }}",
    ),
    (
        "with something longer",
        "{{ with .GroupLabels.Remove (stringSlice `alertname`) }}{{ .Values | join `,` }}{{ end }}",
    ),
    ("with a variable", "{{ with $x := .CommonLabels.job }}{{ $x }}{{ . }}{{ end }}"),
    ("if with a variable", "{{ if $x := .CommonLabels.job }}{{ $x }}{{ $.Status }}{{ end }}"),
    ("an empty list is false", "{{ if .Alerts.Resolved }}r{{ end }}{{ if .CommonLabels }}l{{ end }}"),
    ("the truth shown", '{{ eq .Status "firing" }} {{ not true }}'),
    # variables
    ("a variable", "{{ $s := .Status }}{{ $s }}{{ $s | toUpper }}"),
    (
        "a variable that a loop changes",
        '{{ $last := "" }}{{ range .Alerts }}{{ $last = .Labels.instance }}{{ end }}{{ $last }}',
    ),
    (
        "a flag that a loop sets",
        '{{ $found := false }}{{ range .Alerts }}{{ if eq .Labels.instance "web-2:9100" }}{{ $found = true }}{{ end }}{{ end }}{{ if $found }}found{{ end }}',
    ),
    ("the root kept", "{{ $root := . }}{{ range .Alerts }}{{ $root.Receiver }}{{ end }}"),
    ("alerts kept", "{{ $a := .Alerts.Firing }}{{ len $a }}{{ range $a }}{{ .Labels.instance }}{{ end }}"),
    (
        "names that Jinja2 would mind",
        "{{ $title := .Status }}{{ $loop := .Receiver }}{{ $status := 1 }}{{ $title | title }}{{ $loop }}{{ $status }}",
    ),
    # functions
    (
        "upper, lower, title",
        '{{ .Status | toUpper }} {{ toLower "ABC" }} {{ title "ab cd" }} {{ .Receiver | title }}',
    ),
    ("join", '{{ .CommonLabels.Values | join ", " }} {{ join "-" .CommonLabels.Names }}'),
    ("a list", '{{ stringSlice "a" "b" | join "+" }}'),
    (
        "without some labels",
        '{{ (.CommonLabels.Remove (stringSlice "alertname" "job")).SortedPairs.Values | join "|" }}',
    ),
    (
        "without the group's labels",
        "{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ if gt (len .) 0 }}({{ .Values | join ` ` }}){{ end }}{{ end }}",
    ),
    (
        "replace by pattern",
        '{{ range .Alerts }}{{ reReplaceAll "^(\\\\w+)-(\\\\d+):.*$" "$2/${1}" .Labels.instance }} {{ end }}',
    ),
    ("replace in a pipeline", "{{ .Receiver | reReplaceAll `[^a-z]` `` | toUpper }}"),
    ("match", '{{ if match "^Disk" .CommonLabels.alertname }}disk{{ end }}{{ match "x$" .Status }}'),
    (
        "printf",
        '{{ printf "%s: %d of %d, %v, %q" .Status (len .Alerts.Firing) (len .Alerts) true .Receiver }}',
    ),
    ("printf with width", '{{ printf "%-10s|%5d|%05.2f|%x" .Status 42 3.14159 "hi" }}'),
    ("printf in a pipeline", '{{ .Status | printf "[%s]" }}'),
    ("print and println", '{{ print "a" 1 2 "b" }}{{ println .Status 3 }}'),
    ("length of a text in bytes", "{{ len (index .Alerts 0).Labels.team }}"),
    ("a part of a text", "{{ slice .Status 1 3 }} {{ slice .Status 2 }}"),
    ("html and urlquery", "{{ (index .Alerts 0).Annotations.summary | html }} {{ .Receiver | urlquery }}"),
    ("safeHtml in a plain text", "{{ .Receiver | safeHtml }}"),
    ("numbers", "{{ 1 }} {{ 1.50 }} {{ -3 }} {{ 0x1F }} {{ 1e3 }} {{ .5 }}"),
    ("strings with escapes", '{{ "tab\\tquote\\" \\u00e9 \\x41 \\\\" }}{{ `raw \\n` }}'),
    # times
    ("times as they are", "{{ range .Alerts }}{{ .StartsAt }}|{{ .EndsAt }}\n{{ end }}"),
    (
        "a layout",
        '{{ range .Alerts }}{{ .StartsAt.Format "Mon, 02 Jan 2006 15:04:05 MST" }} {{ .EndsAt.Format "2006-01-02T15:04:05Z07:00" }}\n{{ end }}',
    ),
    (
        "eight hours later",
        '{{ range .Alerts }}{{ (.StartsAt.Add 28800e9).Format "2006-01-02 15:04:05" }} {{ end }}',
    ),
    ("eight hours later, in a row", '{{ range .Alerts }}{{ .StartsAt.UTC.Format "3:04PM" }}{{ end }}'),
    ("how long it took", "{{ range .Alerts.Resolved }}{{ .EndsAt.Sub .StartsAt }}{{ end }}"),
    (
        "how long in seconds",
        '{{ range .Alerts.Resolved }}{{ (.EndsAt.Sub .StartsAt).Seconds | printf "%.0f" }}{{ end }}',
    ),
    (
        "parts of a time",
        "{{ (index .Alerts 0).StartsAt.Year }} {{ (index .Alerts 0).StartsAt.Month }} {{ (index .Alerts 0).StartsAt.Unix }}",
    ),
    ("no end", "{{ range .Alerts }}{{ if not .EndsAt.IsZero }}ended{{ end }}-{{ end }}"),
    # blanks and comments
    (
        "blanks that are taken away",
        "a  {{- .Status -}}  b\n{{ range .Alerts -}}\n  {{ .Labels.instance }}\n{{ end -}}\nc",
    ),
    ("comments", "a{{/* not this */}}b {{- /* nor\nthis */ -}} c"),
    (
        "blanks round everything",
        "x\n{{- if .CommonLabels.job }}\n y\n{{- else }}\n z\n{{- end }}\n{{- with .Status }} {{ . -}}  w {{ end }}",
    ),
    ("signs of Jinja2", "{% if %} {# no #} {{ `{{` }} {%{{ .Status }}%}"),
    # templates
    ("a template of the file", '{{ template "title" . }}'),
    ("blanks round a template", 'a  {{- template "title" . -}}  b'),
    ("templates in templates", '{{ template "lines" .Alerts }}'),
    ("a template for each", '{{ range .Alerts }}{{ template "line" . }};{{ end }}'),
    ("a template with a variable", '{{ $a := index .Alerts 1 }}{{ template "line" $a }}'),
    ("defined in place", '{{ define "own" }}<{{ .Status }}>{{ end }}{{ template "own" . }}'),
    ("a block", '{{ block "piece" .Alerts.Firing }}{{ len . }}{{ end }} {{ template "piece" .Alerts }}'),
    (
        "line by line",
        '{{ range .Alerts }}{{ if eq .Status `firing` }}F{{ else }}R{{ end }} {{ .Labels.instance }}{{ "\\n" }}{{ end }}',
    ),
]
"""(what it shows, the template)."""

PAGES: list[tuple[str, str]] = [
    (
        "values in text",
        "<p>{{ (index .Alerts 0).Annotations.summary }} {{ (index .Alerts 1).Labels.note }}</p>",
    ),
    ("values in attributes", "<td title=\"{{ (index .Alerts 1).Labels.note }}\" class='{{ .Status }} x'>"),
    ("an address", '<a href="{{ (index .Alerts 0).GeneratorURL }}">x</a>'),
    (
        "within an address",
        '<a href="{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver }}">x</a><img src="/a/{{ .Receiver }}.png">',
    ),
    ("a template of the file in HTML", '<body>{{ template "html.list" . }}</body>'),
    (
        "a colour",
        '<td style="background: {{ if eq .Status "firing" }}#f00{{ else }}#0f0{{ end }}; width: {{ len .Alerts }}px">',
    ),
    ("a colour from a value", '<td style="color: {{ .Status }}">'),
    ("a style sheet without values", "<style>a { color: red } /* {#x} */</style><p>{{ .Status }}</p>"),
    ("HTML that is vouched for", '<p>{{ "<b>x</b>" | safeHtml }}</p>'),
    ("an address that is none", '<a href="{{ "javascript:alert(1)" }}">x</a>'),
    ("an attribute without a value", '<input checked data-x="{{ .Status }}" ><br/>{{ .Status }}'),
    ("a title", "<title>{{ (index .Alerts 0).Annotations.summary }}</title>"),
    (
        "a table",
        '<table>{{ range .Alerts }}<tr{{ if eq .Status `firing` }} class="f"{{ end }}><td>{{ .Labels.instance }}</td></tr>{{ end }}</table>',
    ),
    (
        "html at the end is not done twice",
        '<p title="{{ html .Receiver }}">{{ (index .Alerts 0).Annotations.summary | html }} {{ html (index .Alerts 0).Annotations.summary }}</p>',
    ),
    (
        "urlquery at the end is not done twice",
        '<a href="{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}">{{ .Receiver | urlquery }}</a>',
    ),
    ("greater and smaller", "1 < 2 {{ .Status }} a > b <3"),
]
"""The same as HTML."""

NEWER: list[tuple[str, str, str]] = [
    (
        '{{ (index .Alerts 0).StartsAt | tz "Asia/Shanghai" | date "2006-01-02 15:04 MST" }}',
        "2026-01-02 11:04 CST",
        "tz, date",
    ),
    ('{{ tz "Europe/Paris" (index .Alerts 0).StartsAt | date "15:04 -0700" }}', "04:04 +0100", "tz, date"),
    ("{{ .NotificationReason }}", "first notification", "NotificationReason"),
    ("{{ since (index .Alerts 0).StartsAt | humanizeDuration }}", "10m 0s", "since, humanizeDuration"),
    ('{{ now.Format "15:04" }}', "03:14", "now"),
    ("{{ .CommonLabels.job | trimSpace | toJson }}", '"node"', "toJson"),
    ('{{ list "a" "b" | join "," }}{{ append (list "a") "c" | join "," }}', "a,ba,c", "list, append"),
    ('{{ template "with.root" (dict "root" . "name" "n") }}', "firing/n/n", "dict"),
    (
        '{{ "a%20b+c" | urlUnescape }} {{ "x" | base64encode | base64decode }}',
        "a b c x",
        "urlUnescape, base64",
    ),
]
"""(template, what becomes of it, what amtool 0.25 does not have yet): from Alertmanager's documentation."""
