"""Everything is played at once: most of it is waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.beside_prometheus.page import Pair
from tests.beside_prometheus.play import CHAPTERS, Chapter, play
from tests.beside_prometheus.restarts import CASE, Length, play_restarts


async def play_all(folder: Path, length: Length) -> dict[str, Pair]:
    """By case: what Prometheus and what hbalert showed.

    length  of what is killed again and again
    """

    async def of_chapter(number: int, chapter: Chapter) -> dict[str, Pair]:
        return dict(await play(chapter, folder / str(number)))

    async def of_restarts() -> dict[str, Pair]:
        return {CASE.name: await play_restarts(folder / "again", length)}

    found = await asyncio.gather(of_restarts(), *(of_chapter(*each) for each in enumerate(CHAPTERS)))
    return {name: pair for some in found for name, pair in some.items()}
