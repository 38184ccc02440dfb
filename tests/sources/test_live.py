"""`check --live`: what a real Prometheus says of the rules, and servers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from hbalert.clock import SystemClock
from hbalert.config.document import Document, read
from hbalert.config.findings import Finding, Severity
from hbalert.sources.live import ask_sources
from tests.config.folder import MAIN, config
from tests.fakes.prometheus import with_history

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"

Answer = Callable[[str, dict[str, list[str]], dict[str, str]], tuple[int, bytes]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on loopback whose answers a test decides: (path, parameters, headers) -> status, body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = answer(parts.path, parse_qs(parts.query), headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # whoever asked has not waited
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def success(data: object) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "success", "data": data}).encode()


def healthy(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
    """One metric, `up`, with the label `job`."""
    if path == "/api/v1/label/__name__/values":
        return success(["up"])
    if path == "/api/v1/labels":
        assert parameters["match[]"] == ['{__name__="up"}']
        return success(["__name__", "job"])
    if path == "/api/v1/query_range":
        return success({"resultType": "matrix", "result": []})
    assert path == "/api/v1/query"
    # Whatever is counted is there; no condition holds.
    found = [{"metric": {}, "value": [0, "1"]}] if parameters["query"][0].startswith("count(") else []
    return success({"resultType": "vector", "result": found})


def rules(*exprs: str) -> str:
    lines = ['[[groups]]\nname = "g"']
    lines += [f"[[groups.rules]]\nalert = \"A{n}\"\nexpr = '''{expr}'''" for n, expr in enumerate(exprs)]
    return "\n".join(lines) + "\n"


def asked(folder: Path, url: str, *exprs: str, more: str = "") -> list[Finding]:
    """What the source at `url` makes of these expressions. The first rule stands in line 3."""
    main = MAIN.replace("http://127.0.0.1:9090", url).replace("[route]", f"{more}\n[route]")
    made = config(folder, {"config.toml": main, "rules/a.toml": rules(*exprs)})
    document, _ = read(folder / "config.toml", "config.toml")
    return ask_sources(made, document or Document("config.toml"), SystemClock()).findings


@pytest.mark.prometheus
async def test_a_real_prometheus_is_asked_what_it_has(tmp_path: Path) -> None:
    """An unknown metric, a counter without _total, labels that no series has, what the server refuses."""
    now = int(SystemClock().now().timestamp())
    history = [
        f'orders_total{{bot="a",outcome="created"}} {value} {now - age}' for value, age in ((1, 60), (2, 5))
    ]
    exprs = [
        'rate(orders_total{outcome="created"}[5m]) == 0',
        "rate(orders[5m]) == 0",
        "rate(order_totals[5m]) == 0",
        'rate(orders_total{outcmoe="created"}[5m]) == 0',
        "sum by (bto) (rate(orders_total[5m])) == 0",
        "absent(nothing_of_the_kind)",
        'orders_total{bot!="x",other=""} > 0',
        "rate(orders_total[5m]) keep_metric_names",
        "holt_winters(orders_total[5m], 0.5, 0.5) < 0",
    ]
    async with with_history(history, tmp_path) as prometheus:
        found = await asyncio.to_thread(asked, tmp_path / "c", prometheus.url, *exprs)
    assert [(each.key, each.code, each.severity) for each in found] == [
        ("A1.expr", "counter-name", Severity.WARNING),
        ("A2.expr", "unknown-metric", Severity.WARNING),
        ("A3.expr", "unknown-label", Severity.WARNING),
        ("A4.expr", "unknown-label", Severity.WARNING),
        ("A7.expr", "refused", Severity.ERROR),
    ]
    remedies = [each.instead for each in found]
    assert "write orders_total" in remedies[0]
    assert 'did you mean "orders_total"?' in remedies[1]
    assert 'did you mean "outcome"?' in remedies[2]
    assert 'did you mean "bot"?' in remedies[3]
    assert "keep_metric_names" in found[4].what
    assert [each.line for each in found] == [7, 10, 13, 16, 25]


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    with serving(healthy) as url:
        assert asked(tmp_path, url, 'up{job="a"} == 0', "sum by (job) (up) < 1", "vector(time()) > 0") == []


def test_credentials_and_headers_go_to_the_source_and_nowhere_else(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(headers)
        return healthy(path, parameters, headers)

    more = 'headers = { X-Scope-OrgID = "t" }\nbasic_auth = { username = "u", password = "S3CRET" }'
    with serving(answer) as url:
        assert asked(tmp_path, url, "up == 0", more=more) == []
    assert {each["x-scope-orgid"] for each in seen} == {"t"}
    assert {base64.b64decode(each["authorization"].split()[1]) for each in seen} == {b"u:S3CRET"}
    with serving(answer) as url:
        asked(tmp_path, url, "up == 0", more='bearer_token = "S3CRET"')
    assert seen[-1]["authorization"] == "Bearer S3CRET"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(500, b"", "HTTP status 500", id="it fails"),
        pytest.param(401, b"S3CRET", "HTTP status 401", id="it wants to know who asks"),
        pytest.param(200, b"<html>", "no Prometheus", id="it is something else"),
        pytest.param(200, b'{"data": 5}', "no Prometheus", id="it answers nonsense"),
        pytest.param(200, b"{}", "no Prometheus", id="it answers nothing"),
        pytest.param(200, b"[" * 200_000, "no Prometheus", id="it answers deeper than can be read"),
        pytest.param(
            302, b"", "HTTP status 302", id="it sends us elsewhere, which the daemon does not follow"
        ),
    ],
)
def test_a_source_that_answers_badly_is_one_finding(
    tmp_path: Path, status: int, body: bytes, says: str
) -> None:
    with serving(lambda path, parameters, headers: (status, body)) as url:
        (found,) = asked(tmp_path, url, "up == 0", "up == 1")
    assert says in found.what
    assert (found.file, found.line, found.key) == ("config.toml", 2, "sources.main.url")
    assert (found.code, found.severity) == ("source-down", Severity.ERROR)
    assert "S3CRET" not in str(found)


def test_a_source_that_nobody_is_at_is_one_finding(tmp_path: Path) -> None:
    (found,) = asked(tmp_path, "http://127.0.0.1:1", "up == 0", "up == 1")
    assert "nobody answers there" in found.what


def test_a_source_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    released = threading.Event()

    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        released.wait(20)
        return 200, b"{}"

    clock = SystemClock()
    begun = clock.monotonic()
    with serving(answer) as url:
        try:
            (found,) = asked(tmp_path, url, "up == 0", "up == 1", more='timeout = "300ms"')
        finally:
            released.set()
    assert "in time" in found.what
    assert timedelta(seconds=clock.monotonic() - begun) < timedelta(seconds=10)


@contextmanager
def endless(begin: bytes, piece: bytes, every: float) -> Iterator[str]:
    """A server that begins an answer and goes on with it until nobody reads any more."""
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not over.wait(every):
                connection.sendall(piece)

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()


@pytest.mark.parametrize(
    ("begin", "piece", "every", "says"),
    [
        pytest.param(OK, b" ", 0.05, "in time", id="it drips"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.05, "in time", id="it drips before it begins"),
        pytest.param(OK, b" " * 65536, 0, "32 MiB", id="it pours"),
    ],
)
def test_a_source_whose_answer_has_no_end_is_one_finding(
    tmp_path: Path, begin: bytes, piece: bytes, every: float, says: str
) -> None:
    seconds = "10s" if "MiB" in says else "500ms"
    clock = SystemClock()
    begun = clock.monotonic()
    with endless(begin, piece, every) as url:
        (found,) = asked(tmp_path, url, "up == 0", "up == 1", more=f'timeout = "{seconds}"')
    assert (says in found.what, found.code) == (True, "source-down")
    assert timedelta(seconds=clock.monotonic() - begun) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param([5, None, "x"], id="what are no series"),
        pytest.param([{"metric": {"job": [1], "a": {}}, "value": [None, {}]}], id="labels that are no texts"),
        pytest.param([{"metric": [], "values": [[1e999, "1"]]}], id="a time that is none"),
        pytest.param([{"metric": {}, "values": "12"}], id="values that are none"),
        pytest.param({"a": 1}, id="no list"),
    ],
)
def test_answers_of_the_wrong_types_break_nothing(tmp_path: Path, result: object) -> None:
    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        if path.startswith("/api/v1/query"):
            return success({"resultType": "vector", "result": result})
        if path in ("/api/v1/metadata", "/api/v1/targets"):
            return success({"up": [{"type": {}}], "activeTargets": [{"labels": {"job": []}}]})
        return healthy(path, parameters, headers)

    with serving(answer) as url:
        found = asked(tmp_path, url, "rate(up[1m]) > 0", "up == 0")
    assert {each.code for each in found} <= {"source-down", "unknown-value"}


def test_a_metric_that_is_too_large_to_be_looked_through_stops_nothing(tmp_path: Path) -> None:
    released = threading.Event()

    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        query = parameters.get("query", [""])[0]
        if "last_over_time" in query:
            released.wait(20)
        if path == "/api/v1/query" and query.startswith("count("):
            return success({"resultType": "vector", "result": []})
        return healthy(path, parameters, headers)

    with serving(answer) as url:
        try:
            found = asked(tmp_path, url, 'up{job="a"} == 0', "upp == 0", more='timeout = "300ms"')
        finally:
            released.set()
    assert [each.code for each in found] == ["unknown-metric"]


def test_what_a_source_refuses_is_told_in_its_own_words_on_one_line(tmp_path: Path) -> None:
    words = '1:3: it\'s "no" metric\\ 订单\nof mine'

    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        if path == "/api/v1/query":
            reply = {"status": "error", "errorType": "bad_data", "error": words}
            return 400, json.dumps(reply, ensure_ascii=False).encode()
        return healthy(path, parameters, headers)

    with serving(answer) as url:
        (found,) = asked(tmp_path, url, "up == 0")
    assert found.code == "refused"
    assert '1:3: it\'s "no" metric\\ 订单 of mine' in found.what
    assert "\n" not in str(found)


def test_a_source_that_ends_in_the_middle_is_said_once_and_what_was_found_is_kept(tmp_path: Path) -> None:
    asks = 0

    def answer(path: str, parameters: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, bytes]:
        nonlocal asks
        asks += path == "/api/v1/query"
        return healthy(path, parameters, headers) if asks < 2 else (503, b"")

    with serving(answer) as url:
        found = asked(tmp_path, url, "upp == 0", "up == 1", "up == 2")
    assert [each.code for each in found] == ["unknown-metric", "source-down"]
