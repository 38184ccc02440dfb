"""The codes of findings: each is explained, on the command line and in docs/check.md."""

from __future__ import annotations

import re
from pathlib import Path

from hbalert.config.codes import CODES

ROOT = Path(__file__).parents[2]


def test_docs_list_every_code() -> None:
    page = (ROOT / "docs/check.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == sorted(CODES)


def test_every_code_that_is_used_is_explained() -> None:
    used = set()
    for folder in ("config", "sources"):
        for path in (ROOT / "hbalert" / folder).glob("*.py"):
            used.update(re.findall(r'code="([a-z-]+)"', path.read_text("utf-8")))
    assert used <= CODES.keys()
