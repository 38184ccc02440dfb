"""Queries that are passed on to the default source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from hbalert.config.types import Limits
from hbalert.errors import SourceError, TooMuch, Unavailable
from hbalert.ports import Passed
from tests.api.stand import Stand, stand, token

ANSWER = b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}'


class Asked:
    """A default source that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.answer: Passed | SourceError = Passed(200, ANSWER)

    async def __call__(self, path: str, form: bytes) -> Passed:
        self.asked.append((path, parse_qs(form.decode())))
        if isinstance(self.answer, SourceError):
            raise self.answer
        return self.answer


@pytest.fixture
def source() -> Asked:
    return Asked()


@pytest.fixture
async def api(tmp_path: Path, source: Asked) -> AsyncIterator[Stand]:
    async with stand(tmp_path, pass_on=source) as made:
        yield made


async def test_a_query_comes_back_as_the_source_answered_it(api: Stand, source: Asked) -> None:
    for reply in (
        await api.client.get("/api/v1/query", params={"query": "1 + 1", "time": "1.5"}),
        await api.client.post("/api/v1/query", data={"query": "1 + 1", "time": "1.5"}),
        await api.client.post("/api/v1/query?time=1.5", data={"query": "1 + 1"}),
    ):
        assert (reply.status_code, reply.content) == (200, ANSWER)
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["cache-control"] == "no-store"
        asked = source.asked.pop()
        assert asked == ("/api/v1/query", {"query": ["1 + 1"], "time": ["1.5"]})


async def test_only_what_belongs_to_a_query_is_passed_on(api: Stand, source: Asked) -> None:
    await api.client.get("/api/v1/query?query=up&dedup=false&token=secret&timeout=5s")
    assert source.asked == [("/api/v1/query", {"query": ["up"], "timeout": ["5s"]})]


async def test_what_the_source_says_about_the_query_is_passed_on(api: Stand, source: Asked) -> None:
    refused = b'{"status":"error","errorType":"bad_data","error":"parse error"}'
    source.answer = Passed(400, refused)
    reply = await api.client.get("/api/v1/query?query=(")
    assert (reply.status_code, reply.content) == (400, refused)


async def test_the_build_of_the_source_is_passed_on(api: Stand, source: Asked) -> None:
    assert (await api.client.get("/api/v1/status/buildinfo")).content == ANSWER
    assert source.asked == [("/api/v1/status/buildinfo", {})]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Unavailable("source main (http://prometheus:9090): cannot connect"), 502, "unavailable"),
        (TooMuch("source main: its answer has more than 32 MiB; aggregate more"), 422, "execution"),
    ],
)
async def test_a_source_that_fails_is_told_in_prometheus_words(
    api: Stand, source: Asked, error: SourceError, status: int, kind: str
) -> None:
    source.answer = error
    for path in ("/api/v1/query?query=up", "/api/v1/status/buildinfo"):
        reply = await api.client.get(path)
        assert reply.status_code == status
        assert reply.json() == {"status": "error", "errorType": kind, "error": str(error)}


async def test_without_a_source_there_is_nobody_to_ask(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        reply = await api.client.get("/api/v1/query?query=up")
        assert (reply.status_code, reply.json()["errorType"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", 'invalid parameter "query"'),
        ("query=", 'invalid parameter "query"'),
        ("time=5", 'invalid parameter "query"'),
        ("query=%ff", "not a form in UTF-8"),
        ("&".join(f"a{n}=1" for n in range(101)), "not a form in UTF-8"),
    ],
    ids=["nothing", "an empty one", "no query", "no UTF-8", "too many parameters"],
)
async def test_what_is_no_query_is_not_passed_on(api: Stand, source: Asked, query: str, says: str) -> None:
    reply = await api.client.get(f"/api/v1/query?{query}")
    assert (reply.status_code, reply.json()["errorType"]) == (400, "bad_data")
    assert says in reply.json()["error"]
    assert source.asked == []


async def test_a_long_query_is_413_and_names_the_limit(tmp_path: Path, source: Asked) -> None:
    async with stand(tmp_path, pass_on=source, limits=Limits(query_bytes=100)) as api:
        fits = {"query": "x" * (100 - len("&query="))}
        assert (await api.client.post("/api/v1/query", data=fits)).status_code == 200
        reply = await api.client.post("/api/v1/query", data={"query": fits["query"] + "x"})
        assert reply.status_code == 413
        assert "limit of 100 bytes" in reply.json()["error"]


async def test_a_query_has_to_be_a_form(api: Stand) -> None:
    reply = await api.client.post("/api/v1/query", json={"query": "up"})
    assert (reply.status_code, reply.json()["status"]) == (415, "error")


async def test_a_query_needs_the_role_to_read(tmp_path: Path, source: Asked) -> None:
    async with stand(
        tmp_path, pass_on=source, tokens=[token("viewer", "read"), token("prom", "ingest")]
    ) as api:
        codes = [
            (
                await api.client.get(
                    "/api/v1/query?query=up", headers={"Authorization": f"Bearer {name}-token"}
                )
            ).status_code
            for name in ("viewer", "prom", "nobody")
        ]
        assert codes == [200, 403, 401]
