"""The OpenAPI document: valid, complete, and true of real answers."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from hbalert.api.app import served
from hbalert.api.described import TOLD
from hbalert.ports import Passed
from tests.api import test_prom
from tests.api.stand import Stand, stand, token

NOBODY = "0b1f1f4e-0000-4000-8000-000000000000"


@pytest.fixture
async def document(api: Stand) -> dict[str, Any]:
    found: dict[str, Any] = await api.get("/api/openapi.json")
    return found


def test_everything_that_is_served_is_described(api: Stand) -> None:
    lacking = [
        f"add TOLD[{route.method!r}, {route.path!r}] to hbalert/api/described.py"
        for route in served(api.app.resources.values())
        if (route.method, route.path) not in TOLD
    ]
    assert lacking == []


def test_everything_that_is_described_is_served(api: Stand) -> None:
    there = {(route.method, route.path) for route in served(api.app.resources.values())}
    gone = sorted(TOLD.keys() - there)
    assert gone == [], "take these out of TOLD in hbalert/api/described.py"


async def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    openapi_spec_validator.validate(document)


async def test_the_document_has_every_path_with_its_role(api: Stand, document: dict[str, Any]) -> None:
    for route in served(api.app.resources.values()):
        operation = document["paths"][route.path.replace(":path}", "}")][route.method.lower()]
        assert operation["summary"] not in ("", "(not described)")
        assert operation["security"] == ([] if route.role == "open" else [{"token": []}])
        if route.role != "open":
            assert f"`{route.role}`" in operation["description"]
            assert {"401", "403", "503"} <= operation["responses"].keys()


async def test_what_is_required_of_a_silence_is_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["PostedSilence"]["required"] == ["comment", "createdBy", "endsAt", "matchers", "startsAt"]
    assert schemas["PostedMatcher"]["required"] == ["isRegex", "name", "value"]


async def test_the_document_needs_the_role_to_read(tmp_path: Path) -> None:
    async with stand(tmp_path, tokens=[token("viewer", "read"), token("prom", "ingest")]) as api:
        codes = [
            (
                await api.client.get("/api/openapi.json", headers={"Authorization": f"Bearer {name}-token"})
            ).status_code
            for name in ("viewer", "prom", "nobody")
        ]
        assert codes == [200, 403, 401]


# --- real answers ---------------------------------------------------------------------------------


def closed(value: Any) -> Any:
    """The same schemas, but a field that is not described is not allowed."""
    if isinstance(value, dict):
        made = {key: closed(each) for key, each in value.items()}
        if made.get("type") == "object" and "properties" in made:
            made.setdefault("additionalProperties", False)
        return made
    return [closed(each) for each in value] if isinstance(value, list) else value


class Checker:
    """Asks, and holds each answer against the document."""

    def __init__(self, api: Stand, document: dict[str, Any]) -> None:
        self.api = api
        self.paths = document["paths"]
        self.root = closed(deepcopy(document))
        self.seen: set[tuple[str, str, int]] = set()

    async def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """Asks `path`, filled in from `ids`; the answer has to have this status and the shape promised."""
        ids: dict[str, str] = more.pop("ids", {})
        served, path = path, path.replace(":path}", "}")
        reply = await self.api.client.request(method, path.format(**ids), **more)
        assert reply.status_code == status, (method, path, reply.text)
        assert method.lower() in self.paths[path]
        described = self.root["paths"][path][method.lower()]["responses"][str(status)]
        self.seen.add((method, served, status))
        kind = reply.headers.get("content-type", "").partition(";")[0]
        if "content" not in described:
            assert reply.content == b""
            return None
        assert kind in described["content"] or kind.startswith("application/openmetrics")
        if kind != "application/json":
            return reply.text
        schema = {**described["content"][kind]["schema"], "components": self.root["components"]}
        jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(reply.json())
        return reply.json()


SILENCE = {
    "matchers": [{"name": "bot", "value": "b2", "isRegex": False}],
    "startsAt": "",
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "upgrade",
    "annotations": {"ticket": "OPS-7"},
}


async def test_real_answers_have_the_shapes_of_the_document(tmp_path: Path) -> None:
    async def source(path: str, form: bytes) -> Passed:
        return Passed(200, b'{"status":"success","data":{"version":"2.42.0"}}')

    async with stand(tmp_path, pass_on=source) as api:
        await test_prom.with_rules(api)
        check = Checker(api, await api.get("/api/openapi.json"))
        ask = check.ask
        alerts = [
            {"labels": {"alertname": "Down", "bot": "b1", "severity": "critical"}},
            {"labels": {"bot": "b2"}},
        ]
        await ask("POST", "/api/v2/alerts", 200, json=alerts)
        await ask("POST", "/api/v2/alerts", 400, json=[{"labels": {}}])
        await ask("POST", "/api/v2/alerts", 422, json=[{}])
        await ask("POST", "/api/v2/alerts", 415, content=b"[]", headers={"Content-Type": "text/plain"})
        await api.flush()
        await api.clock.advance(40)
        await api.flush()
        made = await ask("POST", "/api/v2/silences", 200, json=SILENCE)
        await ask("POST", "/api/v2/silences", 404, json={**SILENCE, "id": NOBODY})
        await ask("POST", "/api/v2/silences", 400, json={**SILENCE, "endsAt": "soon"})
        await ask("POST", "/api/v2/silences", 422, json={})
        assert len(await ask("GET", "/api/v2/alerts", 200)) == 2
        await ask("GET", "/api/v2/alerts", 400, params={"filter": "("})
        assert len(await ask("GET", "/api/v2/alerts/groups", 200)) == 2
        assert len(await ask("GET", "/api/v2/silences", 200)) == 1
        ids = {"id": made["silenceID"]}
        await ask("GET", "/api/v2/silence/{id}", 200, ids=ids)
        await ask("GET", "/api/v2/silence/{id}", 404, ids={"id": NOBODY})
        await ask("GET", "/api/v2/silence/{id}", 422, ids={"id": "x"})
        await ask("DELETE", "/api/v2/silence/{id}", 200, ids=ids)
        await ask("DELETE", "/api/v2/silence/{id}", 404, ids={"id": NOBODY})
        await ask("GET", "/api/v2/receivers", 200)
        await ask("GET", "/api/v2/status", 200)
        await ask("GET", "/api/v1/status", 410)
        shown = await ask("GET", "/api/v1/rules", 200)
        assert shown["data"]["groups"][0]["rules"][0]["alerts"]
        await ask("GET", "/api/v1/rules", 400, params={"type": "x"})
        assert (await ask("GET", "/api/v1/alerts", 200))["data"]["alerts"]
        await ask("GET", "/api/v1/query", 200, params={"query": "up"})
        await ask("GET", "/api/v1/query", 400)
        await ask("POST", "/api/v1/query", 200, data={"query": "up"})
        await ask("GET", "/api/v1/status/buildinfo", 200)
        hook = {"alerts": [{"labels": {"a": "b"}, "status": "firing"}]}
        for method, path in (
            ("POST", "/webhook/alertmanager"),
            ("POST", "/webhook/grafana"),
            ("PUT", "/webhook/grafana"),
        ):
            await ask(method, path, 200, json=hook)
            await ask(method, path, 400, json={})
        await ask("GET", "/api/hb/v1/status", 200)
        assert (await ask("GET", "/api/hb/v1/history", 200))["rows"]
        await ask("GET", "/api/hb/v1/history", 400, params={"limit": "0"})
        waiting = (await ask("GET", "/api/hb/v1/queue", 200))["rows"]
        delivery = {"id": waiting[0]["id"]}
        await ask("POST", "/api/hb/v1/queue/{id}/retry", 409, ids=delivery)
        await ask("DELETE", "/api/hb/v1/queue/{id}", 200, ids=delivery)
        await ask("DELETE", "/api/hb/v1/queue/{id}", 404, ids={"id": "nothing"})
        await ask("POST", "/api/hb/v1/queue/{id}/retry", 200, ids=delivery)
        assert (await ask("GET", "/api/hb/v1/alerts", 200))["rows"]
        labels = {"label": ["alertname=Down", "bot=b1", "severity=critical"]}
        await ask("GET", "/api/hb/v1/explain", 200, params=labels)
        await ask("GET", "/api/hb/v1/explain", 400, params={"label": "x"})
        name = (await api.get("/api/v2/alerts"))[0]["fingerprint"]
        await ask("GET", "/api/hb/v1/alerts/{id}", 200, ids={"id": name})
        await ask("GET", "/api/hb/v1/alerts/{id}", 404, ids={"id": "nothing"})
        assert (await ask("GET", "/api/hb/v1/alerts/{id}/timeline", 200, ids={"id": name}))["rows"]
        await ask("GET", "/api/hb/v1/alerts/{id}/timeline", 404, ids={"id": "nothing"})
        rows = (await ask("GET", "/api/hb/v1/rules", 200))["rows"]
        await ask("GET", "/api/hb/v1/rules", 400, params={"state": "x"})
        assert (await ask("GET", "/api/hb/v1/rules/{id:path}", 200, ids={"id": rows[0]["id"]}))["alerts"]
        await ask("GET", "/api/hb/v1/rules/{id:path}", 404, ids={"id": "nothing"})
        wanted = {**SILENCE, "matchers": ['bot="b2"', {"name": "a", "value": "", "isRegex": False}]}
        await ask("POST", "/api/hb/v1/silences/preview", 200, json=wanted)
        await ask("POST", "/api/hb/v1/silences/preview", 400, json={"until": "x"})
        put = await ask("POST", "/api/hb/v1/silences", 200, json=wanted)
        await ask("POST", "/api/hb/v1/silences", 404, json={**wanted, "id": NOBODY})
        assert (await ask("GET", "/api/hb/v1/silences", 200))["rows"]
        assert (await ask("GET", "/api/hb/v1/silences/{id}", 200, ids={"id": put["id"]}))["alerts"]
        await ask("GET", "/api/hb/v1/silences/{id}", 404, ids={"id": NOBODY})
        await ask("POST", "/api/hb/v1/silences/import", 200, json=[SILENCE, {}])
        window = document_example(check, "post", "/api/hb/v1/maintenance")
        await ask("POST", "/api/hb/v1/maintenance", 200, json=window)
        await ask("POST", "/api/hb/v1/maintenance", 409, json=window)
        await ask("POST", "/api/hb/v1/maintenance", 400, json={})
        assert (await ask("GET", "/api/hb/v1/maintenance", 200))["rows"]
        assert (await ask("GET", "/api/hb/v1/maintenance/next", 200))["rows"]
        await ask("DELETE", "/api/hb/v1/maintenance/{name}", 200, ids={"name": window["name"]})
        await ask("DELETE", "/api/hb/v1/maintenance/{name}", 404, ids={"name": window["name"]})
        await ask("GET", "/api/openapi.json", 200)
        await ask("GET", "/-/healthy", 200)
        await ask("GET", "/-/ready", 200)
        await ask("POST", "/-/reload", 200)
        await ask("PUT", "/-/reload", 200)
        await ask("GET", "/metrics", 200)
        good = {(method, path) for method, path, status in check.seen if status == 200}
        lacking = {key for key, told in TOLD.items() if told.status == 200} - good
        assert lacking == set(), "ask these here, too: the document promises their shape"


def document_example(check: Checker, method: str, path: str) -> Any:
    """The body that the document shows."""
    return check.paths[path][method]["requestBody"]["content"]["application/json"]["example"]


def test_examples_have_the_shape_that_is_promised(api: Stand) -> None:
    from hbalert.api.openapi import document

    made = document(served(api.app.resources.values()), TOLD)
    checked = 0
    for path in made["paths"].values():
        for operation in path.values():
            places = [*operation["responses"].values(), operation.get("requestBody", {})]
            for media in (each for place in places for each in place.get("content", {}).values()):
                if "example" in media:
                    schema = {**media["schema"], "components": made["components"]}
                    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(media["example"])))
                    checked += 1
    assert checked >= 6
