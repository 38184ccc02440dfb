"""The life of a group: its timers, who waits and who does not, and what is never told."""

from __future__ import annotations

from tests.compat.case import case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Setup, fast


@case("An alert is told, and its end", expect="+A / -A", quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    return await scene.story()


@case(
    "Alerts that come within group_wait are told together",
    expect="+A +B",
    setup=Setup(fast(group_wait="2s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.post(alert("B"))
    await scene.messages(1)
    return await scene.story()


@case(
    "An alert that fires and resolves within group_wait is told to nobody",
    expect="nothing",
    setup=Setup(fast(group_wait="2s")),
    quick=True,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.end(alert("A"))
    return await scene.story(settle_s=4)


@case(
    "An alert that has fired longer than group_wait is told at once",
    expect="+A at once",
    setup=Setup(fast(group_wait="20s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=60, lives_s=60))
    await scene.messages(1)
    return await scene.story(settle_s=0) + " at once"
