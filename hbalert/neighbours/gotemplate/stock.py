"""The templates that every Alertmanager has by itself, as far as messages here can use them.

Knows their names and what stands in for each: the built-in subject, or a short text of ours in Go's
way. Those of other channels are not here: nothing here asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from hbalert.neighbours.gotemplate.values import Kind, Value

SUBJECT = "email.default.subject"
HTML = "email.default.html"

STOCK_VALUES: Mapping[str, Value] = {"__subject": Value("subject", Kind.TEXT)}
"""Templates that one of our variables stands in for."""

STOCK_TEXTS: Mapping[str, str] = {
    SUBJECT: '{{ template "__subject" . }}',
    "__alertmanager": "hbalert",
    "__alertmanagerURL": "{{ .ExternalURL }}",
    "__text_alert_list": """\
{{ range . }}{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }}
{{ end }}{{ range .Annotations.SortedPairs }}{{ .Name }}: {{ .Value }}
{{ end }}{{ .GeneratorURL }}

{{ end }}""",
    "__text_alert_list_markdown": '{{ template "__text_alert_list" . }}',
}
