"""The life of a group: its timers, who waits and who does not, and what is never told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tests.compat.case import case
from tests.compat.scene import Scene, alert, ended, iso, soon
from tests.compat.setup import Hook, Setup, fast


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
    "The same by its own endsAt",
    expect="nothing",
    setup=Setup(fast(group_wait="3s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", lives_s=1.5))
    return await scene.story(settle_s=5)


@case("group_wait = 0: nobody waits", expect="+A", setup=Setup(fast(group_wait="0s")))
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    return await scene.story()


@case(
    "An alert that has fired longer than group_wait is told at once",
    expect="+A at once",
    setup=Setup(fast(group_wait="20s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=60, lives_s=60))
    await scene.messages(1)
    return await scene.story(settle_s=0) + " at once"


@case(
    "A second alert of a group that has spoken waits for the group interval, however old it is",
    expect="+A / +A +B, 2 s later",
    setup=Setup(fast(group_interval="2s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    (first,) = await scene.messages(1)
    await scene.post(alert("B", since_s=3600, lives_s=60))
    _, second = await scene.messages(2)
    return await scene.story(settle_s=0) + f", {second.at - first.at:.0f} s later"


@case("A group looks again and again, and says nothing when there is no news", expect="+A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    return await scene.story(settle_s=4)


@case(
    "A group that has ended begins anew: it waits for company again",
    expect="+A / -A / +A +B",
    setup=Setup(fast(group_wait="1500ms")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    await scene.wait(0.5)
    await scene.post(alert("A"))
    await scene.post(alert("B"))
    await scene.messages(3)
    return await scene.story()


@case(
    "One of two ends: the other goes on, and the ended one is not spoken of again",
    expect="+A +B / +A -B / -A",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("B"))
    await scene.messages(2)
    await scene.end(alert("A"))
    await scene.messages(3)
    return await scene.story()


@case("An alert ends by its own endsAt when nobody posts it again", expect="+A / -A", quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", lives_s=2.5))
    await scene.messages(2)
    return await scene.story()


@case(
    "An alert without endsAt ends after resolve_timeout",
    expect="+A / -A, after 3 s",
    setup=Setup(fast(group_interval="500ms"), resolve_timeout="3s"),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2)
    story = await scene.story()
    *_, last = scene.collector.messages
    (told,) = last.payload["alerts"]
    return f"{story}, after {span_s(told):.0f} s"


@case(
    "An alert that is posted again and again goes on, past each of its ends",
    expect="+A",
    setup=Setup(resolve_timeout="3s"),
)
async def _(scene: Scene) -> str:
    for _ in range(5):
        await scene.post(alert("A"))
        await scene.wait(1)
    return await scene.story(settle_s=0)


@case(
    "A stated end outlives a later post with an earlier one",
    expect="ends in 60 s",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=10, lives_s=60))
    await scene.post(alert("A", since_s=10, lives_s=20))
    return f"ends in {-await age_s(scene, 'endsAt'):.0f} s"


@case(
    "An end set by resolve_timeout gives way to a stated, earlier one",
    expect="ends in 20 s",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=10))
    await scene.post(alert("A", since_s=10, lives_s=20))
    return f"ends in {-await age_s(scene, 'endsAt'):.0f} s"


@case("Two posts that overlap: the earlier start stays", expect="since 30 s")
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=30, lives_s=60))
    await scene.post(alert("A", since_s=5, lives_s=60))
    return f"since {await age_s(scene, 'startsAt'):.0f} s"


@case("Two posts that overlap, the earlier start second: it counts from now on", expect="since 30 s")
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=5, lives_s=60))
    await scene.post(alert("A", since_s=30, lives_s=60))
    return f"since {await age_s(scene, 'startsAt'):.0f} s"


@case("Two posts with a gap between them: the second stands alone", expect="since 5 s")
async def _(scene: Scene) -> str:
    await scene.post({**alert("A", since_s=60), "endsAt": iso(soon(-30))})
    await scene.post(alert("A", since_s=5, lives_s=60))
    return f"since {await age_s(scene, 'startsAt'):.0f} s"


@case("startsAt left out and endsAt given: both are endsAt", expect="+A / -A, after 0 s")
async def _(scene: Scene) -> str:
    await scene.post({**alert("A"), "endsAt": iso(soon(2.5))})
    await scene.messages(2)
    story = await scene.story()
    *_, last = scene.collector.messages
    (told,) = last.payload["alerts"]
    return f"{story}, after {span_s(told):.0f} s"


@case(
    "An alert that ends and fires again between two looks at its group: no news",
    expect="+A",
    setup=Setup(fast(group_interval="3s")),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.post(alert("A"))
    return await scene.story(settle_s=5)


@case("The end of an alert that nobody knows is no news", expect="nothing")
async def _(scene: Scene) -> str:
    await scene.end(alert("A", since_s=60))
    return await scene.story()


@case("An alert that fires again after its end was told is told again", expect="+A / -A / +A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.end(alert("A"))
    await scene.messages(2)
    await scene.post(alert("A"))
    await scene.messages(3)
    return await scene.story()


@case("An end that is posted without startsAt keeps the start", expect="-A, since 60 s")
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=60, lives_s=60))
    await scene.messages(1)
    await scene.post({**alert("A"), "endsAt": iso(soon())})
    *_, message = await scene.messages(2)
    (told,) = message.payload["alerts"]
    return f"{message}, since {span_s(told):.0f} s"


@case("One post says that an alert fires and then that it has ended: it has", expect="nothing")
async def _(scene: Scene) -> str:
    fires = alert("A", since_s=0, lives_s=60)
    await scene.post(fires, ended(fires))
    return await scene.story()


@case("One post says that an alert has ended and then that it fires: it does", expect="+A")
async def _(scene: Scene) -> str:
    fires = alert("A", since_s=0, lives_s=60)
    await scene.post(ended(fires), fires)
    await scene.messages(1)
    return await scene.story()


@case("An alert whose start lies ahead is told all the same", expect="+A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A", since_s=-30, lives_s=60))
    await scene.messages(1)
    return await scene.story()


@case(
    "Two notifiers of one receiver, one of which does not want ends: each is told for itself",
    expect="first +A -A +A, second +A +A",
    setup=Setup(receivers={"web": (Hook(), Hook(send_resolved=False))}),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2)
    await scene.end(alert("A"))
    await scene.messages(3)
    await scene.post(alert("A"))
    await scene.messages(5)
    await scene.wait(1.6)
    said = {
        path: " ".join(str(one) for one in scene.collector.messages if one.path == path)
        for path in ("/web_0", "/web_1")
    }
    return f"first {said['/web_0']}, second {said['/web_1']}"


def span_s(told: Mapping[str, str]) -> float:
    """How long an alert fired, as a message shows it."""
    begin, end = (datetime.fromisoformat(told[key]) for key in ("startsAt", "endsAt"))
    return (end - begin).total_seconds()


async def age_s(scene: Scene, key: str) -> float:
    """How long ago a time of the only alert lies, as the API shows it."""
    _, (shown,) = await scene.ask("GET", "/api/v2/alerts")
    return (soon() - datetime.fromisoformat(shown[key])).total_seconds()
