"""What the inside asks of the outside: sources, channels, the store.

The loops know only these protocols; `daemon.py` hands in the real things. Values that cross are
those of `core/` and the few below.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hbalert.core.alert import Alert
from hbalert.core.delivery import Delivery, Pace
from hbalert.core.group import Group
from hbalert.core.maintenance import Window
from hbalert.core.notification import LogEntry, Notification
from hbalert.core.rule import RuleAlert, Sample
from hbalert.core.silence import Silence
from hbalert.core.trouble import Room

# --- sources -----------------------------------------------------------------------------------


PARTIAL = "the answer is partial"
"""The warning in place of a source's flag."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer to one instant query. `warnings` are the source's own words."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the source says that a part is missing."""
        return PARTIAL in self.warnings


NO_SERIES = Answer(())
"""No series and no warning, as most answers are: whoever answers may use this one value."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An answer of a source's API, passed on as it is: JSON in the words of that API."""

    status: int
    body: bytes


PassOn = Callable[[str, bytes], Awaitable[Passed]]
"""Asks the default source: (path of its API, form; empty: a GET) -> its answer. Raises SourceError."""


class Source(Protocol):
    """Something that answers instant PromQL queries."""

    name: str

    async def query(self, expr: str, at: datetime) -> Answer:
        """The answer at `at`. Raises SourceError (Unavailable, BadQuery, TooMuch)."""
        ...

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        """The answers, in the order asked; a SourceError stands in place of an answer."""
        ...

    async def close(self) -> None: ...


# --- channels ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A notification as one channel will say it.

    Words for whoever reads them; a channel whose style is "data" is handed the notification alone.

    subject    one line: mail subject, DingTalk title, first words of an SMS
    text       plain text or markdown, as the channel's `style` asks; already cut to its limit
    html       for channels whose style is "mail"
    variables  for SMS templates: name -> text
    thread     same for all messages of one group: mail threading
    urgent     an alert of severity "critical" fires
    notification  the whole value, for channels that send data (webhook)
    headers    an operator's own headers of a mail: name -> one line
    """

    subject: str
    text: str
    notification: Notification
    html: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    thread: str = ""
    urgent: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The far side accepted the message.

    answer       its own words, shortened, without secrets
    provider_id  its id of the message
    delivered    recipients that accepted; refused: those that never will, with the reason;
                 deferred: those to try again. All empty where the channel has one recipient.
    """

    answer: str
    provider_id: str = ""
    delivered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    deferred: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """One configured destination.

    style        how it wants to be spoken to: "mail", "markdown", "sms", "text", "data"
    max_bytes    longest `Message.text` it takes, in UTF-8 bytes; 0 = no limit
    pace         how often it may be used; None = no limit
    concurrency  how many sends may run at once
    """

    style: str
    max_bytes: int
    pace: Pace | None
    concurrency: int

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """Hands the message over. Raises ChannelError (NotNow, Transient, Permanent).

        delivery_id  the same over all attempts: the idempotency key where the far side takes one
        now          wall clock for signatures and headers
        skip         recipients that accepted or refused in an earlier attempt
        """
        ...

    async def close(self) -> None: ...


# --- store -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotifierState:
    """What must be remembered of a notifier over a restart.

    sends       times of the last sends within its pace's window, oldest first
    held_until  it asked us to stay away until then
    """

    notifier: str
    sends: tuple[datetime, ...] = ()
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one delivery, as history shows it.

    result       "sent", "transient", "permanent", "not now" (core.delivery.Result values)
    duration_ms  from the first byte to the answer
    """

    delivery_id: str
    notifier: str
    at: datetime
    duration_ms: float
    result: str
    reason: str
    answer: str
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A line of an alert's timeline: something was decided.

    kind    "pending", "firing", "resolved", "silenced", "inhibited", "muted", "enqueued", "dropped", ...
    text    one sentence for people
    """

    at: datetime
    kind: str
    text: str
    alert_key: bytes = b""
    group_id: str = ""
    delivery_id: str = ""
    notifier: str = ""


@dataclass(slots=True)
class Changes:
    """One unit of work: rows to write, rows to remove, lines to append. All or nothing.

    seen_at  the store is in use then, on the same clock as the rows (Snapshot.last_seen)
    vital    keys of alerts that are stored on a full disk as well, new or not

    Each mapping goes from primary key to the new row, or None to remove it:
    alerts by label key, rule_alerts by (rule id, label key), groups by id, entries by
    (group id, notifier), deliveries by id, silences by id, maintenance windows by name, notifiers by name.
    """

    alerts: dict[bytes, Alert | None] = field(default_factory=dict)
    rule_alerts: dict[tuple[str, bytes], RuleAlert | None] = field(default_factory=dict)
    groups: dict[str, Group | None] = field(default_factory=dict)
    entries: dict[tuple[str, str], LogEntry | None] = field(default_factory=dict)
    deliveries: dict[str, Delivery | None] = field(default_factory=dict)
    silences: dict[str, Silence | None] = field(default_factory=dict)
    windows: dict[str, Window | None] = field(default_factory=dict)
    notifiers: dict[str, NotifierState | None] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    seen_at: datetime | None = None
    vital: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything live, as read at the start.

    deliveries     the live ones only (queued, sending)
    windows        maintenance windows that were made at run time
    next_sequence  higher than that of any delivery ever stored
    last_seen      when the store was last known to be in use; None for a new one
    """

    alerts: Sequence[Alert] = ()
    rule_alerts: Sequence[RuleAlert] = ()
    groups: Sequence[Group] = ()
    entries: Sequence[LogEntry] = ()
    deliveries: Sequence[Delivery] = ()
    silences: Sequence[Silence] = ()
    windows: Sequence[Window] = ()
    notifiers: Sequence[NotifierState] = ()
    next_sequence: int = 1
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which deliveries to list, newest first. Empty fields do not restrict; ids by their beginning."""

    since: datetime | None = None
    until: datetime | None = None
    notifier: str = ""
    state: str = ""
    delivery_id: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A delivery with all its attempts."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


class Store(Protocol):
    """Where the truth is kept. It never decides.

    repairs  what was found damaged and what was lost, in plain sentences

    Several `commit`s awaited at the same time share one fsync; each is all or nothing.
    """

    @property
    def repairs(self) -> tuple[str, ...]: ...

    async def load(self) -> Snapshot: ...

    async def commit(self, changes: Sequence[Changes]) -> None:
        """Makes the changes durable, in order, in one transaction. Raises StoreError: then nothing
        of them is stored."""
        ...

    async def touch(self, now: datetime) -> None:
        """Records that the store is in use now (see Snapshot.last_seen)."""
        ...

    async def history(self, query: HistoryQuery) -> list[HistoryLine]: ...

    async def sent_since(self, notifier: str, since: datetime) -> int:
        """Messages that a notifier has sent since then; one to three numbers counts three."""
        ...

    async def notes(self, *, alert_key: bytes = b"", group_id: str = "", limit: int = 1000) -> list[Note]:
        """Timeline lines, oldest first."""
        ...

    async def room(self) -> Room | None:
        """What is left on the disk; None where that is not known."""
        ...

    async def prune(self, before: datetime) -> int:
        """Removes history older than `before` (never what is live); returns the number of rows."""
        ...

    async def close(self) -> None: ...
