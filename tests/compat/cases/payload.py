"""What a webhook says: version 4 of Alertmanager's payload, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.compat.case import case
from tests.compat.scene import Posted, Scene, alert, soon
from tests.compat.setup import Hook, Setup, fast, tree

EXTERNAL_URL = "https://alerts.example.com"
NO_TIME = "0001-01-01T00:00:00Z"
NEWER = ("notification_reason", "routeLabels")
"""Fields that came with Alertmanager 0.32 and 0.34."""


def go_time(at: datetime) -> str:
    """To the millisecond, without zeros at its end, as Go prints it."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.rstrip("0").rstrip(".") + "Z"


def in_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first field that is not as wanted; "as documented" when all are."""
    seen = {key: value for key, value in found.items() if key not in NEWER}
    if seen.keys() != wanted.keys():
        return f"other fields: {' '.join(sorted(seen.keys() ^ wanted.keys()))}"
    for key, value in wanted.items():
        if seen[key] != value:
            return f"{key}: {json.dumps(seen[key])}"
    return "as documented"


@case(
    "Every field of a message about a firing and a resolved alert",
    expect="as documented",
    setup=Setup(
        fast(
            routes=[
                {
                    "matchers": ['kind =~ "(a|b)"', 'alertname != ""'],
                    "receiver": "web",
                    "group_by": ["team", "kind"],
                }
            ]
        ),
        external_url=EXTERNAL_URL,
    ),
    quick=True,
)
async def _(scene: Scene) -> str:
    start = in_ms(soon(-30))
    texts = {"summary": "s", "runbook": "r"}
    a = {
        **alert("A", lives_s=60, kind="a", annotations=texts, url="http://p.example/g?x=1"),
        "startsAt": go_time(start),
    }
    b = {**alert("B", lives_s=60, kind="a", annotations={"summary": "s"}), "startsAt": go_time(start)}
    await scene.post(a, b)
    await scene.messages(1)
    end = in_ms(soon())
    await scene.post({**b, "endsAt": go_time(end)})
    *_, message = await scene.messages(2)
    return differences(
        message.payload,
        {
            "version": "4",
            "receiver": "web",
            "status": "firing",
            "groupKey": '{}/{alertname!="",kind=~"(a|b)"}:{kind="a", team="x"}',
            "truncatedAlerts": 0,
            "groupLabels": {"kind": "a", "team": "x"},
            "commonLabels": {"kind": "a", "team": "x"},
            "commonAnnotations": {"summary": "s"},
            "externalURL": EXTERNAL_URL,
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "A", "kind": "a", "team": "x"},
                    "annotations": texts,
                    "startsAt": go_time(start),
                    "endsAt": NO_TIME,
                    "generatorURL": "http://p.example/g?x=1",
                    "fingerprint": "bc344d3d8242440d",
                },
                {
                    "status": "resolved",
                    "labels": {"alertname": "B", "kind": "a", "team": "x"},
                    "annotations": {"summary": "s"},
                    "startsAt": go_time(start),
                    "endsAt": go_time(end),
                    "generatorURL": "",
                    "fingerprint": "f495183f2ed7f7e2",
                },
            ],
        },
    )


@case(
    "Status is firing while one alert fires, then resolved; common texts are those that all share",
    expect="firing {owner: o}; resolved {owner: o, summary: b}",
)
async def _(scene: Scene) -> str:
    a = alert("A", annotations={"summary": "a", "owner": "o"})
    b = alert("B", annotations={"summary": "b", "owner": "o"})
    await scene.post(a, b)
    await scene.messages(1)
    await scene.end(a)
    await scene.messages(2)
    await scene.end(b)
    _, second, third = await scene.messages(3)
    return "; ".join(
        f"{one.payload['status']} {{"
        + ", ".join(f"{name}: {text}" for name, text in sorted(one.payload["commonAnnotations"].items()))
        + "}"
        for one in (second, third)
    )


@case(
    "Alerts stand in order: by job, instance, number of labels, then name by name",
    expect="+A1 +A2 +A3 +B1 +I1 +Z9 +N1 +N10 +N2 +M1 +M2",
    setup=Setup(fast(group_by=[])),
)
async def _(scene: Scene) -> str:
    posted: list[Posted] = [
        _bare("A1", job="a", instance="h1"),
        _bare("A2", job="a", instance="h2"),
        _bare("A3", job="a"),
        _bare("B1", job="b", instance="h0"),
        _bare("I1", instance="h1", z="1"),
        _bare("Z9"),
        _bare("N1", n="1"),
        _bare("N10", n="10"),
        _bare("N2", n="2"),
        _bare("M1", a="1", zz="1"),
        _bare("M2", a="1", b="1"),
    ]
    await scene.post(*reversed(posted))
    await scene.messages(1)
    return await scene.story(settle_s=0)


def _bare(name: str, **labels: str) -> Posted:
    """An alert without the usual team."""
    return {"labels": {"alertname": name, **labels}}


@case(
    "max_alerts = 2 of 4: the first two, and how many are missing",
    expect="+A +B, 2 more",
    setup=Setup(receivers={"web": (Hook(max_alerts=2),)}),
)
async def _(scene: Scene) -> str:
    await scene.post(*(alert(name) for name in "DCBA"))
    (message,) = await scene.messages(1)
    return await scene.story(settle_s=0) + f", {message.payload['truncatedAlerts']} more"


@case(
    "max_alerts cuts the list, not what is said of the whole group",
    expect="firing, in common: team",
    theirs="resolved, in common: alertname team",
    setup=Setup(receivers={"web": (Hook(max_alerts=1),)}),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B"))
    await scene.messages(1)
    await scene.end(alert("A"))
    *_, message = await scene.messages(2)
    return f"{message.payload['status']}, in common: {' '.join(sorted(message.payload['commonLabels']))}"


@case(
    "Changed annotations are shown with the next news, and are no news themselves", expect="one; two, +A +B"
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", annotations={"summary": "one"}))
    await scene.messages(1)
    await scene.post(alert("A", annotations={"summary": "two"}))
    await scene.wait(2)
    await scene.post(alert("B"))
    await scene.messages(2)
    await scene.wait(1.5)
    first, *others = scene.collector.messages
    return f"{_summary(first.payload)}; " + " / ".join(f"{_summary(one.payload)}, {one}" for one in others)


def _summary(payload: Mapping[str, Any]) -> str:
    return str(payload["alerts"][0]["annotations"].get("summary"))


@case("An empty label is a label that is not there", expect="alertname team")
async def _(scene: Scene) -> str:
    await scene.post(alert("A", empty=""))
    (message,) = await scene.messages(1)
    return " ".join(sorted(message.payload["alerts"][0]["labels"]))


@case(
    "Names of groups: of a child of a child, of a child, of the root",
    expect='{}/{team="y"}/{kind=~"a.*"}:{alertname="C"} / {}/{team="y"}:{team="y"} / {}:{}',
    setup=tree(
        {
            "matchers": ['team = "y"'],
            "group_by": ["team"],
            "routes": [{"matchers": ['kind =~ "a.*"'], "group_by": ["alertname"]}],
        },
        group_by=[],
    ),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A"), alert("B", team="y"), alert("C", team="y", kind="ab"))
    return " / ".join(sorted(one.payload["groupKey"] for one in await scene.messages(3)))


@case(
    "The API lists groups by number of group labels, then name by name",
    expect="{} {team=y} {kind=k team=x} {kind=l team=x}",
    setup=Setup(fast(group_by=["team", "kind"])),
)
async def _(scene: Scene) -> str:
    await scene.post(alert("A", kind="l"), alert("B", team="y"), alert("C", kind="k"), alert("D", team=""))
    await scene.messages(4)
    _, groups = await scene.ask("GET", "/api/v2/alerts/groups")
    return " ".join(
        "{" + " ".join(f"{name}={value}" for name, value in sorted(one["labels"].items())) + "}"
        for one in groups
    )


ODD = (
    'say "hi"',
    "back\\slash",
    "two\nlines",
    "tab\t",
    "bell\a",
    "nul\x01",
    "del\x7f",
    "é",
    "日本",
    "🔔",
    "wide\u3000space",
    "nb\u00a0sp",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "bom\ufeff",
    "own\ue000",
    "none\u0378",
    "last\U0010ffff",
    "line\u2028",
    'a, b="c"',
    "{}",
    " ",
)


@case(
    "Odd values of labels: quotes, escapes, other alphabets, what cannot be printed",
    expect=f"{len(ODD)} names of groups as Go quotes them, {len(ODD)} fingerprints as documented",
    setup=Setup(fast(group_by=["odd"])),
)
async def _(scene: Scene) -> str:
    await scene.post(*(_bare("A", odd=text) for text in ODD))
    messages = await scene.messages(len(ODD))
    named = printed = 0
    wrong = []
    for one in messages:
        (told,) = one.payload["alerts"]
        name = f"{{}}:{{odd={go_quote(told['labels']['odd'])}}}"
        named += one.payload["groupKey"] == name
        printed += told["fingerprint"] == fnv(told["labels"])
        if one.payload["groupKey"] != name:
            wrong.append(ascii(one.payload["groupKey"]))
    said = f"{named} names of groups as Go quotes them, {printed} fingerprints as documented"
    return " ".join([said, *wrong])


def go_quote(text: str) -> str:
    """A text as Go's strconv.Quote has it; str.isprintable goes by the same categories of Unicode."""
    names = {
        "\a": "a",
        "\b": "b",
        "\f": "f",
        "\n": "n",
        "\r": "r",
        "\t": "t",
        "\v": "v",
        '"': '"',
        "\\": "\\",
    }
    out = ""
    for char in text:
        code = ord(char)
        if char in names:
            out += "\\" + names[char]
        elif char.isprintable():
            out += char
        elif code < 0x80:
            out += f"\\x{code:02x}"
        else:
            out += f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return f'"{out}"'


def fnv(labels: Mapping[str, str]) -> str:
    """The fingerprint: FNV-1a, 64 bits, over names and values, with 0xff after each."""
    mixed = 14695981039346656037
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            mixed = (mixed ^ byte) * 1099511628211 % 2**64
    return f"{mixed:016x}"
