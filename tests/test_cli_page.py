"""The documented command line is the one that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_docs_cli_md_says_what_the_help_texts_say() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.cli_page"], cwd=ROOT, capture_output=True, check=True)
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == done.stdout.decode(), "run: make docs"
