"""A start is quick because it imports only what it needs to be ready."""

import subprocess
import sys

HEAVY = (
    "aiohttp",
    "httpx",
    "apscheduler",
    "aiosmtplib",
    "prometheus_api_client",
    "requests",
    "hbalert.render",
    "hbalert.neighbours",
    "yaml",
)


def test_what_is_not_needed_to_be_ready_is_not_imported() -> None:
    code = f"import sys, hbalert.daemon; print([name for name in {HEAVY!r} if name in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
