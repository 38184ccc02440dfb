"""A certificate authority of a test, and the files that a server or a client is given."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import trustme

from hbalert.tls import Files


class Authority:
    """Signs certificates into files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._folder = folder
        self.pem = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.pem))

    def issue(self, name: str, *hosts: str, not_after: datetime | None = None) -> Files:
        """A certificate for these hosts, in NAME.pem and NAME.key; written over what stands there."""
        made = self._ca.issue_cert(*(hosts or ("localhost", "127.0.0.1")), not_after=not_after)
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        key.chmod(0o600)
        return Files(cert, key)

    def client(self, name: str) -> Path:
        """A client's certificate and key in one file."""
        files = self.issue(name, f"{name}@example.com")
        files.cert.write_bytes(files.cert.read_bytes() + files.key.read_bytes())
        return files.cert
