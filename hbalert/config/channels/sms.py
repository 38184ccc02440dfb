"""The keys of an SMS notifier: four kinds of gateways, and phone numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hbalert.config.channels import NotifierSettings
from hbalert.config.phone import parse_phone
from hbalert.config.table import Settings
from hbalert.config.values import Duration, SecretText, WebUrl, Whole


def _phone(value: Any) -> Any:
    return parse_phone(value) if isinstance(value, str) else value


Phone = Annotated[str, BeforeValidator(_phone)]


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
