"""The app for tests, a network whose labels are known, and a visitor without a browser."""

import http.client
import json
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch
import uvicorn

from app import work
from app.__main__ import listening
from app.server import Options, build
from cmrseg.cine import Cine
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from hdf5_builder import write as write_hdf5
from networks import network_of

SETTINGS = network_of("fcn", 2)
PREPARATION = {"preparation": "fcn", "intensity": "linear", "size_px": 32}
# Grey values of the tissues of `heart`.
GREYS = {0: 0, 2: 400, 3: 700, 1: 1000}
# A short axis seen from the apex, slices from base to apex: 1.35 x 1.7 x 9.5 mm.
AFFINE = np.array(
    [[-0.81, 0, -7.6, 10], [-0.864, 1.02, 4.56, 20], [-0.648, -1.36, 3.42, 30], [0, 0, 0, 1]]
)


class ByBrightness(torch.nn.Module):
    """Labels pixels by their grey values in GREYS; waits on `gate` before each batch."""

    def __init__(self, gate: threading.Event | None = None):
        super().__init__()
        self.gate, self.batches, self.begun = gate, 0, threading.Event()

    def __deepcopy__(self, memo):
        """What labels is this network, so that a test can hold it up."""
        return self

    def forward(self, images):
        self.batches += 1
        self.begun.set()
        if self.gate is not None:
            self.gate.wait(30)
        middles = torch.tensor([GREYS[label] / 1000 for label in range(4)])
        return -((images - middles[None, :, None, None]) ** 2)


def heart(frames: int = 5, slices: int = 4, rows: int = 40, columns: int = 36) -> np.ndarray:
    """Label maps (t, z, y, x): a cavity, smallest in the middle frame, in a wall; and an RV."""
    y, x = np.mgrid[:rows, :columns]
    radius = np.hypot(y - 18, x - 20)
    labels = np.zeros((frames, slices, rows, columns), np.uint8)
    labels[:, :, 14:22, 4:10] = 3
    for t in range(frames):
        inner = 8 - 4 * np.sin(np.pi * t / max(frames - 1, 1))
        labels[t, :, radius < 11] = 2
        labels[t, :, radius < inner] = 1
    # the first slice lies beyond the base, the last beyond the apex
    labels[:, [0, -1]] = 0
    return labels


def cine_of(labels: np.ndarray, affine: np.ndarray = AFFINE, interval_s: float = 0.16) -> Cine:
    """A cine that ByBrightness labels so, but for the border of its grey values."""
    voxels = np.zeros(labels.shape, np.int16)
    for label, grey in GREYS.items():
        voxels[labels == label] = grey
    return Cine(voxels, affine, interval_s)


def model_folder(folder: Path, **changes: Any) -> Path:
    """A model's folder: a network of random weights with its record."""
    # A record may say what its weights are not of.
    own = {key: changes[key] for key in ("tissues", "sequence") if key in changes}
    network = build_network(SETTINGS | own, torch.Generator().manual_seed(0))
    save_weights(network.state_dict(), folder / "weights.safetensors")
    settings = {**SETTINGS, **PREPARATION, "cohort": "biobank", "start": "random", **changes}
    (folder / "record.json").write_text(json.dumps({"settings": settings}))
    return folder


@contextmanager
def served(root: Path, **options: Any) -> Iterator[tuple[int, Any]]:
    """The app while the block runs: its port and its sessions."""
    sock = listening(0)
    port = sock.getsockname()[1]
    app = build(Options(root=root, port=port, **options))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield port, app.app.state.sessions
    finally:
        server.should_exit = True
        thread.join(600)
        assert not thread.is_alive()


class Visitor:
    """Somebody with a page: its cookie and its session."""

    def __init__(self, port: int):
        self.port, self.cookie, self.base = port, "", ""
        self.headers: dict[str, str] = {}

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Status and content of an answer; headers of it are kept. `_` in names is `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        given = {"Origin": f"http://127.0.0.1:{self.port}"} if verb != "GET" else {}
        if self.cookie:
            given["Cookie"] = self.cookie
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body) if isinstance(body, dict) else body
        connection.request(verb, path, content, given)
        answer = connection.getresponse()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return answer.status, answer.read()
        finally:
            connection.close()

    def open(self) -> dict[str, Any]:
        status, content = self.ask("POST", "/api/open", {})
        found = json.loads(content)
        if status == 200:
            self.cookie = self.headers["set-cookie"].split(";")[0]
            self.base = f"/api/{found['session']}"
        return found

    def talk(self, verb: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        status, content = self.ask(verb, self.base + path, body)
        return status, json.loads(content)

    def settled(self) -> dict[str, Any]:
        """What the session is like when nothing is done any more."""
        while (state := self.talk("GET", "/state")[1])["busy"]:
            time.sleep(0.02)
        return state

    def upload(self, path: Path, name: str = "") -> dict[str, Any]:
        """State after an upload, or the answer that refuses it."""
        status, answer = self.talk(
            "PUT", f"/images?name={quote(name or path.name)}", path.read_bytes()
        )
        return self.settled() if status == 202 else answer

    def label(self, model: str, **given: Any) -> dict[str, Any]:
        status, answer = self.talk("POST", "/label", {"model": model, **given})
        return self.settled() if status == 202 else answer


def nifti(folder: Path, labels=None, name="cine.nii.gz", **changes) -> Path:
    cine_of(heart() if labels is None else labels, **changes).save(folder / name)
    return folder / name


def packed(path: Path, members: Mapping[Any, bytes | str]) -> Path:
    """A zip with members by their names, or by what `zipfile` knows of them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def mouse(folder: Path) -> tuple[Path, np.ndarray]:
    """An HDF5 file (row, column, slice, frame) of a small heart, and its labels."""
    labels = heart()
    images = cine_of(labels).voxels.transpose(2, 3, 1, 0).astype(np.uint16)
    return write_hdf5(folder / "Mouse7.h5", Images=images), labels


def by_brightness(monkeypatch):
    """For a fixture: the network of every model, which labels by brightness."""
    made = ByBrightness()
    monkeypatch.setattr(work, "load_model", lambda folder: (made, SETTINGS | PREPARATION))
    return made


def root_of_one_model(tmp_path, monkeypatch):
    """For a fixture: a project's folder with one model; temporary folders are beside it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    model_folder(tmp_path / "root/results/demo/models/fcn")
    return tmp_path / "root"


def served_root(root):
    """For a fixture: the app for that folder, with small limits."""
    with served(root, most_bytes=3_000_000, sessions=3) as (port, sessions):
        yield port, sessions


def opened_page(app):
    """For a fixture: somebody whose page is open, with the name of the model."""
    visitor = Visitor(app[0])
    visitor.model = visitor.open()["models"][0]["id"]
    return visitor
