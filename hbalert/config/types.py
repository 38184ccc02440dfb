"""Every type of the configuration, with every key and its default.

Knows keys and defaults. Must not know what a single value may be (`values.py`), files (`load.py`), how
names refer to each other (`link.py`), the store or the network. What links to other things (routes,
rules, receivers) is here as it is once linked; as it is written it is in `written.py`.

Durations are `timedelta`, secrets are `Secret`; what all tables have in common is in `table.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from hbalert.config.table import Settings
from hbalert.config.values import (
    Duration,
    File,
    HeaderMap,
    MailAddress,
    MailHeaderMap,
    MailServer,
    Moment,
    Number,
    Phone,
    SecretText,
    SecretUrl,
    TimeZone,
    WebUrl,
    Whole,
)
from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import TimeInterval
from hbalert.core.maintenance import Window
from hbalert.core.route import Route
from hbalert.core.rule import RuleGroup
from hbalert.core.silence import Bounds

# --- the daemon --------------------------------------------------------------------------------


class Limits(Settings):
    """[server.limits]: how much one client may ask for. What is over a limit is refused with its name.

    connections    open at once; for one more the longest idle one is ended
    body_bytes     of one request
    body_seconds   until a body has to be complete
    busy_requests  posted bodies in work at once; more are asked to come back (503)
    busy_bytes     bytes of such bodies
    alerts         in one POST
    labels         of one alert; the same number of annotations
    name_bytes     of one label name
    value_bytes    of one label value
    text_bytes     of one annotation, comment or URL
    matchers       of one silence or query
    query_bytes    of the parameters of a query that is passed on to a source
    waiting_reads  requests that only read and wait for their turn; more are asked to come back (503)
    rows           in one answer of our own listings
    """

    connections: Whole = Field(default=800, ge=8, le=100_000)
    body_bytes: Whole = Field(default=16 << 20, ge=1000, le=1 << 30)
    body_seconds: Number = Field(default=30.0, gt=0, le=600, allow_inf_nan=False)
    busy_requests: Whole = Field(default=1000, ge=1)
    busy_bytes: Whole = Field(default=128 << 20, ge=1000)
    alerts: Whole = Field(default=20_000, ge=1)
    labels: Whole = Field(default=128, ge=1)
    name_bytes: Whole = Field(default=1024, ge=1)
    value_bytes: Whole = Field(default=8192, ge=1)
    text_bytes: Whole = Field(default=65_536, ge=1)
    matchers: Whole = Field(default=64, ge=1)
    query_bytes: Whole = Field(default=65_536, ge=100)
    waiting_reads: Whole = Field(default=500, ge=1)
    rows: Whole = Field(default=10_000, ge=1)


class ServerSettings(Settings):
    """[server]: where we listen.

    tls_cert, tls_key  PEM; with them the port speaks HTTPS and nothing else
    tls_client_ca      PEM: only clients with a certificate from one of these authorities may connect
    insecure           other machines may reach us without tokens, or with tokens in clear text
    """

    listen: str = "127.0.0.1:9097"
    external_url: str = ""
    tls_cert: File | None = None
    tls_key: File | None = None
    tls_client_ca: File | None = None
    insecure: bool = False
    limits: Limits = Field(default_factory=Limits)


class StorageSettings(Settings):
    """[storage]: where the truth is kept."""

    url: str = "sqlite:///data/hbalert.db"
    retention: Duration = timedelta(days=90)


class BasicAuth(Settings):
    username: str
    password: SecretText


class SourceSettings(Settings):
    """[sources.NAME]: something that answers PromQL.

    batch             many rules in one query
    merge_thresholds  within it, rules that compare one left side with different numbers are asked once
    merge_labels      within it, rules that differ in one label's value are asked as one
    partial           an answer that comes with warnings counts ("warn"), or is none ("error")
    """

    url: WebUrl
    timeout: Duration = timedelta(seconds=10)
    headers: HeaderMap = Field(default_factory=dict)
    bearer_token: SecretText | None = None
    basic_auth: BasicAuth | None = None
    ca_file: File | None = None
    client_cert: File | None = None
    client_key: File | None = None
    batch: bool = True
    merge_thresholds: bool = True
    merge_labels: bool = True
    partial: Literal["warn", "error"] = "warn"
    concurrency: Whole = Field(default=8, ge=1, le=256)
    down_after: Duration = timedelta(minutes=2)


class EvaluationSettings(Settings):
    """[evaluation]: defaults of rule groups.

    missing_evaluations  evaluations that may find no data of a firing alert before it resolves
    flap_after           an alert that starts to fire so often within flap_window is held; 0: never
    """

    interval: Duration = timedelta(seconds=15)
    rules: tuple[str, ...] = ("rules/*.toml",)
    external_labels: Mapping[str, str] = Field(default_factory=dict)
    query_offset: Duration = timedelta()
    missing_evaluations: Whole = Field(default=0, ge=0, le=1000)
    flap_after: Whole = Field(default=5, ge=0, le=100)
    flap_window: Duration = timedelta(hours=1)


class AlertSettings(Settings):
    """[alerts]: alerts from outside.

    limit, limit_per_alertname  how many are kept; a sender is told of each one more; 0: any number
    """

    resolve_timeout: Duration = timedelta(minutes=5)
    webhook_stale_after: Duration = timedelta(hours=26)
    limit: Whole = Field(default=100_000, ge=0)
    limit_per_alertname: Whole = Field(default=20_000, ge=0)


class SilenceSettings(Settings):
    """[silences]: how much is kept, and when its author hears that one ends.

    limit      silences that are kept, ended ones included
    max_bytes  of the texts of one: matchers, author, comment, annotations
    notice     so long before its end, when it still silences something; "0s": never
    """

    limit: Whole = Field(default=10_000, ge=1)
    max_bytes: Whole = Field(default=65_536, ge=1)
    notice: Duration = timedelta(minutes=15)

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.limit, self.max_bytes)


# --- notifiers ---------------------------------------------------------------------------------


class NotifierSettings(Settings):
    """Keys of every notifier file, whatever its type. `name` is the file's stem.

    daily_quota, monthly_quota  messages that its gateway takes in a day or a month of `timezone`; 0: not
                                known. Nothing is held back for it: an alert says that its end is near
    """

    _file: str = PrivateAttr("")

    type: str
    name: str = ""
    enabled: bool = True
    language: Literal["en", "zh"] = "en"
    timezone: TimeZone = "UTC"
    send_resolved: bool = True
    fallback: tuple[str, ...] = ()
    template: File | None = None
    timeout: Duration = timedelta(seconds=15)
    give_up_after: Duration = timedelta(days=3)
    daily_quota: Whole = Field(default=0, ge=0)
    monthly_quota: Whole = Field(default=0, ge=0)

    @property
    def file(self) -> str:
        """Its file, as findings show it."""
        return self._file


class LogSettings(NotifierSettings):
    """Writes messages to the daemon's log: to see that routing works before any secret exists."""

    type: Literal["log"]


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


class DingTalkSettings(NotifierSettings):
    """A DingTalk group robot (custom robot webhook)."""

    type: Literal["dingtalk"]
    webhook_url: SecretUrl
    secret: SecretText | None = None
    at_mobiles: tuple[str, ...] = ()
    at_user_ids: tuple[str, ...] = ()
    at_all: bool = False
    keyword: str = ""
    per_minute: Whole = Field(default=18, ge=1, le=20)


class AlibabaGateway(Settings):
    """Alibaba Cloud SMS (Dysmsapi 2017-05-25, signature V3).

    variables  variable of the template -> text with names in braces, such as "{alertname} on {bot}".
               Names: alertname, severity, status, summary, count, bot, host, time, subject, text
    resolved_template_code  for resolves; fallback_template_code: without variables, for refused content
    """

    provider: Literal["alibaba"]
    access_key_id: str
    access_key_secret: SecretText
    sign_name: str
    template_code: str
    resolved_template_code: str = ""
    fallback_template_code: str = ""
    variables: Mapping[str, str] = Field(default_factory=dict)
    max_variable_chars: Whole = Field(default=35, ge=1)
    url: WebUrl = "https://dysmsapi.aliyuncs.com/"


class TencentGateway(Settings):
    """Tencent Cloud SMS (2021-01-11, signature TC3). `variables` are {1}, {2}, ...; else as for Alibaba."""

    provider: Literal["tencent"]
    secret_id: str
    secret_key: SecretText
    sdk_app_id: str
    sign_name: str = ""
    template_id: str
    resolved_template_id: str = ""
    fallback_template_id: str = ""
    variables: tuple[str, ...] = ()
    max_variable_chars: Whole = Field(default=12, ge=1)
    region: str = "ap-guangzhou"
    url: WebUrl = "https://sms.tencentcloudapi.com/"


class TwilioGateway(Settings):
    """Twilio Programmable Messaging.

    Who sends is `from` or messaging_service_sid; with an api_key_sid, `auth_token` is that key's secret.
    """

    provider: Literal["twilio"]
    account_sid: str
    api_key_sid: str = ""
    auth_token: SecretText
    from_: str = Field(default="", alias="from")
    messaging_service_sid: str = ""
    validity: Duration = timedelta(minutes=15)
    max_segments: Whole = Field(default=3, ge=1, le=10)
    url: WebUrl = "https://api.twilio.com/"


class HttpGateway(Settings):
    """Any SMS gateway that is one HTTP call, described in TOML.

    Texts in `url`, `headers`, `query` and `body` may hold the placeholders {to}, {text}, {id},
    {timestamp} and the names under `secrets`; `body` may be a table (sent as form or JSON) or a text.

    An answer is a success when the value at `success_path` ("data.0.code"), or else the beginning of its
    first line, is one of `success_values`; without both any 2xx is. Codes at `code_path` (or else the
    value just looked at) in `retry_codes` and `throttle_codes` pass; every other one is final.
    """

    provider: Literal["http"]
    url: WebUrl
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: Mapping[str, str] = Field(default_factory=dict)
    query: Mapping[str, str] = Field(default_factory=dict)
    body_format: Literal["form", "json", "raw", "none"] = "form"
    body: Mapping[str, Any] | str = Field(default_factory=dict)
    secrets: Mapping[str, SecretText] = Field(default_factory=dict)
    username: str = ""
    password: SecretText | None = None
    number_format: Literal["e164", "no_plus", "national", "zero_zero"] = "e164"
    charset: Literal["utf-8", "gbk"] = "utf-8"
    max_chars: Whole = Field(default=300, ge=20)
    success_path: str = ""
    success_values: tuple[str, ...] = ()
    id_path: str = ""
    code_path: str = ""
    message_path: str = ""
    retry_codes: tuple[str, ...] = ()
    throttle_codes: tuple[str, ...] = ()
    throttle_wait: Duration = timedelta(seconds=60)


SmsGateway = Annotated[
    AlibabaGateway | TencentGateway | TwilioGateway | HttpGateway, Field(discriminator="provider")
]


class SmsSettings(NotifierSettings):
    """Text messages to phones, through one gateway.

    per_minute  messages to phones: a notification to three numbers counts three
    """

    type: Literal["sms"]
    to: tuple[Phone, ...] = Field(min_length=1)
    gateway: SmsGateway
    per_minute: Whole = Field(default=30, ge=1)


class WebhookSettings(NotifierSettings):
    """An HTTP endpoint that takes Alertmanager's webhook payload, version 4."""

    type: Literal["webhook"]
    url: SecretUrl
    headers: HeaderMap = Field(default_factory=dict)
    bearer_token: SecretText | None = None
    basic_auth: BasicAuth | None = None
    signing_secret: SecretText | None = None
    max_alerts: Whole = Field(default=0, ge=0)
    ca_file: File | None = None
    client_cert: File | None = None
    client_key: File | None = None
    tls_verify: bool = True
    concurrency: Whole = Field(default=8, ge=1, le=64)


AnyNotifier = Annotated[
    LogSettings | EmailSettings | DingTalkSettings | SmsSettings | WebhookSettings,
    Field(discriminator="type"),
]

NOTIFIERS: Mapping[str, type[NotifierSettings]] = {
    "log": LogSettings,
    "email": EmailSettings,
    "dingtalk": DingTalkSettings,
    "sms": SmsSettings,
    "webhook": WebhookSettings,
}
"""What a notifier file may say as its `type`."""


class TokenSettings(Settings):
    """[[tokens]]: who may talk to us. Only a hash is stored.

    expires  from this moment on nobody knows the token; a date means its first moment in UTC
    """

    name: str
    role: Literal["ingest", "read", "silence", "admin"]
    hash: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    expires: Moment | None = None


# --- the whole, linked -------------------------------------------------------------------------


class Config(Settings):
    """Everything, checked and linked: every name in here refers to something that exists.

    root            folder of config.toml; relative paths are below it
    receivers       name -> notifiers (every enabled or disabled notifier is also a receiver of its own)
    time_intervals  name -> the descriptions of which any may hold
    maintenance     the windows in it; there may be others, made at run time
    hash            changes exactly when something that matters changes
    """

    root: Path
    server: ServerSettings
    storage: StorageSettings
    sources: Mapping[str, SourceSettings]
    evaluation: EvaluationSettings
    alerts: AlertSettings
    silences: SilenceSettings = Field(default_factory=SilenceSettings)
    notifiers: Mapping[str, AnyNotifier]
    receivers: Mapping[str, tuple[str, ...]]
    route: Route
    groups: tuple[RuleGroup, ...]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = Field(default_factory=dict)
    maintenance: tuple[Window, ...] = ()
    tokens: tuple[TokenSettings, ...] = ()
    hash: str = ""
