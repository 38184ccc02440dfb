"""httpx's client as we use it: over aiohttp's connections, without what we never ask of it.

Knows httpx, aiohttp and what of them costs time. Must not know what is asked, how long the whole of it may
take, or what an answer means (`hbalert.outbound`). Imported with the first client.

Of 220 us of CPU that a POST takes through `httpx.AsyncClient.send` over `httpx_aiohttp`, aiohttp needs 80.
The rest looks, for each request, for redirects, authentication flows, cookies, hooks and proxies, and carries
headers and time-outs from one library to the other. None of that is wanted here: where an answer says "look
elsewhere", it is shown as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions

IDLE_S = 60
"""So long a connection is kept for the next request."""


class Transport(httpx.AsyncBaseTransport):
    """aiohttp's connections under httpx; bodies are sent whole, cookies are not kept, and whoever asks
    sets the deadline (`asyncio.timeout`).

    trust  asked for each request over TLS: what to trust, and as whom to appear
    """

    def __init__(self, trust: Callable[[], ssl.SSLContext], *, connections: int) -> None:
        self._trust = trust
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer; its body is still to be read. Raises httpx.TransportError."""
        if self._session is None:
            self._session = self._open()
        with map_aiohttp_exceptions():
            answer = await self._session.request(
                request.method,
                str(request.url),
                headers=[
                    (name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw
                ],
                data=request.content or None,
                allow_redirects=False,
                ssl=self._trust() if request.url.scheme == "https" else True,
            )
        return httpx.Response(
            answer.status, headers=answer.raw_headers, stream=AiohttpResponseStream(answer), request=request
        )

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None),  # one for the whole is enough, and the caller's
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # httpx does it
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class Client(httpx.AsyncClient):
    """An httpx client that can also be asked the short way: `make` a request, `exchange` it for an answer."""

    def __init__(self, transport: Transport, *, user_agent: str) -> None:
        super().__init__(
            transport=transport,
            timeout=None,
            headers={"User-Agent": user_agent},
            follow_redirects=False,
            trust_env=False,
        )
        self._short = transport
        self._own_headers = {name: value for name, value in self.headers.items() if name != "connection"}

    def make(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        data: Mapping[str, Any] | None,
        auth: tuple[str, str] | None,
    ) -> httpx.Request:
        """A request as it goes out. Raises httpx.InvalidURL.

        url   user info in it is sent as basic authentication, unless there is other authentication
        auth  for basic authentication
        """
        address, user_info = _read_url(url)
        given = {name.lower() for name in headers}
        if auth is None and "authorization" not in given:
            auth = user_info
        whole = [(name, value) for name, value in self._own_headers.items() if name not in given]
        whole += headers.items()
        if content is None:
            request = httpx.Request(method, address, headers=whole, data=data)
        else:  # as a stream, because httpx then leaves host and length, and two more passes, to aiohttp
            request = httpx.Request(method, address, headers=whole, stream=httpx.ByteStream(content))
            request.read()
        return next(httpx.BasicAuth(*auth).auth_flow(request)) if auth is not None else request

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, whatever it says; its body is still to be read."""
        return await self._short.handle_async_request(request)


@lru_cache(maxsize=64)
def _read_url(url: str) -> tuple[httpx.URL, tuple[str, str] | None]:
    """The address, and who to be there. Both libraries would turn user info into a header, and the second
    complains; so it is taken out."""
    address = httpx.URL(url)
    if not address.userinfo:
        return address, None
    return address.copy_with(userinfo=b""), (address.username, address.password)
