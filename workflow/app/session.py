"""Sessions: the data of one open page on this machine, and when they are deleted."""

import fcntl
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.contents import Labelled, Loaded, Offer, Tracked
from cmrseg.measure.person import NOBODY, Person

PREFIX, NEW = "cmrseg-app-", "cmrseg-new-"
# A running app keeps this file in its folder locked.
LOCK = "lock"
# A page that is open says so now and then; after a reload, or a crash of the browser, it is back
# within this time, or its data are deleted.
GONE_S = 600.0


class Refused(Exception):
    """A request that cannot be served: message for the page and HTTP status."""

    def __init__(self, sentence: str, status: int = 400):
        super().__init__(sentence)
        self.status = status


class Closed(Exception):
    """The page was closed while a job was running for it."""


@dataclass
class Session:
    """One open page.

    owner: the browser's cookie. used: when somebody last did something. seen: when the page was
    last there. received: when the last part of an upload came; None while there is none.
    when_closed: called once, by any thread. chosen: frames set by hand, from 0, by "ed" and "es".
    editing: held while labels are written. person, title: what somebody typed about the images.
    """

    name: str
    owner: str
    folder: Path
    used: float
    seen: float
    received: float | None = None
    when_closed: Callable[[], object] = lambda: None
    closed: threading.Event = field(default_factory=threading.Event)
    busy: threading.Lock = field(default_factory=threading.Lock)
    doing: str = ""
    part: float | None = None
    fault: str = ""
    loaded: Loaded | None = None
    offer: Offer | None = None
    labelled: Labelled | None = None
    tracked: Tracked | None = None
    chosen: dict[str, int] = field(default_factory=dict)
    editing: threading.Lock = field(default_factory=threading.Lock)
    person: Person = NOBODY
    title: str = ""
    numbers: int = 0

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def progress(self, done: int, total: int) -> None:
        """Report progress. Raises Closed if the page has been closed."""
        if self.closed.is_set():
            raise Closed
        self.part = done / total if total else 0


class Sessions:
    """All sessions, by their names; a thread works for one of them at a time.

    clock: seconds that have passed; only their differences count.
    """

    def __init__(self, most: int, idle_s: float, clock: Callable[[], float] = time.monotonic):
        self.most, self.idle_s, self.clock = most, idle_s, clock
        remove_left()
        self.root, self._held = own_folder()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="work")
        self._all: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def all(self) -> list[Session]:
        return list(self._all.values())

    def open(self, owner: str) -> Session:
        """A new session. Raises Refused if the maximum number is open."""
        self.sweep()
        with self._lock:
            if len(self._all) >= self.most:
                raise Refused(
                    f"{self.most} pages are open, the limit; delete the data of one (the link at "
                    "its foot) and reload, or restart the app with a larger --sessions.",
                    503,
                )
            name = secrets.token_urlsafe(24)
            now = self.clock()
            session = Session(name, owner, self.root / name, now, now)
            session.folder.mkdir(mode=0o700)
            self._all[name] = session
        return session

    def of(self, owner: str) -> list[Session]:
        """The sessions of a browser, the last used first."""
        self.sweep()
        own = [s for s in self.all() if secrets.compare_digest(s.owner.encode(), owner.encode())]
        return sorted(own, key=lambda session: -session.used)

    def find(self, name: str, owner: str, is_use: bool = True) -> Session:
        """The session of that name, if it is this browser's. Raises Refused otherwise.

        is_use: whether somebody does something, or the page is merely there.
        """
        session = self._all.get(name)
        if session is None or not secrets.compare_digest(session.owner.encode(), owner.encode()):
            raise Refused(
                "This page's session has ended and its data are deleted; reload the page.",
                404,
            )
        session.seen = self.clock()
        if is_use:
            session.used = session.seen
        return session

    def close(self, session: Session) -> None:
        """Remove a session and delete its folder once its job has stopped."""
        with self._lock:
            self._all.pop(session.name, None)
        session.closed.set()
        session.when_closed()
        if session.busy.acquire(blocking=False):
            shutil.rmtree(session.folder, ignore_errors=True)
            session.busy.release()

    def sweep(self) -> None:
        """Close sessions unused for longer than idle_s, or whose page is gone for GONE_S.

        A running job counts as use, and so does each received chunk of an upload, but not a page
        waiting for one.
        """
        for session in self.all():
            now, received = self.clock(), session.received
            if received is None and session.busy.locked():
                session.used = session.seen = now
                continue
            idle_s = now - (session.used if received is None else received)
            is_gone = received is None and now - session.seen > GONE_S
            if idle_s > self.idle_s or is_gone:
                self.close(session)

    def end(self) -> None:
        """Close all and delete the folder of the app."""
        for session in self.all():
            self.close(session)
        self.worker.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self.root, ignore_errors=True)
        os.close(self._held)


def own_folder() -> tuple[Path, int]:
    """A new folder for all sessions, and the locked file that prevents its deletion by others."""
    new = Path(tempfile.mkdtemp(prefix=NEW))
    held = os.open(new / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    # It is locked before it gets its final name.
    return new.rename(new.with_name(PREFIX + new.name.removeprefix(NEW))), held


def remove_left() -> None:
    """Delete folders left by killed processes of the same user."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            held = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)
