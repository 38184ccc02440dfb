"""What is news and what is not: every row of the table in docs/notifications.md, with its reason.

The reason is checked where the payload names it: by hbalert, and by Alertmanager from 0.32 on.
"""

from __future__ import annotations

import random
from itertools import pairwise

from tests.compat.case import NO_COUNTERPART, case
from tests.compat.collector import Answer
from tests.compat.scene import Scene, alert, ended
from tests.compat.setup import Hook, Setup, fast

FIRST, NEW, ALL_RESOLVED, SOME_RESOLVED, REPEAT = (
    "first notification",
    "new alerts added",
    "all alerts resolved",
    "some alerts resolved",
    "repeat interval elapsed",
)

SLOW_TO_ACCEPT = Answer(after_s=0.5)
"""Repeats count from the acceptance, so that a look exactly a repeat interval later is too early."""

DEAF_TO_ENDS = Setup(receivers={"web": (Hook(send_resolved=False),)})


@case("Row 1, nothing was told before: first notification", expect="+A", quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    scene.check_reasons(FIRST)
    return await scene.story()


@case("Row 1, all that was told has ended while another one is silenced", expect="+A / -A / +A")
async def _(scene: Scene) -> str:
    await scene.silence("alertname=B")
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    await scene.post(alert("A"))
    await scene.messages(3)
    scene.check_reasons(FIRST, ALL_RESOLVED, FIRST)
    return await scene.story()


@case("Row 2, others were told before: new alerts added", expect="+A / +A +B", quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.post(alert("B"))
    await scene.messages(2)
    scene.check_reasons(FIRST, NEW)
    return await scene.story()


@case(
    "Row 2, one ends while another one begins: both in one message",
    expect="+A / -A +B / -B",
    setup=Setup(fast(group_interval="2s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.post(alert("B"))
    await scene.messages(2)
    await scene.end(alert("B"))
    await scene.messages(3)
    scene.check_reasons(FIRST, NEW, ALL_RESOLVED)
    return await scene.story()


@case(
    "Row 3, nothing was told and all has ended: quiet",
    expect="nothing",
    setup=Setup(fast(group_wait="1s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.end(alert("A"))
    return await scene.story(settle_s=3)


@case("Row 4, the end was told, and the group lives on: quiet", expect="+A / -A")
async def _(scene: Scene) -> str:
    await scene.silence("alertname=B")
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    scene.check_reasons(FIRST, ALL_RESOLVED)
    return await scene.story(settle_s=3)


@case("Row 5, all has ended: told", expect="+A +B / -A -B")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"), alert("B"))
    await scene.messages(2)
    scene.check_reasons(FIRST, ALL_RESOLVED)
    return await scene.story()


@case(
    "Row 6, all has ended and send_resolved is false: quiet, but the next firing is told as a first one",
    expect="+A / +A",
    setup=DEAF_TO_ENDS,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.wait(2)
    await scene.post(alert("A"))
    await scene.messages(2)
    scene.check_reasons(FIRST, FIRST)
    return await scene.story()


@case("Row 7, one of two ends: told, with the one that goes on", expect="+A +B / -A +B")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    scene.check_reasons(FIRST, SOME_RESOLVED)
    return await scene.story(settle_s=3)


@case(
    "Row 7, send_resolved is false: one end of two is not told, and no later message shows it",
    expect="+A +B / +B +C",
    setup=DEAF_TO_ENDS,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.wait(2)
    await scene.post(alert("C"))
    await scene.messages(2)
    scene.check_reasons(FIRST, NEW)
    return await scene.story()


@case(
    "Row 7, send_resolved is false: what ended untold and fires again is told again",
    expect="+A +B / +A +B",
    theirs="+A +B",
    setup=DEAF_TO_ENDS,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.wait(2)
    await scene.post(alert("A"))
    await scene.messages(2, within_s=4)
    return await scene.story()


@case(
    "Row 8, repeat_interval 2 s and group_interval 1 s: strictly more, at a look: each 3 s",
    expect="+A / +A / +A, each 3 s",
    setup=Setup(fast(repeat_interval="2s")),
)
async def _(scene: Scene) -> str:
    scene.collector.always(SLOW_TO_ACCEPT)
    await scene.post(alert("A"))
    await scene.messages(3)
    scene.check_reasons(FIRST, REPEAT, REPEAT)
    return await scene.story(settle_s=0) + f", each {_gaps(scene)[0]} s"


@case(
    "Row 8, repeat_interval and group_interval both 2 s: each 4 s",
    expect="+A / +A / +A, each 4 s",
    setup=Setup(fast(group_interval="2s", repeat_interval="2s")),
)
async def _(scene: Scene) -> str:
    scene.collector.always(SLOW_TO_ACCEPT)
    await scene.post(alert("A"))
    await scene.messages(3, within_s=15)
    return await scene.story(settle_s=0) + f", each {_gaps(scene)[0]} s"


@case(
    "Row 8, new alerts begin the wait again",
    expect="+A / +A +B / +A +B, the last after 3 s",
    setup=Setup(fast(repeat_interval="2s")),
)
async def _(scene: Scene) -> str:
    scene.collector.always(SLOW_TO_ACCEPT)
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.wait(0.8)
    await scene.post(alert("B"))
    await scene.messages(3)
    return await scene.story(settle_s=0) + f", the last after {_gaps(scene)[-1]} s"


@case(
    'repeat_interval = ["1s", "3s"]: after more than 1 s, then more than 3 s, and so on',
    expect="after 2, 4, 4 s",
    theirs=NO_COUNTERPART,
    setup=Setup(fast(repeat_interval=["1s", "3s"])),
)
async def _(scene: Scene) -> str:
    scene.collector.always(SLOW_TO_ACCEPT)
    await scene.post(alert("A"))
    await scene.messages(4, within_s=20)
    return "after " + ", ".join(map(str, _gaps(scene))) + " s"


@case("Row 9, the same alerts, posted again and again: quiet", expect="+A +B")
async def _(scene: Scene) -> str:
    for _ in range(4):
        await scene.post(alert("A"), alert("B"))
        await scene.wait(0.8)
    return await scene.story()


STEPS, GROUPS, NAMES = 10, 5, "ABCD"


@case(
    f"A random walk over {GROUPS} groups of {len(NAMES)} alerts that come, go, or do both at once",
    expect=f"{STEPS} of {STEPS} steps told as the table has it",
    bound_s=120,
)
async def _(scene: Scene) -> str:
    draw = random.Random(20)
    firing: dict[str, frozenset[str]] = {f"g{number}": frozenset() for number in range(GROUPS)}
    good, wrong = 0, ""
    for _ in range(STEPS):
        posted, expected = [], []
        for team, before in firing.items():
            now = before ^ frozenset(name for name in NAMES if draw.random() < 0.4)
            posted += [alert(name, team=team) for name in sorted(now - before)]
            posted += [ended(alert(name, team=team)) for name in sorted(before - now)]
            for name in sorted(before & now):
                if draw.random() < 0.2:  # ends and fires again within one look: no news
                    posted += [ended(alert(name, team=team)), alert(name, team=team)]
            if now != before:
                said = [f"+{name}" for name in now] + [f"-{name}" for name in before - now]
                expected.append(f"{team}: {' '.join(sorted(said, key=lambda one: one[1:]))}")
            firing[team] = now
        heard = len(scene.collector.messages)
        await scene.post(*posted)
        await scene.messages(heard + len(expected))
        await scene.wait(1.3)
        found = [f"{one.payload['groupLabels']['team']}: {one}" for one in scene.collector.messages[heard:]]
        good += sorted(found) == sorted(expected)
        wrong = wrong or ("" if sorted(found) == sorted(expected) else f"; {sorted(found)}, not {expected}")
    return f"{good} of {STEPS} steps told as the table has it{wrong}"


def _gaps(scene: Scene) -> list[int]:
    """Whole seconds between messages, as the looks at a group lie a second apart."""
    times = [one.at for one in scene.collector.messages]
    return [round(later - earlier) for earlier, later in pairwise(times)]
