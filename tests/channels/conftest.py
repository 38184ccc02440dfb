"""Certificates: an authority of the test's own, and servers that it vouches for."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ca_file` is set to, to trust the servers of these tests."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for 127.0.0.1."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def elsewhere_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The same with a certificate for another host."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mail.example.net").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def mutual_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server that asks its clients for a certificate too."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="session")
def client_cert(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client's certificate and key in one file."""
    path = tmp_path_factory.mktemp("client") / "client.pem"
    authority.issue_cert("hbalert@example.com").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path
