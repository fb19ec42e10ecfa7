"""Parse requests of the page: upload chunks, text, numbers, frames."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request

from app import measured
from app.session import Closed, Refused, Session
from cmrseg.sequences import channels_of

# A request that is not an upload is short.
MOST_MESSAGE_BYTES = 10_000


async def until_closed(session: Session, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks of an upload. Raises Closed when the session ends, also while waiting for a chunk."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()
    session.when_closed = lambda: loop.call_soon_threadsafe(closed.set)
    if session.closed.is_set():
        raise Closed
    ending = asyncio.ensure_future(closed.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(parts, None))
            await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
            if session.closed.is_set():
                coming.cancel()
                raise Closed
            if (part := coming.result()) is None:
                return
            yield part
    finally:
        session.when_closed = lambda: None
        ending.cancel()


async def body(request: Request, most_bytes: int) -> bytes:
    """The whole content of a request. Raises Refused for one that is longer."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > most_bytes:
            raise Refused("The request is too long.", 413)
    return content


async def words(request: Request) -> dict[str, Any]:
    """The content of a request that is not an upload. Raises Refused."""
    try:
        said = json.loads(await body(request, MOST_MESSAGE_BYTES))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused("The request is not valid.")
    return said


def number(said: dict[str, Any], key: str) -> float | None:
    """A distance or a time from a request, None if absent. Raises Refused."""
    value = said.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise Refused("Spacings and times must be positive numbers.")
    return float(value)


def frames(request: Request, session: Session) -> tuple[int, int]:
    """End-diastole and end-systole, from 0.

    Those requested (from 1), else those set by hand, else those detected.
    """
    _, labelled = measured.result(session)
    chosen = []
    for key, found in (("ed", labelled.ed_frame), ("es", labelled.es_frame)):
        text = request.query_params.get(key, str(session.chosen.get(key, found) + 1))
        if not (text.isascii() and text.isdecimal() and len(text) < 7):
            raise Refused("A frame must be a number.")
        chosen.append(int(text) - 1)
    return chosen[0], chosen[1]


def sequences(text: str) -> str:
    """The sequences of a model from a request. Raises Refused for others."""
    try:
        channels_of(text)
    except ValueError:
        raise Refused("These sequences are unknown; reload the page.") from None
    return text
