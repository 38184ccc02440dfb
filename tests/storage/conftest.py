"""Fixtures: a store of each kind, and how it is opened again after it was closed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from hbalert.ports import Store
from hbalert.storage.sqlite import SqliteStore
from tests.storage.values import open_sqlite

Open = Callable[[], Awaitable[Store]]


@pytest.fixture(params=["sqlite"])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the store under test, always the same one; what was opened last is closed at the end."""
    opened: list[Store] = []

    async def open_it() -> Store:
        store: Store = await {"sqlite": open_sqlite}[request.param](tmp_path / "hbalert.db")
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: Open) -> Store:
    return await open_store()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "hbalert.db"


@pytest.fixture
async def sqlite(database: Path) -> AsyncIterator[SqliteStore]:
    """A new SQLite store, for what only it can do."""
    opened = await open_sqlite(database)
    yield opened
    await opened.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "hbalert-test", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
