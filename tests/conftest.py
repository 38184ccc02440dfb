"""The order in which test files are taken up: those with slow tests first, so no core waits for the last.

Knows the mark `slow` and nothing of what is tested. A file stays on one core: its servers are its own.
"""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order within a file stays."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
