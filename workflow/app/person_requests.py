"""Requests of the page about the person in the images, the models, and published networks."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.answers import models_of
from app.asked import words
from app.fetching import Fetching
from app.models import find_models
from app.person import take_person
from app.session import Refused, Session

Handler = Callable[[Request], Awaitable[Response]]


def person_calls(
    session_of: Callable[[Request], Session], root: Path, more: Iterable[Path]
) -> list[tuple[str, Handler, str]]:
    """Paths, handlers and methods. session_of: the session of a request, if it may use it.

    root, more: where models are (`find_models`).
    """
    fetching, folders = Fetching(root), tuple(more)

    async def person(request: Request) -> Response:
        """What somebody says of the person in the images."""
        session, said = session_of(request), await words(request)
        take_person(session, said)
        known = session.person
        return JSONResponse({"bsa_m2": known.bsa_m2, "doubt": known.doubt()})

    async def models(request: Request) -> Response:
        session_of(request)
        return JSONResponse(models_of(await run_in_threadpool(find_models, root, folders)))

    async def networks(request: Request) -> Response:
        """Published networks that can be fetched, and how far that is."""
        session_of(request)
        return JSONResponse(await run_in_threadpool(fetching.state))

    async def get_networks(request: Request) -> Response:
        session_of(request)
        said = await words(request)
        if said.get("agreed") is not True:
            raise Refused("The terms of the networks have to be accepted first.")
        fetching.start()
        return JSONResponse(await run_in_threadpool(fetching.state), 202)

    return [
        ("/api/{session}/person", person, "POST"),
        ("/api/{session}/models", models, "GET"),
        ("/api/{session}/networks", networks, "GET"),
        ("/api/{session}/networks", get_networks, "POST"),
    ]
