"""An operator's own template of messages, tried before an alert needs it.

Knows which style a notifier's texts have. Must not know where templates stand (`config/message_texts.py`),
nor what they may do (`render/`, imported with the first of them).
"""

from __future__ import annotations

STYLES = {"email": "mail", "dingtalk": "markdown", "sms": "sms", "log": "text"}
"""Type of notifier -> style of its messages."""


def try_template(kind: str, key: str, text: str) -> list[str]:
    """What is wrong with a template, found by trying it.

    kind, key  the notifier's type, and the key that holds the template
    """
    if kind not in STYLES:
        return []
    from hbalert.render import check_template

    style = {"template": STYLES[kind], "html": "html"}.get(key, "line")
    return check_template(text, style, empty=key == "headers")
