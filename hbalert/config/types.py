"""The tables of config.toml, with every key and its default, and the whole configuration once it is linked.

Knows keys and defaults. Must not know what a single value may be (`values.py`), files (`load.py`), how
names refer to each other (`link.py`), the store or the network. The keys of notifiers are in `channels/`.
What links to other things (routes, rules, receivers) is here as it is once linked; as it is written it is
in `written.py`.

Durations are `timedelta`, secrets are `Secret`; what all tables have in common is in `table.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from hbalert.config.channels import NotifierSettings
from hbalert.config.table import Settings
from hbalert.config.values import (
    Duration,
    File,
    HeaderMap,
    Moment,
    Number,
    SecretText,
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
    notifiers: Mapping[str, NotifierSettings]
    receivers: Mapping[str, tuple[str, ...]]
    route: Route
    groups: tuple[RuleGroup, ...]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = Field(default_factory=dict)
    maintenance: tuple[Window, ...] = ()
    tokens: tuple[TokenSettings, ...] = ()
    hash: str = ""
