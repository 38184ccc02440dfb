"""`http_config` and `tls_config`: how a webhook is reached.

Knows their keys in both programs. Must not know webhooks or mail.
"""

from __future__ import annotations

import re

from hbalert.neighbours.alertmanager.draft import Draft
from hbalert.neighbours.alertmanager.secrets import Kept, Secrets
from hbalert.neighbours.keys import Keys
from hbalert.neighbours.toml_text import TomlValue

_NO_EQUAL = {
    "oauth2": "give the receiver a long-lived token, or put a proxy before it that fetches one",
    "proxy_url": "reach the receiver directly, or through a proxy of your own that takes its address",
    "proxy_connect_header": "",
    "proxy_from_environment": "",
    "no_proxy": "",
}
_HARMLESS = ("enable_http2",)


def http_keys(http: Keys, draft: Draft, secrets: Secrets) -> None:
    """Says with our keys what an http_config says."""
    basic = http.table("basic_auth")
    authorization = http.table("authorization")
    token = secrets.take(http, "bearer_token", draft.name)
    if authorization:
        token = _authorization(authorization, draft, secrets) or token
    if token is not None and basic:
        http.refuse("basic_auth", "basic_auth and a token are both given")
    draft.put_file("bearer_token_file", token)
    tls_keys(http.table("tls_config"), draft, secrets, client=True)
    if basic:
        _basic(basic, draft, secrets)
    _headers(http.table("http_headers"), draft)
    if http.flag("follow_redirects"):
        http.lacks("follow_redirects", "redirects are not followed", "give the address they lead to")
    for name in _HARMLESS:
        http.get(name)
    for name, instead in _NO_EQUAL.items():
        if name in http:
            http.lacks(name, "has no equal", instead)
    http.rest()


def _authorization(table: Keys, draft: Draft, secrets: Secrets) -> Kept | None:
    kind = table.text("type") or "Bearer"
    kept = secrets.take(table, "credentials", draft.name, called="bearer_token")
    table.rest()
    if kind.lower() == "bearer":
        return kept
    table.lacks("type", f"{kind}: only Bearer and basic_auth are known here")
    draft.usable = False
    return None


def _basic(table: Keys, draft: Draft, secrets: Secrets) -> None:
    entries: dict[str, TomlValue] = {"username": table.text("username")}
    if "username_file" in table:
        table.lacks("username_file", "the user name stands in the notifier's file here", "write username")
        draft.usable = False
    kept = secrets.take(table, "password", draft.name)
    if kept is None:
        table.lacks("password", "basic_auth without a password is not sent")
        draft.usable = False
    entries["password_file"] = kept.path if kept else "secrets/none"
    draft.usable &= kept is not None and kept.usable
    draft.put_table("basic_auth", entries)
    table.rest()


def _headers(table: Keys, draft: Draft) -> None:
    """Headers of newer versions: name -> values, secrets, files."""
    entries: dict[str, TomlValue] = {}
    for name in [*table]:
        header = table.table(name)
        values = [text for text, _, _ in header.texts("values")]
        for hidden in ("secrets", "files"):
            if hidden in header:
                header.lacks(
                    hidden, "a header with a secret has no equal", "use bearer_token_file or basic_auth"
                )
        if len(values) > 1 or not re.fullmatch(r"[\t\x20-\x7e]*", "".join(values)):
            header.lacks("values", "a header is sent once, in ASCII", "write it into [headers]")
        elif values:
            entries[name] = values[0]
        header.rest()
    if entries:
        draft.put_table("headers", entries)


def tls_keys(tls: Keys, draft: Draft, secrets: Secrets, *, client: bool) -> None:
    """A tls_config. `client`: a certificate of our own can be shown."""
    draft.put_file("ca_file", secrets.existing(tls, "ca_file"))
    for theirs, ours in (("cert_file", "client_cert"), ("key_file", "client_key")):
        if client:
            draft.put_file(ours, secrets.existing(tls, theirs))
        elif theirs in tls:
            tls.lacks(theirs, "a certificate of our own cannot be shown to a mail server")
    if tls.flag("insecure_skip_verify"):
        draft.put("tls_verify", False, "anybody can pretend to be that server")
    for name in ("ca", "cert", "key"):
        if name in tls:
            tls.lacks(name, "a certificate stands in a file here", "write it into a file, and name that")
            draft.usable = False
    if "server_name" in tls:
        tls.lacks("server_name", "the certificate must be one for the host in the address")
    for name in ("min_version", "max_version"):
        if tls.text(name) and tls.text(name) != "TLS12":
            tls.lacks(name, "the versions of TLS cannot be chosen: 1.2 and later")
    tls.rest()
