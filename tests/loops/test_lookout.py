"""hbalert's own troubles, seen by a look every few seconds over a real store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hbalert.core.trouble import GIB, Room
from hbalert.errors import StoreFull
from hbalert.loops.lookout import Lookout
from hbalert.units.troubles import TOLD_FOR
from tests.api.stand import Stand, stand
from tests.core.say import fires


class Store:
    """The store of a stand, with a disk and a past of the test's choice."""

    def __init__(self, at: Stand) -> None:
        self._store = at.engine.store
        self.repairs: tuple[str, ...] = ()
        self.left: Room | None = Room(50 * GIB, 100 * GIB)

    async def room(self) -> Room | None:
        return self.left

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def firing(at: Stand) -> dict[str, str]:
    alive = (alert for alert in at.engine.memory.alerts.values() if not alert.resolved(at.now()))
    return {alert.labels["alertname"]: alert.annotations.get("description", "") for alert in alive}


async def test_a_disk_that_fills_up_is_told_and_so_is_its_end(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        store = Store(at)
        at.engine.store = store  # type: ignore[assignment]
        lookout = Lookout(at.engine)
        await lookout.look(at.now())
        assert firing(at) == {}
        store.left = Room(GIB // 2, 100 * GIB)
        await lookout.look(at.now())
        assert list(firing(at)) == ["HbalertDiskLow"]
        store.left = None
        await lookout.look(at.now())
        assert firing(at) == {}


async def test_a_repaired_store_is_told_once(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        store = Store(at)
        store.repairs = ("3 rows of history could not be read",)
        at.engine.store = store  # type: ignore[assignment]
        lookout = Lookout(at.engine)
        await lookout.look(at.now())
        assert firing(at) == {"HbalertStoreDamaged": "3 rows of history could not be read"}
        (before,) = at.engine.memory.alerts.values()
        await at.clock.advance(10)
        await lookout.look(at.now())
        (after,) = at.engine.memory.alerts.values()
        assert after.ends_at == before.ends_at == before.starts_at + TOLD_FOR


async def test_a_notifier_that_fails_is_told(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        await at.fire(alertname="Down", bot="alpha")
        await at.clock.advance(30)
        await at.flush()
        (row,) = at.engine.memory.deliveries.values()
        failed = replace(row, attempts=1, last_answer="503 busy")
        await at.engine.desk.work(lambda draft: draft.deliveries.put(failed.id, failed))
        await Lookout(at.engine).look(at.now())
        assert list(firing(at)) == ["Down"]
        await at.clock.advance(300)
        await Lookout(at.engine).look(at.now())
        assert firing(at)["HbalertNotifierFailing"] == "503 busy"


async def test_that_the_disk_is_full_is_told_on_the_full_disk(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        ballast = at.engine.store._writer.ballast  # type: ignore[attr-defined]
        ballast._size, ballast.spent = 1 << 60, True
        with pytest.raises(StoreFull):
            await at.engine.accept([fires("alertname=Down")])
        await Lookout(at.engine).look(at.now())
        assert list(firing(at)) == ["HbalertDiskLow"]
        (alert,) = (await at.engine.store.load()).alerts
        assert alert.labels["severity"] == "critical"
