"""The keys of a webhook notifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hbalert.config.channels import NotifierSettings
from hbalert.config.types import BasicAuth
from hbalert.config.values import File, HeaderMap, SecretText, SecretUrl, Whole


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
