"""The documented night is the one that the code plays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_docs_why_md_tells_what_happens() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.why_page"], cwd=ROOT, capture_output=True, check=True)
    assert (ROOT / "docs" / "why.md").read_text("utf-8") == done.stdout.decode(), "run: make docs"
