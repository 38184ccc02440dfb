"""The certificate of our port follows its files.

Knows when to look at the files and what happens when they are no good: the port goes on with what it
had. Must not know how TLS is made of them (`tls.py`) or spoken (`connections.py`). Certificates are renewed
by other programs, which write two files one after the other and do not always tell anybody.
"""

from __future__ import annotations

import ssl

import structlog

from hbalert import tls
from hbalert.metrics import Metrics

log = structlog.get_logger("hbalert.api")


class Renewal:
    """What the port is served with.

    context  for new connections
    problem  why the files that are there now are not used; "" when they are
    """

    def __init__(self, files: tls.Files, metrics: Metrics) -> None:
        """The first certificate. Raises tls.Unusable."""
        self.problem = ""
        self._metrics = metrics
        self._marks: tuple[object, ...] = ()
        self.context = self._load(files)

    def look(self, files: tls.Files) -> bool:
        """Takes the files over when they have changed since the last look; whether they had."""
        try:
            marks = files.marks()
        except OSError as error:
            marks = (error.filename, error.errno)
        if marks == self._marks:
            return False
        try:
            self.context = self._load(files)
        except tls.Unusable as error:
            self._marks = marks  # said once, not each minute
            self.problem = f"tls_{error.which}: {error}"
            log.error("certificate_refused", files=[str(files.cert), str(files.key)], error=self.problem)
        return True

    def _load(self, files: tls.Files) -> ssl.SSLContext:
        try:
            marks = files.marks()
        except OSError as error:
            raise tls.Unusable("cert", f"{error.filename}: {error.strerror}") from None
        identity = tls.load(files)
        self._marks, self.problem = marks, ""
        until = identity.certificate.not_after
        self._metrics.certificate_ends(str(files.cert), until)
        log.info("certificate", file=str(files.cert), until=until.isoformat())
        return identity.context
