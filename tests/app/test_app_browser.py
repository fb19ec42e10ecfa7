"""The app's page in a browser: what people do with it, from a sample to downloads."""

import re
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from app import samples, work
from app_page import CONTRAST, FAULT, IDLE, IMAGES, NAMELESS, READY, RESULT, SEEN, opened_app
from app_server import (
    PREPARATION,
    SETTINGS,
    ByBrightness,
    cine_of,
    heart,
    served,
)
from browser import opened, program
from cmrseg.cine import Cine
from cmrseg.labels import COLOURS, Tissue
from cmrseg.measure.volumes import volume_curves
from hdf5_builder import write as write_hdf5

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")

FRAMES = 8
CAPTION = "document.querySelector('#caption').textContent"


class Recalled(torch.nn.Module):
    """Knows the labels of all images in their order, and gives them."""

    def __init__(self, labels: np.ndarray):
        super().__init__()
        self.labels, self.next = torch.from_numpy(labels.reshape(-1, *labels.shape[2:])), 0

    def forward(self, images):
        given = self.labels[self.next : self.next + len(images)].long()
        self.next += len(images)
        return torch.nn.functional.one_hot(given, 4).permute(0, 3, 1, 2).float()


@pytest.fixture
def truth(monkeypatch):
    """The sample, small, with its true labels as those of every model: (t, z, y, x)."""
    title, seed, disease, protocol = samples.SAMPLES["healthy"]
    small = replace(protocol, frames=FRAMES, rows=80, columns=64, spacing_mm=3.6)
    monkeypatch.setitem(samples.SAMPLES, "healthy", (title, seed, disease, small))
    acquired = []

    def acquire(*arguments):
        acquired.append(ACQUIRE(*arguments))
        return acquired[-1]

    monkeypatch.setattr(samples, "acquire_slice", acquire)

    def recalled(folder):
        labels = np.stack([labels for _, labels in acquired], axis=1)
        return Recalled(labels), SETTINGS | PREPARATION

    monkeypatch.setattr(work, "load_model", recalled)
    # One batch after another, as Recalled counts.
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    return lambda: np.stack([labels for _, labels in acquired], axis=1)


ACQUIRE = samples.acquire_slice


page = pytest.fixture(opened_app)


def begin(page):
    """Take the sample and label it."""
    page.click("[data-sample=healthy]")
    page.wait(IMAGES)
    page.click("#label")
    page.wait(f"{RESULT} || {FAULT}")
    assert page.run(FAULT) == ""


def cell(page, key):
    return page.run(f"document.querySelector('#measures [data-key={key}] td').textContent")


def taken(folder, name, timeout_s=600):
    """A file that the browser has downloaded, whole."""
    end = time.monotonic() + timeout_s
    while not (folder / name).is_file() or list(folder.glob("*.crdownload")):
        assert time.monotonic() < end, sorted(p.name for p in folder.iterdir())
        time.sleep(0.05)
    return folder / name


def test_a_sample_is_labelled_looked_at_corrected_and_taken_away(page, truth, tmp_path):
    begin(page)
    labels = truth()
    volumes = volume_curves(labels, (10.0, 3.6, 3.6), "x")["lv_ml"].to_numpy()
    ed, es = int(volumes.argmax()), int(volumes.argmin())
    assert page.run("[Number(ed.value), Number(es.value)]") == [ed + 1, es + 1]
    assert cell(page, "edv_ml") == f"{volumes[ed]:.0f} ml"
    assert cell(page, "esv_ml") == f"{volumes[es]:.1f} ml"
    assert cell(page, "ef") == f"{100 * (1 - volumes[es] / volumes[ed]):.1f} %"
    assert page.run(CAPTION).endswith(f"frame {ed + 1} of {FRAMES} (end-diastole)")
    # keys: to another frame, and that is end-systole
    page.run("document.querySelector('#canvas').focus()")
    for _ in range(2):
        page.press("ArrowRight")
    wanted = (ed + 2) % FRAMES
    assert f"frame {wanted + 1} of" in page.run(CAPTION)
    assert wanted != es
    # a letter acts on the image alone
    for other in ("#frame", "#getLabels", "#play"):
        page.run(f"document.querySelector('{other}').focus()")
        page.press("s")
        page.press("d")
    assert page.run("[Number(ed.value), Number(es.value)]") == [ed + 1, es + 1]
    page.run("document.querySelector('#canvas').focus()")
    page.press("s")
    page.wait(f"Number(es.value) === {wanted + 1} && !document.querySelector('#asFound').hidden")
    assert cell(page, "esv_ml") == f"{volumes[wanted]:.{0 if volumes[wanted] >= 100 else 1}f} ml"
    assert page.run(CAPTION).endswith("(end-systole)")
    page.click("#asFound")
    page.wait(f"Number(es.value) === {es + 1}")
    # the button does the same, and a number that is no frame is set back
    page.click("#esHere")
    page.wait(f"Number(es.value) === {wanted + 1}")
    page.run("es.value = 99; es.dispatchEvent(new Event('change'))")
    page.wait(f"Number(es.value) === {wanted + 1}")
    for name in ("getLabels", "getContours", "getMeasures", "getFrames", "getImage", "getBids"):
        page.click(f"#{name}")
    stem = "digital_heart_healthy"
    assert (Cine.load(taken(tmp_path, f"{stem}_labels.nii.gz")).voxels == labels).all()
    assert Cine.load(taken(tmp_path, f"{stem}_image.nii.gz")).voxels.shape == labels.shape
    table = taken(tmp_path, f"{stem}_measures.csv").read_text("utf-8-sig")
    assert f'end-systolic frame,{wanted + 1},"of {FRAMES}, set manually"' in table
    assert len(taken(tmp_path, f"{stem}_frames.csv").read_text().splitlines()) == FRAMES + 1
    with zipfile.ZipFile(taken(tmp_path, f"{stem}_contours.zip")) as archive:
        assert archive.namelist() == ["contours.csv", "contours.con"]
    with zipfile.ZipFile(taken(tmp_path, f"{stem}_bids.zip")) as archive:
        assert f"{stem}_bids/dataset_description.json" in archive.namelist()
    # the model of this test has no card
    page.click("#getMonai")
    page.wait(f"{FAULT}.includes('There is no bundle of fcn (demo), as its folder has no card')")


def colours(page) -> set[tuple[int, int, int]]:
    """Colours of the picture."""
    packed = page.run(
        "(() => { const c = document.querySelector('#canvas'), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data, s = new Set();"
        " for (let i = 0; i < d.length; i += 4) s.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);"
        " return [...s]; })()"
    )
    return {(value >> 16, value >> 8 & 255, value & 255) for value in packed}


def test_the_picture_shows_contours_areas_or_neither(page, truth):
    begin(page)
    page.wait(f"{CAPTION}.includes('end-diastole')")
    wanted = {
        tuple(int(COLOURS[tissue][i : i + 2], 16) for i in (1, 3, 5))
        for tissue in (Tissue.LV, Tissue.MYO, Tissue.RV)
    }
    assert wanted <= colours(page)
    page.run("document.querySelector('#canvas').focus()")
    page.press("c")
    shown = colours(page)
    assert all(red == green == blue for red, green, blue in shown)
    page.run("layer.value = 'fill'; layer.onchange()")
    assert any(max(colour) - min(colour) > 40 for colour in colours(page))
    # contours follow the pixels of the labels: a square of 2 x 2 has an outline of 8 middles
    loops = page.run("outlines([0,0,0,0, 0,1,1,0, 0,1,1,0, 0,0,0,0], 4, 4)")
    assert len(loops) == 1
    assert sorted(map(tuple, loops[0])) == sorted(
        [(1.5, 1), (2.5, 1), (3, 1.5), (3, 2.5), (2.5, 3), (1.5, 3), (1, 2.5), (1, 1.5)]
    )
    assert len(page.run("outlines([1,1,1, 1,0,1, 1,1,1], 3, 3)")) == 2


def test_slices_frames_and_playing_are_at_hand(page, truth):
    page.click("[data-sample=healthy]")
    page.wait(IMAGES)
    slices = page.run("image.shape[1]")
    page.run("document.querySelector('#canvas').focus()")
    first = page.run("z")
    page.press("ArrowUp")
    assert page.run("z") == first - 1
    page.press("ArrowDown")
    page.press("ArrowLeft")
    assert page.run("[z, t]") == [first, FRAMES - 1]
    page.run("slice.value = 1; slice.oninput()")
    assert page.run(CAPTION).startswith(f"Slice 1 of {slices},")
    page.run("document.querySelector('#strip').scrollIntoView()")
    page.click("#strip")
    assert page.run("z") == slices // 2
    before = page.run("t")
    page.click("#play")
    page.wait(f"t !== {before}")
    assert (
        page.run("play.getAttribute ? 0 : document.querySelector('#play').textContent") == "Pause"
    )
    page.click("#play")
    held = page.run("t")
    time.sleep(0.3)
    assert page.run("t") == held
    # arrows in a slider are the slider's
    page.run("document.querySelector('#slice').focus()")
    z = page.run("z")
    page.press("s")
    assert page.run("z") == z


def test_files_are_chosen_refused_and_asked_for_what_they_lack(page, monkeypatch, tmp_path):
    network, settings = ByBrightness(), SETTINGS | PREPARATION | {"tissues": "lv,my"}
    monkeypatch.setattr(work, "load_model", lambda folder: (network, settings))
    (tmp_path / "noise.nii.gz").write_bytes(b"no gzip at all")
    page.choose_file("#file", tmp_path / "noise.nii.gz")
    page.wait(f"{FAULT} && {IDLE}")
    assert "not a readable NIfTI" in page.run(FAULT)
    for width, height, phone in ((1366, 650, False), (360, 740, True)):
        page.size(width, height, phone)
        assert page.run(SEEN), (width, height)
    (tmp_path / "notes.txt").write_text("x")
    page.choose_file("#file", tmp_path / "notes.txt")
    page.wait(
        f"{FAULT}.includes('is not a supported file type: choose a NIfTI (.nii.gz, .nii) or HDF5')"
    )
    images = cine_of(heart()).voxels.transpose(2, 3, 1, 0).astype(np.uint16)
    page.choose_file("#file", write_hdf5(tmp_path / "Mouse7.h5", Images=images))
    page.wait(IMAGES)
    assert page.run(FAULT) == ""
    assert not page.run("spacing.hidden || document.querySelector('#intervalField').hidden")
    page.click("#label")
    page.wait(f"{FAULT}.endsWith('Enter the voxel size.')")
    page.run("inPlane.value = 0.1; between.value = 1")
    page.click("#label")
    page.wait(RESULT)
    assert cell(page, "edv_ml").endswith(" µL")
    assert cell(page, "mass_g").endswith(" mg")
    # innerText is of what can be seen.
    legend = page.run("document.querySelector('#legend').innerText").split("\n")
    assert [word for word in legend if word] == ["LV cavity", "LV myocardium"]
    assert "voxel size of a mouse" in page.run("document.querySelector('#warnings').textContent")
    # A file that cannot be read leaves what there was.
    page.choose_file("#file", tmp_path / "noise.nii.gz")
    page.wait(f"{FAULT}.includes('not a readable NIfTI') && {RESULT}")
    assert page.run("[image.name, image.shape[0], result !== null]") == ["Mouse7.h5", 5, True]
    assert cell(page, "edv_ml").endswith(" µL")


def test_images_without_a_heart_are_told_and_labels_are_not_lost_by_a_slip(
    page, monkeypatch, tmp_path
):
    network = ByBrightness()
    monkeypatch.setattr(work, "load_model", lambda folder: (network, SETTINGS | PREPARATION))
    asks = (
        "(() => { const e = new Event('beforeunload', { cancelable: true });"
        " window.dispatchEvent(e); return e.defaultPrevented; })()"
    )
    labels = np.zeros((1, 1, 40, 36), np.uint8)
    cine_of(labels, np.diag([0.1, 0.1, 1, 1])).save(tmp_path / "empty.nii.gz")
    page.choose_file("#file", tmp_path / "empty.nii.gz")
    page.wait(IMAGES)
    assert ", 1 slice, 1 frame" in page.run("imageFacts.textContent")
    assert page.run(asks) is False
    page.click("#label")
    page.wait(RESULT)
    assert page.run("by.textContent").startswith("Segmented by fcn")
    warned = page.run("document.querySelector('#warnings').textContent")
    assert "No LV cavity was found in any image." in warned
    assert cell(page, "edv_ml") == "0.0 µL"
    # what a model can give again is no loss, what somebody drew is one
    assert page.run(asks) is False
    page.run("setEditing(true); beginStroke([18, 20]); endStroke()")
    page.wait("!saving && editedCount() === 1")
    assert page.run(asks) is True
    page.run("takeBack(edit.undo, edit.redo, 'before')")
    page.wait("!saving && editedCount() === 0")
    page.click("#getContours")
    page.wait(f"{FAULT} === 'Nothing is segmented, so there are no contours.'")
    page.click("#getLabels")
    assert not Cine.load(taken(tmp_path, "empty_labels.nii.gz")).voxels.any()


def test_a_closed_page_comes_back_until_its_data_are_deleted(page, truth):
    address = page.run("location.href")
    page.click("[data-sample=healthy]")
    page.wait(IMAGES)
    (session,) = page.sessions.all()
    page.go("about:blank")
    page.wait("location.href === 'about:blank'")
    page.go(address)
    page.wait(f"{READY} && {IMAGES}")
    assert page.run("setup.session") == session.name
    page.click("#deleteAll")
    page.wait("document.querySelector('#asked').open")
    page.click("#askedYes")
    page.wait(f"{READY} && setup.session !== '{session.name}'")
    assert not session.folder.exists()
    assert page.run("image === null")


@pytest.mark.parametrize(("width", "height", "phone"), [(1360, 900, False), (360, 740, True)])
def test_the_page_fits_its_screen_and_can_be_read(page, truth, width, height, phone):
    page.size(width, height, phone)
    begin(page)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    out = page.run(
        "[...document.querySelectorAll('main *')].filter((e) => e.offsetParent && !e.closest("
        "'.unseen, svg') && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.id)"
    )
    assert out == []
    assert page.run(CONTRAST) == []
    assert page.run(NAMELESS) == []
    assert page.run("warning.textContent") == "Research use, not a medical device"
    assert page.run("warning.getBoundingClientRect().height > 10")


def test_without_a_model_the_page_says_how_to_get_one(tmp_path):
    with served(tmp_path / "nothing") as (port, _), opened(tmp_path) as page:
        page.go(f"http://127.0.0.1:{port}/")
        page.wait(READY)
        assert re.search("Run the demo", page.run("noModels.textContent"))
        assert page.run("modelChoice.hidden")
