"""The routing tree: which branch an alert takes, and with whom it is told together."""

from __future__ import annotations

from tests.compat.case import case
from tests.compat.scene import Scene, alert
from tests.compat.setup import Setup, fast, tree


@case(
    "An alert that no child matches goes to the root's receiver",
    expect="db: +B; web: +A",
    setup=tree({"matchers": ['team = "db"'], "receiver": "db"}, receivers=["db"]),
    quick=True,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B", team="db"))
    await scene.messages(2)
    return await scene.story()


@case(
    "The first child that matches takes the alert",
    expect="one: +A",
    setup=tree(
        {"matchers": ['team = "x"'], "receiver": "one"},
        {"matchers": ['alertname = "A"'], "receiver": "two"},
        receivers=["one", "two"],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    return await scene.story()


@case(
    "`continue` lets the next sibling that matches have it as well, and not the root",
    expect="one: +A; three: +A",
    setup=tree(
        {"matchers": ['team = "x"'], "receiver": "one", "continue": True},
        {"matchers": ['team = "y"'], "receiver": "two"},
        {"matchers": ['alertname = "A"'], "receiver": "three"},
        receivers=["one", "two", "three"],
    ),
    quick=True,
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2)
    return await scene.story()


@case(
    "The last child that matches says `continue`: the root is not told either",
    expect="one: +A",
    setup=tree({"matchers": ['team = "x"'], "receiver": "one", "continue": True}, receivers=["one"]),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(1)
    return await scene.story()


@case(
    "The deepest child that matches takes it; its parent has what no child of it matches",
    expect="deep: +A; mid: +B",
    setup=tree(
        {
            "matchers": ['team = "x"'],
            "receiver": "mid",
            "routes": [{"matchers": ['alertname = "A"'], "receiver": "deep"}],
        },
        receivers=["mid", "deep"],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(2)
    return await scene.story()


@case(
    "`continue` of a parent goes on beside it, not beside its child",
    expect="deep: +A; next: +A",
    setup=tree(
        {
            "matchers": ['team = "x"'],
            "receiver": "mid",
            "continue": True,
            "routes": [{"matchers": ['alertname = "A"'], "receiver": "deep"}],
        },
        {"matchers": ['team = "x"'], "receiver": "next"},
        receivers=["mid", "deep", "next"],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2)
    return await scene.story()


@case(
    "A child without a receiver, group_by or timers has its parent's",
    expect="mid: +A / +B",
    setup=tree(
        {
            "matchers": ['team = "x"'],
            "receiver": "mid",
            "group_by": ["..."],
            "routes": [{"matchers": ['kind = "k"']}],
        },
        receivers=["mid"],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="k"), alert("B", kind="k"))
    await scene.messages(2)
    return await scene.story(ordered=False)


@case(
    "All four operators; a label that is missing counts as empty",
    expect="equal: +A; not: +D; regex: +B; unlike: +C",
    setup=tree(
        {"matchers": ['kind = "a"'], "receiver": "equal"},
        {"matchers": ['kind =~ "b.*"', 'team = "x"'], "receiver": "regex"},
        {"matchers": ['kind !~ "d?"'], "receiver": "unlike"},
        {"matchers": ['kind != "d"'], "receiver": "not"},
        receivers=["equal", "regex", "unlike", "not"],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="a"), alert("B", kind="bb"), alert("C", kind="c"), alert("D"))
    await scene.messages(4)
    return await scene.story()


@case(
    "A regular expression has to match the whole value",
    expect="part: +B; web: +A +C",
    setup=tree({"matchers": ['kind =~ "ab|cd"'], "receiver": "part"}, receivers=["part"]),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="abx"), alert("B", kind="cd"), alert("C", kind="xcd"))
    await scene.messages(2)
    return await scene.story()


@case(
    "group_by with labels: those that share them are one group, also those that have none",
    expect="+A +B / +C / +D +E",
    setup=Setup(fast(group_by=["team", "kind"])),
)
async def _(scene: Scene) -> str:
    await scene.post(
        alert("A", kind="k"), alert("B", kind="k"), alert("C", kind="l"), alert("D"), alert("E", kind="")
    )
    await scene.messages(3)
    return await scene.story(ordered=False)


@case(
    "group_by = []: everything of a route is one group",
    expect="+C +A +B",
    setup=Setup(fast(group_by=[])),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B", team="y"), alert("C", team=""))
    await scene.messages(1)
    return await scene.story()


@case(
    "A child says group_by = [] although its parent has labels there: it means it",
    expect="+A +B",
    theirs="+A / +B",
    setup=tree({"matchers": ['kind = "k"'], "group_by": []}, group_by=["alertname"]),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="k"), alert("B", kind="k"))
    await scene.messages(1)
    return await scene.story(ordered=False)


@case(
    'group_by = ["..."]: each alert is a group of its own',
    expect="+A / +A / +B",
    setup=Setup(fast(group_by=["..."])),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("A", n="2"), alert("B"))
    await scene.messages(3)
    return await scene.story(ordered=False)


@case(
    "Two routes bring one alert to one receiver: told once for each group",
    expect="+A / +A",
    setup=tree(
        {"matchers": ['team = "x"'], "receiver": "web", "continue": True},
        {"matchers": ['alertname = "A"'], "receiver": "web"},
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2)
    return await scene.story()


@case(
    "The same with equal matchers, where one group speaks after the other",
    expect="+A / +A",
    theirs="+A",
    setup=tree(
        {"matchers": ['team = "x"'], "receiver": "web", "continue": True},
        {"matchers": ['team = "x"'], "receiver": "web", "group_wait": "1500ms"},
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"))
    await scene.messages(2, within_s=4)
    return await scene.story()


@case(
    "A child's own group_wait holds for it alone",
    expect="quick: +A / +B",
    setup=tree(
        {
            "matchers": ['team = "x"'],
            "receiver": "quick",
            "group_by": ["alertname"],
            "group_wait": "300ms",
        },
        receivers=["quick"],
        group_wait="25s",
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"), alert("C", team="y"))
    await scene.messages(2)
    return await scene.story(ordered=False)
