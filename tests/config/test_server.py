"""[server] and [[tokens]]: which addresses need what, and which certificates are worth a word."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hbalert.config.findings import Finding, Severity
from hbalert.config.load import check
from hbalert.config.types import Limits
from tests.config.folder import MAIN, config, write
from tests.fakes.authority import Authority

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOKEN = f'[[tokens]]\nname = "a"\nrole = "read"\nhash = "sha256:{"0" * 64}"\n'
TLS = 'tls_cert = "a.pem"\ntls_key = "a.key"\n'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def found(folder: Path, server: str, more: str = "", environ: dict[str, str] | None = None) -> list[Finding]:
    """What is said about this [server]."""
    path = write(folder, {"config.toml": f"{MAIN}[server]\n{server}{more}"})
    return check(path, environ or {}, NOW)[1]


@pytest.mark.parametrize(
    ("server", "more", "codes"),
    [
        pytest.param('listen = "127.0.0.1:1"\n', "", [], id="this machine only: nothing is needed"),
        pytest.param('listen = "unix:/run/x"\n', "", [], id="a socket file: nothing is needed"),
        pytest.param('listen = "0.0.0.0:1"\n', "", ["insecure"], id="others without tokens: refused"),
        pytest.param('listen = "0.0.0.0:1"\ninsecure = true\n', "", [], id="the same, as it is meant"),
        pytest.param('listen = "0.0.0.0:1"\n', TOKEN, ["insecure"], id="tokens in clear text: a warning"),
        pytest.param('listen = "0.0.0.0:1"\ninsecure = true\n', TOKEN, [], id="the same, as it is meant so"),
        pytest.param('listen = "0.0.0.0:1"\n' + TLS, TOKEN, [], id="tokens over TLS"),
        pytest.param('listen = "0.0.0.0:1"\n' + TLS, "", ["insecure"], id="TLS alone lets everybody in"),
        pytest.param(
            'listen = "0.0.0.0:1"\n' + TLS + 'tls_client_ca = "ca.pem"\n',
            "",
            [],
            id="certificates of clients",
        ),
        pytest.param('listen = "127.0.0.1:1"\n' + TLS, "", [], id="TLS on this machine"),
    ],
)
def test_what_an_address_needs(
    tmp_path: Path, authority: Authority, server: str, more: str, codes: list[str]
) -> None:
    authority.issue("a", not_after=NOW + timedelta(days=90))
    assert [each.code for each in found(tmp_path, server, more)] == codes


def test_only_what_lets_everybody_in_is_refused(tmp_path: Path) -> None:
    (refused,) = found(tmp_path, 'listen = "0.0.0.0:1"\n')
    (warned,) = found(tmp_path, 'listen = "0.0.0.0:1"\n', TOKEN)
    assert (refused.severity, warned.severity) == (Severity.ERROR, Severity.WARNING)
    assert "hbalert token new" in refused.instead
    assert "tls_cert" in warned.instead


def test_half_of_a_pair_is_found(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a")
    (one,) = found(tmp_path, 'tls_cert = "a.pem"\n')
    assert (one.line, one.key, one.code) == (7, "server.tls_cert", "missing")
    assert one.what == "tls_key is missing"
    (other,) = found(tmp_path, 'tls_key = "a.key"\n')
    assert other.what == "tls_cert is missing"
    clients = found(tmp_path, 'tls_client_ca = "ca.pem"\n')
    assert [each.what for each in clients] == ["tls_cert is missing", "tls_key is missing"]


def test_a_socket_file_does_not_speak_tls(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a")
    (one,) = found(tmp_path, 'listen = "unix:/run/x"\n' + TLS)
    assert one.severity is Severity.ERROR
    assert "remove tls_cert and tls_key" in one.instead


def test_a_file_that_does_not_exist_is_found_once(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a")
    (one,) = found(tmp_path, 'tls_cert = "a.pem"\ntls_key = "none.key"\n')
    assert (one.line, one.key) == (8, "server.tls_key")
    assert "none.key" in one.what


def test_a_pair_is_tried_and_the_bad_file_named(tmp_path: Path, authority: Authority) -> None:
    a, b = authority.issue("a"), authority.issue("b")
    a.key.write_bytes(b.key.read_bytes())
    (one,) = found(tmp_path, TLS)
    assert (one.severity, one.line, one.key, one.code) == (Severity.ERROR, 8, "server.tls_key", "certificate")
    assert one.what == f"{a.key}: it does not belong to the certificate"


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        pytest.param(NOW - timedelta(hours=1), "ended at 2026-10-31 23:00", id="over"),
        pytest.param(NOW + timedelta(days=13, hours=1), "ends in 13 days", id="soon"),
    ],
)
def test_a_certificate_that_ends_is_a_warning(
    tmp_path: Path, authority: Authority, ends: datetime, says: str
) -> None:
    authority.issue("a", not_after=ends)
    (one,) = found(tmp_path, TLS)
    assert (one.severity, one.key) == (Severity.WARNING, "server.tls_cert")
    assert says in one.what


def test_a_key_that_everybody_can_read_is_a_warning(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a", not_after=NOW + timedelta(days=90)).key.chmod(0o644)
    (one,) = found(tmp_path, TLS)
    assert (one.severity, one.key, one.code) == (Severity.WARNING, "server.tls_key", "loose-secret")
    assert one.instead.startswith("chmod o-r ")


@pytest.mark.parametrize(
    ("server", "key"),
    [
        pytest.param('listen = "127.0.0.1:9097"\n', "", id="the address is in it"),
        pytest.param('listen = "127.0.0.2:9097"\n', "listen", id="the address is not in it"),
        pytest.param('listen = "0.0.0.0:1"\ninsecure = true\n', "", id="all addresses: no name to look for"),
        pytest.param('external_url = "https://alerts.lan:9097"\n', "external_url", id="our URL is not in it"),
        pytest.param('external_url = "https://localhost:9097/x"\n', "", id="our URL is in it"),
        pytest.param('external_url = "https://alerts.example.com"\n', "", id="the URL of a proxy"),
    ],
)
def test_clients_have_to_find_the_name_they_used(
    tmp_path: Path, authority: Authority, server: str, key: str
) -> None:
    authority.issue("a", not_after=NOW + timedelta(days=90))
    codes = [(each.key, each.code) for each in found(tmp_path, server + TLS)]
    assert codes == ([(f"server.{key}", "certificate")] if key else [])


def test_links_follow_the_scheme(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a")
    made = config(tmp_path, {"config.toml": f"{MAIN}[server]\n{TLS}"})
    assert made.server.external_url == "https://127.0.0.1:9097"


def test_a_certificate_may_be_among_the_credentials_of_systemd(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "credentials").mkdir()
    for name in ("a.pem", "a.key"):
        authority.issue("a", not_after=NOW + timedelta(days=90))
        (tmp_path / name).rename(tmp_path / "credentials" / name)
    (tmp_path / "a.pem").unlink()
    Authority(tmp_path / "credentials").issue("a", not_after=NOW + timedelta(days=90))
    assert found(tmp_path, TLS, environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+08:00", datetime(2027, 1, 31, 4, tzinfo=UTC)),
        ('"2027-01-31T12:00:00Z"', datetime(2027, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_token_expires_at_a_moment(tmp_path: Path, written: str, meant: datetime) -> None:
    made = config(tmp_path, {"config.toml": f"{MAIN}{TOKEN}expires = {written}\n"})
    assert made.tokens[0].expires == meant


@pytest.mark.parametrize("written", ["5", '"soon"', "12:00:00", "true", "[]"])
def test_what_is_no_moment_is_explained(tmp_path: Path, written: str) -> None:
    (one,) = found(tmp_path, TOKEN.replace("[[tokens]]", "\n[[tokens]]"), f"expires = {written}\n")
    assert one.key == "tokens[0].expires"
    assert "2027-01-31" in one.instead


@pytest.mark.parametrize(("expires", "says"), [("2026-10-31", "has expired"), ("2026-11-10", "expires soon")])
def test_a_token_that_is_over_is_a_warning(tmp_path: Path, expires: str, says: str) -> None:
    (one,) = found(tmp_path, "", f"{TOKEN}expires = {expires}\n")
    assert (one.severity, one.line, one.code) == (Severity.WARNING, 11, "expired")
    assert says in one.what


def test_limits_are_settings(tmp_path: Path) -> None:
    text = f"{MAIN}[server.limits]\nalerts = 5\nbody_bytes = 2000\n"
    assert config(tmp_path, {"config.toml": text}).server.limits == Limits(alerts=5, body_bytes=2000)


@pytest.mark.parametrize("limit", list(Limits.model_fields))
def test_every_limit_refuses_nonsense(tmp_path: Path, limit: str) -> None:
    for value in ("0", "-1", '"many"', "nan", "inf", "[]"):
        (one,) = found(tmp_path, "", f"[server.limits]\n{limit} = {value}\n")
        assert one.key == f"server.limits.{limit}"
        assert one.instead


def test_the_page_lists_every_limit_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs/security.md").read_text("utf-8")
    written = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    defaults = {name: f"{value:.12g}" for name, value in Limits().model_dump().items()}
    assert written == defaults
