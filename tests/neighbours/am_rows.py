"""Alertmanager's keys one by one, for `test_alertmanager_keys.py`: what each becomes, what has no equal, what
Alertmanager refuses, and what is no configuration at all."""

from __future__ import annotations

import pytest

TAIL = "route: { receiver: r }\nreceivers:\n- name: r\n"
HOOK = TAIL + "  webhook_configs: [ { url: 'http://127.0.0.1:1/S3CRET' } ]\n"
SMTP = "global: { smtp_smarthost: 'mail.example.com:587', smtp_from: am@example.com }\n"

WEBHOOK_KEYS = [
    pytest.param("send_resolved: false", {"send_resolved": False}, id="no resolves"),
    pytest.param("send_resolved: true, max_alerts: 7", {"max_alerts": 7}, id="the default is not written"),
    pytest.param("timeout: 3s", {"timeout": "3s"}, id="a time-out"),
    pytest.param(
        "http_config: { bearer_token: S3CRET }",
        {"bearer_token_file": "secrets/r_webhook_bearer_token"},
        id="a token",
    ),
    pytest.param(
        "http_config: { authorization: { credentials: S3CRET } }",
        {"bearer_token_file": "secrets/r_webhook_bearer_token"},
        id="the same, newer",
    ),
    pytest.param(
        "http_config: { basic_auth: { username: u, password: S3CRET } }",
        {"basic_auth": {"username": "u", "password_file": "secrets/r_webhook_password"}},
        id="a user name",
    ),
    pytest.param(
        "http_config: { tls_config: { insecure_skip_verify: true } }",
        {"tls_verify": False},
        id="no TLS check",
    ),
    pytest.param("http_config: { enable_http2: false }", {}, id="what makes no difference"),
    pytest.param(
        "http_config: { http_headers: { X-A: { values: [b] } } }", {"headers": {"X-A": "b"}}, id="a header"
    ),
]

MAIL_KEYS = [
    pytest.param("", {}, id="nothing besides"),
    pytest.param("send_resolved: true", {"send_resolved": True}, id="resolves"),
    pytest.param("from: 'X <x@example.com>'", {"from": "X <x@example.com>"}, id="a sender of its own"),
    pytest.param(
        "smarthost: 'o.example.com:25'", {"smarthost": "o.example.com:25"}, id="a server of its own"
    ),
    pytest.param("require_tls: false", {"security": "none"}, id="no TLS"),
    pytest.param(
        "require_tls: false, smarthost: 'o.example.com:465'",
        {"smarthost": "o.example.com:465"},
        id="TLS by its port",
    ),
    pytest.param("force_implicit_tls: true", {"security": "tls"}, id="TLS from the first byte"),
    pytest.param("hello: me.example.com", {"hello": "me.example.com"}, id="a greeting"),
    pytest.param(
        "auth_username: u, auth_password: S3CRET, auth_identity: u",
        {"username": "u", "password_file": "secrets/r_email_password"},
        id="a login",
    ),
    pytest.param(
        "auth_username: u, auth_secret: S3CRET",
        {"username": "u", "password_file": "secrets/r_email_cram_md5_secret"},
        id="a login by CRAM-MD5",
    ),
    pytest.param("headers: { subject: 'x {{ .Status }}' }", {"subject": "x {{ status }}"}, id="a subject"),
    pytest.param(
        "headers: { Reply-To: b@example.com, To: 'a@example.com' }",
        {"reply_to": "b@example.com"},
        id="headers that are keys here",
    ),
    pytest.param(
        "headers: { From: 'Alerts <am@example.com>' }",
        {"from": "Alerts <am@example.com>"},
        id="a name for the sender",
    ),
    pytest.param(
        "headers: { X-A: 'a {{ .Receiver }}' }", {"headers": {"X-A": "a {{ receiver }}"}}, id="a header"
    ),
    pytest.param(
        "text: 't {{ .Status }}', html: ''", {"template": "notifiers/templates/r_email.txt"}, id="a text"
    ),
    pytest.param("html: '<b>{{ .Status }}</b>'", {"html": "notifiers/templates/r_email.html"}, id="a page"),
    pytest.param("html: '{{ template \"email.default.html\" . }}'", {}, id="Alertmanager's page"),
    pytest.param("tls_config: { insecure_skip_verify: true }", {"tls_verify": False}, id="no TLS check"),
]

NO_EQUAL = [
    (
        TAIL + "  webhook_configs: [ { url: 'http://x/{{ .Receiver }}' } ]\n",
        4,
        "url",
        "the address is a template",
    ),
    (TAIL + "  webhook_configs:\n  - url: http://x/\n    payload: { a: b }\n", 6, "payload", "version 4"),
    (
        TAIL + "  webhook_configs:\n  - url: http://x/\n    http_config: { oauth2: { client_id: a } }\n",
        6,
        "http_config.oauth2",
        "no equal",
    ),
    (
        TAIL + "  webhook_configs:\n  - url: http://x/\n    http_config: { follow_redirects: true }\n",
        6,
        "follow_redirects",
        "not followed",
    ),
    (
        TAIL
        + "  webhook_configs:\n  - url: http://x/\n    http_config: { authorization: { type: Digest, credentials: x } }\n",
        6,
        "authorization.type",
        "only Bearer",
    ),
    (
        TAIL
        + "  webhook_configs:\n  - url: http://x/\n    http_config: { tls_config: { server_name: a } }\n",
        6,
        "tls_config.server_name",
        "certificate",
    ),
    (
        TAIL
        + "  webhook_configs:\n  - url: http://x/\n    http_config: { tls_config: { ca_file: /nope/ca } }\n",
        6,
        "tls_config.ca_file",
        "no file /nope/ca",
    ),
    (
        TAIL + "  webhook_configs:\n  - url: http://x/\n    frobnicate: 1\n",
        6,
        "frobnicate",
        "is not known here",
    ),
    (TAIL + "  frob_configs: [ { a: b } ]\n", 3, "receivers[0]", '"r" REACHES NOBODY'),
    (TAIL + "  webhook_configs:\n  - url: <secret>\n", 5, "url", "the secret is hidden"),
    (TAIL + "  webhook_configs:\n  - url_file: nope\n", 5, "url_file", "no secret can be read from"),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    auth_username: u\n",
        7,
        "auth_username",
        "nobody logs in",
    ),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    auth_password: p\n",
        7,
        "auth_password",
        "nobody logs in",
    ),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    hello: '@x'\n",
        7,
        "hello",
        "not the name of a host",
    ),
    (SMTP + TAIL + "  email_configs:\n  - to: nobody\n", 6, "to", "not a mail address"),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    tls_config: { cert_file: x }\n",
        7,
        "tls_config.cert_file",
        "cannot be shown",
    ),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    headers:\n      X-B: '{{ .Nope }}'\n",
        8,
        "headers.X-B",
        "the header is left out",
    ),
    (
        SMTP + TAIL + "  email_configs:\n  - to: a@example.com\n    text: |\n      a\n      {{ .Nope }}\n",
        9,
        "text",
        "this has no .Nope",
    ),
    ("templates: [ 'nope/*.tmpl' ]\n" + HOOK, 1, "templates[0]", "names no file"),
    ("tracing: { endpoint: x }\n" + HOOK, 1, "tracing", "is not known here"),
    (
        "inhibit_rules: [ { target_matchers: [ a=b ] } ]\n" + HOOK,
        1,
        "inhibit_rules[0]",
        "the source has no matchers",
    ),
    (
        "time_intervals:\n- name: n\n  time_intervals: [ { location: Local } ]\n" + HOOK,
        3,
        "location",
        "depends on the machine",
    ),
    (HOOK.replace("{ receiver: r }", "{ receiver: r, labels: { a: b } }"), 1, "route.labels", "no equal"),
    (HOOK + "---\na: b\n", 5, "", "a second document begins here"),
]

NO_CONFIGURATION = [
    (b"", "this is not Alertmanager's configuration"),
    (b"just a text", "neither route nor receivers"),
    (b"- a\n- b\n", "neither route nor receivers"),
    (b"groups: []\n", "these are rules of Prometheus"),
    (b"apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "an object of Kubernetes"),
    (b"alertmanager: { config: { route: {} } }\n", "values of a chart"),
    (b"route: [\n", "am.yml:2: this is not YAML"),
    (b"route:\n\treceiver: x\n", "am.yml:2: this is not YAML"),
    (b"route: { receiver: \xff }\n", "am.yml:1: this line is not UTF-8"),
    (b"route: \x00\n", "does not allow"),
    (b"route: { a: 1, a: 2 }\n", "am.yml:1: 'a' is there twice"),
    (b"route: *nope\n", "*nope is not defined"),
    (b"route: &a [ *a ]\n", "*a is not defined before it is used"),
    (b"route: { ? [a] : b }\n", "a key must be a single word"),
    (b"route: { <<: 5 }\n", "<<: takes a table"),
    (b"[" * 5000, "nest"),
    (b"route:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 300)), "nested too deeply"),
    (b"x" * (1024 * 1024 + 1), "more than 1048576 bytes"),
    (
        b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
        "its aliases make it too large",
    ),
]

REFUSED = [
    ("receivers: [ { name: r } ]\n", 1, "there is no route"),
    ("route: { group_by: [a] }\nreceivers: [ { name: r } ]\n", 1, "the first route has no receiver"),
    ("route: { receiver: x }\nreceivers: [ { name: r } ]\n", 1, 'there is no receiver "x"'),
    (
        "route:\n  receiver: r\n  routes:\n  - receiver: rr\nreceivers: [ { name: r } ]\n",
        4,
        'there is no receiver "rr"',
    ),
    ("route: { receiver: r, match: { a: b } }\nreceivers: [ { name: r } ]\n", 1, "must not have matchers"),
    ("route: { receiver: r, matchers: [ a=b ] }\nreceivers: [ { name: r } ]\n", 1, "must not have matchers"),
    ("route: { receiver: r, continue: true }\nreceivers: [ { name: r } ]\n", 1, "must not have it"),
    (
        "route: { receiver: r }\nreceivers: [ { name: r }, { name: r } ]\n",
        2,
        'there is a receiver "r" already',
    ),
    (
        "route: { receiver: r }\nreceivers: [ { webhook_configs: [] }, { name: r } ]\n",
        2,
        "a receiver needs a name",
    ),
    ("route: { receiver: r, group_by: [a, a] }\nreceivers: [ { name: r } ]\n", 1, '"a" is there twice'),
    ("route: { receiver: r, group_by: ['...', a] }\nreceivers: [ { name: r } ]\n", 1, "stands alone"),
    ("route: { receiver: r, group_interval: 0s }\nreceivers: [ { name: r } ]\n", 1, "longer than 0"),
    ("route: { receiver: r, repeat_interval: 0s }\nreceivers: [ { name: r } ]\n", 1, "longer than 0"),
    ("route: { receiver: r, group_wait: soon }\nreceivers: [ { name: r } ]\n", 1, "'soon' is not a duration"),
    (
        "route: { receiver: r, routes: [ { match_re: { a: '(' } } ] }\nreceivers: [ { name: r } ]\n",
        1,
        "not a valid regular expression",
    ),
    ("route: { receiver: r, routes: [ { matchers: [ 'a' ] } ] }\nreceivers: [ { name: r } ]\n", 1, "'a'"),
    (
        "route: { receiver: r, routes: [ { match: [ a ] } ] }\nreceivers: [ { name: r } ]\n",
        1,
        "must be a table",
    ),
    (
        "route: { receiver: r, routes: [ { mute_time_intervals: [ n ] } ] }\nreceivers: [ { name: r } ]\n",
        1,
        'there is no time interval "n"',
    ),
    ("route: { receiver: r, routes: { a: b } }\nreceivers: [ { name: r } ]\n", 1, "must be a list"),
    (
        "time_intervals: [ { name: n }, { name: n } ]\nroute: { receiver: r }\nreceivers: [ { name: r } ]\n",
        1,
        'there is a time interval "n" already',
    ),
    (
        "time_intervals: [ { time_intervals: [] } ]\nroute: { receiver: r }\nreceivers: [ { name: r } ]\n",
        1,
        "a time interval needs a name",
    ),
    (
        "time_intervals:\n- name: n\n  time_intervals:\n  - weekdays: [ funday ]\nroute: { receiver: r }\nreceivers: [ { name: r } ]\n",
        4,
        "'funday' is not a weekday",
    ),
    (
        "time_intervals:\n- name: n\n  time_intervals:\n  - times: [ { start_time: '22:00', end_time: '06:00' } ]\nroute: { receiver: r }\nreceivers: [ { name: r } ]\n",
        4,
        "is not after",
    ),
    (
        "time_intervals: [ { name: n, time_intervals: [ { location: Mars/Base } ] } ]\nroute: { receiver: r }\nreceivers: [ { name: r } ]\n",
        1,
        "is not a time zone",
    ),
    (TAIL + "  webhook_configs: [ { send_resolved: true } ]\n", 4, "neither url nor url_file"),
    (TAIL + "  webhook_configs: [ { url: 'ftp://x' } ]\n", 4, "not a web address"),
    (
        TAIL + "  webhook_configs: [ { url: 'http://x', max_alerts: many } ]\n",
        4,
        "'many' is not a whole number",
    ),
    (
        TAIL + "  webhook_configs: [ { url: 'http://x', send_resolved: perhaps } ]\n",
        4,
        "neither true nor false",
    ),
    (TAIL + "  webhook_configs: [ null ]\n", 4, "must not be empty"),
    (
        TAIL
        + "  webhook_configs: [ { url: 'http://x', http_config: { basic_auth: { username: u, password: p }, bearer_token: t } } ]\n",
        4,
        "both given",
    ),
    (
        TAIL
        + "  webhook_configs: [ { url: 'http://x', http_config: { bearer_token_file: f, bearer_token: t } } ]\n",
        4,
        "both given",
    ),
    (TAIL + "  email_configs: [ { to: a@example.com, from: a@example.com } ]\n", 4, "there is no smarthost"),
    (TAIL + "  email_configs: [ { to: a@example.com, smarthost: 'x:25' } ]\n", 4, "there is no from"),
    (SMTP + TAIL + "  email_configs: [ { send_resolved: true } ]\n", 5, "to is missing"),
    (
        SMTP + TAIL + "  email_configs: [ { to: a@example.com, headers: { Subject: a, subject: b } } ]\n",
        5,
        "is there twice",
    ),
    ("global: { resolve_timeout: [] }\n" + HOOK, 1, "must be a single value"),
]
