"""A web server on this machine whose connections break, hang and lie when a test says so."""

import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What the next answers do, in turn: a status, or one of
#   ("break", n): end the connection after n bytes of the body
#   ("hang", s): wait before the body;  ("to", address): redirect
#   ("headers", {...}): further headers
Trick = int | tuple


@dataclass
class Site:
    """What is served, how, and what was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    tricks: deque[Trick] = field(default_factory=deque)
    ranges: bool = True
    tag: str = '"{hash}"'
    date: str = ""
    # (path, Range or "", bytes sent)
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def sent(self) -> list[int]:
        return [n for _, _, n in self.asked]


@contextmanager
def served() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def do_GET(self):
            path = re.sub(r"^http://[^/]+", "", self.path).split("?")[0]
            self.answer(path, site.tricks.popleft() if site.tricks else ("all",))

        def do_POST(self):
            # All of the request is read, so that the connection can go on.
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def answer(self, path: str, trick: Trick) -> None:
            if isinstance(trick, int) or path not in site.files:
                return self.head(path, trick if isinstance(trick, int) else 404, {}, 0)
            if trick[0] == "to":
                return self.head(path, 302, {"Location": trick[1]}, 0)
            body = site.files[path]
            tag = site.tag.format(hash=hashlib.sha256(body).hexdigest()[:8])
            names = {"ETag": tag, "Last-Modified": site.date}
            headers = {name: value for name, value in names.items() if value}
            version = site.date or tag
            status, first = 200, 0
            asked = self.headers.get("Range", "")
            if asked and site.ranges and self.headers.get("If-Range", version) == version:
                status, first = 206, int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
                if first >= len(body):
                    return self.head(path, 416, {"Content-Range": f"bytes */{len(body)}"}, 0)
                headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            if site.ranges:
                headers["Accept-Ranges"] = "bytes"
            headers["Content-Length"] = str(len(body) - first)
            body = body[first : first + trick[1]] if trick[0] == "break" else body[first:]
            self.close_connection = trick[0] == "break"
            self.head(
                path, status, headers | (trick[1] if trick[0] == "headers" else {}), len(body)
            )
            if trick[0] == "hang":
                threading.Event().wait(trick[1])
            try:
                self.wfile.write(body)
            except OSError:  # whoever asked has gone
                self.close_connection = True

        def head(self, path: str, status: int, headers: dict[str, str], sent: int) -> None:
            # Noted before it is sent, so that whoever has the answer finds the note.
            site.asked.append((path, self.headers.get("Range", ""), sent))
            self.send_response(status)
            for name, value in ({"Content-Length": "0"} | headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Whoever asked has gone: nothing to tell."""

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
