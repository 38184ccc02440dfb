"""Receivers: what each tells, as notifiers of ours.

Knows which integrations there are, which of them have an equal, and how names become names of files. Must
not know the keys of an integration (`mail.py`, `web.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.mail import Mail
from hbalert.neighbours.alertmanager.secrets import Secrets
from hbalert.neighbours.alertmanager.web import webhook
from hbalert.neighbours.keys import Keys

ONLY_LOG = "only_log"
"""The notifier of receivers that have none of their own."""

_OTHERS: Mapping[str, str] = {
    "discord": "a webhook",
    "incidentio": "a webhook",
    "jira": "a webhook or a mail to the project",
    "mattermost": "a webhook",
    "msteams": "a webhook, or a mail to the channel",
    "msteamsv2": "a webhook, or a mail to the channel",
    "opsgenie": "a webhook, or a mail to the integration",
    "pagerduty": "a webhook, or a mail to the service",
    "pushover": "an SMS or a mail",
    "rocketchat": "a webhook",
    "slack": "a webhook, or a mail to the channel",
    "sns": "an SMS notifier",
    "telegram": "a webhook to a bot of yours",
    "victorops": "a webhook, or a mail to the integration",
    "webex": "a webhook",
    "wechat": "a DingTalk notifier, or a webhook",
}
"""Integrations that have no equal, and what could do instead."""

GLOBAL_KEYS = re.compile(
    "("
    + "|".join([*_OTHERS, "wechat", "hipchat", "vo"])
    + r")_(api_url|api_url_file|api_key|api_key_file|url|api_secret|"
    r"api_secret_file|api_corp_id|app_token|app_token_file|bot_token|bot_token_file|webhook_url|webhook_url_file|"
    r"token|token_file|token_id|token_id_file|auth_token)"
)
"""Keys of `global` that belong to such integrations."""


class Receivers:
    """All receivers.

    members  receiver -> the notifiers of its list; never none
    drafts   the notifiers
    """

    def __init__(self, mail: Mail, secrets: Secrets, global_http: Keys, file: str) -> None:
        self.members: dict[str, list[str]] = {}
        self.drafts: dict[str, Draft] = {}
        self._mail = mail
        self._secrets = secrets
        self._global_http = global_http
        self._file = file
        self._taken: set[str] = {ONLY_LOG}

    def read(self, tables: list[Keys]) -> None:
        """Takes in the list of receivers."""
        names = [table.text("name") for table in tables]
        self._taken |= set(names)
        for table, name in zip(tables, names, strict=True):
            if not name:
                table.report.refuse(table.line, table.path, "a receiver needs a name")
            elif name in self.members:
                table.refuse("name", f'there is a receiver "{name}" already')
            else:
                self.members[name] = list(self._receiver(table, name))
                if not any(self.drafts[each].usable for each in self.members[name]):
                    self._quiet(table, name)

    @property
    def only_log(self) -> bool:
        """Whether somebody needs the notifier that only writes to the log."""
        return any(ONLY_LOG in members for members in self.members.values())

    def _quiet(self, table: Keys, name: str) -> None:
        """A receiver that reaches nobody: it writes to the log, and the report says so."""
        self.members[name].append(ONLY_LOG)
        if not any(key.endswith("_configs") for key in table):
            what = f'"{name}" tells nobody; what goes there is written to the log'
            table.report.hint(table.line, table.path, what)
            return
        what = f'"{name}" REACHES NOBODY: nothing of it can be used as it is'
        instead = f"add a notifier to it in config.toml; until then {ONLY_LOG} writes to the daemon's log"
        table.report.lacks(table.line, table.path, what, instead)

    def _receiver(self, table: Keys, name: str) -> Iterator[str]:
        for kind in ("email", "webhook", *_OTHERS):
            key = f"{kind}_configs"
            if table.is_null(key):
                table.get(key)
                continue
            for integration in table.tables(key):
                if not integration:
                    integration.report.refuse(integration.line, integration.path, "must not be empty")
                elif kind in _OTHERS:
                    instead = f"tell the same people by {_OTHERS[kind]}"
                    integration.report.lacks(
                        integration.line, integration.path, f"{kind} has no equal here", instead
                    )
                else:
                    yield from self._notifier(integration, kind, name)
        table.rest()

    def _notifier(self, table: Keys, kind: str, receiver: str) -> Iterator[str]:
        name = self._name(receiver, kind)
        draft = Draft(name, kind, f'{self._file}:{table.line}, receiver "{receiver}"')
        if kind == "email":
            made = self._mail.notifier(table, draft)
        else:
            made = webhook(table, draft, self._secrets, self._global_http)
        if made:
            self.drafts[name] = draft
            yield name
        else:
            self._taken.discard(name)

    def _name(self, receiver: str, kind: str) -> str:
        """A name that nothing else has: the receiver's, as far as a file's name holds it, and the kind."""
        bare = re.sub(r"[^a-z0-9]+", "_", receiver.lower()).strip("_")[:60] or "receiver"
        wish = bare if bare.endswith(kind) and bare != receiver else f"{bare}_{kind}"
        name, number = wish, 1
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name
