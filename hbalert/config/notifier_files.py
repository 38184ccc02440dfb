"""The files in notifiers/: one destination each, on top of the defaults of its type.

Knows how a file becomes a notifier. Must not know who refers to it (`link.py`). A file that is broken
still defines its name, so that nobody who refers to it is blamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from hbalert.config.channels import NOTIFIERS, NotifierSettings, settings_type
from hbalert.config.document import Document, Table
from hbalert.config.findings import Finding
from hbalert.config.nearest import did_you_mean
from hbalert.config.positions import Path
from hbalert.config.validate import validate
from hbalert.config.values import Surroundings, within

NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class NotifierFile:
    """A destination as its file defines it.

    tables    what stands there, defaults included; empty when it is no TOML or no notifier
    settings  None when the file is broken
    """

    name: str
    document: Document
    settings: NotifierSettings | None = None
    tables: Table = field(default_factory=Table)


def check_defaults(defaults: Mapping[str, Any], main: Document, where: Surroundings) -> list[Finding]:
    """What is wrong with [defaults.TYPE], whether or not a notifier of this type exists."""
    found = []
    for kind, table in defaults.items():
        if kind not in NOTIFIERS:
            near = did_you_mean(kind, NOTIFIERS)
            found.append(
                main.finding(
                    ("defaults", kind), "there is no such type of notifier", near, code="unknown-key"
                )
            )
            continue
        if not isinstance(table, Table):
            continue
        rest = Table(table)
        rest.path = table.path
        for key in rest.keys() & {"type", "name"}:
            what, instead = "this cannot be shared", "it belongs into the file of a notifier"
            found.append(main.finding((*table.path, key), what, instead))
        model, rest["type"] = settings_type(kind), kind
        with within(where):
            found += validate(model.model_validate, model, rest, main, partial=True)[1]
    return found


def read_notifier(
    name: str,
    document: Document,
    defaults: Mapping[str, Any],
    where: Surroundings,
    *,
    partial: bool = False,
) -> tuple[NotifierFile, list[Finding]]:
    """The notifier that a file defines, and what is wrong with it.

    name     the file's stem
    partial  the defaults could not be read: what is missing here may stand there
    """
    tables = document.tables()
    broken = NotifierFile(name, document)
    if not NAME.fullmatch(name):
        what = f"{name!r} cannot be a notifier's name"
        return broken, [document.finding((), what, "name the file with a-z, 0-9 and _ only", code="name")]
    found = []
    given = tables.pop("name", name)
    if given != name:
        what, instead = (
            "the name of a notifier is that of its file",
            f"remove this line, or rename {name}.toml",
        )
        found.append(document.finding(("name",), what, instead, code="name"))
    kind = tables.get("type")
    if not isinstance(kind, str) or kind not in NOTIFIERS:
        return broken, [*found, _no_type(kind, document)]
    model = settings_type(kind)
    inherited = _inherit(tables, deepcopy(defaults.get(kind)))
    enabled = tables.get("enabled", True) is not False
    surroundings = replace(where, look_up=where.look_up and enabled)
    tables["name"] = name
    with within(surroundings):
        settings, more = validate(
            model.model_validate,
            model,
            tables,
            document,
            inherited=lambda path: path in inherited or (path[:1] == ("defaults",) and len(path) > 1),
            partial=partial,
        )
    if settings is not None:
        settings._file = document.file
    return NotifierFile(name, document, settings, tables), [*found, *more]


def _no_type(kind: Any, document: Document) -> Finding:
    if kind is None:
        return document.finding(
            (), "type is missing", f"write type = one of {', '.join(NOTIFIERS)}", code="missing"
        )
    what, instead = f"there is no type {kind!r}", did_you_mean(str(kind), NOTIFIERS)
    return document.finding(("type",), what, instead, code="value")


def _inherit(tables: Table, defaults: Any) -> set[Path]:
    """Fills in what the defaults say and the file does not; returns the keys that came so."""
    if not isinstance(defaults, dict):
        return set()
    inherited: set[Path] = set()
    for key, value in defaults.items():
        name = key.removesuffix("_file").removesuffix("_env")
        given = tables.get(key)
        if isinstance(given, Table) and isinstance(value, dict):
            if given.get("provider", value.get("provider")) == value.get("provider"):
                inherited |= _inherit(given, value)
        elif not {key, name, f"{name}_file", f"{name}_env"} & tables.keys():
            tables[key] = value
            inherited.add((*tables.path, key))
    return inherited


def loose_secrets(where: Surroundings, documents: list[Document]) -> list[Finding]:
    """Warnings about files with secrets that everybody on the machine can read."""
    found = []
    for document in documents if where.loose else ():
        for path, value in _texts(document.tables(), ()):
            if (path[-1], value) in where.loose:
                what, instead = f"everybody on this machine can read {value}", f"chmod o-r {value}"
                found.append(document.warning(path, what, instead, code="loose-secret"))
    return found


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a document, with the way to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*path, key))
