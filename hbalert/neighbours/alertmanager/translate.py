"""A whole configuration of Alertmanager as a folder of ours.

Knows what stands at the top of both and how config.toml reads. Must not know the disk beyond the files
that the configuration itself names. The other modules of this package do one part each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hbalert.config.duration import format_duration
from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.mail import Mail
from hbalert.neighbours.alertmanager.receivers import GLOBAL_KEYS, ONLY_LOG, Receivers
from hbalert.neighbours.alertmanager.routing import RouteTables, inhibit_rules, interval_names, time_intervals
from hbalert.neighbours.alertmanager.secrets import Secrets
from hbalert.neighbours.alertmanager.texts import Texts
from hbalert.neighbours.folder import NewFile
from hbalert.neighbours.keys import Keys
from hbalert.neighbours.report import Report
from hbalert.neighbours.toml_text import pair, remark
from hbalert.neighbours.yaml_tree import Node, Table, Unreadable, parse_yaml

_TOP = ("global", "templates", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals")


@dataclass(frozen=True, slots=True)
class Translation:
    """What came of it.

    files  name below the new folder -> file
    made   (file, what it is), for people
    """

    files: dict[str, NewFile]
    made: list[tuple[str, str]]
    report: Report


def translate(data: bytes, file: str, folder: Path) -> Translation:
    """The translation of a configuration.

    file    how reports name it
    folder  where it stands: paths in it are below that
    Raises Unreadable when it is no YAML, or not Alertmanager's configuration.
    """
    document = parse_yaml(data)
    _recognise(document.root)
    report = Report(file)
    if document.more:
        report.lacks(
            document.more, "", "a second document begins here; Alertmanager reads the first one only"
        )
    return _Translator(Keys(document.root, "", report), folder, Path(file).name).run()


def _recognise(root: Node) -> None:
    """Raises Unreadable, with what to do, for what is something else."""
    keys = root.entries if isinstance(root, Table) else {}
    if "route" in keys or "receivers" in keys:
        return
    what = "this is not Alertmanager's configuration: it has neither route nor receivers at the top"
    instead = 'Alertmanager itself shows it with "amtool config show"'
    if "apiVersion" in keys or "kind" in keys:
        instead = "this is an object of Kubernetes; save what stands in it under alertmanager.yml as a file"
    elif "alertmanager" in keys or "config" in keys:
        instead = "these are values of a chart; save what stands below config: as a file"
    elif "groups" in keys:
        instead = "these are rules of Prometheus"
    raise Unreadable(root.line, what, instead)


class _Translator:
    """Goes through the file once, part by part."""

    def __init__(self, top: Keys, folder: Path, file: str) -> None:
        self.top = top
        self.report = top.report
        self.file = file
        self.secrets = Secrets(folder)
        self.texts = Texts(folder)

    def run(self) -> Translation:
        top = self.top
        if "route" not in top:
            self.report.refuse(top.line, "", "there is no route")
        self.texts.load(top)
        global_ = top.table("global")
        mail = Mail(global_, self.secrets, self.texts)
        receivers = Receivers(mail, self.secrets, global_.table("http_config"), self.file)
        receivers.read(top.tables("receivers"))
        named = interval_names(top)
        routes = RouteTables(receivers.members, named, self.file)
        tree = list(routes.lines(top.table("route")))
        rules = list(inhibit_rules(top))
        times = list(time_intervals(named))
        config = [*self._head(global_, mail), *_receivers(receivers), *_routing(tree, rules, times)]
        self._leftovers(global_)
        top.rest(dict.fromkeys(_TOP))
        files = {"config.toml": NewFile("\n".join(config) + "\n")}
        made = [("config.toml", _counted(routes.count, rules.count("[[inhibit_rules]]"), len(named)))]
        for draft in receivers.drafts.values():
            files[f"notifiers/{draft.name}.toml"] = NewFile(draft.text())
            made.append((f"notifiers/{draft.name}.toml", _described(draft)))
        if receivers.only_log:
            files[f"notifiers/{ONLY_LOG}.toml"] = NewFile(_ONLY_LOG)
        files |= {**self.texts.files, **self.secrets.files}
        self.report.tidy()
        return Translation(files, made, self.report)

    def _head(self, global_: Keys, mail: Mail) -> Iterator[str]:
        """config.toml as far as the receivers."""
        yield from _HEAD.format(file=remark(self.file)).splitlines()
        timeout = global_.duration("resolve_timeout")
        yield pair("resolve_timeout", format_duration(timeout) if timeout else "5m")
        defaults = mail.defaults()
        if defaults and mail.used:
            yield ""
            yield "# What all mail notifiers share; a file in notifiers/ overrides it key by key."
            yield "[defaults.email]"
            yield from defaults
        yield ""
        yield "# One file per destination. `hbalert test-notify NAME` sends a real test."
        yield "[notifiers]"
        yield pair("files", ["notifiers/*.toml"])

    def _leftovers(self, global_: Keys) -> None:
        for name in global_.names_left():
            if GLOBAL_KEYS.fullmatch(name):
                global_.lacks(name, "belongs to an integration that has no equal here")
        global_.rest()


def _receivers(receivers: Receivers) -> Iterator[str]:
    for index, (name, members) in enumerate(receivers.members.items()):
        yield ""
        if not index:
            yield "# Several notifiers under one name. Each notifier is also a receiver of its own name."
        yield "[[receivers]]"
        yield pair("name", name)
        yield pair("notifiers", members)


def _routing(tree: list[str], rules: list[str], times: list[str]) -> Iterator[str]:
    """Each part with a word about it; its first line is an empty one."""
    parts = (
        ("# Who gets what. An alert goes down the tree, into the first branch that matches.", tree),
        ("# While one alert fires, others that follow from it are kept quiet.", rules),
        ("# For mute_time_intervals and active_time_intervals of routes.", times),
    )
    for about, lines in parts:
        if lines:
            yield from ("", about, *lines[1:])


def _counted(routes: int, rules: int, intervals: int) -> str:
    counts = ((routes, "route"), (rules, "inhibition rule"), (intervals, "time interval"))
    return ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count)


def _described(draft: Draft) -> str:
    state = "" if draft.usable else ", DISABLED until what is missing is there"
    return f"{draft.kind} to {draft.to}{state} ({draft.origin})"


_ONLY_LOG = """\
# For receivers that tell nobody, or nobody who can be reached: writes messages into the daemon's own log.
type = "log"
"""

_HEAD = """\
# hbalert: the main file, made by `hbalert import alertmanager` from {file}.
# Destinations are in notifiers/, secrets in secrets/. Paths are below this file's folder.
# After each change: hbalert check. A running daemon takes it over on SIGHUP.

[server]
listen = "127.0.0.1:9097"             # Alertmanager's is :9093; other addresses than this need [[tokens]]
# external_url = "https://alerts.example.com"   # what links in messages begin with

[storage]
url = "sqlite:///data/hbalert.db"     # below this folder, or below $STATE_DIRECTORY under systemd

# Prometheus goes on evaluating its rules and posts alerts here, as it did to Alertmanager.
# hbalert can evaluate rules itself: name a Prometheus and put rules into rules/.
# [sources.main]
# url = "http://127.0.0.1:9090"

[alerts]"""
