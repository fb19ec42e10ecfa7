"""Requests of the page about a result: edits of slices, the largest pieces, frames set by hand."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import asked, edits
from app.contents import Labelled
from app.measured import result
from app.session import Refused, Session

Handler = Callable[[Request], Awaitable[Response]]


def edit_calls(session_of: Callable[[Request], Session]) -> list[tuple[str, Handler, str]]:
    """Paths, handlers and methods. session_of: the session of a request, if it may use it."""

    async def edit(request: Request) -> Response:
        """The body is the slice, rows by columns of uint8."""
        session = session_of(request)
        loaded, _ = result(session)
        content = await asked.body(request, loaded.shape[2] * loaded.shape[3])
        labelled = await run_in_threadpool(edits.edit_slice, session, *_place(request), content)
        return JSONResponse(edited_of(labelled))

    async def original(request: Request) -> Response:
        session = session_of(request)
        content = await run_in_threadpool(edits.model_slice, session, *_place(request))
        return Response(content, 200, media_type="application/octet-stream")

    async def largest(request: Request) -> Response:
        session, said = session_of(request), await asked.words(request)
        wanted, number = said.get("largest"), said.get("result")
        if not isinstance(wanted, bool) or not isinstance(number, int):
            raise Refused("The request is not valid.")
        labelled = await run_in_threadpool(edits.keep_largest, session, number, wanted)
        return JSONResponse(edited_of(labelled))

    async def frames(request: Request) -> Response:
        """End-diastole and end-systole set by hand, from 1; null sets one back."""
        session, said = session_of(request), await asked.words(request)
        loaded, _ = result(session)
        chosen = {}
        for key in ("ed", "es"):
            frame = said.get(key)
            if frame is None:
                continue
            is_number = isinstance(frame, int) and not isinstance(frame, bool)
            if not (is_number and 1 <= frame <= loaded.shape[0]):
                raise Refused(f"Frames must be 1 to {loaded.shape[0]}.")
            chosen[key] = frame - 1
        session.chosen = chosen
        return JSONResponse({})

    return [
        ("/api/{session}/labels/{frame}/{slice}", edit, "PUT"),
        ("/api/{session}/labels/{frame}/{slice}", original, "GET"),
        ("/api/{session}/largest", largest, "POST"),
        ("/api/{session}/frames", frames, "POST"),
    ]


def edited_of(labelled: Labelled) -> dict[str, Any]:
    """Frames and slices edited by hand, from 0, and whether only the largest pieces are shown."""
    return {"edited": sorted(labelled.edited), "largest": labelled.largest}


def _place(request: Request) -> tuple[int, int, int]:
    """Number of the result, frame and slice (from 0) of a request."""
    texts = (
        request.query_params.get("result", ""),
        request.path_params["frame"],
        request.path_params["slice"],
    )
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in texts):
        raise Refused("A result, a frame and a slice must be numbers.")
    number, frame, slice_ = map(int, texts)
    return number, frame, slice_
