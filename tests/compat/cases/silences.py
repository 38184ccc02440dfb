"""Silences: who is kept quiet, until when, and what is told afterwards."""

from __future__ import annotations

import time
from datetime import datetime

from tests.compat.case import case
from tests.compat.scene import Scene, alert, iso, matcher, soon
from tests.compat.setup import Setup, fast


@case("A silence that is there before the first flush keeps its alert quiet", expect="+B", quick=True)
async def _(scene: Scene) -> str:
    await scene.silence("alertname=A")
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    return await scene.story()


@case(
    "An alert told, then silenced, then ended: its end is told",
    expect="+A / -A",
    theirs="+A",
    quick=True,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.silence("alertname=A")
    await scene.end(alert("A"))
    await scene.messages(2, within_s=5)
    return await scene.story()


@case("A silence over an alert that was told is not its end", expect="+A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.silence("alertname=A")
    return await scene.story(settle_s=3.5)


@case("Told, silenced, unsilenced, still firing: not told again", expect="+A")
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    silence = await scene.silence("alertname=A")
    await scene.wait(2)
    await scene.unsilence(silence)
    return await scene.story(settle_s=3)


@case(
    "Told, silenced, ended, unsilenced, firing again: told again",
    expect="+A / -A / +A",
    theirs="+A",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    silence = await scene.silence("alertname=A")
    await scene.end(alert("A"))
    await scene.messages(2, within_s=3)
    await scene.unsilence(silence)
    await scene.post(alert("A"))
    await scene.messages(3, within_s=4)
    return await scene.story()


@case("An alert that comes and goes while silenced is told to nobody", expect="nothing")
async def _(scene: Scene) -> str:
    await scene.silence("team=x")
    await scene.post(alert("A"))
    await scene.wait(2)
    await scene.end(alert("A"))
    return await scene.story(settle_s=3)


@case(
    "One of two told alerts is silenced and ends: its end is told beside the other one",
    expect="+A +B / -A +B",
    theirs="+A +B",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.silence("alertname=A")
    await scene.end(alert("A"))
    await scene.messages(2, within_s=4)
    return await scene.story()


@case(
    "Told, silenced, a message about others, unsilenced: not told as a new one",
    expect="+A +B / +B +C",
    theirs="+A +B / +B +C / +A +B +C",
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    silence = await scene.silence("alertname=A")
    await scene.post(alert("C"))
    await scene.messages(2)
    await scene.unsilence(silence)
    return await scene.story(settle_s=3)


SLOW_GROUP = Setup(fast(group_interval="8s"))


@case(
    "A silence runs out: what still fires is told then, not at the group's next interval",
    expect="+A, within 2 s",
    theirs="+A, later",
    setup=SLOW_GROUP,
)
async def _(scene: Scene) -> str:
    await scene.silence("team=x", lasts_s=3)
    over = time.monotonic() + 3
    await scene.post(alert("A"))
    (message,) = await scene.messages(1, within_s=15)
    return f"{message}, {'within 2 s' if message.at < over + 2 else 'later'}"


@case(
    "A silence is ended by hand: what still fires is told then",
    expect="+A, within 2 s",
    theirs="+A, later",
    setup=SLOW_GROUP,
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    await scene.post(alert("A"))
    await scene.wait(1.5)
    await scene.unsilence(silence)
    over = time.monotonic()
    (message,) = await scene.messages(1, within_s=15)
    return f"{message}, {'within 2 s' if message.at < over + 2 else 'later'}"


@case(
    "A silence whose matchers are changed lets go of what it does not match any more",
    expect="+A, within 2 s",
    theirs="+A, later",
    setup=SLOW_GROUP,
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    await scene.post(alert("A"))
    await scene.wait(1.5)
    await scene.silence("team=y", replaces=silence)
    over = time.monotonic()
    (message,) = await scene.messages(1, within_s=15)
    return f"{message}, {'within 2 s' if message.at < over + 2 else 'later'}"


@case(
    "A silence whose end is moved forward lets go then",
    expect="+A, within 2 s",
    theirs="+A, later",
    setup=SLOW_GROUP,
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    await scene.post(alert("A"))
    await scene.wait(1.5)
    start = datetime.fromisoformat((await scene.silence_of(silence))["startsAt"])
    await scene.silence("team=x", replaces=silence, starts_at=start, lasts_s=1)
    over = time.monotonic() + 1
    (message,) = await scene.messages(1, within_s=15)
    return f"{message}, {'within 2 s' if message.at < over + 2 else 'later'}"


@case("A silence over one alert of a group leaves the others", expect="+A / +A +C")
async def _(scene: Scene) -> str:
    await scene.silence("alertname=B")
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.post(alert("C"))
    await scene.messages(2)
    return await scene.story()


@case("A pending silence is none yet, and is one from its start on", expect="+A")
async def _(scene: Scene) -> str:
    await scene.silence("team=x", starts_in_s=2.5)
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.wait(2.5)
    await scene.post(alert("B"))
    return await scene.story(settle_s=3)


EACH_ALONE = Setup(fast(group_by=["alertname"]))


@case("A regular expression in a silence has to match the whole value", expect="+C", setup=EACH_ALONE)
async def _(scene: Scene) -> str:
    await scene.silence("kind=~ab|cd")
    await scene.post(alert("A", kind="ab"), alert("B", kind="cd"), alert("C", kind="abx"))
    await scene.messages(1)
    return await scene.story()


@case("All matchers of a silence have to match", expect="+B", setup=EACH_ALONE)
async def _(scene: Scene) -> str:
    await scene.silence("kind=k", "site=s")
    await scene.post(alert("A", kind="k", site="s"), alert("B", kind="k", site="t"))
    await scene.messages(1)
    return await scene.story()


@case(
    "Negated matchers; a label that is missing counts as empty",
    expect="+C / +D",
    setup=EACH_ALONE,
)
async def _(scene: Scene) -> str:
    await scene.silence("team=x", "kind!=c", "kind!~d.*")
    await scene.post(alert("A"), alert("B", kind="b"), alert("C", kind="c"), alert("D", kind="dd"))
    await scene.messages(2)
    return await scene.story(ordered=False)


@case("The API says by which silence an alert is suppressed, at once", expect="suppressed by it; active")
async def _(scene: Scene) -> str:
    silence = await scene.silence("alertname=A")
    await scene.post(alert("A"))
    _, (shown,) = await scene.ask("GET", "/api/v2/alerts")
    by = "it" if shown["status"]["silencedBy"] == [silence] else "nobody"
    await scene.unsilence(silence)
    _, (later,) = await scene.ask("GET", "/api/v2/alerts")
    return f"{shown['status']['state']} by {by}; {later['status']['state']}"


@case("An active silence with another end is the same silence", expect="same id, active")
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    start = datetime.fromisoformat((await scene.silence_of(silence))["startsAt"])
    other = await scene.silence("team=x", replaces=silence, starts_at=start, lasts_s=1200)
    return await _versions(scene, silence, other)


@case("A pending silence with another start is the same silence", expect="same id, pending")
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x", starts_in_s=100)
    other = await scene.silence("team=x", replaces=silence, starts_in_s=50)
    return await _versions(scene, silence, other)


@case(
    "An active silence with other matchers is another silence; the old one ends",
    expect="another id, active; the old one expired",
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    return await _versions(scene, silence, await scene.silence("team=y", replaces=silence))


@case(
    "An active silence with another start is another silence; the old one ends",
    expect="another id, pending; the old one expired",
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    return await _versions(scene, silence, await scene.silence("team=x", replaces=silence, starts_in_s=50))


@case(
    "An expired silence that is posted again is a new one",
    expect="another id, active; the old one expired",
)
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x")
    await scene.unsilence(silence)
    return await _versions(scene, silence, await scene.silence("team=x", replaces=silence))


async def _versions(scene: Scene, old: str, new: str) -> str:
    state = (await scene.silence_of(new))["status"]["state"]
    if old == new:
        return f"same id, {state}"
    return f"another id, {state}; the old one {(await scene.silence_of(old))['status']['state']}"


@case("A pending silence that is ended has never been; ending it twice is no mistake", expect="expired; 200")
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x", starts_in_s=60)
    await scene.unsilence(silence)
    state = (await scene.silence_of(silence))["status"]["state"]
    status, _ = await scene.ask("DELETE", f"/api/v2/silence/{silence}")
    return f"{state}; {status}"


@case("A start in the past becomes now", expect="0 s ago")
async def _(scene: Scene) -> str:
    silence = await scene.silence("team=x", starts_in_s=-500)
    start = datetime.fromisoformat((await scene.silence_of(silence))["startsAt"])
    return f"{abs((soon() - start).total_seconds()):.0f} s ago"


@case(
    "What is refused: end before start, end in the past, matchers of what is empty, an unknown id",
    expect="400 400 400 404",
)
async def _(scene: Scene) -> str:
    def silence(*matchers: str, start: float = 0, end: float = 60, **more: str) -> dict[str, object]:
        times = {"startsAt": iso(soon(start)), "endsAt": iso(soon(end))}
        return {"matchers": [*map(matcher, matchers)], **times, "createdBy": "c", "comment": "c", **more}

    refused = [
        silence("team=x", start=60, end=30),
        silence("team=x", start=-60, end=-30),
        silence("team=~.*", "kind="),
        silence("team=x", id="12345678-1234-4234-8234-123456789012"),
    ]
    statuses = [(await scene.ask("POST", "/api/v2/silences", one))[0] for one in refused]
    return " ".join(map(str, statuses))


@case(
    "Silences are listed: active by their end, pending by their start, expired last",
    expect="active b, active a, pending d, pending c, expired e",
)
async def _(scene: Scene) -> str:
    await scene.silence("n=a", lasts_s=900)
    await scene.silence("n=c", starts_in_s=200)
    ended = await scene.silence("n=e")
    await scene.silence("n=d", starts_in_s=100)
    await scene.silence("n=b", lasts_s=800)
    await scene.unsilence(ended)
    _, shown = await scene.ask("GET", "/api/v2/silences")
    return ", ".join(f"{one['status']['state']} {one['matchers'][0]['value']}" for one in shown)
