"""A source over HTTP: what it sends, what it makes of every way to fail, and what it never shows."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import walk_tb

import pytest
import trustme

from hbalert import outbound
from hbalert.config.secret import Secret
from hbalert.config.types import BasicAuth, SourceSettings
from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery, Incomplete, SourceError, TooMuch, Unavailable
from hbalert.ports import Answer, Source
from hbalert.sources import prometheus
from hbalert.sources.prometheus import PrometheusSource
from tests.fakes.query_api import Asked, Reply, error, query_api, success, vector

AT = datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)


def source(url: str, **more: object) -> PrometheusSource:
    settings = {"url": url, "timeout": timedelta(seconds=5), **more}
    return PrometheusSource("main", SourceSettings(**settings))


async def failure(of: PrometheusSource, expr: str = "up") -> SourceError:
    """The error of one query."""
    with pytest.raises(SourceError) as caught:
        await of.query(expr, AT)
    await of.close()
    return caught.value


async def test_a_query_is_a_form_with_time_and_the_answer_is_samples_with_warnings() -> None:
    async with query_api(lambda asked: vector(({"__name__": "up", "a": "é"}, "NaN"), warnings=["w"])) as api:
        one: Source = source(api.url)
        answer = await one.query('up{a="é"} # all', AT)
        await one.close()
    (sample,) = answer.samples
    assert (sample.labels, str(sample.value)) == (Labels({"__name__": "up", "a": "é"}), "nan")
    assert answer.warnings == ("w",)
    (asked,) = api.asked
    assert (asked.path, asked.query, asked.timeout) == ("/api/v1/query", 'up{a="é"} # all', "5000ms")
    assert asked.time == pytest.approx(AT.timestamp(), abs=0.001)
    assert asked.headers["user-agent"].startswith("hbalert/")


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", "/api/v1/query"),
        ("/", "/api/v1/query"),
        ("/select/0/prometheus", "/select/0/prometheus/api/v1/query"),
        ("/prom/?tenant=a%20b", "/prom/api/v1/query?tenant=a%20b"),
    ],
)
async def test_a_url_may_have_a_path_and_a_query(suffix: str, path: str) -> None:
    async with query_api() as api:
        one = source(api.url + suffix)
        await one.query("up", AT)
        await one.close()
    assert api.asked[0].path == path


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        pytest.param({"bearer_token": Secret("t0ken")}, "Bearer t0ken", id="bearer"),
        pytest.param({"headers": {"Authorization": "Custom x"}}, "Custom x", id="a header of one's own"),
    ],
)
async def test_credentials_are_sent(settings: dict[str, object], header: str) -> None:
    async with query_api() as api:
        one = source(api.url, **settings)
        await one.query("up", AT)
        await one.close()
    assert api.asked[0].headers["authorization"] == header


async def test_basic_authentication_is_sent() -> None:
    async with query_api() as api:
        one = source(api.url, basic_auth=BasicAuth(username="me", password=Secret("pä:ss")))
        await one.query("up", AT)
        await one.close()
    assert api.asked[0].basic == "me:pä:ss"


async def test_credentials_in_a_url_are_sent_and_never_shown() -> None:
    def refuse(asked: Asked) -> Reply:
        return error(400, "bad_data", "parse error")

    async with query_api(refuse) as api:
        one = source(api.url.replace("//", "//me:s3cret@") + "/p?token=s3cret")
        failed = await failure(one)
    assert api.asked[0].basic == "me:s3cret"
    assert f"source main ({api.url}/p): it refuses the query: parse error" == str(failed)
    assert "s3cret" not in f"{one!r} {one.address} {failed!r}"


async def test_headers_of_the_settings_are_sent() -> None:
    async with query_api() as api:
        one = source(api.url, headers={"X-Scope-OrgID": "team"})
        await one.query("up", AT)
        await one.close()
    assert api.asked[0].headers["x-scope-orgid"] == "team"


# --- failing ---


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(error(400, "bad_data", "parse error"), BadQuery, "parse error", id="400"),
        pytest.param(error(422, "execution", "many-to-many"), BadQuery, "many-to-many", id="422"),
        pytest.param(error(422, "execution", "too many samples"), TooMuch, "too many samples", id="size"),
        pytest.param(error(503, "timeout", "query timed out"), Unavailable, "timed out", id="503"),
        pytest.param(success("string", [1, "x"]), BadQuery, "gives a string", id="string"),
        pytest.param(Reply(200, b"<html>", "text/html"), Unavailable, "cut off or not", id="HTML"),
        pytest.param(Reply(502, b"<html>", "text/html"), Unavailable, "502", id="proxy"),
        pytest.param(Reply(302, b""), Unavailable, "redirect", id="redirect"),
        pytest.param(Reply(200, b'{"status":', length=900), Unavailable, "", id="a body that is cut off"),
        pytest.param(Reply(drop=True), Unavailable, "closed before an answer", id="no answer"),
    ],
)
async def test_an_answer_that_is_none_says_whose_fault_it_is(
    reply: Reply, kind: type[SourceError], says: str
) -> None:
    async with query_api(lambda asked: reply) as api:
        failed = await failure(source(api.url))
    assert type(failed) is kind
    assert says in str(failed)
    assert str(failed).startswith(f"source main ({api.url}): ")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(hang=True), id="nothing at all"),
        pytest.param(Reply(body=b"{" * 1000, drip=0.02), id="a byte now and then"),
    ],
)
async def test_the_time_out_is_for_the_whole_call(reply: Reply) -> None:
    async with query_api(lambda asked: reply) as api:
        failed = await failure(source(api.url, timeout=timedelta(seconds=0.3)))
    assert type(failed) is Unavailable
    assert "no answer within 0.3 s" in str(failed)
    assert len(api.asked) == 1


async def test_nobody_there() -> None:
    async with query_api() as api:
        pass
    failed = await failure(source(api.url))
    assert isinstance(failed, Unavailable)
    assert "cannot connect" in str(failed)


async def test_a_connection_that_was_closed_is_asked_once_more_at_once() -> None:
    replies = iter([vector(), Reply(drop=True), vector(({}, "1"))])
    async with query_api(lambda asked: next(replies)) as api:
        one = source(api.url)
        await one.query("up", AT)
        assert await one.query("up", AT) == Answer((Sample(Labels(), 1.0),))
        await one.close()
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("reply", "times"),
    [
        pytest.param(Reply(502, b"<html>", "text/html"), 2, id="a proxy that has nobody to hand it to"),
        pytest.param(Reply(500, b"oops"), 1, id="a server that fails: the next slot is the next try"),
        pytest.param(error(503, "timeout", "query timed out"), 1, id="a server that is busy"),
    ],
)
async def test_what_nobody_has_worked_on_is_asked_once_more_at_once(reply: Reply, times: int) -> None:
    replies = iter([reply])
    async with query_api(lambda asked: next(replies, vector(({}, "1")))) as api:
        one = source(api.url)
        if times == 2:
            assert await one.query("up", AT) == Answer((Sample(Labels(), 1.0),))
        else:
            with pytest.raises(Unavailable):
                await one.query("up", AT)
        await one.close()
    assert len(api.asked) == times


async def test_a_source_that_fails_twice_is_not_asked_a_third_time() -> None:
    async with query_api(lambda asked: Reply(502, b"<html>", "text/html")) as api:
        await failure(source(api.url))
    assert len(api.asked) == 2


async def test_with_partial_error_an_answer_that_the_source_doubts_is_none() -> None:
    async with query_api(lambda asked: vector(({}, "1"), warnings=["a store is away"])) as api:
        failed = await failure(source(api.url, partial="error"))
    assert type(failed) is Incomplete
    assert str(failed) == 'the answer is not complete (partial = "error"): a store is away'


async def test_an_answer_without_end_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MAX_ANSWER_BYTES", 1 << 20)
    async with query_api(lambda asked: Reply(body=b" " * (1 << 21))) as api:
        failed = await failure(source(api.url))
    assert type(failed) is TooMuch
    assert "more than 1 MiB" in str(failed)


async def test_an_error_does_not_hold_what_was_received(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are answers of a round: with many rules they would hold many answers."""
    monkeypatch.setattr(prometheus, "MAX_ANSWER_BYTES", 1 << 20)
    async with query_api(lambda asked: Reply(body=b" " * (1 << 21))) as api:
        failed = await failure(source(api.url))
    values = [value for frame, _ in walk_tb(failed.__traceback__) for value in frame.f_locals.values()]
    assert [type(each) for each in values if isinstance(each, outbound.Reply)] == []
    assert sum(len(each) for each in values if isinstance(each, bytes)) < 10_000
    assert failed.__context__ is None


async def test_a_closed_source_is_unavailable() -> None:
    async with query_api() as api:
        one = source(api.url)
        await one.query("up", AT)
        await one.close()
        failed = await failure(one)
    assert isinstance(failed, Unavailable)
    assert "was closed" in str(failed)
    await source("http://127.0.0.1:1").close()


async def test_closing_ends_what_hangs() -> None:
    async with query_api(lambda asked: Reply(hang=True)) as api:
        one = source(api.url)
        hanging = asyncio.create_task(one.query("up", AT))
        while not api.asked:
            await asyncio.sleep(0.01)
        await one.close()
        with pytest.raises(Unavailable):
            await hanging


def test_a_url_that_cannot_be_read_is_not_shown() -> None:
    """The configuration refuses it; a source made without that check must not fall over it."""
    shown, at = prometheus._addresses("http://[me:s3cret@")
    assert (shown, at("/api/v1/query")) == ("an address that cannot be read", "http://[me:s3cret@")


# --- TLS ---


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    client = authority.issue_cert("hbalert@example.com")
    client.private_key_pem.write_to_path(str(folder / "key.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server for 127.0.0.1 that asks its clients for a certificate too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_tls_with_an_authority_and_a_certificate_of_ones_own(
    files: Path, server_tls: ssl.SSLContext
) -> None:
    async with query_api(tls=server_tls) as api:
        one = source(
            api.url,
            ca_file=files / "ca.pem",
            client_cert=files / "cert.pem",
            client_key=files / "key.pem",
        )
        assert await one.query("up", AT) == Answer(())
        await one.close()


async def test_a_certificate_nobody_vouches_for_is_not_trusted(server_tls: ssl.SSLContext) -> None:
    async with query_api(tls=server_tls) as api:
        failed = await failure(source(api.url))
    assert isinstance(failed, Unavailable)
    assert "certificate" in str(failed)
    assert api.asked == []


async def test_a_certificate_file_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    failed = await failure(source("https://127.0.0.1:1", ca_file=tmp_path / "ca.pem"))
    assert isinstance(failed, Unavailable)
    assert "certificate files cannot be used" in str(failed)


# --- many at once ---


async def test_a_source_runs_no_more_queries_at_once_than_it_may_whoever_asks() -> None:
    release = asyncio.Event()

    async with query_api(lambda asked: Reply(hang=True, body=vector().body)) as api:
        api.go_on = release
        one = source(api.url, concurrency=2, batch=False)
        tasks = [asyncio.create_task(one.query_many([f"a{n}", f"b{n}", f"c{n}"], AT)) for n in range(3)]
        while len(api.asked) < 2:
            await asyncio.sleep(0.01)
        release.set()
        await asyncio.gather(*tasks)
        await one.close()
    assert len(api.asked) == 9
    assert api.most_running == 2


@pytest.mark.parametrize("batch", [True, False])
async def test_batches_can_be_switched_off(batch: bool) -> None:
    async with query_api() as api:
        one = source(api.url, batch=batch)
        assert await one.query_many(["a", "b", "c"], AT) == [Answer(())] * 3
        await one.close()
    assert len(api.asked) == (1 if batch else 3)


async def test_each_expression_of_a_round_gets_an_answer_or_a_reason() -> None:
    def answer(asked: Asked) -> Reply:
        if "bad" in asked.query or "histogram_count" in asked.query:
            return error(422, "execution", "duplicate series")
        found = [({"__hbalert_rule__": "0"}, "1")] if "hbalert_rule" in asked.query else [({}, "2")]
        return vector(*found)

    async with query_api(answer) as api:
        one = source(api.url)
        good, bad = await one.query_many(["good", "bad"], AT)
        await one.close()
    assert good == Answer((Sample(Labels(), 1.0),))
    assert isinstance(bad, BadQuery)
    assert f"source main ({api.url}): it refuses the query: duplicate series" == str(bad)


async def test_a_query_that_is_given_up_leaves_room_for_the_next() -> None:
    """Cancelling (a stop, a reload) must not use up one of the few places."""

    def hang(asked: Asked) -> Reply:
        return Reply(hang=asked.query == "slow", body=vector().body)

    async with query_api(hang) as api:
        one = source(api.url, concurrency=1)
        slow = asyncio.create_task(one.query("slow", AT))
        while not api.asked:
            await asyncio.sleep(0.01)
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert await one.query("fast", AT) == Answer(())
        await one.close()
