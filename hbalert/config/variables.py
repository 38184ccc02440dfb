"""What environment variables say, as pydantic-settings reads it.

Knows how HBALERT_SERVER__LISTEN becomes `listen` in a table `server`. Must not know which variables are
settings (`environment.py`). Imported with the first variable that is one: the library takes 20 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic_settings import BaseSettings, EnvSettingsSource

from hbalert.config.written import MainFile


class _Variables(EnvSettingsSource):
    """pydantic-settings' reader, over the variables that are handed in."""

    def __init__(self, variables: Mapping[str, str], prefix: str) -> None:
        self._variables = variables
        keys = cast("type[BaseSettings]", MainFile)  # of which it looks at the fields alone
        super().__init__(keys, env_prefix=prefix, env_nested_delimiter="__")

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): text for name, text in self._variables.items()}


def read(variables: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Tables of what the variables say; each names a single value."""
    return _Variables(variables, prefix)()
