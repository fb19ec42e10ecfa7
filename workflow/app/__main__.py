"""Start the app: a local web page to try a model on images. No data leave the machine."""

import argparse
import asyncio
import logging
import math
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import uvicorn

from app.guard import LOOPBACK
from app.server import Options, build
from stage import device

ROOT = Path(__file__).resolve().parents[2]


def options_of(words: list[str] | None) -> Options:
    """Parse the command line. Exits with an error message for invalid options."""
    parser = argparse.ArgumentParser(prog="app", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=8765, help="port on 127.0.0.1; 0 selects a free one")
    add(
        "--models",
        type=Path,
        action="append",
        default=[],
        help="a model folder, or a folder of models",
    )
    add("--limit-gb", type=float, default=2.0, help="maximum upload size, in GB")
    add("--sessions", type=int, default=8, help="maximum number of open pages")
    add(
        "--idle-min",
        type=float,
        default=60.0,
        help="minutes without use after which data are deleted",
    )
    add("--device", choices=("cpu", "cuda", "mps"), help="device for the networks")
    given = parser.parse_args(words)
    for folder in given.models:
        if not folder.is_dir():
            parser.error(f"--models {folder}: folder not found")
    if not 0 <= given.port < 65536:
        parser.error(f"--port {given.port}: expected 0 to 65535")
    for name in ("limit_gb", "sessions", "idle_min"):
        if not 0 < getattr(given, name) < math.inf:
            parser.error(f"--{name.replace('_', '-')}: expected a finite number above 0")
    return Options(
        root=ROOT,
        port=given.port,
        models=tuple(given.models),
        device=given.device or device(),
        most_bytes=int(given.limit_gb * 1e9),
        sessions=given.sessions,
        idle_s=given.idle_min * 60,
    )


def listening(port: int) -> socket.socket:
    """A socket bound to loopback only. Raises SystemExit with a message if the port is in use."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK[0], port))
    except OSError as error:
        raise SystemExit(
            f"app: port {port} is not available ({error.strerror}); choose another one: --port 8766"
        ) from error
    return sock


class Server(uvicorn.Server):
    """Prints the address once the page can be opened."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for sock in sockets or []:
            host, port = sock.getsockname()
            print(f"Open the page at http://{host}:{port} (stop with Ctrl-C)", flush=True)


def main(words: list[str] | None = None) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    options = options_of(words)
    sock = listening(options.port)
    port = sock.getsockname()[1]
    app = build(replace(options, port=port))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        # An upload in progress does not keep the app from stopping.
        timeout_graceful_shutdown=3,
    )
    # A closed terminal stops the app like a termination signal, unless it runs under nohup.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    with suppress(KeyboardInterrupt):
        asyncio.run(Server(config).serve([sock]))


if __name__ == "__main__":
    main(sys.argv[1:])
