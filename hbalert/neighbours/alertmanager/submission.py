"""How mail is handed in: the `smtp_*` keys of `global`, and the same keys of one integration on top.

Knows these keys, and what Alertmanager makes of ports and `require_tls`. Must not know recipients or texts.
Next: `mail.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hbalert.config.mailbox import parse_mailbox, parse_smarthost
from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.secrets import Kept, Secrets
from hbalert.neighbours.keys import Keys, halves

_TLS_PORT = 465


@dataclass(frozen=True, slots=True)
class Submission:
    """A way to hand mail in. What is empty is not given."""

    smarthost: str = ""
    sender: str = ""
    hello: str = ""
    username: str = ""
    password: Kept | None = None
    require_tls: bool = True
    implicit_tls: bool = False

    @property
    def by_port(self) -> str:
        """The security that hbalert uses where none is named."""
        port = parse_smarthost(self.smarthost)[1] if self.smarthost else None
        return "tls" if port == _TLS_PORT else "starttls"

    @property
    def security(self) -> str:
        """What Alertmanager does: TLS from the first byte on port 465, whatever else is said."""
        if self.implicit_tls or self.by_port == "tls":
            return "tls"
        return "starttls" if self.require_tls else "none"

    @property
    def logs_in(self) -> bool:
        return bool(self.username and self.password)


def read_submission(
    table: Keys, prefix: str, owner: str, secrets: Secrets, above: Submission | None = None
) -> Submission:
    """What a table says, on top of `above`.

    prefix  "smtp_" in `global`, nothing in an integration
    owner   the beginning of the names of its files with secrets
    """
    shared = above or Submission()

    def checked(name: str, parse: Callable[[str], object]) -> str:
        text = table.text(prefix + name)
        try:
            return text if text and parse(text) else ""
        except ValueError as error:
            table.lacks(prefix + name, *halves(error))
            return ""

    username = table.text(f"{prefix}auth_username")
    identity = f"{prefix}auth_identity"
    if table.text(identity) not in ("", username or shared.username):
        table.lacks(identity, "another identity than the user name has no equal")
    require, implicit = table.flag(f"{prefix}require_tls"), table.flag(f"{prefix}force_implicit_tls")
    made = Submission(
        smarthost=checked("smarthost", parse_smarthost) or shared.smarthost,
        sender=checked("from", parse_mailbox) or shared.sender,
        hello=checked("hello", _host) or shared.hello,
        username=username or shared.username,
        password=_password(table, prefix, owner, secrets) or shared.password,
        require_tls=shared.require_tls if require is None else require,
        implicit_tls=shared.implicit_tls if implicit is None else implicit,
    )
    if bool(made.username) != bool(made.password):
        given, other = ("username", "password") if made.username else ("password", "user name")
        table.lacks(f"{prefix}auth_{given}", f"without a {other} nobody logs in, and it is left out")
    return made


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]*", text):
        raise ValueError(f"{text!r} is not the name of a host")
    return text


def _password(table: Keys, prefix: str, owner: str, secrets: Secrets) -> Kept | None:
    """The password; the secret of CRAM-MD5 is used like one."""
    password = secrets.take(table, f"{prefix}auth_password", owner, called="password")
    secret = secrets.take(table, f"{prefix}auth_secret", owner, called="cram_md5_secret")
    if password and secret:
        table.lacks(
            f"{prefix}auth_secret", "beside a password it has no equal", "the password serves every login"
        )
        secrets.files.pop(secret.path, None)
    return password or secret


def put_shared(draft: Draft, shared: Submission) -> None:
    """The lines of [defaults.email]. A password that is not there yet is written as a comment."""
    for key, text in (("smarthost", shared.smarthost), ("from", shared.sender), ("hello", shared.hello)):
        if text:
            draft.put(key, text)
    if shared.security != shared.by_port:
        draft.put("security", shared.security)
    if shared.password and shared.username:
        draft.put("username", shared.username)
        draft.put("password_file", shared.password.path)
        if not shared.password.usable:
            draft.lines[-2:] = [f"# {line}" for line in draft.lines[-2:]]


def put_own(draft: Draft, own: Submission, shared: Submission, sender: str) -> None:
    """What of one integration differs from what is shared. `sender`: as its headers spell it."""
    for key, text, inherited in (
        ("smarthost", own.smarthost, shared.smarthost),
        ("from", sender, shared.sender),
        ("hello", own.hello, shared.hello),
    ):
        if text != inherited:
            draft.put(key, text)
    if own.security != (shared.security if shared.security != shared.by_port else own.by_port):
        draft.put("security", own.security)
    if own.password and own.username:
        draft.usable &= own.password.usable
        if own.username != shared.username or not shared.password:
            draft.put("username", own.username)
        if own.password != shared.password or not shared.username:
            draft.put("password_file", own.password.path)
