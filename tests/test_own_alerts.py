"""docs/own-alerts.md names every alert that hbalert makes of its own accord."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r'"(Hbalert[A-Z][A-Za-z]+)"')


def test_the_page_names_every_alert_and_no_other() -> None:
    made = set()
    for path in (ROOT / "hbalert").rglob("*.py"):
        if path.relative_to(ROOT / "hbalert").parts[0] in ("units", "core"):
            made.update(NAME.findall(path.read_text("utf-8")))
    page = (ROOT / "docs/own-alerts.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(Hbalert\w+)` \|", page, re.MULTILINE)) == made
