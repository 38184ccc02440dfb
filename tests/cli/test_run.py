"""`hbalert run` as a process: signals at any moment, reload, a certificate that is renewed."""

from __future__ import annotations

import json
import random
import signal
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from hbalert.certificate import der
from tests.cli.process import running, until
from tests.config.folder import write
from tests.fakes.authority import Authority

MAIN = """\
[server]
listen = "127.0.0.1:0"

[evaluation]
rules = []

[route]
receiver = "ops_log"
group_wait = "1s"
"""

BROKEN = MAIN.replace("ops_log", "nobody")


def start(folder: Path, text: str = MAIN) -> Path:
    return write(folder, {"config.toml": text})


def ask(url: str, data: bytes | None = None, trust: ssl.SSLContext | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, data, method="GET" if data is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=30, context=trust) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def alerts(url: str, trust: ssl.SSLContext | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(f"{url}/api/v2/alerts", trust=trust)[1])
    return found


# --- signals -----------------------------------------------------------------------------------


def test_a_stop_is_clean(tmp_path: Path) -> None:
    with running(start(tmp_path)) as daemon:
        daemon.ready()
        assert daemon.stop() == 0
        assert daemon.lines("stopped")


@pytest.mark.parametrize("seed", range(3))
def test_a_reload_that_comes_before_it_is_ready_is_done_after_the_start(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    with running(start(tmp_path)) as daemon:
        until(lambda: daemon.catches(signal.SIGHUP), "it stands")
        time.sleep(draw.uniform(0, 0.4))
        early = not daemon.lines("ready")
        daemon.send(signal.SIGHUP)
        daemon.logged("reloaded")
        order = [line["event"] for line in daemon.lines()]
        assert order.index("ready") < order.index("reloaded"), f"sent early: {early}"
        assert daemon.stop() == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_a_stop_at_any_early_moment_is_clean(tmp_path: Path, number: signal.Signals, seed: int) -> None:
    draw = random.Random(seed)
    with running(start(tmp_path)) as daemon:
        until(lambda: daemon.catches(signal.SIGHUP), "it stands")
        time.sleep(draw.uniform(0, 0.4))
        daemon.send(signal.SIGHUP)
        daemon.send(number)
        assert daemon.end() == 0
        assert "Traceback" not in daemon.log.read_text("utf-8")
    with running(start(tmp_path)) as again:  # nothing was left half-made
        again.ready()
        assert again.lines("store_repaired") == []
        assert again.stop() == 0


def test_reloads_while_it_stops_do_not_end_it_otherwise(tmp_path: Path) -> None:
    with running(start(tmp_path)) as daemon:
        daemon.ready()
        daemon.send(signal.SIGTERM)
        while daemon.catches(signal.SIGHUP):
            daemon.send(signal.SIGHUP)
            time.sleep(0.005)
        assert daemon.end() == 0


# --- reload ------------------------------------------------------------------------------------


def refused(url: str, trust: ssl.SSLContext | None = None) -> list[str]:
    """The parts that are refused now, by our own alerts."""
    found = [each["labels"] for each in alerts(url, trust)]
    return [labels["part"] for labels in found if labels["alertname"] == "HbalertReloadFailed"]


def test_a_refused_configuration_is_answered_told_and_over_with_the_next_good_one(tmp_path: Path) -> None:
    path = start(tmp_path)
    with running(path) as daemon:
        url = daemon.ready()
        path.write_text(BROKEN)
        code, text = ask(f"{url}/-/reload", b"")
        assert code == 400
        assert f'{path}:8: route.receiver: there is no receiver "nobody"' in text
        assert refused(url) == ["configuration"]
        (alert,) = alerts(url)
        assert "there is no receiver" in alert["annotations"]["description"]
        daemon.logged("notification")  # routed and told like any other
        daemon.send(signal.SIGHUP)  # by signal it is the same alert, still
        daemon.logged("reload_refused", 2)
        assert refused(url) == ["configuration"]
        path.write_text(MAIN)
        assert ask(f"{url}/-/reload", b"") == (200, "reloaded\n")
        until(lambda: refused(url) == [], "the alert is over")
        assert daemon.stop() == 0


def test_that_alert_does_not_outlive_a_restart_with_a_good_configuration(tmp_path: Path) -> None:
    path = start(tmp_path)
    with running(path) as daemon:
        url = daemon.ready()
        path.write_text(BROKEN)
        ask(f"{url}/-/reload", b"")
        assert refused(url) == ["configuration"]
        daemon.stop()
    path.write_text(MAIN)
    with running(path) as daemon:
        assert refused(daemon.ready()) == []


def test_what_only_a_restart_changes_is_said(tmp_path: Path) -> None:
    path = start(tmp_path)
    with running(path) as daemon:
        daemon.ready()
        path.write_text(MAIN.replace("127.0.0.1:0", "127.0.0.1:1"))
        daemon.send(signal.SIGHUP)
        assert daemon.logged("restart_needed")[0]["changed"] == ["server.listen"]


# --- TLS ---------------------------------------------------------------------------------------


def shown(url: str, authority: Authority) -> bytes:
    """The certificate that the daemon shows."""
    address = url.removeprefix("https://").split(":")
    return ssl.PEM_cert_to_DER_cert(
        ssl.get_server_certificate((address[0], int(address[1])), ca_certs=str(authority.pem), timeout=30)
    )


def test_a_certificate_is_renewed_by_reload_and_a_broken_pair_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("a")
    path = start(tmp_path, MAIN.replace(':0"\n', ':0"\ntls_cert = "a.pem"\ntls_key = "a.key"\n'))
    trust = ssl.create_default_context(cafile=authority.pem)
    with running(path) as daemon:
        url = daemon.ready()
        assert url.startswith("https://")
        assert ask(f"{url}/-/healthy", trust=trust) == (200, "OK")
        first = der(files.cert.read_bytes())
        assert shown(url, authority) == first

        authority.issue("a")
        second = der(files.cert.read_bytes())
        daemon.send(signal.SIGHUP)
        daemon.logged("certificate", 2)
        until(lambda: shown(url, authority) == second != first, "the new certificate is shown")

        good = files.key.read_bytes()
        files.key.write_bytes(authority.issue("b").key.read_bytes())
        code, text = ask(f"{url}/-/reload", b"", trust)
        assert code == 400
        assert f"server.tls_key: {files.key}: it does not belong to the certificate" in text
        assert refused(url, trust) == ["configuration"]
        assert shown(url, authority) == second

        files.key.write_bytes(good)
        assert ask(f"{url}/-/reload", b"", trust)[0] == 200
        until(lambda: refused(url, trust) == [], "the alert is over")
        assert daemon.stop() == 0
