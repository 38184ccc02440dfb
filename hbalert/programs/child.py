"""A program that runs as long as we do, and no longer.

Knows how to start one tied to our life (`tether.py`), keep what it prints, and end it: politely, then
by force, with everything it started. Must not know which program it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hbalert.programs import tether


class Child:
    """A running program. Its output goes to `log`; `stop` ends it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative: the signal that ended it."""
        return await self._process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    async def stop(self, grace: float = 5.0) -> None:
        """Ends it: SIGTERM, and SIGKILL to its whole process group after `grace` seconds.

        Cancelled meanwhile, it kills at once: whoever is in a hurry leaves nothing behind either.
        """
        with suppress(ProcessLookupError):
            if not self.ended:
                self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def start(
    program: str | Path, *arguments: str | Path, log: Path, env: Mapping[str, str] | None = None
) -> Child:
    """Starts a program in a process group of its own, so that Ctrl-C reaches us and not it.

    Raises OSError when there is no such program (or the tether cannot run it: then it ends at once).
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            # -I -S: the tether needs the standard library only, and starts in a third of the time
            *(sys.executable, "-I", "-S", tether.__file__, str(os.getpid())),
            *(str(program), *map(str, arguments)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            start_new_session=True,
        )
    return Child(process, log)
