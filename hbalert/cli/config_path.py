"""Which configuration file a verb means.

Knows the places where it is looked for. Must not know what stands in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

SYSTEM = Path("/etc/hbalert/config.toml")


def find_config(given: Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The configuration file: `given`, else $HBALERT_CONFIG, else the first that exists of the places.

    A folder stands for the config.toml in it. Raises UsageError (exit code 2) that lists where it was
    looked for; a file that was named and does not exist is never replaced by another one.
    """
    variables = os.environ if environ is None else environ
    named = given or (Path(variables["HBALERT_CONFIG"]) if variables.get("HBALERT_CONFIG") else None)
    if named is not None:
        path = named / "config.toml" if named.is_dir() else named
        if not path.is_file():
            origin = "--config" if given else "HBALERT_CONFIG"
            raise click.UsageError(f"{path} does not exist ({origin}); `hbalert init DIR` writes a first one")
        return path
    places = candidates(variables)
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise click.UsageError(
        f"no configuration found; looked for {looked}. Name one with -c FILE, or begin with: hbalert init DIR"
    )


def candidates(environ: Mapping[str, str]) -> list[Path]:
    """Where a configuration is looked for when none is named, first come first."""
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    user = [Path(home) / "hbalert" / "config.toml"] if home else []
    return [Path("config.toml"), *user, SYSTEM]
