"""Download one file: resumed after an interruption, checked, and either complete or absent.

With requests rather than urllib: one connection serves hundreds of small files, connecting and
reading have their own time limits, and a body that ends early is an error instead of a short file.
"""

import errno
import json
import logging
import os
import re
import time
from pathlib import Path
from typing import IO, Any

import requests

from cmrseg.fetch.checks import FULL, check_room, checksum, fault, set_aside
from cmrseg.progress import Progress, readable

logger = logging.getLogger(__name__)

CONNECT_S, READ_S = 30, 60
# An interruption loses the chunk being read.
CHUNK_BYTES = 2**16
# This many interruptions in a row without progress end the download.
ATTEMPTS = 6
# Pauses are 1, 2, 4 ... s; longer if the server asks for it, up to a limit.
LONGEST_PAUSE_S, LONGEST_ASKED_S = 60, 300
# Status codes of a busy server, besides every 5xx.
BUSY = (408, 425, 429)


class _Broken(Exception):
    """A transfer that can be resumed, after a pause that the server may request."""

    def __init__(self, why: str, pause_s: float = 0):
        super().__init__(why)
        self.pause_s = pause_s


def download(
    session: requests.Session,
    url: str,
    path: str | Path,
    size_bytes: int | None = None,
    sha256: str = "",
) -> None:
    """Fetch a file, unless it already exists and is correct.

    Until it is complete and correct it is called <name>.part; <name>.part.json records the version
    of the file: an interrupted download resumes, now or in a later run, if the server still has
    that version. size_bytes: None if unknown. sha256: the checksum, its first digits, or "".
    Raises ValueError if the file is not the expected one (it is kept as <name>.bad);
    ConnectionError if the server refuses or the connection breaks repeatedly; OSError (ENOSPC) if
    the disk is full (the partial file is kept for the next run).
    """
    path = Path(path)
    if path.is_file():
        wrong = fault(path, size_bytes, "sha256", sha256)
        if not wrong:
            return
        bad = set_aside(path)
        logger.warning(
            "%s: %s; fetching it again, the old one is kept as %s", path, wrong, bad.name
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    _transfer(session, url, part, size_bytes)
    _state(part).unlink(missing_ok=True)
    if wrong := fault(part, size_bytes, "sha256", sha256):
        raise ValueError(
            f"{path}: what {url} sent is not the expected file: {wrong}; it is kept as "
            f"{set_aside(part).name}. Restart to fetch it again. If the result is the same, "
            "the file was replaced at its source: inspect it, and if it is correct, enter its "
            "size and checksum in resources/checksums.tsv"
        )
    if not sha256:
        logger.warning(
            "%s: no checksum is declared; the fetched file has sha256 %s",
            path,
            checksum(part, "sha256"),
        )
    os.replace(part, path)


def _transfer(session: requests.Session, url: str, part: Path, size_bytes: int | None) -> None:
    """Retry until the file is complete."""
    failures, furthest_bytes = 0, _size(part)
    while True:
        try:
            return _attempt(session, url, part, size_bytes)
        except _Broken as broken:
            # Progress counts, not the number of bytes: without Range each attempt starts anew.
            gained = _size(part) > furthest_bytes
            furthest_bytes = max(furthest_bytes, _size(part))
            failures = 1 if gained else failures + 1
            if failures >= ATTEMPTS:
                raise ConnectionError(
                    f"{url}: {broken}, {ATTEMPTS} times in a row; check the connection and start "
                    f"again, {readable(_size(part))} are kept in {part}"
                ) from broken
            pause_s = max(min(2 ** (failures - 1), LONGEST_PAUSE_S), broken.pause_s)
            logger.warning("%s: %s; next attempt in %.0f s", url, broken, pause_s)
            time.sleep(pause_s)


def _attempt(session: requests.Session, url: str, part: Path, size_bytes: int | None) -> None:
    """Request the missing bytes and append them. Raises _Broken if the transfer ends early."""
    state = _read_state(part, url)
    have = _size(part) if state else 0
    if state and have and state["total_bytes"] == have:
        return  # stopped between the last byte and the check
    # A compressed transfer would have another length, and ranges of bytes could not be requested.
    headers = {"Accept-Encoding": "identity"}
    if state and have:
        # With If-Range a server sends all of a file that has changed, not the rest of another one.
        headers |= {"Range": f"bytes={have}-", "If-Range": state["validator"]}
    try:
        with session.get(
            url, headers=headers, stream=True, timeout=(CONNECT_S, READ_S)
        ) as response:
            _check_answer(response, url)
            have, total = _range(response, have, part)
            if size_bytes is not None and total is not None and total != size_bytes:
                raise ValueError(
                    f"{url}: the server has {total} bytes, expected are {size_bytes}; is the URL "
                    "in resources/sources.yaml correct, and does a proxy or login page answer "
                    "instead?"
                )
            if total is not None:
                check_room(part.parent, total - have, part.name)
            # Unbuffered: bytes that did not fit on a full disk must not come up again on closing.
            with open(part, "ab" if have else "wb", buffering=0) as file:
                if not have:
                    _write_state(part, url, response, total)
                progress = Progress(part.stem, total, have)
                for chunk in response.iter_content(CHUNK_BYTES):
                    _write(file, chunk, part, None if total is None else total - have)
                    have += len(chunk)
                    progress.add(len(chunk))
                    if size_bytes is not None and have > size_bytes:
                        return  # wrong already, and it may never end
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    ) as error:
        raise _Broken(f"the connection broke ({error})") from error
    except requests.RequestException as error:
        raise ConnectionError(f"{url}: {error}") from error
    if total is not None and have < total:
        raise _Broken(f"the connection ended after {have} of {total} bytes")


def _check_answer(response: requests.Response, url: str) -> None:
    for hop in (*response.history, response):
        if not hop.url.startswith("https:" if url.startswith("https:") else ("http:", "https:")):
            raise ConnectionError(f"{url}: leads to {hop.url}, which is less secure; refused")
    code = response.status_code
    if code in BUSY or code >= 500:
        asked = response.headers.get("Retry-After", "")
        pause_s = min(int(asked), LONGEST_ASKED_S) if asked.isdecimal() else 0
        raise _Broken(f"the server responded {code} {response.reason}", pause_s)
    if code not in (200, 206, 416):
        raise ConnectionError(
            f"{url}: the server responded {code} {response.reason}; was the file moved, or is the "
            "URL in resources/sources.yaml or the path in resources/checksums.tsv wrong?"
        )
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise ConnectionError(f"{url}: the server sends {encoding}, expected the plain file")


def _range(response: requests.Response, have: int, part: Path) -> tuple[int, int | None]:
    """Position of the response's first byte, and the length of the whole file if it is known."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if response.status_code == 206 and span and int(span[1]) == have > 0:
        return have, int(span[2])
    # Invalid, or the server has fewer bytes than are here (416): from the beginning, without Range.
    part.unlink(missing_ok=True)
    _state(part).unlink(missing_ok=True)
    raise _Broken("the server sent a different byte range than requested")


def _write(file: IO[bytes], chunk: bytes, part: Path, missing_bytes: int | None) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        if error.errno not in FULL:
            raise
        more = "an unknown number of bytes" if missing_bytes is None else readable(missing_bytes)
        raise OSError(
            errno.ENOSPC,
            f"{part}: the disk is full, {more} are still missing; free disk space and start "
            "again, the partial file is kept",
        ) from error


# -- version of the file that the bytes belong to --------------------------------------------


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _state(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_state(part: Path, url: str) -> dict[str, Any] | None:
    """The version of the bytes; None if it is unknown or the address was another one."""
    try:
        state = json.loads(_state(part).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return state if state.get("url") == url else None


def _write_state(part: Path, url: str, response: requests.Response, total: int | None) -> None:
    """Nothing is written if the server gives no version: then the next attempt starts again."""
    # A weak tag only means equivalent bytes; If-Range does not accept it (RFC 9110).
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    if validator:
        state = {"url": url, "validator": validator, "total_bytes": total}
        _state(part).write_text(json.dumps(state), "utf-8")
    else:
        _state(part).unlink(missing_ok=True)
