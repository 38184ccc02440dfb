"""The same requests to a real Alertmanager and to hbalert: status, shape, and what is remembered.

Where the two differ on purpose, the request names an entry of DIFFERENCES, and both answers are written
beside it; docs/compatibility.md repeats that table.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from hbalert.core.labels import fingerprint
from tests.api.beside import NO_ANSWER, Asked, Pair, alike, at, kind_of, pair
from tests.core.test_matcher import BOTH, DIFFERENT, NEITHER, ONLY_CLASSIC, ONLY_UTF8

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Difference:
    """A line of the table in docs/compatibility.md."""

    asked: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        return f"| {self.asked} | {self.theirs} | {self.ours} |"


DIFFERENCES = {
    "utf8": Difference(
        "a label or matcher name that is not ASCII letters, digits and `_`",
        "400 before 0.28, taken since",
        "taken",
    ),
    "url": Difference(
        "a `generatorURL` that is no URL", "422, the whole request is lost", "the alert is stored as it is"
    ),
    "partly": Difference(
        "a batch in which one alert lacks its labels, or cannot be read",
        "422 or 400, the whole request is lost",
        "the same status with the index of each bad alert; the valid ones are stored",
    ),
    "null": Difference("`null` as an alert or a matcher", "the connection is closed", "400, says where"),
    "case": Difference(
        "field names in another case (`LABELS`)", "taken", "422: a name that is written otherwise is another"
    ),
    "trailing": Difference("a body with something after its JSON", "the rest is ignored", "400"),
    "type": Difference("a body without `Content-Type`, or with `application/x+json`", "415", "taken as JSON"),
    "accept": Difference("`Accept` without `application/json`", "406", "200, JSON"),
    "boolean": Difference(
        "a flag that is neither true nor false (`active=perhaps`)", "taken as false", "400, names it"
    ),
    "time": Difference("a time with a blank and a zone (`2026-03-01 10:00:00Z`)", "400", "taken"),
    "unparsed": Difference(
        "a body that cannot be parsed",
        "400 with an object, which its own client cannot read",
        "400 with a string, as its document promises",
    ),
    "unknown": Difference(
        "GET of a silence that does not exist", "404 without a word", "404 with a sentence"
    ),
    "update": Difference(
        "an update of a silence that is refused",
        "400, and the old silence has ended (before 0.28)",
        "400, the old one stays as it was",
    ),
    "delete": Difference("DELETE of a silence that does not exist", "500 before 0.28, 404 since", "404"),
    "head": Difference("HEAD of what can be read", "405", "as GET, without the body"),
    "options": Difference("OPTIONS", "200 outside `/api/v2`, and for a browser's preflight", "405"),
    "origin": Difference(
        "a request that changes something, from a page of another origin",
        "taken, with `Access-Control-Allow-Origin: *`",
        "403: no page may do anything here that its reader has not asked for",
    ),
    "cors": Difference(
        "GET from a page of another origin",
        "`Access-Control-Allow-Origin: *`",
        "no such header: no page may read what fires on its reader's network",
    ),
    "receivers": Difference(
        "the `receivers` of an alert in a group, where `receiver` is given",
        "those that were asked for, sorted",
        "all that its routes point to, in their order",
    ),
    "ui": Difference("`/`", "the web interface", "404"),
    "v1": Difference("the API v1 of Alertmanager", "gone since 0.27", "410, says where it went"),
}
"""By a word that requests below refer to."""

P, G, S = "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"
NOBODY = "0b1f1f4e-0000-4000-8000-000000000000"
MATCHER = {"name": "a", "value": "b", "isRegex": False, "isEqual": True}


@dataclass(frozen=True)
class Case:
    """A request, and where it is answered differently on purpose: by which entry, and how."""

    asked: Asked
    differs: str = ""
    theirs: int = 0
    ours: int = 0


def post(body: Any = None, *, raw: bytes | None = None, path: str = P, **headers: str) -> Asked:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Asked("POST", path, body, raw, sent)


def alert(**fields: Any) -> Asked:
    """A POST of one alert."""
    return post([{"labels": {"a": "b"}, **fields}])


def silence(*gone: str, **fields: Any) -> Asked:
    """A POST of a silence that is all right but for `fields`, without the fields that are `gone`."""
    body = {"matchers": [MATCHER], "startsAt": at(0), "endsAt": at(7200), "createdBy": "li", "comment": "c"}
    body |= fields
    return post({name: value for name, value in body.items() if name not in gone}, path=S)


def matcher(**fields: Any) -> Asked:
    """A POST of a silence with exactly this matcher."""
    return silence(matchers=[fields])


def same(name: str, asked: Asked) -> Any:
    return pytest.param(Case(asked), id=name)


def differ(name: str, asked: Asked, by: str, theirs: int, ours: int) -> Any:
    return pytest.param(Case(asked, by, theirs, ours), id=name)


def get(path: str, query: str = "", **headers: str) -> Asked:
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Asked("GET", f"{path}?{query}" if query else path, headers=sent)


ALERTS = [
    same("no alert", post([])),
    same("null is no alert", post(raw=b"null")),
    same("nothing at all", post(raw=b"")),
    same("blanks", post(raw=b" \n")),
    differ("an object", post({}), "unparsed", 400, 400),
    differ("a number", post(17), "unparsed", 400, 400),
    differ("no JSON", post(raw=b"{"), "unparsed", 400, 400),
    differ("a bracket", post(raw=b"[}"), "unparsed", 400, 400),
    differ("JSON and more", post(raw=b"[]x"), "trailing", 200, 400),
    differ("two bodies", post(raw=b"[] []"), "trailing", 200, 400),
    same("without labels", post([{}])),
    same("labels null", post([{"labels": None}])),
    differ("null as an alert", post([None]), "null", NO_ANSWER, 400),
    differ("a list as an alert", post([[]]), "unparsed", 400, 400),
    same("an empty label set", post([{"labels": {}}])),
    same("only empty values", post([{"labels": {"a": ""}}])),
    same("an empty name", post([{"labels": {"": "x"}}])),
    differ("a blank in a name", post([{"labels": {"a b": "x"}}]), "utf8", 400, 200),
    differ("a name in Greek", post([{"labels": {"λ": "x"}}]), "utf8", 400, 200),
    differ("a number as value", post([{"labels": {"a": 1}}]), "unparsed", 400, 400),
    differ("labels as a list", post([{"labels": ["a"]}]), "unparsed", 400, 400),
    same("a null as value", post([{"labels": {"a": None}}])),
    differ("startsAt is no time", alert(startsAt="soon"), "unparsed", 400, 400),
    differ("startsAt is a date", alert(startsAt="2026-03-01"), "unparsed", 400, 400),
    differ("startsAt is a number", alert(startsAt=1700000000), "unparsed", 400, 400),
    differ("a blank and a zone", alert(startsAt="2026-03-01 10:00:00Z"), "time", 400, 200),
    same("startsAt is empty", alert(startsAt="")),
    same("endsAt is null", alert(endsAt=None)),
    same("without a zone", alert(startsAt="2026-03-01T10:00:00")),
    same("nanoseconds", alert(startsAt="2026-03-01T10:00:00.123456789Z")),
    same("another zone", alert(startsAt="2026-03-01T10:00:00+08:00")),
    same("Go's zero time", alert(startsAt="0001-01-01T00:00:00Z", endsAt="0001-01-01T00:00:00Z")),
    same("for ever", alert(endsAt="9999-12-31T23:59:59Z")),
    same("ends before it starts", alert(startsAt=at(100), endsAt=at(0))),
    same("ends when it starts", alert(startsAt=at(0), endsAt=at(0))),
    same("starts soon", alert(startsAt=at(60))),
    same("starts after the resolve timeout", alert(startsAt=at(3000))),
    differ("annotations are a number", alert(annotations=7), "unparsed", 400, 400),
    same("an annotation without a name", alert(annotations={"": "x"})),
    differ("a blank in an annotation's name", alert(annotations={"a b": "x"}), "utf8", 400, 200),
    same("an empty annotation", alert(annotations={"a": ""})),
    same("a URL", alert(generatorURL="https://prometheus/graph?g0.expr=up")),
    same("an empty URL", alert(generatorURL="")),
    differ("a bad URL", alert(generatorURL="::bad"), "url", 422, 200),
    differ("a number as URL", alert(generatorURL=7), "unparsed", 400, 400),
    same("an unknown field", alert(surprise=7)),
    differ("names in capitals", post([{"LABELS": {"a": "b"}}]), "case", 200, 422),
    same("one good, one bad", post([{"labels": {"good": "1"}}, {"labels": {}}])),
    same("plain text", post([], Content_Type="text/plain")),
    same("a form", post([], Content_Type="application/x-www-form-urlencoded")),
    same("garbage as type", post([], Content_Type="garbage")),
    same("a charset", post([], Content_Type="application/json; charset=utf-8")),
    same("a type in capitals", post([], Content_Type="APPLICATION/JSON")),
    differ("JSON of a kind", post([], Content_Type="application/vnd.x+json"), "type", 415, 200),
    differ("no type", post([], Content_Type=""), "type", 415, 200),
    differ("from another page", post([], Origin="http://evil.example"), "origin", 200, 403),
]

SILENCES = [
    *(
        same(f"without {name}", silence(name))
        for name in ("matchers", "startsAt", "endsAt", "createdBy", "comment")
    ),
    *(
        same(f"{name} null", silence(**{name: None}))
        for name in ("matchers", "startsAt", "endsAt", "comment")
    ),
    *(
        differ(f"{name} is a number", silence(**{name: 7}), "unparsed", 400, 400)
        for name in ("matchers", "startsAt", "endsAt", "createdBy", "comment", "id")
    ),
    same("an empty comment", silence(comment="")),
    same("an empty author", silence(createdBy="")),
    same("an empty start", silence(startsAt="")),
    same("an empty end", silence(endsAt="")),
    same("no matcher", silence(matchers=[])),
    differ("null as a matcher", silence(matchers=[None]), "null", NO_ANSWER, 400),
    same("an empty matcher", matcher()),
    same("a matcher with a name only", matcher(name="a")),
    same("a matcher without isRegex", matcher(name="a", value="b")),
    same("isRegex null", matcher(name="a", value="b", isRegex=None)),
    same("a matcher without a name", matcher(value="b", isRegex=False)),
    same("isEqual null", matcher(name="a", value="b", isRegex=False, isEqual=None)),
    differ("isRegex as a word", matcher(name="a", value="b", isRegex="true"), "unparsed", 400, 400),
    same("a matcher with an empty name", matcher(name="", value="x", isRegex=False)),
    differ("a blank in a matcher's name", matcher(name="a b", value="x", isRegex=False), "utf8", 400, 200),
    same("a bad pattern", matcher(name="a", value="(", isRegex=True)),
    same("an empty value", matcher(name="a", value="", isRegex=False)),
    same("any value", matcher(name="a", value=".*", isRegex=True)),
    same("any value but one", matcher(name="a", value="x", isRegex=False, isEqual=False)),
    same("any value but a pattern", matcher(name="a", value="x.*", isRegex=True, isEqual=False)),
    same("is over", silence(startsAt=at(-7200), endsAt=at(-3600))),
    same("ends when it starts", silence(startsAt=at(600), endsAt=at(600))),
    same("ends before it starts", silence(startsAt=at(600), endsAt=at(500))),
    same("began in the past", silence(startsAt=at(-3600))),
    differ("a date as start", silence(startsAt="2026-03-01"), "unparsed", 400, 400),
    same("for ever", silence(endsAt="9999-01-01T00:00:00Z")),
    same("an empty id", silence(id="")),
    same("an id that nobody has", silence(id=NOBODY)),
    same("an id that is none", silence(id="not-an-id")),
    same("annotations", silence(annotations={"ticket": "OPS-7"})),
    same("an unknown field", silence(surprise=1)),
    same("nothing at all", post(raw=b"", path=S)),
    same("null", post(raw=b"null", path=S)),
    same("an empty object", post({}, path=S)),
    differ("a list", post([], path=S), "unparsed", 400, 400),
    differ("no JSON", post(raw=b"{", path=S), "unparsed", 400, 400),
    same("plain text", post({}, path=S, Content_Type="text/plain")),
]

READS = [
    *(
        same(f"{path} {query}", get(path, query))
        for path in (P, G)
        for query in (
            "filter=",
            "filter=%7B%7D",
            "filter=%7Ba%3Db%7D",
            "filter=a%3D~%28",
            "filter=%3D",
            "filter=a%3Db,c%3Dd",
            "receiver=%28",
            "receiver=",
            "active=",
            "active=on",
            "active=selected",
            "active=perhaps&active=true",
            "surprise=1",
        )
    ),
    *(
        differ(f"{path} {query}", get(path, query), "boolean", 200, 400)
        for path in (P, G)
        for query in (
            "active=perhaps",
            "silenced=2",
            "inhibited=nothing",
            "unprocessed=zz",
            "active=true&active=zz",
        )
    ),
    same("silences by a bad filter", get(S, "filter=%28")),
    same("silences by no filter", get(S, "filter=")),
    same("silences by two filters", get(S, "filter=a%3Db&filter=b%3Dx")),
    differ("an unknown silence", get(f"/api/v2/silence/{NOBODY}"), "unknown", 404, 404),
    differ("an unknown silence, ended", Asked("DELETE", f"/api/v2/silence/{NOBODY}"), "delete", 500, 404),
    *(
        same(f"{method} of the id {text}", Asked(method, f"/api/v2/silence/{text}"))
        for method in ("GET", "DELETE")
        for text in ("not-a-uuid", "x%20y", NOBODY + "0")
    ),
    same("no id", get("/api/v2/silence/")),
    same("receivers", get("/api/v2/receivers")),
    same("a slash at the end", get("/api/v2/receivers/")),
    same("status", get("/api/v2/status")),
    same("nothing there", get("/api/v2/nothing")),
    differ("as plain text", get(P, Accept="text/plain"), "accept", 406, 200),
    same("as anything", get(P, Accept="text/html, */*;q=0.1")),
    differ("read by another page", get(P, Origin="http://evil.example"), "cors", 200, 200),
    differ("the web interface", get("/"), "ui", 200, 404),
    same("healthy", get("/-/healthy")),
    same("ready", get("/-/ready")),
    same("GET of the reload", get("/-/reload")),
    *(
        differ(f"HEAD {path}", Asked("HEAD", path), "head", 405, 200)
        for path in (P, G, S, "/api/v2/receivers", "/api/v2/status")
    ),
    *(
        same(f"{method} {path}", Asked(method, path))
        for path in (P, G, S, "/api/v2/receivers", "/api/v2/status", f"/api/v2/silence/{NOBODY}")
        for method in ("PUT", "PATCH", "OPTIONS")
    ),
    *(
        differ(f"OPTIONS {path}", Asked("OPTIONS", path), "options", 200, 405)
        for path in ("/-/healthy", "/-/reload")
    ),
    differ(
        "a preflight",
        Asked("OPTIONS", P, headers=(("Origin", "http://x"), ("Access-Control-Request-Method", "POST"))),
        "options",
        200,
        405,
    ),
    differ("silences of the API v1", get("/api/v1/silences"), "v1", 200, 410),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair(tmp_path_factory.mktemp("beside")) as made:
        yield made


@pytest.mark.parametrize("case", [*ALERTS, *SILENCES, *READS])
async def test_the_same_request_is_answered_alike(both: Pair, case: Case) -> None:
    theirs, ours = await both.ask(case.asked)
    if case.differs:
        assert case.differs in DIFFERENCES
        assert (theirs.status, ours.status) == (case.theirs, case.ours), (theirs.body, ours.body)
        return
    assert ours.status == theirs.status, (theirs.body, ours.body)
    if case.asked.method != "HEAD":
        assert kind_of(ours.body) == kind_of(theirs.body), (theirs.body, ours.body)
    if ours.status == 405:
        methods = {each.strip() for each in ours.headers["Allow"].split(",")} - {"HEAD", "PUT", "OPTIONS"}
        assert methods == {each.strip() for each in theirs.headers["Allow"].split(",")} - {"OPTIONS"}


async def test_no_page_of_another_origin_may_read(both: Pair) -> None:
    theirs, ours = await both.ask(get(P, Origin="http://evil.example"))
    assert theirs.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in ours.headers


async def test_texts_name_the_same_field(both: Pair) -> None:
    for asked in (post([{}]), silence("comment"), silence(matchers=[]), matcher(name="a", value="b")):
        theirs, ours = await both.ask(asked)
        said = theirs.body["message"].removeprefix("0.")
        assert said in ours.body["message"]


@pytest.mark.parametrize("key", sorted(DIFFERENCES.keys() - {"partly", "receivers", "update"}))
async def test_every_difference_is_asked_for(key: str) -> None:
    assert key in {param.values[0].differs for param in [*ALERTS, *SILENCES, *READS]}


async def test_of_a_partly_bad_batch_we_keep_the_good(both: Pair) -> None:
    batch = [{"labels": {"alertname": "Kept"}}, {}, {"labels": {"alertname": "Kept", "n": "2"}}]
    theirs, ours = await both.ask(post(batch))
    assert (theirs.status, ours.status) == (422, 422)
    assert "alert 1: labels in body is required" in ours.body["message"]
    assert "alert 0" not in ours.body["message"]
    kept, lost = (
        await both.ours.get(f"{P}?filter=alertname=Kept"),
        await both.theirs.get(f"{P}?filter=alertname=Kept"),
    )
    assert (len(kept.json()), len(lost.json())) == (2, 0)


async def test_the_documentation_repeats_the_differences() -> None:
    page = (ROOT / "docs/compatibility.md").read_text("utf-8").splitlines()
    missing = [str(each) for each in DIFFERENCES.values() if str(each) not in page]
    assert missing == [], "docs/compatibility.md lacks these lines of its table"


# --- what is remembered and shown -----------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Both with the same alerts and silences."""
    async with pair(tmp_path_factory.mktemp("story")) as made:
        await made.both("POST", P, FIRING)
        body = {
            "matchers": [{**MATCHER, "name": "bot", "value": "b3"}],
            "startsAt": at(0),
            "endsAt": at(7200),
        }
        await made.both("POST", S, {**body, "createdBy": "li", "comment": "upgrade"})
        yield made


FIRING = [
    {
        "labels": {"alertname": "Down", "bot": "b1", "severity": "critical", "empty": ""},
        "annotations": {"summary": "b1 is down", "nothing": ""},
        "startsAt": at(-600),
        "endsAt": at(7200),
        "generatorURL": "http://prometheus/graph",
    },
    {"labels": {"alertname": "Down", "bot": "b2"}, "startsAt": at(-600), "endsAt": at(7200)},
    {"labels": {"alertname": "Slow", "bot": "b3", "job": "j"}, "startsAt": at(-600), "endsAt": at(7200)},
    {"labels": {"alertname": "HostDown", "host": "h1"}, "startsAt": at(-600), "endsAt": at(7200)},
    {"labels": {"alertname": "Disk", "host": "h1"}, "startsAt": at(-600), "endsAt": at(7200)},
    {"labels": {"alertname": "Disk", "host": "h2"}, "startsAt": at(-600), "endsAt": at(7200)},
    {"labels": {"alertname": "Over"}, "startsAt": at(-600), "endsAt": at(-300)},
]

QUERIES = [
    "",
    *(
        f"{name}={value}"
        for name in ("active", "silenced", "inhibited", "unprocessed")
        for value in ("true", "false")
    ),
    "active=false&silenced=false",
    "active=false&inhibited=false",
    "silenced=false&inhibited=false",
    "active=false&silenced=false&inhibited=false",
    *(
        "filter=" + quote(text)
        for text in (
            'alertname="Down"',
            "alertname=Down",
            'alertname=~"D.*"',
            'alertname=~"own"',
            'alertname!="Down"',
            'alertname!~"D.*"',
            'severity=""',
            'severity!=""',
            'severity=~".+"',
            'severity=~""',
            'bot=~"b1|b3"',
            'empty=""',
        )
    ),
    "filter=alertname%3DDown&filter=bot%3Db1",
    *(f"receiver={quote(text)}" for text in ("oncall", "on.*", "call", "team|night", "nobody", "TEAM")),
    "receiver=team&silenced=false&filter=" + quote('host=""'),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", [P, G])
async def test_the_same_is_found(story: Pair, path: str, query: str) -> None:
    theirs, ours = await story.both("GET", f"{path}?{query}")
    if path == G:  # of an alert's receivers those that were asked for are left, sorted: see "receivers"
        for each in (each for groups in (theirs, ours) for group in groups for each in group["alerts"]):
            del each["receivers"]
    assert alike(ours) == alike(theirs)


async def test_receivers_stand_in_the_order_of_the_configuration(story: Pair) -> None:
    theirs, ours = await story.both("GET", "/api/v2/receivers")
    named = {each["name"] for each in theirs}
    assert [each for each in ours if each["name"] in named] == theirs


async def test_the_status_has_the_same_fields(story: Pair) -> None:
    theirs, ours = await story.both("GET", "/api/v2/status")
    assert {key: kind_of(value) for key, value in ours.items()} == {
        key: kind_of(value) for key, value in theirs.items()
    }


class Silences:
    """The same silences on both sides, by names."""

    def __init__(self, both: Pair) -> None:
        self.both = both
        self.ids: dict[str, tuple[str, str]] = {}

    async def put(
        self, name: str, *, like: str = "", begun: bool = False, expect: int = 200, **fields: Any
    ) -> None:
        """Posts a silence under a name; `like` sends the id of another one along, `begun` its start as well:
        each side's own, for each took the moment at which it was asked."""
        body = {
            "matchers": [{**MATCHER, "name": "n", "value": name}],
            "startsAt": at(0),
            "endsAt": at(7200),
            "createdBy": "li",
            "comment": name,
            **fields,
        }
        got = []
        for client, identity in zip(
            (self.both.theirs, self.both.ours), self.ids.get(like, ("", "")), strict=True
        ):
            if begun:
                body["startsAt"] = (await client.get(f"/api/v2/silence/{identity}")).json()["startsAt"]
            reply = await client.post(S, json={**body, "id": identity} if like else body)
            assert reply.status_code == expect, reply.text
            got.append(reply.json()["silenceID"] if expect == 200 else "")
        if expect == 200:
            self.ids[name] = (got[0], got[1])

    async def expire(self, name: str, expect: int = 200) -> None:
        for client, identity in zip((self.both.theirs, self.both.ours), self.ids[name], strict=True):
            assert (await client.delete(f"/api/v2/silence/{identity}")).status_code == expect

    async def listed(self, query: str = "") -> list[Any]:
        """Ours, as names with states, after it was found equal to theirs."""
        theirs, ours = await self.both.both("GET", f"{S}?{query}")
        names = [{pair[side]: name for name, pair in self.ids.items()} for side in (0, 1)]
        shown = [
            [alike({**each, "id": names[side].get(each["id"], "replaced")}) for each in found]
            for side, found in enumerate((theirs, ours))
        ]
        assert _pending_by_start(shown[0]) == shown[1]
        return [(each["id"], each["status"]["state"]) for each in shown[1]]


def _pending_by_start(rows: list[Any]) -> list[Any]:
    """Alertmanager before 0.26 means to sort those that are pending, and compares each with itself."""
    begin = [each["startsAt"] if each["status"]["state"] == "pending" else "" for each in rows]
    pending = iter(
        sorted((row for row, at in zip(rows, begin, strict=True) if at), key=lambda r: r["startsAt"])
    )
    return [next(pending) if at else row for row, at in zip(rows, begin, strict=True)]


async def test_silences_live_the_same_life(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        these = Silences(both)
        await these.put("long", endsAt=at(9000))
        await these.put("short", endsAt=at(3600))
        await these.put("later", startsAt=at(1800))
        await these.put("soon", startsAt=at(900))
        await these.put("ended")
        await these.expire("ended")
        await these.put("never", startsAt=at(1000))
        await these.expire("never")
        listed = await these.listed()
        assert [name for name, _ in listed[:4]] == ["short", "long", "soon", "later"]
        assert {state for _, state in listed[4:]} == {"expired"}
        await these.expire("ended")  # a second time is no mistake

        # A later end, a new comment: the same silence.
        before = these.ids["long"]
        await these.put("long", like="long", begun=True, endsAt=at(9900), comment="longer")
        assert these.ids["long"] == before
        # One that has not begun may be moved.
        before = these.ids["later"]
        await these.put("later", like="later", startsAt=at(2000))
        assert these.ids["later"] == before
        # Other matchers: a new silence, the old one has ended.
        before = these.ids["short"]
        await these.put("short", like="short", endsAt=at(3700), matchers=[{**MATCHER, "value": "other"}])
        assert these.ids["short"] != before
        # An expired one is not brought back.
        before = these.ids["ended"]
        await these.put("ended", like="ended")
        assert these.ids["ended"] != before
        listed = await these.listed()
        assert sorted(state for _, state in listed) == ["active"] * 3 + ["expired"] * 3 + ["pending"] * 2


async def test_a_refused_update_leaves_our_silence_as_it_was(both: Pair) -> None:
    these = Silences(both)
    await these.put("kept")
    await these.put("kept", like="kept", matchers=[{**MATCHER, "value": ""}], expect=400)
    theirs, ours = these.ids["kept"]
    left = await both.theirs.get(f"/api/v2/silence/{theirs}"), await both.ours.get(f"/api/v2/silence/{ours}")
    assert [each.json()["status"]["state"] for each in left] == ["expired", "active"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("n=one", ["one"]),
        ('n="one"', ["one"]),
        ('n=~"one"', ["pattern"]),
        ('n!="one"', ["not"]),
        ("n=on", []),
        ("m=one", []),
    ],
)
async def test_a_filter_on_silences_compares_text(
    both_silenced: Silences, text: str, found: list[str]
) -> None:
    listed = await both_silenced.listed(f"filter={quote(text)}")
    assert [name for name, _ in listed] == found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both_silenced(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Silences]:
    async with pair(tmp_path_factory.mktemp("silenced")) as made:
        these = Silences(made)
        await these.put("one")
        await these.put("pattern", matchers=[{**MATCHER, "name": "n", "value": "one", "isRegex": True}])
        await these.put("not", matchers=[{**MATCHER, "name": "n", "value": "one", "isEqual": False}])
        yield these


# --- matchers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "said"),
    [pytest.param(*each.values, id=each.id) for each in [*BOTH, *ONLY_CLASSIC, *DIFFERENT]],
)
async def test_a_matcher_is_read_alike(both: Pair, spelling: str, said: tuple[str, str, str]) -> None:
    name, op, value = said
    if ":" in name:
        pytest.skip("a silence takes no colon in Alertmanager's names")
    extra = {"name": "read", "value": "alike", "isRegex": False}
    wanted = {"name": name, "value": value, "isRegex": "~" in op, "isEqual": op in ("=", "=~")}
    await both.both("POST", S, silence(matchers=[wanted, extra]).body)
    theirs, ours = await both.both("GET", f"{S}?filter={quote(spelling)}&filter=read=alike")
    assert len(ours) == len(theirs) > 0
    wanted_too = {**wanted, "isEqual": wanted["isEqual"]}
    assert all(wanted_too in each["matchers"] for each in [*theirs, *ours])


@pytest.mark.parametrize("spelling", [pytest.param(each.values[0], id=each.id) for each in ONLY_UTF8])
async def test_the_newer_dialect_is_taken_too(both: Pair, spelling: str) -> None:
    theirs, ours = await both.ask(get(P, f"filter={quote(spelling)}"))
    assert (theirs.status, ours.status) == (400, 200)


@pytest.mark.parametrize("spelling", [pytest.param(each.values[0], id=each.id) for each in NEITHER])
async def test_what_is_no_matcher_is_refused_alike(both: Pair, spelling: str) -> None:
    theirs, ours = await both.ask(get(P, f"filter={quote(spelling, errors='surrogatepass')}"))
    before_0_27 = 200 if spelling == "foo=bar}" else 400
    assert (theirs.status, ours.status) == (before_0_27, 400)


# --- fingerprints -----------------------------------------------------------------------------------


def drawn(seed: int) -> list[dict[str, str]]:
    """Label sets of all sizes, with values in any script."""
    dice = random.Random(seed)
    letters = 'abzAZ09_ \t"\\{}=~,\x01é交易所👾\u200b\x7f\uffff'
    names = "abcdefghijklmnopqrstuvwxyz_"
    return [
        {
            "fingerprinted": "yes",
            **{
                "".join(dice.choices(names, k=dice.randrange(1, 9))): "".join(
                    dice.choices(letters, k=dice.randrange(12))
                )
                for _ in range(dice.randrange(8))
            },
        }
        for _ in range(500)
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_fingerprints_are_alertmanagers(both: Pair, seed: int) -> None:
    sets = [{**labels, "seed": str(seed)} for labels in drawn(seed)]
    await both.both("POST", P, [{"labels": labels, "endsAt": at(7200)} for labels in sets])
    theirs, ours = await both.both("GET", f"{P}?filter=fingerprinted=yes&filter=seed={seed}")
    assert [(each["fingerprint"], each["labels"]) for each in ours] == [
        (each["fingerprint"], each["labels"]) for each in theirs
    ]
    assert {each["fingerprint"] for each in theirs} == {fingerprint(labels) for labels in sets}
