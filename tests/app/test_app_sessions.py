"""What the app keeps, and for whom."""

import os
import re
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from app import intake, server, work
from app.session import LOCK, PREFIX, own_folder, remove_left
from app_server import (
    PREPARATION,
    SETTINGS,
    ByBrightness,
    Visitor,
    heart,
    nifti,
    served,
)
from cmrseg.learn.predict import BATCH
from tiny_study import ROOT


def test_sessions_are_for_the_browser_that_opened_them(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    other = Visitor(app[0])
    other.open()
    assert other.base != visitor.base
    assert other.cookie != visitor.cookie
    stranger = Visitor(app[0])
    paths = ("/state", "/measures", "/voxels/image", "/voxels/labels", "/download/labels")
    for who in (other, stranger):
        for path in paths:
            status, content = who.ask("GET", visitor.base + path)
            assert status == 404
            assert b"session has ended" in content
        for verb, path in (("POST", "/close"), ("POST", "/label"), ("PUT", "/images?name=a.nii")):
            assert who.ask(verb, visitor.base + path, {"model": visitor.model})[0] == 404
    assert visitor.ask("GET", other.base + "/state")[0] == 404
    assert visitor.ask("GET", visitor.base + "/download/labels")[0] == 200
    assert other.talk("GET", "/state")[1]["image"] is None


def test_the_cookie_is_for_this_page_alone_and_tells_nothing(app, visitor):
    text = visitor.ask("POST", "/api/open", {}) and visitor.headers["set-cookie"]
    assert "httponly" in text.lower()
    assert "samesite=strict" in text.lower()
    assert re.fullmatch(rf"cmrseg_{app[0]}=[\w-]{{43}}", visitor.cookie)
    assert visitor.cookie.split("=")[1] not in visitor.base


@pytest.mark.parametrize("value", ["ä" * 43, "short", "a b" * 20])
def test_a_cookie_that_is_none_of_its_own_is_replaced(app, visitor, value):
    status, _ = visitor.ask(
        "POST", "/api/open", {}, Cookie=f"cmrseg_{app[0]}={value}".encode().decode("latin-1")
    )
    assert status == 200
    assert re.fullmatch(
        rf"cmrseg_{app[0]}=[\w-]{{43}}", visitor.headers["set-cookie"].split(";")[0]
    )
    state = visitor.base + "/state"
    assert visitor.ask("GET", state, Cookie=f"cmrseg_{app[0]}=\xe4\xf6")[0] == 404


def test_a_second_page_of_a_browser_has_a_session_of_its_own(app, visitor, tmp_path):
    visitor.upload(nifti(tmp_path))
    second = Visitor(app[0])
    second.cookie = visitor.cookie
    second.open()
    assert second.cookie == visitor.cookie
    assert second.talk("GET", "/state")[1]["image"] is None
    assert second.talk("POST", "/close", {})[0] == 200
    assert visitor.talk("GET", "/state")[1]["image"] is not None


def test_an_upload_is_deleted_when_it_is_read_and_all_when_the_page_is_closed(
    app, visitor, network, tmp_path
):
    visitor.upload(nifti(tmp_path))
    (session,) = app[1].all()
    assert sorted(p.name for p in session.folder.iterdir()) == ["cine.npy", "image.u8"]
    assert stat.S_IMODE(session.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(app[1].root.stat().st_mode) == 0o700
    visitor.label(visitor.model)
    for what in ("labels", "contours", "image"):
        visitor.ask("GET", f"{visitor.base}/download/{what}")
    left = sorted(p.name for p in session.folder.iterdir())
    assert left == ["cine.npy", "image.u8", "labels.u8"]
    assert visitor.talk("POST", "/close", {})[0] == 200
    assert not session.folder.exists()
    assert visitor.ask("GET", visitor.base + "/state")[0] == 404


def test_another_upload_replaces_the_one_before(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    state = visitor.upload(nifti(tmp_path, heart(slices=3), "b.nii.gz"))
    assert state["image"]["name"] == "b.nii.gz"
    assert state["result"] is None
    assert visitor.ask("GET", visitor.base + "/voxels/labels")[0] == 404


def test_a_wrong_upload_leaves_the_images_and_labels_before(
    app, visitor, network, tmp_path, monkeypatch
):
    visitor.upload(nifti(tmp_path))
    before = visitor.label(visitor.model)
    (session,) = app[1].all()
    (tmp_path / "noise.nii").write_bytes(b"no image")

    def full(*_, **__):
        raise OSError("100 requested and 0 written")

    def same():
        state = visitor.settled()
        assert {**state, "fault": ""} == before
        assert visitor.ask("GET", visitor.base + "/download/labels")[0] == 200
        left = sorted(p.name for p in session.folder.iterdir())
        assert left == ["cine.npy", "image.u8", "labels.u8"]

    assert "not a readable NIfTI" in visitor.upload(tmp_path / "noise.nii")["fault"]
    same()
    assert visitor.talk("PUT", "/images?name=a.nii", b"")[1]["fault"] == "The file is empty."
    same()
    # numpy has no error number for a full disk
    monkeypatch.setattr(intake.np, "save", full)
    other = nifti(tmp_path, heart(slices=3), "b.nii.gz")
    assert visitor.upload(other)["fault"] == "The disk is full."
    same()


def test_closing_the_page_ends_the_work_for_it(app, visitor, monkeypatch, tmp_path):
    gate, frames = threading.Event(), 20 * torch.get_num_threads()
    slow = ByBrightness(gate)
    monkeypatch.setattr(work, "load_model", lambda folder: (slow, SETTINGS | PREPARATION))
    visitor.upload(nifti(tmp_path, heart(frames=frames)))
    assert visitor.talk("POST", "/label", {"model": visitor.model})[0] == 202
    slow.begun.wait(1200)
    assert visitor.talk("POST", "/label", {"model": visitor.model})[0] == 409
    assert visitor.talk("POST", "/sample", {"sample": "healthy"})[0] == 409
    (session,) = app[1].all()
    visitor.talk("POST", "/close", {})
    gate.set()
    end = time.monotonic() + 600
    while session.folder.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not session.folder.exists()
    # Some batches had been handed to the threads.
    assert slow.batches < frames * 4 / BATCH / 2


def test_work_tells_how_far_it_is(visitor, monkeypatch, tmp_path):
    gate = threading.Event()
    slow = ByBrightness(gate)
    monkeypatch.setattr(work, "load_model", lambda folder: (slow, SETTINGS | PREPARATION))
    visitor.upload(nifti(tmp_path, heart(frames=4)))
    visitor.talk("POST", "/label", {"model": visitor.model})
    slow.begun.wait(1200)
    state = visitor.talk("GET", "/state")[1]
    assert (state["busy"], state["doing"], state["part"]) == (True, "Labelling", 0)
    gate.set()
    assert visitor.settled()["doing"] == ""


def test_pages_are_as_many_as_the_machine_shall_bear(app):
    visitors = [Visitor(app[0]) for _ in range(4)]
    found = [visitor.open() for visitor in visitors]
    assert [bool(answer.get("session")) for answer in found] == [True, True, True, False]
    assert found[-1]["fault"].startswith("3 pages are open, the limit")
    visitors[0].talk("POST", "/close", {})
    assert visitors[3].open()["session"]


def test_what_nobody_uses_is_deleted(root, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "SWEEP_S", 0.1)
    with served(root) as (port, sessions):
        visitor = Visitor(port)
        visitor.open()
        visitor.upload(nifti(tmp_path))
        (session,) = sessions.all()
        # Only now, as on a busy machine an upload may take longer than this.
        sessions.idle_s = 0.3
        end = time.monotonic() + 600
        while session.folder.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert not session.folder.exists()
        assert len(sessions) == 0


def test_nothing_is_left_at_the_end(root, tmp_path):
    with served(root) as (port, sessions):
        visitor = Visitor(port)
        visitor.open()
        visitor.upload(nifti(tmp_path))
        assert list((tmp_path / "tmp").iterdir()) == [sessions.root]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_app_left_is_deleted_and_nothing_else(root, tmp_path):
    place = tmp_path / "tmp"
    code = (
        "import os; from app.session import own_folder; "
        "print(own_folder()[0], flush=True); os.abort()"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "TMPDIR": str(place)}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    dead = Path(killed.stdout.decode().strip())
    assert dead.parent == place
    (dead / "session").mkdir()
    (dead / "session/cine.npy").write_bytes(b"voxels")
    running, held = own_folder()
    without_lock, other = place / f"{PREFIX}x", place / "cmrseg-other"
    for folder in (without_lock, other):
        folder.mkdir()
    (other / LOCK).touch()
    (place / f"{PREFIX}link").symlink_to(dead)
    remove_left()
    assert not dead.exists()
    assert all(folder.exists() for folder in (running, without_lock, other))
    os.close(held)
    remove_left()
    assert not running.exists()
    assert tmp_path.is_dir()
