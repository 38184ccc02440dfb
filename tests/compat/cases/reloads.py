"""Reloads: a new configuration, or the same again, while alerts fire."""

from __future__ import annotations

import time

from tests.compat.case import case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Hook, Setup, fast, tree


@case("A reload without a change, five times: nothing is told again", expect="+A / -A", quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    for _ in range(5):
        await scene.peer.reload()
        await scene.wait(0.4)
    await scene.end(alert("A"))
    await scene.messages(2)
    return await scene.story()


@case(
    "A reload does not begin group_wait anew",
    expect="told after 4 s",
    theirs="told after 7 s",
    setup=Setup(fast(group_wait="4s")),
)
async def _(scene: Scene) -> str:
    begun = time.monotonic()
    await scene.post(alert("A"))
    await scene.wait(3)
    await scene.peer.reload()
    (message,) = await scene.messages(1)
    return f"told after {message.at - begun:.0f} s"


TO_DB = Setup(
    fast(routes=[{"matchers": ['team = "x"'], "receiver": "db"}]), {"web": (Hook(),), "db": (Hook(),)}
)


@case(
    "A route's matchers are edited, and the alert goes to the same receiver: not told again",
    expect="db: +A",
    theirs="db: +A / +A",
    setup=TO_DB,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.reload(tree({"matchers": ['team =~ "x|y"'], "receiver": "db"}, receivers=["db"]))
    return await scene.story(settle_s=3)


@case(
    "group_by is edited: not told again",
    expect="+A +B",
    theirs="+A / +A +B / +B",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await first_is_told(scene)
    await scene.peer.reload(Setup(fast(group_by=["alertname"])))
    return await scene.story(settle_s=3, ordered=False)


@case("A route is put before another one: not told again", expect="db: +A", setup=TO_DB)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.reload(
        tree(
            {"matchers": ['team = "z"'], "receiver": "web"},
            {"matchers": ['team = "x"'], "receiver": "db"},
            receivers=["db"],
        )
    )
    return await scene.story(settle_s=3)


@case(
    "An alert moves to another receiver: that one is told, and both hear of its end",
    expect="db: +A / -A; web: +A / -A",
    theirs="db: +A; web: +A / -A",
    setup=TO_DB,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.reload(tree(receivers=["db"]))
    await scene.messages(2)
    await scene.end(alert("A"))
    await scene.messages(4, within_s=4)
    return await scene.story()


SLOW_GROUPS = fast(group_by=["alertname"], group_interval="10m")


@case(
    "A receiver gets a second notifier: that one alone is told, and at once",
    expect="first 1, second 1",
    setup=Setup(SLOW_GROUPS),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.reload(Setup(SLOW_GROUPS, {"web": (Hook(), Hook())}))
    await scene.messages(2)
    await scene.wait(2)
    paths = [one.path for one in scene.collector.messages]
    return f"first {paths.count('/web_0')}, second {paths.count('/web_1')}"


@case(
    "An inhibition rule is taken away: what it kept quiet is told at once",
    expect="+A / +B",
    setup=Setup(
        SLOW_GROUPS,
        inhibit_rules=({"source_matchers": ['alertname = "A"'], "target_matchers": ['alertname = "B"']},),
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await first_is_told(scene)
    await scene.peer.reload(Setup(SLOW_GROUPS))
    await scene.messages(2)
    return await scene.story()


def muted(*intervals: str) -> Setup:
    route = {"matchers": ['team = "x"'], "mute_time_intervals": [*intervals]}
    return Setup({**SLOW_GROUPS, "routes": [route]}, time_intervals={"always": [{"years": ["2000:2999"]}]})


@case(
    "A mute interval is taken off a route: what it kept quiet is told at once",
    expect="+A",
    setup=muted("always"),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.wait(1.5)
    assert not scene.collector.messages
    await scene.peer.reload(muted())
    await scene.messages(1)
    return await scene.story()


@case(
    "A group interval becomes shorter: it holds for groups that are there",
    expect="+A / +A +B, within 4 s",
    setup=Setup(fast(group_interval="10m")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.reload(Setup())
    await scene.post(alert("B"))
    begun = time.monotonic()
    await scene.messages(2)
    soon = time.monotonic() < begun + 4
    return await scene.story(settle_s=0) + (", within 4 s" if soon else ", later")


@case(
    "A configuration that is refused changes nothing, and is told",
    expect="+A / -A, and +HbalertReloadFailed",
    theirs="+A / -A",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    scene.peer.write(Setup(fast(receiver="nobody")))
    status, answer = await scene.ask("POST", "/-/reload")
    assert status >= 400, answer
    await scene.collector.arrived(lambda: bool(scene.collector.own), 4)
    await scene.end(alert("A"))
    await scene.messages(2)
    return ", and ".join([await scene.story(), *map(str, scene.collector.own)])


@case("Stopped and started again: what was told is not told again", expect="+A / -A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await first_is_told(scene)
    await scene.peer.restart()
    await scene.post(alert("A"))
    await scene.wait(2)
    await scene.end(alert("A"))
    await scene.messages(2)
    return await scene.story()


async def first_is_told(scene: Scene) -> None:
    """Waits until the first message has arrived, and its answer as well."""
    await scene.messages(1)
    await scene.wait(0.5)
