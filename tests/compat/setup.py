"""A configuration of either engine, from one description.

Knows both formats as far as cases need them. The keys of the routing tree, of inhibition rules and of
time intervals are the same in both, so that a description is written in them once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook of a receiver; it posts to the collector.

    max_alerts  0: all
    more        further keys of hbalert's notifier file
    """

    send_resolved: bool = True
    max_alerts: int = 0
    more: Table = field(default_factory=dict)


@dataclass(frozen=True)
class Mail:
    """A mail notifier of a receiver; it sends to the scene's mail server."""

    to: tuple[str, ...] = ("ops@example.com",)
    send_resolved: bool = True
    more: Table = field(default_factory=dict)
    more_theirs: Table = field(default_factory=dict)


FAST = {
    "receiver": "web",
    "group_by": ["team"],
    "group_wait": "300ms",
    "group_interval": "1s",
    "repeat_interval": "1h",
}
"""The root route of most cases: everything with one `team` is one group, and nobody waits long."""


@dataclass(frozen=True)
class Setup:
    """What an engine is to do.

    route           the root, in the keys that both engines share; children below "routes"
    receivers       name -> its notifiers
    inhibit_rules   in the keys that both share
    time_intervals  name -> its descriptions
    ours, theirs    further top-level tables of one of the two only
    """

    route: Table = field(default_factory=lambda: FAST)
    receivers: Mapping[str, tuple[Hook | Mail, ...]] = field(default_factory=lambda: {"web": (Hook(),)})
    inhibit_rules: tuple[Table, ...] = ()
    time_intervals: Mapping[str, list[Table]] = field(default_factory=dict)
    resolve_timeout: str = "5m"
    external_url: str = ""
    ours: Table = field(default_factory=dict)
    theirs: Table = field(default_factory=dict)

    @property
    def mails(self) -> bool:
        """Whether a mail server is needed."""
        return any(isinstance(one, Mail) for notifiers in self.receivers.values() for one in notifiers)


def fast(**keys: Any) -> dict[str, Any]:
    """The usual root route, with some keys otherwise."""
    return {**FAST, **keys}


def tree(*children: Table, receivers: Iterable[str] = (), **root: Any) -> Setup:
    """The usual root route with children; `receivers` are there beside "web", each with a webhook."""
    hooks = {name: (Hook(),) for name in ("web", *receivers)}
    return Setup(fast(routes=list(children), **root), hooks)


@dataclass(frozen=True)
class Places:
    """Where things are: the engine's own port, and what it is to reach."""

    port: int
    collector: str
    smtp_port: int = 0


def hook_path(receiver: str, index: int) -> str:
    """Where the n-th notifier of a receiver posts to."""
    return f"/{receiver}_{index}"


def write_ours(setup: Setup, at: Places, folder: Path) -> None:
    """config.toml and the notifier files."""
    document: dict[str, Any] = {
        "server": {"listen": f"127.0.0.1:{at.port}"},
        "storage": {"url": "sqlite:///hbalert.db"},
        "sources": {"main": {"url": "http://127.0.0.1:9"}},
        "evaluation": {"rules": []},
        "alerts": {"resolve_timeout": setup.resolve_timeout},
        "route": setup.route,
        "receivers": [
            {"name": name, "notifiers": [f"{name}_{index}" for index in range(len(notifiers))]}
            for name, notifiers in setup.receivers.items()
        ],
        "inhibit_rules": list(setup.inhibit_rules),
        "time_intervals": [
            {"name": name, "time_intervals": intervals} for name, intervals in setup.time_intervals.items()
        ],
    }
    if setup.external_url:
        document["server"]["external_url"] = setup.external_url
    for key, table in setup.ours.items():
        document[key] = {**document.get(key, {}), **table} if isinstance(table, Mapping) else table
    (folder / "notifiers").mkdir(exist_ok=True)
    for old in (folder / "notifiers").glob("*.toml"):
        old.unlink()
    for name, notifiers in setup.receivers.items():
        for index, notifier in enumerate(notifiers):
            keys: dict[str, Any]
            if isinstance(notifier, Hook):
                keys = {"type": "webhook", "url": at.collector + hook_path(name, index)}
                if notifier.max_alerts:
                    keys["max_alerts"] = notifier.max_alerts
            else:
                keys = {
                    "type": "email",
                    "smarthost": f"127.0.0.1:{at.smtp_port}",
                    "security": "none",
                    "from": "alerts@example.com",
                    "to": list(notifier.to),
                }
            keys |= {"send_resolved": notifier.send_resolved, **notifier.more}
            (folder / "notifiers" / f"{name}_{index}.toml").write_text(tomlkit.dumps(keys), "utf-8")
    (folder / "config.toml").write_text(tomlkit.dumps(document), "utf-8")


def write_theirs(setup: Setup, at: Places, folder: Path) -> None:
    """alertmanager.yml; JSON is YAML."""
    receivers = []
    for name, notifiers in setup.receivers.items():
        receiver: dict[str, Any] = {"name": name}
        for index, notifier in enumerate(notifiers):
            if isinstance(notifier, Hook):
                keys: dict[str, Any] = {
                    "url": at.collector + hook_path(name, index),
                    "send_resolved": notifier.send_resolved,
                    "max_alerts": notifier.max_alerts,
                }
                receiver.setdefault("webhook_configs", []).append(keys)
            else:
                keys = {
                    "smarthost": f"127.0.0.1:{at.smtp_port}",
                    "require_tls": False,
                    "from": "alerts@example.com",
                    "to": ", ".join(notifier.to),
                    "send_resolved": notifier.send_resolved,
                    **notifier.more_theirs,
                }
                receiver.setdefault("email_configs", []).append(keys)
        receivers.append(receiver)
    document = {
        "global": {"resolve_timeout": setup.resolve_timeout},
        "route": setup.route,
        "receivers": receivers,
        "inhibit_rules": list(setup.inhibit_rules),
        "time_intervals": [
            {"name": name, "time_intervals": intervals} for name, intervals in setup.time_intervals.items()
        ],
        **setup.theirs,
    }
    (folder / "alertmanager.yml").write_text(json.dumps(document, indent=1), "utf-8")
