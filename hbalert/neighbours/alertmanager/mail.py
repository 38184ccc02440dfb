"""`email_configs`: one mail notifier each, and [defaults.email] for what they share.

Knows the keys of an integration: recipients, headers, bodies. Must not know how mail is handed in
(`submission.py`) or receivers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formataddr, getaddresses

from hbalert.config.mail_headers import refusal
from hbalert.config.mailbox import Mailbox, parse_mailbox
from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.http import tls_keys
from hbalert.neighbours.alertmanager.secrets import Secrets
from hbalert.neighbours.alertmanager.submission import Submission, put_own, put_shared, read_submission
from hbalert.neighbours.alertmanager.texts import Texts
from hbalert.neighbours.gotemplate.stock import HTML, SUBJECT
from hbalert.neighbours.keys import Keys, halves
from hbalert.neighbours.toml_text import TomlValue
from hbalert.neighbours.yaml_tree import Scalar


@dataclass(slots=True)
class _Headers:
    """What the headers of an integration come to: keys of ours, and headers that stay."""

    sender: str
    reply_to: str = ""
    subject: str | None = None
    kept: dict[str, TomlValue] = field(default_factory=dict)


class Mail:
    """The mail notifiers of one configuration. `used`: there is one."""

    def __init__(self, global_: Keys, secrets: Secrets, texts: Texts) -> None:
        self.used = False
        self._secrets = secrets
        self._texts = texts
        self._global = global_
        self._shared = read_submission(global_, "smtp_", "smtp", secrets)
        self._tls = Draft("smtp", "email", "")
        tls_keys(global_.table("smtp_tls_config"), self._tls, secrets, client=False)

    def defaults(self) -> list[str]:
        """The lines of [defaults.email]."""
        draft = Draft("smtp", "email", "")
        put_shared(draft, self._shared)
        return draft.lines + [line if self._tls.usable else f"# {line}" for line in self._tls.lines]

    def notifier(self, table: Keys, draft: Draft) -> bool:
        """Fills in one notifier; whether there is one."""
        own = read_submission(table, "", draft.name, self._secrets, self._shared)
        to = self._recipients(table)
        complete = self._complete(own, table)
        resolved = table.flag("send_resolved")
        if not complete or not to:
            for kept in list(self._secrets.files):
                if kept.startswith(f"secrets/{draft.name}_"):
                    del self._secrets.files[kept]
            return False
        self.used = True
        headers = self._headers(table, own, to)
        draft.to = ", ".join(to)
        draft.put("to", to)
        put_own(draft, own, self._shared, headers.sender)
        if headers.reply_to:
            draft.put("reply_to", headers.reply_to)
        if "tls_config" in table:
            tls_keys(table.table("tls_config"), draft, self._secrets, client=False)
        else:
            draft.usable &= self._tls.usable
        if not resolved:
            draft.put("send_resolved", False, "Alertmanager's default for mail" if resolved is None else "")
        if headers.subject is not None:
            draft.put("subject", headers.subject)
        self._bodies(table, draft)
        if headers.kept:
            draft.put_table("headers", headers.kept)
        table.get("threading")  # the mails of a group are a thread by themselves
        table.rest()
        return True

    def _complete(self, own: Submission, table: Keys) -> bool:
        for value, name in ((own.smarthost, "smarthost"), (own.sender, "from")):
            if not (value or table.text(name) or self._global.text(f"smtp_{name}")):
                what = f"there is no {name}, neither here nor as smtp_{name} in global"
                table.report.refuse(table.line, table.path, what)
        return bool(own.smarthost and own.sender)

    def _recipients(self, table: Keys) -> list[str]:
        """Who gets the mail; nobody, and a line in the report, where that cannot be said."""
        text = table.text("to")
        if not text:
            table.report.refuse(table.line, table.path, "to is missing")
            return []
        constant = self._texts.constant(text)
        if constant is None:
            what = "the recipients are a template: an alert would choose them"
            table.lacks("to", what, "name each address in a route of its own")
            return []
        try:
            return list(
                dict.fromkeys(_spelt(parse_mailbox(_joined(each))) for each in getaddresses([constant]))
            )
        except ValueError as error:
            table.lacks("to", *halves(error))
            return []

    def _bodies(self, table: Keys, draft: Draft) -> None:
        usual = Scalar(table.line, f'{{{{ template "{HTML}" . }}}}')
        for key, ours, given in (
            ("text", "template", table.scalar("text")),
            ("html", "html", table.scalar("html")),
        ):
            given = given or (usual if key == "html" and "html" not in table else None)
            made = self._texts.make(table, key, given, key) if given and given.text.strip() else None
            if made is not None:
                draft.put(ours, self._texts.keep(made, draft.name, key))

    # --- headers ---

    def _headers(self, table: Keys, own: Submission, to: list[str]) -> _Headers:
        given = table.names("headers")
        under = Keys(table.get("headers"), table.at("headers"), table.report, table.line)
        made = _Headers(own.sender)
        lower = [name.lower() for name in given]
        if "subject" not in lower:
            usual = Scalar(table.line, f'{{{{ template "{SUBJECT}" . }}}}')
            made.subject = self._texts.make(under, "Subject", usual, "line")
        for name, scalar in given.items():
            if lower.count(name.lower()) > 1:
                under.refuse(name, f"the header {name} is there twice")
            else:
                self._header(under, name, scalar, made, to)
        return made

    def _header(self, under: Keys, name: str, given: Scalar, made: _Headers, to: list[str]) -> None:
        """One header: what a key of ours says, what stays, or a line in the report."""
        constant = self._texts.constant(given.text) or ""
        boxes = _boxes(constant)
        match name.lower():
            case "subject":
                made.subject = self._texts.make(under, name, given, "line")
            case "to" if {each.address for each in boxes} == {parse_mailbox(each).address for each in to}:
                pass  # it says who gets the mail, as it does here
            case "from" if [each.address for each in boxes] == [parse_mailbox(made.sender).address]:
                made.sender = constant
            case "reply-to" if len(boxes) == 1:
                made.reply_to = constant
            case _ if why := refusal(name):
                under.lacks(name, *halves(ValueError(why)))
            case _:
                text = self._texts.make(under, name, given, "line") if given.text else None
                if text is not None:
                    made.kept[name] = text


def _boxes(text: str) -> list[Mailbox]:
    """The mailboxes of a header; none when one of them is not one."""
    try:
        return [parse_mailbox(_joined(each)) for each in getaddresses([text])]
    except ValueError:
        return []


def _joined(parts: tuple[str, str]) -> str:
    name, address = parts
    return f'"{name}" <{address}>' if name else address


def _spelt(mailbox: Mailbox) -> str:
    """A mailbox as our files spell it."""
    if not mailbox.name:
        return mailbox.address
    if mailbox.name.isascii():
        return formataddr((mailbox.name, mailbox.address))
    return f'"{mailbox.name}" <{mailbox.address}>'
