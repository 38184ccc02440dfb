"""The hash of a configuration: equal exactly when what matters is.

Knows how values are put in one canonical form. Must not know what they mean. Where things are kept,
listened on or written down (files, lines) does not matter: replicas differ in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta, tzinfo
from typing import Any

from pydantic import BaseModel

from hbalert.config.secret import Secret
from hbalert.config.types import Config

ROUNDS = 5_000
"""The hash is shown: secrets go in together and slowly, so that none of them can be guessed from it."""


def digest(config: Config) -> str:
    """16 hexadecimal digits."""
    secrets: list[str] = []
    parts = {
        name: _canonical(getattr(config, name), secrets)
        for name in sorted(type(config).model_fields)
        if name not in ("root", "storage", "server", "hash")
    }
    parts["external_url"] = config.server.external_url
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    sealed = hashlib.pbkdf2_hmac(
        "sha256", "\0".join(secrets).encode("utf-8", "surrogatepass"), b"hbalert", ROUNDS
    )
    return hashlib.sha256(text.encode() + sealed).hexdigest()[:16]


def _canonical(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, Secret):
        secrets.append(value.reveal())
        return "***"
    if isinstance(value, BaseModel):
        return {name: _canonical(getattr(value, name), secrets) for name in sorted(type(value).model_fields)}
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: _canonical(getattr(value, each.name), secrets)
            for each in fields(value)
            if each.compare
        }
    if isinstance(value, Mapping):
        return [[str(key), _canonical(value[key], secrets)] for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [_canonical(each, secrets) for each in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value) if isinstance(value, tzinfo) else str(getattr(value, "value", value))
