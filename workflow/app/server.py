"""The web server of the app: the requests of its page. Loopback only."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app import downloads, intake, measured, series, tracked, uploads, work
from app.answers import setup_of, state_of
from app.asked import frames, number, sequences, until_closed, words
from app.edit_requests import edit_calls
from app.guard import Guard
from app.models import find_models, model_id
from app.person_requests import person_calls
from app.samples import SAMPLES
from app.session import Refused, Session, Sessions
from cmrseg.fetch.checks import check_room
from cmrseg.progress import readable
from cmrseg.sequences import USUAL

STATIC = Path(__file__).parent / "static"
# Every file of the folder is part of the page.
FILES = {"/": "index.html"} | {f"/{path.name}": path.name for path in sorted(STATIC.iterdir())}
SWEEP_S = 20
COOKIE_S = 86_400


@dataclass(frozen=True)
class Options:
    """root: top folder of the project. models: further folders. device: cpu, cuda or mps."""

    root: Path
    port: int
    models: tuple[Path, ...] = ()
    device: str = "cpu"
    most_bytes: int = 2_000_000_000
    sessions: int = 8
    idle_s: float = 3600.0


class Api:
    """Handlers of the page's requests.

    A session is identified by its name and the browser's cookie.
    """

    def __init__(self, options: Options, sessions: Sessions):
        self.options, self.sessions = options, sessions
        # Cookies ignore ports: two apps on one machine need two cookies.
        self.cookie = f"cmrseg_{options.port}"

    def routes(self) -> list[Route]:
        pages = [Route(path, _file(name)) for path, name in FILES.items()]
        talk = [
            ("/api/kept", self.kept, "GET"),
            ("/api/open", self.open, "POST"),
            ("/api/{session}/here", self.here, "POST"),
            ("/api/{session}/close", self.close, "POST"),
            ("/api/{session}/state", self.state, "GET"),
            ("/api/{session}/images", self.images, "PUT"),
            ("/api/{session}/sample", self.sample, "POST"),
            ("/api/{session}/series", self.series, "GET"),
            ("/api/{session}/series", self.choose, "POST"),
            ("/api/{session}/label", self.label, "POST"),
            ("/api/{session}/measures", self.measures, "GET"),
            ("/api/{session}/voxels/{what}", self.voxels, "GET"),
            ("/api/{session}/download/{what}", self.download, "GET"),
            *edit_calls(self.session),
            *person_calls(self.session, self.options.root, self.options.models),
        ]
        return [*pages, *(Route(path, _said(call), methods=[verb]) for path, call, verb in talk)]

    def session(self, request: Request) -> Session:
        owner = request.cookies.get(self.cookie, "")
        return self.sessions.find(request.path_params["session"], owner)

    async def kept(self, request: Request) -> Response:
        """Names of this browser's sessions: a page that was reloaded takes up its own."""
        own = self.sessions.of(request.cookies.get(self.cookie, ""))
        return JSONResponse({"sessions": [session.name for session in own]})

    async def here(self, request: Request) -> Response:
        """The page is still open; nobody need do anything with it."""
        owner = request.cookies.get(self.cookie, "")
        self.sessions.find(request.path_params["session"], owner, is_use=False)
        return JSONResponse({})

    async def open(self, request: Request) -> Response:
        """A new session, or the one that is named."""
        owner, said = request.cookies.get(self.cookie, ""), await words(request)
        if not re.fullmatch(r"[\w-]{43}", owner, re.ASCII):
            owner = secrets.token_urlsafe(32)
        models = await run_in_threadpool(find_models, self.options.root, self.options.models)
        name = said.get("session")
        session = self.sessions.find(str(name), owner) if name else self.sessions.open(owner)
        answer = JSONResponse(setup_of(session, models, self.options.most_bytes))
        # It outlives a browser that crashes.
        answer.set_cookie(
            self.cookie, owner, max_age=COOKIE_S, httponly=True, samesite="strict", path="/"
        )
        return answer

    async def close(self, request: Request) -> Response:
        await run_in_threadpool(self.sessions.close, self.session(request))
        return JSONResponse({})

    async def state(self, request: Request) -> Response:
        return JSONResponse(state_of(self.session(request)))

    async def images(self, request: Request) -> Response:
        """An upload: the file is the body, its name is in the URL."""
        session = self.session(request)
        name = request.query_params.get("name", "")
        uploads.upload_suffix(name)
        wanted = sequences(request.query_params.get("sequence", USUAL))
        most = self.options.most_bytes
        too_large = Refused(
            f"The file is larger than {readable(most)}, the limit; restart the app with a larger "
            "--limit-gb.",
            413,
        )
        announced = request.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            raise too_large
        work.claim(session)
        session.doing = "Receiving the file"
        written = 0
        try:
            check_room(session.folder, int(announced), "the upload")
            path = intake.received(session, name)
            session.received = self.sessions.clock()
            with open(path, "wb") as file:
                async for chunk in until_closed(session, request.stream()):
                    session.received = self.sessions.clock()
                    written += len(chunk)
                    if written > most:
                        raise too_large
                    session.progress(written, max(int(announced), written))
                    await run_in_threadpool(file.write, chunk)
            if not written:
                raise Refused("The file is empty.")
        except BaseException:
            session.received = None
            shutil.rmtree(session.folder / intake.RECEIVED, ignore_errors=True)
            work.release(session)
            raise
        session.received = None
        shown = uploads.safe_name(name)
        work.start(
            self.sessions,
            session,
            lambda: intake.load_upload(session, path, shown, most, wanted),
        )
        return JSONResponse(state_of(session), 202)

    async def sample(self, request: Request) -> Response:
        session, said = self.session(request), await words(request)
        name = said.get("sample")
        if not isinstance(name, str) or name not in SAMPLES:
            raise Refused("This sample does not exist.", 404)
        work.claim(session)
        work.start(self.sessions, session, lambda: intake.load_sample(session, name))
        return JSONResponse(state_of(session), 202)

    async def series(self, request: Request) -> Response:
        """The list of series in an upload."""
        offered = self.session(request).offer
        if offered is None:
            raise Refused(series.GONE, 404)
        cine = series.CINES.get(offered.sequence, "")
        return JSONResponse({"name": offered.name, "rows": offered.rows, "cine": cine})

    async def choose(self, request: Request) -> Response:
        session, said = self.session(request), await words(request)
        offered, chosen = series.wanted(session, said.get("series"))
        work.claim(session)
        work.start(self.sessions, session, lambda: intake.load_series(session, offered, chosen))
        return JSONResponse(state_of(session), 202)

    async def label(self, request: Request) -> Response:
        session, said = self.session(request), await words(request)
        models = await run_in_threadpool(find_models, self.options.root, self.options.models)
        model = next((m for m in models if model_id(m) == said.get("model")), None)
        if model is None:
            raise Refused("This model no longer exists; reload the page.", 404)
        if model.fault:
            raise Refused(f"This model cannot be used: {model.fault}.")
        in_plane, between = (number(said, key) for key in ("in_plane_mm", "between_mm"))
        given = None if in_plane is None or between is None else (in_plane, between)
        interval = number(said, "interval_ms")
        work.claim(session)
        work.start(
            self.sessions,
            session,
            lambda: work.label(session, model, self.options.device, given, interval),
        )
        return JSONResponse(state_of(session), 202)

    async def measures(self, request: Request) -> Response:
        session = self.session(request)
        if session.tracked:
            content = await run_in_threadpool(tracked.measured, session)
            return JSONResponse(content)
        content = await run_in_threadpool(measured.measured, session, *frames(request, session))
        return JSONResponse(content)

    async def voxels(self, request: Request) -> Response:
        """8-bit images or label maps for display, (t, z, y, x), or float32 (t, z, 168, 2)."""
        session, what = self.session(request), request.path_params["what"]
        name = {"image": "image.u8", "labels": "labels.u8", "points": tracked.POINTS}.get(what)
        if name is None or not (session.folder / name).is_file():
            raise Refused("These images do not exist.", 404)
        return FileResponse(session.folder / name, media_type="application/octet-stream")

    async def download(self, request: Request) -> Response:
        session, what = self.session(request), request.path_params["what"]
        if session.tracked:
            slice_ = request.query_params.get("slice", "1")
            name, content = await run_in_threadpool(tracked.download, session, what, slice_)
        else:
            name, content = await run_in_threadpool(
                downloads.download, session, what, *frames(request, session)
            )
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, 200, headers, "application/octet-stream")


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


def _said(call: Callable[[Request], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """The response, or a message why it failed."""

    async def answer(request: Request) -> Response:
        try:
            return await call(request)
        except Refused as error:
            # The unread rest of the body would be parsed as the next request.
            return JSONResponse({"fault": str(error)}, error.status, {"connection": "close"})
        except (ClientDisconnect, work.Closed, FileNotFoundError):
            return JSONResponse({"fault": "The page was closed."}, 410, {"connection": "close"})
        except OSError as error:
            sentence = error.strerror or "The file could not be saved."
            return JSONResponse({"fault": sentence}, 507, {"connection": "close"})

    return answer


def build(options: Options) -> Guard:
    """The app with its guard. Sessions last as long as it runs."""
    sessions = Sessions(options.sessions, options.idle_s)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async def sweep() -> None:
            while True:
                await asyncio.sleep(min(SWEEP_S, options.idle_s))
                await run_in_threadpool(sessions.sweep)

        sweeping = asyncio.create_task(sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await run_in_threadpool(sessions.end)

    app = Starlette(routes=Api(options, sessions).routes(), lifespan=lifespan)
    app.state.sessions = sessions
    return Guard(app, options.port)
