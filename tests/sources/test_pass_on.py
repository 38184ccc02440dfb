"""What a source answers to others, passed on: its own words, never those of a proxy or about us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from hbalert.config.types import SourceSettings
from hbalert.errors import TooMuch, Unavailable
from hbalert.sources import prometheus
from hbalert.sources.prometheus import PrometheusSource

SUCCESS = b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}'


@asynccontextmanager
async def server(status: int, body: bytes, seen: list[bytes]) -> AsyncIterator[str]:
    """Answers every request so, and keeps what it got."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        content = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
        seen.append(head + content)
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def settings(address: str, **more: Any) -> SourceSettings:
    return SourceSettings.model_validate({"url": f"http://me:s3cret@{address}/prom/?tenant=a", **more})


async def passed(status: int, body: bytes, path: str = "/api/v1/query", form: bytes = b"query=1") -> Any:
    seen: list[bytes] = []
    async with server(status, body, seen) as address:
        source = PrometheusSource("main", settings(address))
        try:
            return await source.pass_on(path, form), seen[0]
        finally:
            await source.close()


async def test_a_form_is_posted_with_our_credentials_below_the_address_of_the_source() -> None:
    answer, asked = await passed(200, SUCCESS)
    assert (answer.status, answer.body) == (200, SUCCESS)
    head, _, content = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /prom/api/v1/query?tenant=a HTTP/1.1")
    assert b"authorization: basic bwu6cznjcmv0" in head.lower()
    assert content == b"query=1"


async def test_without_a_form_it_is_read() -> None:
    _, asked = await passed(
        200, b'{"status":"success","data":{"version":"2.42"}}', "/api/v1/status/buildinfo", b""
    )
    assert asked.startswith(b"GET /prom/api/v1/status/buildinfo?tenant=a HTTP/1.1")


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_an_error_about_the_query_is_passed_on(status: int) -> None:
    body = b'{"status":"error","errorType":"bad_data","error":"parse error"}'
    answer, _ = await passed(status, body)
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(401, b"<html>log in</html>", "check the credentials of this source", id="a login page"),
        pytest.param(401, b'{"status":"error","error":"no"}', "check the credentials", id="about our token"),
        pytest.param(302, b"", "a redirect", id="a redirect"),
        pytest.param(200, b"<html></html>", "not of the query API", id="a page of something else"),
        pytest.param(200, SUCCESS[:20], "cut off", id="half an answer"),
        pytest.param(503, b'{"status":"error","error":"busy"}', "it answered 503: busy", id="an overload"),
        pytest.param(429, b'{"status":"error","error":"slow down"}', "it answered 429", id="a rate limit"),
        pytest.param(500, b"", "it answered 500", id="nothing"),
    ],
)
async def test_anything_else_is_unavailable_and_tells_no_secret(status: int, body: bytes, says: str) -> None:
    with pytest.raises(Unavailable) as told:
        await passed(status, body)
    assert says in str(told.value)
    assert "source main (http://127.0.0.1:" in str(told.value)
    assert "s3cret" not in str(told.value)
    assert "log in" not in str(told.value)


async def test_a_source_that_is_away_is_unavailable() -> None:
    source = PrometheusSource("main", settings("127.0.0.1:9"))
    with pytest.raises(Unavailable, match="cannot connect"):
        await source.pass_on("/api/v1/query", b"query=1")
    await source.close()


async def test_a_source_that_is_silent_is_given_up_in_time() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with listening:
        address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        source = PrometheusSource("main", settings(address, timeout=timedelta(milliseconds=200)))
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
            await source.pass_on("/api/v1/query", b"query=1")
        await source.close()


async def test_an_answer_over_the_limit_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MAX_ANSWER_BYTES", len(SUCCESS))
    assert (await passed(200, SUCCESS))[0].status == 200
    monkeypatch.setattr(prometheus, "MAX_ANSWER_BYTES", len(SUCCESS) - 1)
    with pytest.raises(TooMuch, match="aggregate more"):
        await passed(200, SUCCESS)
