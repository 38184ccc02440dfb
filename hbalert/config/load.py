"""From files and environment to one checked configuration, or to everything that is wrong with it.

Knows which files there are and in which order things are read and linked. Must not know keys, nor
what is done with a configuration. The steps: `document` (TOML and places), `environment`, `validate`
(types), `notifier_files`, then the linking of names: `link`, `link_routes`, `link_rules`.

A mistake never hides another one: what cannot be read is left out, and what refers to it is not blamed.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hbalert.clock import SystemClock
from hbalert.config import environment, link, link_server, message_texts
from hbalert.config.digest import digest
from hbalert.config.document import Document, Table, read
from hbalert.config.findings import Finding, Severity
from hbalert.config.link_maintenance import MaintenanceLinker
from hbalert.config.link_routes import Names, RouteLinker
from hbalert.config.link_rules import RuleLinker, Written
from hbalert.config.message_texts import Tries
from hbalert.config.notifier_files import NotifierFile, check_defaults, loose_secrets, read_notifier
from hbalert.config.types import Config
from hbalert.config.validate import validate
from hbalert.config.values import Surroundings, within
from hbalert.config.written import MainFile, RuleFile
from hbalert.errors import ConfigError
from hbalert.regex import compile_regex


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration that begins in `path`. Raises ConfigError with every mistake.

    environ  the environment variables: settings (HBALERT_...), secrets that keys name
    """
    config, findings = check(path, environ)
    if config is None:
        raise ConfigError(findings)
    return config


def check(
    path: Path, environ: Mapping[str, str], now: datetime | None = None, tries: Tries | None = None
) -> tuple[Config | None, list[Finding]]:
    """The configuration, unless something is wrong with it, and all findings, warnings included.

    now    for what ends by itself, certificates and tokens; None: ask the clock
    tries  tries a template of messages; None: nobody does
    """
    reading = _Reading(path, environ, now or SystemClock().now(), tries=tries)
    document, findings = read(path, str(path))
    if document is None and findings[0].code == "unreadable":
        return None, findings
    reading.found += findings
    return reading.config(document), reading.sorted()


def check_files(
    files: Sequence[Path], path: Path | None, environ: Mapping[str, str], tries: Tries | None = None
) -> list[Finding]:
    """What is wrong with these rule and notifier files, seen beside the configuration where there is one.

    path  config.toml; None: names of sources and notifiers are not asked about, secrets not looked up
    """
    document = read(path, str(path))[0] if path else None
    start = path or Path("config.toml")
    reading = _Reading(start, environ, SystemClock().now(), alone=path is None, tries=tries)
    reading.extra = {_real(file): file for file in files}
    for file in files:
        if not file.is_file():  # a folder, or nothing at all
            reading.found += read(file, str(file))[1]
    reading.config(document)
    shown = {str(file) for file in files}
    shown |= {each.file for name in shown for each in reading.tried.get(name, ())}
    return [finding for finding in reading.sorted() if finding.file in shown]


class _Reading:
    """One reading of a configuration.

    found  everything that is wrong so far
    tried  by notifier file: what is wrong with its templates of messages
    extra  files that are read as well, though the configuration does not name them, by their real path
    alone  there is no configuration, only such files
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        now: datetime,
        *,
        alone: bool = False,
        tries: Tries | None = None,
    ) -> None:
        self.found: list[Finding] = []
        self.tried: dict[str, list[Finding]] = {}
        self._tries = tries
        self.extra: dict[Path, Path] = {}
        self._alone = alone
        self._path = path
        self._root = path.parent
        self._environ = environ
        self._now = now
        self._where = Surroundings(self._root, environ, look_up=not alone)
        self._named: set[Path] = set()
        self._order: dict[str, int] = {"environment": -1}
        self._documents: list[Document] = []

    def config(self, document: Document | None) -> Config | None:
        """Reads and links everything; None when there is an error.

        document  config.toml; None when it is broken or there is none: then what stands elsewhere is
                  checked all the same, as far as no names in it are concerned
        """
        complete = document is not None
        at = document or Document(str(self._path))
        main, tables, at = self._main(at)
        defaults = tables.get("defaults")
        notifiers = self._notifiers(
            main, defaults if isinstance(defaults, dict) else {}, at, partial=not (complete or self._alone)
        )
        sources = [*_keys(tables.get("sources"))]
        rules = RuleLinker(main.evaluation, sources if complete else None)
        groups = rules.groups(self._rule_files(main, at))
        self.found += [*environment.problems(self._environ, self._where.variables)] if complete else []
        self.found += loose_secrets(self._where, self._documents)
        self.found += rules.found
        self.found += link.notifiers(notifiers)
        if not complete:
            return None
        self.found += [*link_server.problems(main, at, self._now), *link.settings(main, at)]
        self.found += [*link.fallbacks(notifiers), *_twice(tables, at)]
        known, wrong = link.receivers(main.receivers, notifiers, at)
        intervals, also_wrong = link.time_intervals(main.time_intervals, at)
        self.found += [*wrong, *also_wrong]
        names = Names(
            receivers={*known, *_names(tables.get("receivers"))},
            intervals={*intervals, *_names(tables.get("time_intervals"))},
            silent=link.silent(known, notifiers),
        )
        linker = RouteLinker(at, names, compile_regex)
        # A [route] that is no table has been reported; that there is none is another mistake.
        route = linker.root(main.route) if main.route or "route" not in at.tables() else None
        inhibit_rules = linker.inhibit_rules(main.inhibit_rules)
        windows = MaintenanceLinker(at, linker.matchers)
        maintenance = windows.windows(main.maintenance)
        self.found += [*linker.found, *windows.found]
        if route is None or any(each.severity is Severity.ERROR for each in self.found):
            return None
        config = Config.model_construct(  # every part of it has been looked at
            root=self._root.absolute(),
            server=main.server.model_copy(update={"external_url": link_server.external_url(main.server)}),
            storage=main.storage,
            sources=main.sources,
            evaluation=main.evaluation,
            alerts=main.alerts,
            silences=main.silences,
            notifiers={name: file.settings for name, file in notifiers.items() if file.settings},
            receivers=known,
            route=route,
            groups=groups,
            inhibit_rules=inhibit_rules,
            time_intervals=intervals,
            maintenance=maintenance,
            tokens=main.tokens,
        )
        return config.model_copy(update={"hash": digest(config)})

    def sorted(self) -> list[Finding]:
        """The findings, each once, by file as they are read, then by line."""
        rank = {file: index for index, file in enumerate(dict.fromkeys(each.file for each in self.found))}
        ordered = {**rank, **self._order}
        return sorted(dict.fromkeys(self.found), key=lambda each: (ordered[each.file], each.file, each.line))

    # --- reading ---

    def _main(self, at: Document) -> tuple[MainFile, Table, Document]:
        self._remember(at)
        tables = at.tables()
        overlay = environment.overlay(tables, self._environ)
        at = Document(at.file, at.text, at.lines, overlay)
        read_tables = at.tables()
        environment.overlay(read_tables, self._environ)
        with within(self._where):
            main, findings = validate(MainFile.model_validate, MainFile, tables, at)
        self.found += findings
        return main or MainFile(), read_tables, at

    def _notifiers(
        self, main: MainFile, defaults: Mapping[str, Any], at: Document, *, partial: bool
    ) -> dict[str, NotifierFile]:
        self.found += check_defaults(defaults, at, self._where)
        read_files: dict[str, NotifierFile] = {}
        for path in [*self._files(main.notifiers.files, ("notifiers", "files"), at), *self._extra("type")]:
            document = self._document(path)
            if document is None:
                read_files[path.stem] = NotifierFile(path.stem, Document(self._show(path)))
                continue
            if path.stem in read_files:
                what = f"there is a notifier of this name already, in {read_files[path.stem].document.file}"
                self.found.append(document.finding((), what, "rename one of the files", code="duplicate"))
                continue
            read_files[path.stem], findings = read_notifier(
                path.stem, document, defaults, self._where, partial=partial
            )
            self.found += findings
            self._try_templates(read_files[path.stem])
        return read_files

    def _try_templates(self, file: NotifierFile) -> None:
        if self._tries is not None:
            wrong = [*message_texts.problems(file, self._where, self._tries)]
            self.tried[file.document.file] = wrong
            self.found += wrong

    def _rule_files(self, main: MainFile, at: Document) -> list[Written]:
        read_files = []
        for path in [
            *self._files(main.evaluation.rules, ("evaluation", "rules"), at),
            *self._extra("groups"),
        ]:
            document = self._document(path)
            if document is None:
                continue
            content, findings = validate(RuleFile.model_validate, RuleFile, document.tables(), document)
            self.found += findings
            if content is not None:
                read_files.append(Written(document, content))
        return read_files

    def _document(self, path: Path) -> Document | None:
        document, findings = read(path, self._show(path))
        self._order.setdefault(self._show(path), len(self._order))
        self.found += findings
        if document is not None:
            self._remember(document)
        return document

    def _remember(self, document: Document) -> None:
        self._order.setdefault(document.file, len(self._order))
        self._documents.append(document)

    # --- finding files ---

    def _show(self, path: Path) -> str:
        return str(self.extra.get(_real(path), path))

    def _files(self, patterns: Iterable[str], key: tuple[str, str], at: Document) -> list[Path]:
        """The files that the patterns name, each once, in the order of their names."""
        found: dict[Path, None] = {}
        if self._alone:
            return []
        written = key in at.lines
        for index, pattern in enumerate(patterns):
            matched = sorted(glob.glob(pattern, root_dir=self._root, recursive=True)) if pattern else []
            files = [self._root / name for name in matched if (self._root / name).is_file()]
            found |= dict.fromkeys(files)
            for name in matched:
                path = self._root / name
                if path.suffix == ".toml" and path not in files:
                    what = "is a folder" if path.is_dir() else "is a link to nothing, or no plain file"
                    instead = "remove it, or put a file in its place"
                    self.found.append(Finding(str(path), 0, "", what, instead, code="no-file"))
            if not files and written:
                is_name = not glob.has_magic(pattern)
                what = f"{pattern!r} names no file"
                note = at.finding if is_name else at.warning
                instead = f"paths are below {self._root}/"
                self.found.append(note((*key, index), what, instead, code="no-file"))
        self._named.update(_real(path) for path in found)
        return [*found]

    def _extra(self, sign: str) -> list[Path]:
        """Files that were asked about and look like what is read now: `type` or `groups` is in them."""
        chosen = []
        for real, path in self.extra.items():
            if real in self._named or not path.is_file():
                continue
            document, _ = read(path, str(path))
            keys = document.tables() if document else {}
            is_notifier = "type" in keys or ("groups" not in keys and real.parent.name == "notifiers")
            if (sign == "type") == is_notifier:
                chosen.append(path)
        return chosen


def _real(path: Path) -> Path:
    """Where a path leads; unlike `Path.resolve`, a link to itself is no error here."""
    return Path(os.path.realpath(path))


def _keys(value: Any) -> Iterable[str]:
    return value if isinstance(value, dict) else ()


def _names(value: Any) -> set[str]:
    """The names that tables in a list define, also where the tables are wrong otherwise."""
    tables = value if isinstance(value, list) else []
    names = [table.get("name") for table in tables if isinstance(table, dict)]
    return {name for name in names if isinstance(name, str)}


def _twice(tables: Table, at: Document) -> list[Finding]:
    """Tokens of the same name: audit could not tell them apart."""
    seen: set[Any] = set()
    found = []
    listed = tables.get("tokens")
    for index, token in enumerate(listed if isinstance(listed, list) else []):
        name = token.get("name") if isinstance(token, dict) else None
        if isinstance(name, str) and name in seen:
            what = f'there is a token "{name}" already'
            found.append(at.finding(("tokens", index, "name"), what, "choose another name", code="duplicate"))
        seen |= {name} if isinstance(name, str) else set()
    return found
