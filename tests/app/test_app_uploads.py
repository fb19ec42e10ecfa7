"""An upload that stands still is no use of a page; the clock is the test's own."""

import http.client
import time
from collections.abc import Callable

import pytest

from app_server import Visitor, nifti, served

IDLE_S = 1000.0


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread; how long has no part in a verdict."""
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def upload(root):
    """A page whose upload of 100 bytes has begun with 10: connection, session, sessions, clock."""
    with served(root, idle_s=IDLE_S) as (port, sessions):
        sessions.clock = clock = Clock()
        visitor = Visitor(port)
        visitor.open()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.putrequest("PUT", f"{visitor.base}/images?name=a.nii")
        for name, value in {
            "Origin": f"http://127.0.0.1:{port}",
            "Cookie": visitor.cookie,
            "Content-Length": "100",
        }.items():
            connection.putheader(name, value)
        connection.endheaders(b"0123456789")
        (session,) = sessions.all()
        until(lambda: session.part == 0.1)
        yield connection, visitor, session, sessions, clock
        connection.close()


def test_an_upload_that_stands_still_ends_with_its_page(upload):
    connection, visitor, session, sessions, clock = upload
    clock.now = IDLE_S
    # That the page asks how far it is does not help.
    assert visitor.talk("GET", "/state")[1]["busy"]
    sessions.sweep()
    assert len(sessions) == 1
    clock.now = IDLE_S + 1
    sessions.sweep()
    assert len(sessions) == 0
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (410, b'{"fault":"The page was closed."}')
    until(lambda: not session.folder.exists())


def test_an_upload_that_goes_on_keeps_its_page(upload):
    connection, _, session, sessions, clock = upload
    for part in range(2, 10):
        clock.now += IDLE_S
        connection.send(b"0123456789")
        until(lambda part=part: session.part == part / 10)
        sessions.sweep()
        assert len(sessions) == 1


def test_work_for_a_page_keeps_it_for_as_long_as_it_takes(upload):
    connection, visitor, session, sessions, clock = upload
    connection.send(b"0" * 90)
    # What came is no image, which ends the work; then the page is idle from its last use on.
    assert connection.getresponse().status == 202
    assert visitor.settled()["fault"]
    assert session.busy.acquire(blocking=False)
    clock.now = 5 * IDLE_S
    sessions.sweep()
    assert len(sessions) == 1
    session.busy.release()
    clock.now = 7 * IDLE_S
    sessions.sweep()
    assert len(sessions) == 0


def test_closing_the_page_ends_an_upload_that_stands_still(upload):
    connection, visitor, session, _, _ = upload
    assert visitor.talk("POST", "/close", {})[0] == 200
    assert connection.getresponse().status == 410
    until(lambda: not session.folder.exists())


def test_an_upload_in_one_piece_is_read(root, network, tmp_path):
    with served(root, idle_s=IDLE_S) as (port, sessions):
        sessions.clock = Clock()
        visitor = Visitor(port)
        visitor.open()
        assert visitor.upload(nifti(tmp_path))["image"]["name"] == "cine.nii.gz"
