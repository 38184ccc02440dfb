"""Which files make a server, and which are refused, with the file that is to blame."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from hbalert.tls import Files, Unusable, load
from tests.fakes.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_certificate_and_its_key_make_a_server(authority: Authority) -> None:
    made = load(authority.issue("a", "alerts.lan"))
    assert made.certificate.names == ("alerts.lan",)
    assert made.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert made.context.verify_mode is ssl.CERT_NONE
    assert not made.key_is_loose


def test_only_ciphers_with_forward_secrecy_and_authentication_are_left(authority: Authority) -> None:
    names = {each["name"] for each in load(authority.issue("a")).context.get_ciphers()}
    assert names
    assert all(
        name.startswith(("TLS_", "ECDHE-")) and ("GCM" in name or "POLY1305" in name) for name in names
    )


def test_authorities_of_clients_make_their_certificates_necessary(authority: Authority) -> None:
    files = authority.issue("a")
    made = load(Files(files.cert, files.key, authority.pem))
    assert made.context.verify_mode is ssl.CERT_REQUIRED


def test_a_key_that_everybody_can_read_is_seen(authority: Authority) -> None:
    files = authority.issue("a")
    files.key.chmod(0o644)
    assert load(files).key_is_loose


def lock(key: Path) -> None:
    """Puts a password on a key, as `openssl pkey -aes256` does."""
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


SPOILT: list[tuple[str, Callable[[Files], object], str, str]] = [
    ("no certificate", lambda f: f.cert.unlink(), "cert", "does not exist"),
    ("no key", lambda f: f.key.unlink(), "key", "does not exist"),
    ("an empty certificate", lambda f: f.cert.write_bytes(b""), "cert", "no certificate in PEM form"),
    (
        "the key for the certificate",
        lambda f: f.cert.write_bytes(f.key.read_bytes()),
        "cert",
        "no certificate",
    ),
    (
        "the certificate for the key",
        lambda f: f.key.write_bytes(f.cert.read_bytes()),
        "key",
        "no private key",
    ),
    ("half a certificate", lambda f: f.cert.write_bytes(f.cert.read_bytes()[:200]), "cert", "no certificate"),
    ("half a key", lambda f: f.key.write_bytes(f.key.read_bytes()[:80]), "key", "OpenSSL does not take it"),
    ("a locked key", lambda f: lock(f.key), "key", "locked with a password"),
    ("a folder", lambda f: replace(f.key, Path.mkdir), "key", "no file"),
    ("a pipe", lambda f: replace(f.cert, os.mkfifo), "cert", "no file"),
    ("a huge file", lambda f: f.cert.write_bytes(b"x" * (2 << 20)), "cert", "larger than"),
]


@pytest.mark.parametrize(
    ("spoil", "which", "says"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT]
)
def test_the_file_that_is_to_blame_is_named(
    authority: Authority, spoil: Callable[[Files], object], which: str, says: str
) -> None:
    files = authority.issue("a")
    spoil(files)
    with pytest.raises(Unusable, match=says) as caught:
        load(files)
    assert caught.value.which == which


def test_the_key_of_another_certificate_is_to_blame(authority: Authority) -> None:
    a, b = authority.issue("a"), authority.issue("b")
    with pytest.raises(Unusable, match="does not belong to the certificate") as caught:
        load(Files(a.cert, b.key))
    assert caught.value.which == "key"


def test_authorities_that_are_none_are_to_blame(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("a")
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(Unusable, match="holds no certificates") as caught:
        load(Files(files.cert, files.key, tmp_path / "empty.pem"))
    assert caught.value.which == "client_ca"


def test_every_change_of_a_file_is_seen(authority: Authority) -> None:
    files = authority.issue("a")
    seen = {files.marks()}
    assert files.marks() in seen
    files.key.chmod(0o640)
    assert files.marks() not in seen
    seen.add(files.marks())
    authority.issue("a")
    assert files.marks() not in seen
