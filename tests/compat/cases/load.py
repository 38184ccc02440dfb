"""Much at once: order, floods, limits, and a configuration that is read again and again."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.compat.case import NO_COUNTERPART, Seen, case
from tests.compat.collector import Answer
from tests.compat.scene import Posted, Scene, alert, ended
from tests.compat.setup import Setup, fast

SOME = 30


@case(
    f"Four reloads a second while {SOME} alerts come and go and a request takes 0.7 s: what is told",
    expect=f"{SOME} fire, {SOME} end, none twice",
    theirs="0 fire, 0 end, none twice",
    setup=Setup(fast(group_by=["n"])),
    bound_s=120,
)
async def _(scene: Scene) -> str:
    scene.collector.always(Answer(after_s=0.7))
    storming = True

    async def storm() -> int:
        reloads = 0
        while storming:
            await scene.peer.reload()
            reloads += 1
            await asyncio.sleep(0.25)
        return reloads

    reloading = asyncio.create_task(storm())
    try:
        alerts = [alert("A", n=str(n)) for n in range(SOME)]
        for one in alerts:
            await scene.post(one)
            await asyncio.sleep(0.1)
        await scene.messages(SOME, within_s=20)
        for one in alerts:
            await scene.post(ended(one))
            await asyncio.sleep(0.05)
        await scene.messages(2 * SOME, within_s=30)
    finally:
        storming = False
        reloads = await reloading
    await scene.wait(2)
    assert reloads > 10, f"only {reloads} reloads"
    said = [
        (one["status"], one["labels"]["n"]) for m in scene.collector.messages for one in m.payload["alerts"]
    ]
    fired, over = (len({n for status, n in said if status == which}) for which in ("firing", "resolved"))
    twice = len([1 for status, _ in said if status == "resolved"]) - over
    repeated = sum(max(0, count - 1) for count in _counts(said).values())
    return f"{fired} fire, {over} end, {repeated or 'none'} twice" if not twice else f"{twice} ends twice"


def _counts(said: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for each in said:
        found[each] = found.get(each, 0) + 1
    return found


UPDATES = 1000


@case(
    f"{UPDATES} alerts, eight at a time, posted as firing and then as ended: which still fire",
    expect="none",
    bound_s=120,
)
async def _(scene: Scene) -> str:
    waiting = [alert("A", n=str(n), lives_s=600) for n in range(UPDATES)]

    async def play() -> None:
        while waiting:
            one = waiting.pop()
            await scene.post(one)
            await scene.post(ended(one))

    await asyncio.gather(*(play() for _ in range(8)))
    await scene.wait(1)
    _, shown = await scene.ask("GET", "/api/v2/alerts")
    return f"{len(shown)} of {UPDATES}" if shown else "none"


FLOOD, GROUPS, PER_POST = 50_000, 500, 100


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


@case(
    f"{FLOOD} alerts in {GROUPS} groups as fast as they are taken, at most a minute: accepted, lost, memory",
    expect="50000 accepted, 0 lost, below 400 MiB",
    setup=Setup(fast(group_by=["g"], group_wait="2s", group_interval="5s")),
    bound_s=240,
)
async def _(scene: Scene) -> str | Seen:
    begun = time.monotonic()
    accepted = 0
    posts = [
        [
            alert(
                f"Flood{n % 10}",
                g=str(n % GROUPS),
                n=str(n),
                lives_s=3600,
                annotations={"summary": f"number {n}"},
            )
            for n in range(first, first + PER_POST)
        ]
        for first in range(0, FLOOD, PER_POST)
    ]

    async def send() -> None:
        nonlocal accepted
        while posts and time.monotonic() - begun < 60:
            some: list[Posted] = posts.pop(0)
            status, _ = await scene.ask("POST", "/api/v2/alerts", some)
            accepted += len(some) if status == 200 else 0

    await asyncio.gather(*(send() for _ in range(4)))
    took = time.monotonic() - begun
    heard: set[str] = set()
    seen = 0

    def all_told() -> bool:
        nonlocal seen
        for message in scene.collector.messages[seen:]:
            heard.update(message.names("firing", "n"))
        seen = len(scene.collector.messages)
        return len(heard) >= accepted

    await scene.collector.arrived(all_told, 120)
    mib = resident_mib(scene.peer.pid)
    lost = accepted - len(heard)
    if accepted == FLOOD and not lost and mib < 400:
        print(f"{scene.peer.name}: {FLOOD} alerts taken in {took:.0f} s, {mib:.0f} MiB", file=sys.stderr)
        return "50000 accepted, 0 lost, below 400 MiB"
    return f"{accepted} accepted in {took:.0f} s, {lost} lost, {mib:.0f} MiB"


@case(
    "More alerts of one name than the limit allows: the answer, and what is stored",
    expect="503, names alert 3; 3 stored, B as well",
    theirs=NO_COUNTERPART,
    setup=Setup(ours={"alerts": {"limit_per_alertname": 3}}),
)
async def _(scene: Scene) -> str:
    status, text = await scene.ask(
        "POST", "/api/v2/alerts", [*(alert("A", n=str(n)) for n in range(4)), alert("B")]
    )
    _, shown = await scene.ask("GET", "/api/v2/alerts")
    names = [one["labels"]["alertname"] for one in shown]
    where = "names alert 3" if "alert 3:" in text and "limit_per_alertname" in text else f"says {text}"
    return f"{status}, {where}; {names.count('A')} stored, {'B as well' if 'B' in names else 'B not'}"
