"""The guard: whether a request may come in, before anything of it is looked at.

Knows tokens in force, what is answered to whoever has none, and pages of others in a browser. Must not
know paths or what they are for. Whoever has no token learns nothing from the answer: not whether the path
exists, which methods it knows, nor how near the token was. The door asks it first (`door.py`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import Scope

from hbalert.api.audit import Audit
from hbalert.api.auth import ANY, OPEN, Gate, Verdict
from hbalert.api.body import header
from hbalert.api.door import READS
from hbalert.api.refusal import Refusal, Unwelcome
from hbalert.engine import Engine


class Guard:
    """One for all paths: it sees a new configuration at the next request."""

    def __init__(self, engine: Engine, audit: Audit) -> None:
        self._engine = engine
        self._audit = audit
        self._tokens: object = None
        self._gate = Gate(())

    def admit(self, scope: Scope, role: str) -> str:
        """Lets the request pass; the name of its token, "" when none is needed. Raises Refusal."""
        tokens = self._engine.config.tokens
        if tokens is not self._tokens:
            self._tokens, self._gate = tokens, Gate(tokens)
        name = "" if self._gate.open else self._check(scope, role)
        if role not in (OPEN, ANY) and scope["method"] not in READS:
            self._check_origin(scope)
        return name

    def _check(self, scope: Scope, role: str) -> str:
        sent: bytes = scope["heads"].get(b"authorization", b"")
        bearer = self._gate.check(sent, role, self._engine.clock.now())
        if bearer.verdict is Verdict.ALLOWED:
            return bearer.name
        self._audit.refused(scope, bearer.verdict.value, bearer.name)
        if bearer.verdict is Verdict.FORBIDDEN:
            raise Unwelcome(403, f"the role of this token does not allow this; it needs {role!r} or 'admin'")
        raise Unwelcome(
            401,
            "a token is needed: send the header Authorization: Bearer TOKEN "
            "(`hbalert token new` makes one), or the token as password of basic authentication",
            {"WWW-Authenticate": 'Bearer realm="hbalert", Basic realm="hbalert", charset="UTF-8"'},
        )

    def _check_origin(self, scope: Scope) -> None:
        """A page of somebody else, open in a browser on this machine, must not change anything here.

        Browsers name the page's origin on every request that changes something; programs send none.
        The origin has to be ours, and ours has to be an address, localhost or the configured external
        URL: otherwise a name whose DNS points here would be enough.
        """
        origin = header(scope, b"origin")
        if not origin:
            return
        host = header(scope, b"host")
        external = urlsplit(self._engine.config.server.external_url).netloc
        try:
            parts = urlsplit(origin)
            ours = parts.netloc == host or parts.netloc == external
            name = parts.hostname or ""
        except ValueError:
            ours, name = False, ""
        known = name == "localhost" or _is_address(name) or parts.netloc == external if ours else False
        if not known:
            raise Refusal(403, "a page of another origin may not do this")


def _is_address(name: str) -> bool:
    return ":" in name or (name.replace(".", "").isdigit() and name.count(".") == 3)
