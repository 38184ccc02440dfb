"""Settings from environment variables: HBALERT_SERVER__LISTEN is `listen` in [server].

Knows how a variable is named after a key, and which variables of that prefix are no settings. Must
not know what the settings mean. Only single values can be set so: a list or a whole table cannot. Next:
`variables.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from hbalert.config.channels import NOTIFIERS, settings_type
from hbalert.config.document import Table
from hbalert.config.findings import Finding
from hbalert.config.nearest import did_you_mean
from hbalert.config.positions import Path
from hbalert.config.shape import inner, is_single, keys, models
from hbalert.config.written import MainFile

PREFIX = "HBALERT_"
NO_SETTINGS = frozenset(
    {"HBALERT_CONFIG", "HBALERT_CLIENT_URL", "HBALERT_CLIENT_TOKEN"}
    | {"HBALERT_CLIENT_CA", "HBALERT_CLIENT_CERT"}
    | {"HBALERT_PROMETHEUS", "HBALERT_REQUIRE_PROMETHEUS"}
)
"""Variables of our prefix that programs read by themselves: the file's name, the demo's Prometheus, and
where the verbs that talk to the daemon find it (`cli/client.py`)."""


def overlay(tables: Table, environ: Mapping[str, str]) -> dict[Path, str]:
    """Puts what variables say into the tables; returns which key came from which variable."""
    settings = {name: path for name in environ if (path := setting(name)) is not None}
    if settings:
        from hbalert.config import variables

        _merge(tables, variables.read({name: environ[name] for name in settings}, PREFIX))
    return {path: name for name, path in settings.items()}


def _merge(tables: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if not isinstance(value, Mapping):
            name = key.removesuffix("_file").removesuffix("_env")
            for spelling in (name, f"{name}_file", f"{name}_env"):
                tables.pop(spelling, None)  # of a secret, the variable's spelling counts alone
            tables[key] = value
            continue
        table = tables.setdefault(key, {})
        if isinstance(table, dict):
            _merge(table, value)


def setting(name: str) -> Path | None:
    """The key that a variable names; None when it names nothing that a variable can hold."""
    annotation, path = _find(name)
    return path if annotation is not None and is_single(annotation) else None


def _find(name: str) -> tuple[Any, Path]:
    if not name.startswith(PREFIX):
        return None, ()
    path = tuple(name.removeprefix(PREFIX).lower().split("__"))
    annotation: Any = MainFile
    for index, part in enumerate(path):
        if path[0] == "defaults" and index == 1:
            annotation = settings_type(part) if part in NOTIFIERS else None
        else:
            annotation = inner(annotation, part)
        if annotation is None:
            break
    return annotation, path


def problems(environ: Mapping[str, str], referenced: set[str]) -> list[Finding]:
    """The variables of our prefix that name nothing.

    referenced  variables that hold secrets: keys like `password_env` name them
    """
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NO_SETTINGS or name in referenced or setting(name):
            continue
        annotation, _ = _find(name)
        what, instead = "no setting has this name", did_you_mean(name, _names(MainFile, PREFIX))
        if annotation is not None:
            what = "this setting is a list or a table"
            instead = "write it in config.toml; variables hold single values only"
        found.append(Finding("environment", 0, name, what, instead, "unknown-variable"))
    return found


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Names of variables that hold a setting, for suggestions; MAIN stands for any source."""
    for key in keys(model):
        annotation = inner(model, key)
        if key == "sources":
            annotation, key = inner(annotation, "main"), "sources__main"
        if is_single(annotation):
            yield f"{prefix}{key.upper()}"
        for nested in models(annotation):
            yield from _names(nested, f"{prefix}{key.upper()}__")
