"""A daemon's API in a thread of its own, for verbs that wait for its answers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog
from click.testing import CliRunner, Result

from hbalert.cli import main
from tests.api.stand import Stand, stand

T = TypeVar("T")


class Served:
    """A stand that answers while a verb runs."""

    def __init__(self, api: Stand, loop: asyncio.AbstractEventLoop) -> None:
        self.api = api
        self.url = api.url
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Does something on the daemon's side."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def run(
        self, *arguments: str, code: int = 0, environ: dict[str, str] | None = None, input: str = ""
    ) -> Result:
        """Runs a verb against this daemon; its exit code has to be `code`."""
        return run(*arguments, "--server", self.url, code=code, environ=environ, input=input)


def run(*arguments: str, code: int = 0, environ: dict[str, str] | None = None, input: str = "") -> Result:
    """Runs `hbalert ARGUMENTS`; never a traceback, and its exit code has to be `code`."""
    settings = {
        "HBALERT_CONFIG": None,
        "HBALERT_CLIENT_URL": None,
        "HBALERT_CLIENT_TOKEN": None,
        **(environ or {}),
    }
    result = CliRunner().invoke(main, arguments, env=settings, input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@contextmanager
def served(folder: Path, start: datetime | None = None, **more: Any) -> Iterator[Served]:
    """A daemon's API, whose time stands still at the present: verbs read the real clock."""
    # The daemon's log would get into what the verb prints: both are this process's streams.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="daemon")
    thread.start()
    opened = stand(folder, start=start or datetime.now(UTC), **more)
    try:
        api = asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(30)
        try:
            yield Served(api, loop)
        finally:
            asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
        structlog.reset_defaults()
