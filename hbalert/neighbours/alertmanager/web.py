"""`webhook_configs`: one webhook each.

Knows their keys. Must not know receivers. The payload is the same in both programs.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from hbalert.config.duration import format_duration
from hbalert.config.values import is_web_address
from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.http import http_keys
from hbalert.neighbours.alertmanager.secrets import Secrets
from hbalert.neighbours.keys import Keys

_RELAY = re.compile(r"/dingtalk/[^/]+/send/?")


def webhook(table: Keys, draft: Draft, secrets: Secrets, global_http: Keys) -> bool:
    """Fills in the notifier; whether there is one."""
    url = table.text("url")
    kept = secrets.take(table, "url", draft.name)
    if kept is None:
        table.report.refuse(table.line, table.path, "neither url nor url_file is given")
        return False
    if "{{" in url:
        table.lacks(
            "url",
            "the address is a template: an alert would choose where it goes",
            "name each address in a route",
        )
        secrets.files.pop(kept.path, None)
        return False
    if url and kept.usable and not is_web_address(url):
        table.refuse("url", "this is not a web address")
    draft.to = _host(url) if url else kept.path
    draft.put_file("url_file", kept)
    if table.flag("send_resolved") is False:
        draft.put("send_resolved", False)
    if most := table.number("max_alerts"):
        draft.put("max_alerts", most)
    if wait := table.duration("timeout"):
        draft.put("timeout", format_duration(wait))
    if "payload" in table:
        table.lacks("payload", "the body is always Alertmanager's payload, version 4")
    http_keys(table.table("http_config") if "http_config" in table else global_http, draft, secrets)
    if _RELAY.fullmatch(_path(url)):
        table.hint(
            "url",
            "this leads to a relay for DingTalk; it goes on working",
            'a notifier with type = "dingtalk" talks to the robot itself, signs, and keeps to its limits',
        )
    table.rest()
    return True


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _host(url: str) -> str:
    """As much of an address as may be shown."""
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"
