"""The page in a browser: a view, three sequences beside each other, and the bull's eye."""

import numpy as np
import pytest

from app import work
from app_page import CONTRAST, FAULT, IMAGES, NAMELESS, RESULT, opened_app
from app_server import AFFINE, PREPARATION, heart, model_folder, packed, root_of_one_model
from browser import program
from cmrseg.cine import Cine
from cmrseg.labels import COLOURS, Tissue
from networks import network_of

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")
SETTINGS = {
    "fcn": network_of("fcn", 2),
    "view": network_of("fcn", 2, "la,ra", sequence="la_4ch"),
    "three": network_of("fcn", 2, "lv,my,scar", sequence="c0,de,t2"),
}
# Pixels of a canvas that nearly have a colour.
PAINTED = """((canvas, colour) => {
  const { width, height } = canvas;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const wanted = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)), found = [];
  for (let i = 0; i < data.length; i += 4)
    if (wanted.every((v, c) => Math.abs(data[i + c] - v) < 12)) found.push((i / 4) % width / width);
  return found;
})"""
TEXTS = "[...document.querySelectorAll('{} text')].map((e) => e.textContent)"


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = root_of_one_model(tmp_path, monkeypatch)
    for name, settings in SETTINGS.items():
        model_folder(found / f"results/demo/models/{name}", **settings)
    return found


page = pytest.fixture(opened_app)


@pytest.fixture
def said(monkeypatch):
    """Labels that every network gives."""
    labels = {}
    monkeypatch.setattr(work, "predict_cine", lambda *a, **k: labels["all"])
    monkeypatch.setattr(
        work, "load_model", lambda folder: (None, SETTINGS[folder.name] | PREPARATION)
    )
    return labels


def label(page, model, path):
    page.run(
        f"model.value = setup.models.find((m) => m.name.startsWith('{model}')).id;"
        "model.dispatchEvent(new Event('change'))"
    )
    page.choose_file("#file", path)
    page.wait(f"({IMAGES}) || {FAULT}")
    page.click("#label")
    page.wait(f"({RESULT}) || {FAULT}")
    assert page.run(FAULT) == ""


def shown(page, selector):
    return page.run(f"!!document.querySelector('{selector}').offsetParent")


def test_a_view_shows_its_tissues_areas_and_no_stack(page, said, tmp_path):
    labels = np.zeros((4, 1, 30, 40), np.uint8)
    for t in range(4):
        labels[t, 0, 5 : 10 + 2 * t, 5:15] = Tissue.LA
        labels[t, 0, 5:20, 22:34] = Tissue.RA
    said["all"] = labels
    voxels = np.random.default_rng(0).integers(0, 300, labels.shape).astype(np.int16)
    Cine(voxels, np.diag([1.8, 1.8, 6, 1]), 0.2).save(tmp_path / "view.nii.gz")
    label(page, "view", tmp_path / "view.nii.gz")
    assert page.run("caption.textContent") == "Frame 4 of 4"
    assert page.run("document.querySelector('#canvas').getAttribute('aria-label')") == (
        "4-chamber image: Frame 4 of 4"
    )
    for tissue in (Tissue.LA, Tissue.RA):
        assert page.run(f"{PAINTED}(canvas, '{COLOURS[tissue]}').length") > 50
    cells = page.run("[...document.querySelectorAll('#measures tr')].map((e) => e.innerText)")
    # 110 and 50 pixels of 1.8 x 1.8 mm
    assert [cell.split("\t") for cell in cells][:2] == [
        ["Left atrium, largest (frame 4)", "3.6 cm²"],
        ["Left atrium, smallest (frame 1)", "1.6 cm²"],
    ]
    texts = page.run(TEXTS.format("#curve"))
    assert "area, cm²" in texts
    assert "ED" not in texts
    for selector in ("#strip", "#sliceField", "#phases", "#eye", "#chosen"):
        assert not shown(page, selector)
    assert shown(page, "#frameField")
    # keys for end-diastole do nothing
    page.run("document.querySelector('#canvas').focus()")
    page.press("d")
    assert page.run("measures.has_phases") is False
    assert page.run(CONTRAST) == []
    assert page.run(NAMELESS) == []


@pytest.mark.parametrize(("width", "height", "phone"), [(1360, 900, False), (360, 740, True)])
def test_three_sequences_are_side_by_side_with_labels_on_each(
    page, said, tmp_path, width, height, phone
):
    page.size(width, height, phone)
    labels = np.zeros((1, 3, 40, 40), np.uint8)
    labels[0, :, 10:30, 10:30], labels[0, :, 15:25, 15:25] = Tissue.MYO, Tissue.LV
    labels[0, 2, 10:15, 10:20] = Tissue.SCAR
    said["all"] = labels
    members = {}
    for number, name in enumerate(("C0", "DE", "T2")):
        voxels = np.random.default_rng(number).integers(0, 300, labels.shape).astype(np.int16)
        Cine(voxels, np.diag([1.0, 1.0, 12, 1])).save(tmp_path / "one.nii.gz")
        members[f"7_{name}.nii.gz"] = (tmp_path / "one.nii.gz").read_bytes()
    label(page, "three", packed(tmp_path / "seven.zip", members))
    # the slice with the scar, which is drawn on every picture
    assert page.run("caption.textContent") == "Slice 3 of 3"
    assert page.run("canvas.getAttribute('aria-label')") == (
        "bSSFP (C0), LGE (DE), T2: Slice 3 of 3"
    )
    if not phone:
        places = page.run(f"{PAINTED}(canvas, '{COLOURS[Tissue.SCAR]}')")
        assert {int(3 * place) for place in places} == {0, 1, 2}
    words = page.run("document.querySelector('#measures').innerText")
    # 50 of 300 pixels of wall in a slice of three
    assert "Scar\t0.6 ml" in words
    assert "Scar, part of the LV wall\t5.6 %" in words
    legend = page.run("legend.innerText").split("\n")
    assert [word for word in legend if word] == ["LV cavity", "LV myocardium", "scar"]
    assert page.run("eyeTitle.textContent") == "Transmurality of scar"
    assert page.run("eyeWhy.textContent") == (
        "Not measured: the model does not label the RV cavity."
    )
    for selector in ("#curveFigure", "#phases", "#frameField", "#play", "#eyePicture"):
        assert not shown(page, selector)
    for selector in ("#eyeCaption", "#getContours"):
        assert not shown(page, selector)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_short_axis_has_a_bull_s_eye_or_says_why_not(page, said, tmp_path):
    labels = heart(slices=9)
    said["all"] = labels
    Cine(np.where(labels > 0, 300, 10).astype(np.int16), AFFINE, 0.16).save(tmp_path / "a.nii.gz")
    label(page, "fcn", tmp_path / "a.nii.gz")
    texts = page.run(TEXTS.format("#eyePicture"))
    assert {"Anterior", "Septal", "Inferior", "Lateral", "16"} <= set(texts)
    assert page.run("document.querySelectorAll('#eyePicture path').length") == 16
    measured = page.run("measures.eye.segments.map((s) => s.value.toFixed(1))")
    written = "[...document.querySelectorAll('[data-segment]')].map((e) => e.textContent)"
    assert page.run(written) == measured
    assert page.run(f"{TEXTS.format('#eyePicture')}.length") == 16 * 2 + 4 + 2
    assert not shown(page, "#eyeWhy")
    # a stack that is too short
    said["all"] = labels[:, :5]
    short = Cine(np.where(labels[:, :5] > 0, 300, 10).astype(np.int16), AFFINE, 0.16)
    short.save(tmp_path / "short.nii.gz")
    label(page, "fcn", tmp_path / "short.nii.gz")
    assert page.run("eyeWhy.textContent") == (
        "Not measured: 4 slices have 10 pixels of cavity and of wall, expected at least 6."
    )
    assert not shown(page, "#eyePicture")
    assert page.run(CONTRAST) == []
