"""The list of series in a browser: what the page asks, and the images that a choice brings."""

import pytest

from app import work
from app_page import CONTRAST, FAULT, IDLE, IMAGES, NAMELESS, RESULT, opened_app
from app_server import PREPARATION, SETTINGS, ByBrightness
from browser import program
from cmrseg.phantom.pacs.variant import Variant
from exports import small_export, zipped

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")
page = pytest.fixture(opened_app)

LISTED = f"seriesNumber && {IDLE}"
TITLE = "document.querySelector('#seriesTitle').textContent"
TICKED = "document.querySelector('#ticked').textContent"
IS_OPEN = "document.querySelector('#series').open"
# Words of each row as they are seen, without the box.
ROWS = (
    "[...document.querySelectorAll('#seriesList tbody tr')].map((row) =>"
    " [...row.cells].slice(1).map((cell) => cell.innerText.trim()))"
)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Zips of an export with one cine, with two, and with two examinations."""
    made = {}
    for name, changes in {
        "one": {},
        "two": {"second_cine": True},
        "slices": {"cine_as": "slices"},
        "examinations": {"second_examination": True},
    }.items():
        folder = tmp_path_factory.mktemp("export") / "export"
        small_export(folder, Variant(kinds=("cine", "4ch", "lge"), copies=0, **changes))
        made[name] = zipped(folder, f"{name}.zip")
    return made


def upload(page, path):
    before = page.run("seriesNumber")
    page.choose_file("#file", path)
    page.wait(f"seriesNumber !== {before} && {IDLE}")


def box(name):
    """Selector of the box of a series; the list of these exports begins with number 1."""
    return f"#seriesList input[value='{name}']"


def test_a_series_is_chosen_and_replaces_the_images(page, monkeypatch, exports):
    network = ByBrightness()
    monkeypatch.setattr(work, "load_model", lambda folder: (network, SETTINGS | PREPARATION))
    upload(page, exports["one"])
    page.wait(IMAGES)
    assert page.run(FAULT) == ""
    assert page.run(TITLE) == "Series in use: #2 trufi_cine_retro_sax"
    assert "series#2" in page.run("imageFacts.textContent")
    assert page.run(IS_OPEN) is False
    assert page.run("image.shape[1]") == 5
    page.run("inPlane.value = 3; between.value = 8")
    page.click("#label")
    page.wait(f"{RESULT} || {FAULT}")
    page.click("#series summary")
    across = "does not lie across the heart"
    assert page.run(ROWS) == [
        ["#1 trufi_cine_retro_4ch", "1", "long-axis orientation", "8", "8", across],
        ["#2 trufi_cine_retro_sax", "5", "short-axis orientation", "8", "40", "in use"],
        [
            "#3 tfl_ir_lge_sax_MAG",
            "5",
            "short-axis orientation",
            "1",
            "5",
            "single images, no cine",
        ],
    ]
    # Nothing else is ticked yet.
    assert page.run("document.querySelector('#useSeries').disabled")
    page.click(box("#1"))
    assert page.run(TICKED) == "2 selected"
    page.click(box("#2"))
    page.click("#useSeries")
    page.wait(f"{TITLE}.startsWith('Series in use: #1') && {IDLE}")
    assert page.run("[image.shape[1], result, document.querySelector('#results').hidden]") == [
        *(1, None, True)
    ]
    assert page.run(IS_OPEN) is False
    assert page.run("document.activeElement.tagName") == "SUMMARY"


def test_what_is_unclear_is_asked_and_chosen_by_keys(page, exports):
    upload(page, exports["two"])
    assert (
        page.run(FAULT) == "Several series could be the short-axis cine; choose one from the list."
    )
    assert page.run(TITLE) == "Which series is the short-axis cine?"
    assert page.run(IS_OPEN) is True
    assert [row[-1] for row in page.run(ROWS)] == [
        *("does not lie across the heart", "may be the cine", "may be the cine"),
        "single images, no cine",
    ]
    page.run(f'document.querySelector("{box("#3")}").focus()')
    page.press(" ")
    assert page.run(TICKED) == "1 selected"
    page.run("document.querySelector('#useSeries').focus()")
    page.ask("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")
    page.ask("Input.dispatchKeyEvent", type="keyUp", key="Enter")
    page.wait(IMAGES)
    assert page.run(FAULT) == ""
    assert page.run(TITLE) == "Series in use: #3 trufi_cine_retro_sax_post"
    assert page.run("image.shape[1]") == 5


def test_a_stack_of_several_series_is_ticked_together(page, exports):
    upload(page, exports["slices"])
    used = page.run("boxes().filter((box) => box.checked).map((box) => box.value)")
    assert len(used) == 5
    assert page.run(TITLE) == f"Series in use: {', '.join(used[:4])} and 1 more"
    page.click("#series summary")
    page.click("#noSeries")
    assert page.run(f"[{TICKED}, document.querySelector('#useSeries').disabled]") == [
        *("0 selected", True)
    ]
    for name in used[:2]:
        page.click(box(name))
    page.click("#useSeries")
    page.wait(f"{TITLE} === 'Series in use: {used[0]}, {used[1]}' && {IDLE}")
    assert page.run("image.shape[1]") == 2


def test_two_examinations_have_headings_and_a_refused_choice_stays_open(page, exports):
    upload(page, exports["examinations"])
    headings = "[...document.querySelectorAll('#seriesList [scope=rowgroup]')]"
    assert page.run(f"{headings}.map((one) => one.textContent)") == [
        *("Examination 1", "Examination 2")
    ]
    for name in ("#2.1", "#2.2"):
        page.click(box(name))
    page.click("#useSeries")
    page.wait(f"{FAULT}.startsWith('These series come from two examinations') && {IDLE}")
    assert page.run(f"[{IS_OPEN}, {TICKED}, image]") == [True, "2 selected", None]
    page.click(box("#2.1"))
    page.click("#useSeries")
    page.wait(IMAGES)
    assert page.run(TITLE) == "Series in use: #2.2 trufi_cine_retro_sax"
    # Images without series have no list.
    page.click("[data-sample=mouse]")
    page.wait(f"image && image.name.startsWith('digital') && {IDLE}")
    assert page.run("document.querySelector('#series').hidden")


@pytest.mark.parametrize(("width", "height", "phone"), [(1360, 900, False), (360, 740, True)])
def test_the_list_fits_its_screen_and_can_be_read(page, exports, width, height, phone):
    page.size(width, height, phone)
    upload(page, exports["examinations"])
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    out = page.run(
        "[...document.querySelectorAll('#series *')].filter((e) => e.offsetParent && !e.closest("
        "'.unseen') && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName)"
    )
    assert out == []
    assert page.run(CONTRAST) == []
    assert page.run(NAMELESS) == []
