"""hbalert's own troubles, seen by a look every few seconds over a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.core.delivery import DeliveryState
from hbalert.core.trouble import GIB, Lateness, Room
from hbalert.errors import StoreFull
from hbalert.loops.lookout import Lookout
from hbalert.ports import Changes
from hbalert.units.troubles import TOLD_FOR
from tests.api.stand import Stand, stand
from tests.core.say import fires
from tests.storage.values import delivery


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


async def test_a_group_that_is_late_is_told_until_it_is_not(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        late = [Lateness("orders", timedelta(seconds=10), at.now(), timedelta(seconds=9))]
        lookout = Lookout(at.engine, lambda: late)
        await lookout.look(at.now())
        assert firing(at) == {}
        await at.clock.advance(120)
        await lookout.look(at.now())
        assert list(firing(at)) == ["HbalertEvaluationLate"]
        late.clear()
        await lookout.look(at.now())
        assert firing(at) == {}


async def test_a_quota_is_counted_in_the_store_once_a_minute(tmp_path: Path) -> None:
    async with stand(tmp_path) as at:
        phone = at.engine.config.notifiers["phone"].model_copy(update={"monthly_quota": 5})
        mail = at.engine.config.notifiers["mail"].model_copy(update={"daily_quota": 5, "enabled": False})
        at.engine.config = at.engine.config.model_copy(update={"notifiers": {"phone": phone, "mail": mail}})
        lookout = Lookout(at.engine)

        async def send(*numbers: int) -> None:
            rows = [
                replace(
                    delivery(number, DeliveryState.SENT, notifier="phone"),
                    reached=frozenset({"a", "b"}),
                    settled_at=at.now(),
                )
                for number in numbers
            ]
            await at.engine.store.commit([Changes(deliveries={row.id: row for row in rows})])

        await send(1)
        await lookout.look(at.now())
        assert firing(at) == {}
        await send(2)
        await lookout.look(at.now())
        assert firing(at) == {}, "as it was a moment ago"
        await at.clock.advance(60)
        await lookout.look(at.now())
        (told,) = (each for each in at.engine.memory.alerts.values())
        assert told.labels["severity"] == "warning"
        assert told.annotations["summary"] == "phone has sent 4 messages this month, of 5"
        await send(3)
        await at.clock.advance(60)
        await lookout.look(at.now())
        alive = [each.labels for each in at.engine.memory.alerts.values() if not each.resolved(at.now())]
        assert [each["severity"] for each in alive] == ["critical"]
