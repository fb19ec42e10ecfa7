"""The page in a browser: what is in the window of a desktop, and what does not overlap."""

import pytest
from test_app_browser import begin, truth

from app_page import IMAGES, opened_app
from browser import program

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")

page = pytest.fixture(opened_app)
__all__ = ["truth"]

SEEN = """((id) => {
  const box = document.getElementById(id).getBoundingClientRect();
  return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
})"""
# Numbers at the curves of which two are on top of each other.
COVERED = """(() => {
  const boxes = [...document.querySelectorAll('#curve .extreme')]
    .map((e) => ({ text: e.textContent, box: e.getBoundingClientRect() }));
  const over = ({ box: a }, { box: b }) => a.left < b.right && b.left < a.right
    && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  return [boxes.length, boxes.flatMap((one, i) =>
    boxes.slice(i + 1).filter((other) => over(one, other)).map((other) => [one.text, other.text]))];
})()"""


def test_the_next_step_and_the_numbers_are_in_the_window_of_a_desktop(page, truth):
    page.size(1280, 900)
    page.click("[data-sample=healthy]")
    page.wait(IMAGES)
    assert page.run(f"{SEEN}('label')")
    begin(page)
    assert page.run(f"{SEEN}('measures')")
    # also where somebody had to move to the button
    page.size(1280, 700)
    page.run("scrollTo(0, document.body.scrollHeight)")
    assert not page.run(f"{SEEN}('measures')")
    begin(page)
    assert page.run(f"{SEEN}('resultsTitle')")
    assert page.run(f"{SEEN}('measures')")


def test_numbers_at_the_curves_do_not_cover_each_other(page, truth):
    begin(page)
    for width, phone in ((1280, False), (390, True)):
        page.size(width, 844, phone)
        # ventricles that are largest, and smallest, together and alike
        for more in (0.5, 4, -2, 40):
            page.run(
                f"measures.curves.rv_ml = measures.curves.lv_ml.map((v) => v + {more}); drawCurve()"
            )
            assert page.run(COVERED) == [4, []], (width, more)


def test_a_download_that_is_being_made_is_not_asked_for_twice(page, truth):
    begin(page)
    told = page.run(
        "(async () => { const off = () => getFrames.getAttribute('aria-disabled');"
        " const before = performance.getEntriesByType('resource').length;"
        " const first = take(getFrames), during = off(); await take(getFrames); await first;"
        " return [during, off(), performance.getEntriesByType('resource').length - before]; })()"
    )
    assert told == ["true", "false", 1]
