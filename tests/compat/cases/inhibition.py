"""Inhibition: one alert keeps others quiet while it fires."""

from __future__ import annotations

from tests.compat.case import case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Setup, fast

EACH_ALONE = fast(group_by=["alertname"])

DOWN_INHIBITS = Setup(
    EACH_ALONE,
    inhibit_rules=(
        {"source_matchers": ['kind = "cause"'], "target_matchers": ['kind = "effect"'], "equal": ["site"]},
    ),
)
"""A cause keeps the effects on its site quiet."""


@case("A source keeps its target quiet", expect="+Cause", setup=DOWN_INHIBITS, quick=True)
async def _(scene: Scene) -> str:
    await scene.post(alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect", site="s"))
    await scene.messages(1)
    return await scene.story()


@case("`equal` has other values: no inhibition", expect="+Cause / +Effect", setup=DOWN_INHIBITS)
async def _(scene: Scene) -> str:
    await scene.post(alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect", site="t"))
    await scene.messages(2)
    return await scene.story(ordered=False)


@case("`equal` is missing on both sides: that is equal", expect="+Cause", setup=DOWN_INHIBITS)
async def _(scene: Scene) -> str:
    await scene.post(alert("Cause", kind="cause"), alert("Effect", kind="effect", site=""))
    await scene.messages(1)
    return await scene.story()


@case("`equal` is missing on one side: no inhibition", expect="+Cause / +Effect", setup=DOWN_INHIBITS)
async def _(scene: Scene) -> str:
    await scene.post(alert("Cause", kind="cause"), alert("Effect", kind="effect", site="s"))
    await scene.messages(2)
    return await scene.story(ordered=False)


@case(
    "No `equal`, regular expressions and negated matchers on both sides",
    expect="+Cause / +Other",
    setup=Setup(
        EACH_ALONE,
        inhibit_rules=(
            {
                "source_matchers": ['kind =~ "ca.*"'],
                "target_matchers": ['kind != "cause"', 'alertname !~ "Oth.."'],
            },
        ),
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(
        alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect"), alert("Other", kind="effect")
    )
    await scene.messages(2)
    return await scene.story(ordered=False)


BOTH_SIDES = Setup(
    EACH_ALONE,
    inhibit_rules=(
        {"source_matchers": ['kind =~ "both|cause"'], "target_matchers": ['kind =~ "both|effect"']},
    ),
)


@case("An alert on both sides does not inhibit itself", expect="+A", setup=BOTH_SIDES)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="both"))
    await scene.messages(1)
    return await scene.story()


@case("Two alerts on both sides do not inhibit each other", expect="+A / +B", setup=BOTH_SIDES)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="both"), alert("B", kind="both"))
    await scene.messages(2)
    return await scene.story(ordered=False)


@case("An alert on both sides is inhibited by one that is a source only", expect="+C", setup=BOTH_SIDES)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="both"), alert("C", kind="cause"))
    await scene.messages(1)
    return await scene.story()


@case("An alert on both sides inhibits one that is a target only", expect="+A", setup=BOTH_SIDES)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="both"), alert("E", kind="effect"))
    await scene.messages(1)
    return await scene.story()


@case(
    "The source resolves: the target is told",
    expect="+Cause / +Effect / -Cause",
    setup=DOWN_INHIBITS,
    quick=True,
)
async def _(scene: Scene) -> str:
    cause = alert("Cause", kind="cause", site="s")
    await scene.post(cause, alert("Effect", kind="effect", site="s"))
    await scene.messages(1)
    await scene.wait(1)
    await scene.end(cause)
    await scene.messages(3)
    return await scene.story(ordered=False)


@case(
    "Two sources, and one resolves: the target stays quiet until the other one does too",
    expect="before: nothing of it; after: +Effect",
    setup=DOWN_INHIBITS,
)
async def _(scene: Scene) -> str:
    causes = [alert(f"Cause{n}", kind="cause", site="s") for n in range(2)]
    await scene.post(*causes, alert("Effect", kind="effect", site="s"))
    await scene.messages(2)
    await scene.end(causes[0])
    await scene.messages(3)
    await scene.wait(2)
    before = _of_effect(scene)
    await scene.end(causes[1])
    await scene.messages(5)
    return f"before: {before or 'nothing of it'}; after: {_of_effect(scene)}"


@case("A source that is silenced inhibits all the same", expect="nothing", setup=DOWN_INHIBITS)
async def _(scene: Scene) -> str:
    await scene.silence("alertname=Cause")
    await scene.post(alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect", site="s"))
    return await scene.story(settle_s=3)


@case(
    "A target that is told before its source comes is not told again, nor as ended",
    expect="+Effect",
    setup=DOWN_INHIBITS,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("Effect", kind="effect", site="s"))
    await scene.messages(1)
    await scene.post(alert("Cause", kind="cause", site="s"))
    await scene.messages(2)
    await scene.wait(2)
    return _of_effect(scene)


@case(
    "The same, and it ends while inhibited: its end is told",
    expect="+Effect / -Effect",
    theirs="+Effect",
    setup=DOWN_INHIBITS,
)
async def _(scene: Scene) -> str:
    effect = alert("Effect", kind="effect", site="s")
    await scene.post(effect)
    await scene.messages(1)
    await scene.post(alert("Cause", kind="cause", site="s"))
    await scene.messages(2)
    await scene.end(effect)
    await scene.messages(3, within_s=4)
    return _of_effect(scene)


@case(
    "An alert that comes and goes while inhibited is told to nobody",
    expect="+Cause / -Cause",
    setup=DOWN_INHIBITS,
)
async def _(scene: Scene) -> str:
    cause, effect = alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect", site="s")
    await scene.post(cause, effect)
    await scene.messages(1)
    await scene.end(effect)
    await scene.wait(2)
    await scene.end(cause)
    await scene.messages(2)
    return await scene.story()


@case("The API says by whom an alert is inhibited", expect="suppressed by its cause", setup=DOWN_INHIBITS)
async def _(scene: Scene) -> str:
    await scene.post(alert("Cause", kind="cause", site="s"), alert("Effect", kind="effect", site="s"))
    _, shown = await scene.ask("GET", "/api/v2/alerts")
    cause, effect = sorted(shown, key=lambda one: str(one["labels"]["alertname"]))
    by = "its cause" if effect["status"]["inhibitedBy"] == [cause["fingerprint"]] else "nobody"
    return f"{effect['status']['state']} by {by}"


def _of_effect(scene: Scene) -> str:
    """What was told of the effect alone."""
    return " / ".join(str(one) for one in scene.collector.messages if "Effect" in str(one))
