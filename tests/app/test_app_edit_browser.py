"""The page in a browser: contours are edited by keys, mouse and touch; barriers; a reload."""

import numpy as np
import pytest

from app import work
from app_page import CONTRAST, FAULT, IMAGES, NAMELESS, READY, RESULT, barriers, opened_app
from app_server import PREPARATION, SETTINGS, ByBrightness, nifti
from browser import program

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")
page = pytest.fixture(opened_app)

SAVED = "(!saving && !polling)"
LABELS = "plane(result.labels, t, z)"


def wait(page, expression):
    return page.wait(expression, 120)


@pytest.fixture
def result(page, monkeypatch, tmp_path):
    """The page with a segmented cine."""
    network = ByBrightness()
    monkeypatch.setattr(work, "load_model", lambda folder: (network, SETTINGS | PREPARATION))
    page.choose_file("#file", nifti(tmp_path))
    wait(page, IMAGES)
    page.run("document.querySelector('#label').focus()")
    page.press(" ")
    wait(page, f"{RESULT} || {FAULT}")
    assert page.run(FAULT) == ""
    return page


def count(page, tissue):
    return page.run(f"{LABELS}.filter((v) => v === {tissue}).length")


def shown(page, key):
    return float(
        page.run(f"document.querySelector('#measures [data-key={key}] td').textContent").split()[0]
    )


def drag(page, places, kind="mouse"):
    """Press at the first place of the image (pixels), move over the others, release."""
    points = page.run(
        f"{places}.map(([u, v]) => {{ const [d] = drawn, b = canvas.getBoundingClientRect();"
        " return [b.left + d.left + (u - d.x) * d.scale,"
        " b.top + d.top + (v - d.y) * d.scale * image.aspect]; })".replace(
            "canvas.", "document.querySelector('#canvas')."
        )
    )
    if kind == "touch":
        for name, (x, y) in zip(["touchStart", *["touchMove"] * len(points)], points, strict=False):
            page.ask("Input.dispatchTouchEvent", type=name, touchPoints=[{"x": x, "y": y}])
        page.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        return
    names = ["mousePressed", *["mouseMoved"] * (len(points) - 1)]
    for name, (x, y) in zip(names, points, strict=True):
        page.ask(
            "Input.dispatchMouseEvent", type=name, x=x, y=y, button="left", buttons=1, clickCount=1
        )
    x, y = points[-1]
    page.ask("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left")


def test_contours_are_edited_by_keys_alone_and_nothing_is_lost(result, tmp_path):
    page = result
    # who works where stays there
    assert page.run("document.activeElement.id") == "label"
    assert page.run("document.querySelector('#announce').textContent").startswith(
        "Segmented by fcn"
    )
    page.run("document.querySelector('#canvas').focus()")
    before, volume = count(page, 1), shown(page, "edv_ml")
    page.press("e")
    assert page.run("!editor.hidden && edit.on")
    for _ in range(3):
        page.press("]")
    for name in ("ArrowLeft", " ", "ArrowLeft", "ArrowLeft", " "):
        page.press(name)
    wait(page, f"{SAVED} && editedCount() === 1")
    assert page.run("document.querySelector('#announce').textContent").startswith(
        "Painted LV cavity in slice"
    )
    page.press("2")
    page.press("r")
    wall = count(page, 2)
    page.run("edit.cursor = [20.5, 8.5]")
    page.press(" ")
    page.press(" ")
    wait(page, SAVED)
    after = count(page, 1)
    assert after > before
    assert count(page, 2) < wall
    # 1.35 x 1.7 x 9.5 mm
    wait(
        page,
        f"Math.abs({volume + (after - before) * 0.0218025} - parseFloat("
        "document.querySelector('#measures [data-key=edv_ml] td').textContent)) < 0.06",
    )
    edited = page.run("[t, z]")
    # a reload has it back, and undo is by restoring the slice
    page.run("untaken = false; window.left = true; location.reload()")
    wait(page, f"!window.left && document.readyState === 'complete' && {READY} && {RESULT}")
    assert page.run("result.edited") == [edited]
    assert count(page, 1) == after
    assert not page.run("document.querySelector('#getEdited').hidden")
    # a new run asks before it replaces what was drawn
    page.run("document.querySelector('#label').focus()")
    page.press(" ")
    wait(page, "asked.open && document.activeElement.id === 'askedNo'")
    page.press(" ")
    wait(page, "!asked.open")
    assert page.run("[document.activeElement.id, editedCount()]") == ["label", 1]


def test_mouse_and_touch_draw_push_copy_and_undo(result):
    page = result
    page.click("#edit")
    before = page.run(f"[...{LABELS}]")
    page.run("document.querySelector('#stage').scrollIntoView()")
    drag(page, "[[20.5, 18.5], [20.5, 30.5]]")
    wait(page, f"{SAVED} && editedCount() === 1")
    assert page.run(f"{LABELS}[30 * 36 + 20]") == 1
    page.click("#undo")
    wait(page, f"{SAVED} && editedCount() === 0")
    assert page.run(f"[...{LABELS}]") == before
    page.click("#redo")
    wait(page, f"{SAVED} && editedCount() === 1")
    page.click("#undo")
    wait(page, f"{SAVED} && editedCount() === 0")
    # a push of the lateral wall takes endocardium and epicardium along
    page.click("[name=tool][value=push]")
    page.run("document.querySelector('#stage').scrollIntoView()")
    old = np.reshape(before, (40, 36))
    drag(page, "[[28.5, 18.5], [30.5, 18.5], [31.5, 18.5]]", "touch")
    wait(page, f"{SAVED} && editedCount() === 1")
    new = np.reshape(page.run(f"[...{LABELS}]"), (40, 36))
    assert np.flatnonzero(new[18] == 1).max() > np.flatnonzero(old[18] == 1).max()
    assert np.flatnonzero(new[18] == 2).max() > np.flatnonzero(old[18] == 2).max()
    assert (new[:, :16] == old[:, :16]).all()
    # the tissue alone, or all, goes to the slice beside
    z, t = page.run("[z, t]")
    page.click("#toSlice")
    wait(page, f"{SAVED} && z === {z + 1} && editedCount() === 2")
    assert (np.reshape(page.run(f"[...{LABELS}]"), (40, 36)) == 1).sum() == (new == 1).sum()
    page.click("[name=tissue][value='0']")
    page.click("#toFrame")
    wait(page, f"{SAVED} && t === {t + 1} && editedCount() === 3")
    assert page.run("document.querySelector('#marked').hidden") is False
    page.click("#asModel")
    wait(page, f"{SAVED} && editedCount() === 2")
    page.click("#largest")
    wait(page, f"{SAVED} && result.largest")


def test_strokes_that_follow_each_other_quickly_all_reach_the_server(result):
    page = result
    page.click("#edit")
    page.run(
        "(async () => { for (let i = 0; i < 8; i++) { beginStroke([4.5 + i, 34.5]); endStroke();"
        " await new Promise((go) => setTimeout(go, 30)); } })()"
    )
    wait(page, f"{SAVED} && !isUnsaved()")
    same = "voxels('labels').then((all) => all.every((v, i) => v === result.labels[i]))"
    assert page.run(same) is True
    assert page.run(f"[...Array(8).keys()].every((i) => {LABELS}[34 * 36 + 4 + i] === 1)")
    # while another result is made nothing is drawn
    page.run("showWork('Labelling', 0); document.querySelector('#edit').click()")
    assert page.run("edit.on") is False
    page.run("showWork('', null)")


def test_the_view_zooms_moves_and_has_a_window(result):
    page = result
    page.run("document.querySelector('#canvas').focus()")
    first = page.run("drawn[0].scale")
    page.press("+")
    assert page.run("drawn[0].scale") == pytest.approx(1.25 * first)
    page.press("0")
    assert page.run("drawn[0].scale") == pytest.approx(first)
    bright = page.run("greys()[100]")
    page.run("level.value = 60; level.oninput()")
    assert page.run("greys()[100]") > bright
    page.run("resetView()")
    assert page.run("[greys()[0], greys()[255]]") == [0, 254]
    page.run("for (let i = 0; i < 5; i++) zoomBy(1.25)")
    x = page.run("drawn[0].x")
    page.run("panBy(2, 0)")
    assert page.run("drawn[0].x") == pytest.approx(x - 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height", "phone"), [(1280, 900, False), (390, 844, True)])
def test_axe_finds_no_barriers(result, scheme, width, height, phone):
    page = result
    page.size(width, height, phone)
    page.ask(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for is_editing in ("false", "true"):
        page.run(f"setEditing({is_editing})")
        assert barriers(page) == []
        assert page.run(CONTRAST) == []
        assert page.run(NAMELESS) == []
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
    if not phone:
        page.run("scrollTo(0, 0)")
        bottom = "document.querySelector('#measures').getBoundingClientRect().bottom"
        assert page.run(bottom) < height
