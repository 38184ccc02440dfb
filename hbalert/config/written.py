"""The configuration as it is written: names in it are texts that nobody has looked up yet.

Knows the keys of routing, of rule files and of config.toml as a whole. Must not know what the names
refer to (`link.py`). Keys that must be given have an empty default here: that they are missing is
found when they are linked, so that it hides no other mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from hbalert.config import intervals
from hbalert.config.document import Document, Table
from hbalert.config.positions import Path
from hbalert.config.table import Settings
from hbalert.config.types import (
    AlertSettings,
    EvaluationSettings,
    ServerSettings,
    SilenceSettings,
    SourceSettings,
    StorageSettings,
    TokenSettings,
)
from hbalert.config.values import Duration, TimeZone, Whole
from hbalert.core.interval import Span, TimeSpan


class Written(Settings):
    """A table that remembers where it stands."""

    _at: Path = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _remember_place(cls, table: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(table)
        if isinstance(table, Table):
            made._at = table.path
        return made

    def at(self, *keys: str | int) -> Path:
        """Where one of its keys stands."""
        return (*self._at, *keys)

    def lacks(self, key: str, document: Document) -> bool:
        """Whether a key that must be given is not, or is empty.

        Where something of a wrong type stood, it has been taken out and reported: that is no lack.
        """
        if key in self.model_fields_set:
            return not getattr(self, key)
        return self.at(key) not in document.lines


# --- routing -----------------------------------------------------------------------------------


class ReceiverSettings(Written):
    """[[receivers]]: a list of notifiers under one name."""

    name: str = ""
    notifiers: tuple[str, ...] = ()


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str | timedelta) else value


class RouteSettings(Written):
    """[route] and [[route.routes]]; None = inherited from the parent."""

    receiver: str | None = None
    matchers: tuple[str, ...] = ()
    group_by: tuple[str, ...] | None = None
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Annotated[tuple[Duration, ...], BeforeValidator(_as_list)] | None = None
    continue_: bool = Field(default=False, alias="continue")
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[RouteSettings, ...] = ()


class InhibitRuleSettings(Written):
    """[[inhibit_rules]]: what matches the source keeps what matches the target quiet."""

    source_matchers: tuple[str, ...] = ()
    target_matchers: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()


class TimesSettings(Settings):
    """{ start_time = "09:00", end_time = "17:00" }"""

    start_time: str
    end_time: str

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        intervals.times(self.start_time, self.end_time)
        return self

    @property
    def span(self) -> TimeSpan:
        return intervals.times(self.start_time, self.end_time)


class IntervalSettings(Settings):
    """[[time_intervals.time_intervals]]: every key that is given must hold, by any of its ranges."""

    times: tuple[TimesSettings, ...] = ()
    weekdays: tuple[Annotated[Span, BeforeValidator(intervals.weekdays)], ...] = ()
    days_of_month: tuple[Annotated[Span, BeforeValidator(intervals.days_of_month)], ...] = ()
    months: tuple[Annotated[Span, BeforeValidator(intervals.months)], ...] = ()
    years: tuple[Annotated[Span, BeforeValidator(intervals.years)], ...] = ()
    location: TimeZone = "UTC"


class TimeIntervalSettings(Written):
    """[[time_intervals]]: a name for parts of the calendar."""

    name: str = ""
    time_intervals: tuple[IntervalSettings, ...] = ()


class MaintenanceSettings(Written):
    """[[maintenance]]: quiet that comes again, by `cron` and `duration` or weekly by times of day."""

    name: str = ""
    matchers: tuple[str, ...] = ()
    cron: str = ""
    duration: Duration | None = None
    weekdays: tuple[Annotated[Span, BeforeValidator(intervals.weekdays)], ...] = ()
    start_time: str = ""
    end_time: str = ""
    location: TimeZone = "UTC"
    comment: str = ""
    created_by: str = ""


class NotifierFiles(Settings):
    """[notifiers]: where the destinations are."""

    files: tuple[str, ...] = ("notifiers/*.toml",)


# --- rule files --------------------------------------------------------------------------------


class RuleSettings(Written):
    """[[groups.rules]]; None = as in the group."""

    alert: str = ""
    expr: str = ""
    for_: Duration = Field(default=timedelta(), alias="for")
    keep_firing_for: Duration = timedelta()
    clear: str = ""
    no_data: Literal["ok", "keep", "alert"] = "ok"
    missing_evaluations: Whole | None = Field(default=None, ge=0, le=1000)
    flap_after: Whole | None = Field(default=None, ge=0, le=100)
    flap_window: Duration | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)


class GroupSettings(Written):
    """[[groups]]: rules that are evaluated together; None = as in [evaluation]."""

    name: str = ""
    interval: Duration | None = None
    source: str | None = None
    query_offset: Duration | None = None
    limit: Whole = Field(default=0, ge=0)
    missing_evaluations: Whole | None = Field(default=None, ge=0, le=1000)
    flap_after: Whole | None = Field(default=None, ge=0, le=100)
    flap_window: Duration | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    rules: tuple[RuleSettings, ...] = ()


class RuleFile(Settings):
    """rules/NAME.toml."""

    groups: tuple[GroupSettings, ...] = ()


# --- config.toml -------------------------------------------------------------------------------


class MainFile(Settings):
    """config.toml, with what environment variables say instead of it already in place.

    defaults  type of notifier -> keys that every notifier of this type starts from
    """

    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    sources: Mapping[str, SourceSettings] = Field(default_factory=dict)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    silences: SilenceSettings = Field(default_factory=SilenceSettings)
    defaults: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    notifiers: NotifierFiles = Field(default_factory=NotifierFiles)
    receivers: tuple[ReceiverSettings, ...] = ()
    route: RouteSettings | None = None
    inhibit_rules: tuple[InhibitRuleSettings, ...] = ()
    time_intervals: tuple[TimeIntervalSettings, ...] = ()
    maintenance: tuple[MaintenanceSettings, ...] = ()
    tokens: tuple[TokenSettings, ...] = ()
