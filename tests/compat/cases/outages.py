"""Far sides that are away, slow, silent, or refuse a part of what they get."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from hbalert.demo.gateways.smtp import SILENCE
from tests.compat.case import case
from tests.compat.collector import Answer
from tests.compat.scene import Scene, alert
from tests.compat.setup import Hook, Mail, Setup, fast

LATE = "-A, late, with the interval"


async def outlived(scene: Scene, answer: Answer | None) -> str:
    """The far side fails for longer than A lives, and longer than a flush of Alertmanager tries."""
    if answer is None:
        await scene.collector.leave()
    else:
        scene.collector.always(answer)
    await scene.post(alert("A", since_s=60))
    await scene.wait(4)
    await scene.end(alert("A", since_s=64))
    await scene.wait(9)
    if answer is None:
        await scene.collector.listen()
    else:
        scene.collector.always()
    await scene.messages(1, within_s=25)
    await scene.wait(2)
    said = [one for message in scene.collector.messages for one in message.payload["alerts"]]
    if [one["status"] for one in said] != ["resolved"]:
        return " / ".join(map(str, scene.collector.messages)) or "nothing"
    start, end = (
        datetime.fromisoformat(said[0][key].replace("Z", "+00:00")) for key in ("startsAt", "endsAt")
    )
    right = timedelta(seconds=55) < end - start < timedelta(seconds=75)
    return LATE if right else f"-A, from {start} to {end}"


OUTAGES: tuple[tuple[str, Answer | None], ...] = (
    ("503", Answer(503)),
    ("429, Retry-After: 2", Answer(429, {"Retry-After": "2"})),
    ("404", Answer(404)),
    ("nobody listens", None),
)

for what, answer in OUTAGES:

    @case(
        f"The far side is away for longer than A lives ({what})",
        expect=LATE,
        theirs="nothing",
        quick=what == "404",
        bound_s=70,
    )
    async def _(scene: Scene, answer: Answer | None = answer) -> str:
        return await outlived(scene, answer)


@case(
    "429 with Retry-After: 7: when the next attempt comes",
    expect="after 7 to 8 s",
    theirs="after 15 s",
    setup=Setup(fast(group_interval="15s")),
)
async def _(scene: Scene) -> str:
    scene.collector.always(Answer(429, {"Retry-After": "7"}))
    await scene.post(alert("A"))
    deadline = time.monotonic() + 40
    while not scene.collector.calls and time.monotonic() < deadline:
        await scene.wait(0.02)
    scene.collector.always()
    await scene.messages(1, within_s=30)
    first, second = scene.collector.calls[:2]
    between = second.at - first.at
    return "after 7 to 8 s" if 7 <= between <= 8.5 else f"after {between:.0f} s"


@case(
    "A mail server that accepts and then says nothing, beside a webhook in one receiver",
    expect="+A / +A +B / -A +B",
    theirs="+A",
    setup=Setup(receivers={"web": (Hook(), Mail())}),
)
async def _(scene: Scene) -> str:
    scene.smtp.fail("EHLO", SILENCE)
    await scene.post(alert("A"))
    await scene.messages(1)
    await scene.post(alert("B"))
    await scene.messages(2)
    await scene.end(alert("A"))
    await scene.messages(3)
    return await scene.story()


@case(
    "One of three mailboxes is refused: who has the mail",
    expect="a, c",
    theirs="nobody",
    setup=Setup(receivers={"web": (Mail(to=("a@example.com", "b@example.com", "c@example.com")),)}),
    quick=True,
)
async def _(scene: Scene) -> str:
    scene.smtp.fail("RCPT", "550 5.1.1 no such user", recipient="b@example.com")
    await scene.post(alert("A"))
    deadline = time.monotonic() + 8
    while not scene.smtp.received and time.monotonic() < deadline:
        await scene.wait(0.05)
    await scene.wait(2)
    have = sorted(name.partition("@")[0] for mail in scene.smtp.received for name in mail.recipients)
    return ", ".join(have) or "nobody"


@case(
    "The template of the subject fails: what arrives",
    expect="a mail with a text",
    theirs="a mail without a text",
    setup=Setup(
        receivers={
            "web": (
                Mail(
                    more={"subject": "{{ no.such.thing(1) }}"},
                    more_theirs={"headers": {"Subject": '{{ template "no.such.thing" . }}'}},
                ),
            )
        }
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    deadline = time.monotonic() + 10
    while not scene.smtp.received and time.monotonic() < deadline:
        await scene.wait(0.05)
    if not scene.smtp.received:
        return "nothing"
    mail = scene.smtp.received[0]
    return "a mail with a text" if "A" in mail.text + mail.html else "a mail without a text"


@case(
    "One of a receiver's two webhooks takes 6 s a request, 60 groups: when the other one hears the ends",
    expect="within 3 s",
    theirs="later",
    setup=Setup(fast(group_by=["n"]), receivers={"web": (Hook(), Hook(more={"concurrency": 2}))}),
    bound_s=90,
)
async def _(scene: Scene) -> str:
    """At the 99th percentile."""
    many = 60
    scene.collector.answer = lambda path: Answer(after_s=6 if path == "/web_1" else 0)
    alerts = [alert("A", n=str(n)) for n in range(many)]
    await scene.post(*alerts)
    await scene.messages(many, path="/web_0", within_s=20)
    begun = time.monotonic()
    await scene.end(*alerts)
    quick = await scene.messages(2 * many, path="/web_0", within_s=40)
    late = sorted(message.at - begun for message in quick if message.names("resolved", "n"))
    if len(late) < many:
        return f"{len(late)} of {many} ends"
    return "within 3 s" if late[int(many * 0.99)] < 3 else "later"
