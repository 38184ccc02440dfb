"""A configuration folder of a test: files by name, everything else in order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hbalert.config.findings import Finding
from hbalert.config.load import check
from hbalert.config.types import Config

MAIN = """\
[sources.main]
url = "http://127.0.0.1:9090"

[route]
receiver = "ops_log"
"""
LOG = 'type = "log"\n'
RULES = """\
[[groups]]
name = "g"
[[groups.rules]]
alert = "Down"
expr = 'up == 0'
"""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes the files over a configuration that is right; returns its config.toml."""
    whole: dict[str, str | bytes] = {
        "config.toml": MAIN,
        "rules/a.toml": RULES,
        "notifiers/ops_log.toml": LOG,
        **files,
    }
    for name, content in whole.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / "config.toml"


def findings(
    folder: Path, files: Mapping[str, str | bytes], environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """What is wrong, with file names as they stand in the folder."""
    path = write(folder, files)
    return [
        Finding(
            each.file.removeprefix(f"{folder}/"),
            each.line,
            each.key,
            each.what,
            each.instead,
            each.code,
            each.severity,
        )
        for each in check(path, environ or {})[1]
    ]


def config(
    folder: Path, files: Mapping[str, str | bytes], environ: Mapping[str, str] | None = None
) -> Config:
    """The configuration; there must be one."""
    made, found = check(write(folder, files), environ or {})
    assert made is not None, [str(each) for each in found]
    return made
