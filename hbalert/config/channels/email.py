"""The keys of an email notifier, and how mail addresses are spelt in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hbalert.config.channels import NotifierSettings
from hbalert.config.mail_headers import check_mail_headers
from hbalert.config.mailbox import parse_mailbox, parse_smarthost
from hbalert.config.values import Duration, File, SecretText


def _mailbox(value: str) -> str:
    parse_mailbox(value)
    return value


def _smarthost(value: str) -> str:
    parse_smarthost(value)
    return value


MailAddress = Annotated[str, AfterValidator(_mailbox)]
MailServer = Annotated[str, AfterValidator(_smarthost)]
MailHeaderMap = Annotated[Mapping[str, str], AfterValidator(check_mail_headers)]


class EmailSettings(NotifierSettings):
    """One mail per notification to all of `to`.

    smarthost     host and port of the mail server; without a port 465, 587 or 25 as `security` is
    security      "starttls" (must be offered, else the mail is not sent), "tls" (from the first byte),
                  "none"
    hello         how we introduce ourselves; empty: the domain of `from`
    timeout       for connecting and for each command
    data_timeout  for the server to take the whole mail in and answer for it
    subject       Jinja2 text in place of the built-in subject; html: a file for the HTML part;
                  template: a file for the plain text
    headers       more headers, each a Jinja2 text
    """

    type: Literal["email"]
    smarthost: MailServer
    security: Literal["starttls", "tls", "none"] | None = None  # None: tls on port 465, else starttls
    username: str = ""
    password: SecretText | None = None
    from_: MailAddress = Field(alias="from")
    to: tuple[MailAddress, ...] = Field(min_length=1)
    reply_to: MailAddress = ""
    hello: str = Field(default="", pattern=r"^[A-Za-z0-9.:\[\]-]*$")
    ca_file: File | None = None
    tls_verify: bool = True
    data_timeout: Duration = timedelta(seconds=60)
    subject: str = ""
    html: File | None = None
    headers: MailHeaderMap = Field(default_factory=dict)
