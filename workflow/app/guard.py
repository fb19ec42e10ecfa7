"""Checks of every request and headers of every response: a layer around the app (ASGI)."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD")


class Guard:
    """Refuses requests for host names other than loopback and from other pages.

    DNS rebinding shows in the header Host; a request from another site's page (CSRF) shows in
    Origin and Sec-Fetch-Site.
    """

    def __init__(self, app: App, port: int):
        self.app = app
        self.hosts = {f"{name}:{port}" for name in LOOPBACK}
        if port == 80:
            self.hosts |= set(LOOPBACK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":
            return
        if why := refusal(scope["method"], Headers(scope=scope), self.hosts):
            answer = JSONResponse({"fault": why}, 403, {"connection": "close"})
            await answer(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)


def refusal(method: str, headers: Headers, hosts: Collection[str]) -> str:
    """Why a request is refused, "" if it is allowed."""
    names = headers.getlist("host")
    if len(names) != 1 or names[0].lower() not in hosts:
        return "Open this app only at the address printed in the terminal."
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") and headers.get("sec-fetch-mode") != "navigate":
        return "Pages of other sites cannot use this app."
    if method not in SAFE:
        own = f"http://{names[0]}".lower()
        origin = headers.get("origin")
        if origin is not None and origin.lower() != own:
            return "Pages of other sites cannot use this app."
        if origin is None and site != "same-origin":
            return "Only the app's own page can request this."
    return ""
