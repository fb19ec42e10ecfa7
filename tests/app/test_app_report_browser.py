"""The app's page in a browser: from a sample to a report, and the terms of published networks."""

import pytest
from test_app_browser import begin, cell, taken, truth

from app import fetching
from app_page import CONTRAST, FAULT, NAMELESS, opened_app
from browser import program

pytestmark = pytest.mark.skipif(program() is None, reason="no browser; install chromium")

page = pytest.fixture(opened_app)
__all__ = ["truth"]

ROW = "document.querySelector('#measures [data-key={}]').textContent"


def fill(page, **values):
    """Type into fields, as somebody does who goes on to the next one."""
    for field, value in values.items():
        page.run(
            f"(() => {{ const e = document.querySelector('#{field}'); e.value = '{value}';"
            " e.dispatchEvent(new Event('change')); })()"
        )


def test_a_sample_becomes_a_report_with_values_of_the_person(page, truth, tmp_path):
    begin(page)
    assert "reference" not in page.run(ROW.format("edv_ml"))
    page.run("document.querySelector('#person').open = true")
    fill(page, height=170, weight=65, sex="female", age=60, reportTitle="Case 7")
    page.wait(f"{ROW.format('edv_ml')}.includes('reference 82.8 to 165 ml')")
    assert "ml/m²" in cell(page, "edv_ml")
    assert page.run("surface.textContent") == "Body surface area 1.75 m² (Mosteller). "
    # a value that cannot be is said beside the fields, and what is known is kept
    fill(page, height=17)
    page.wait("personFault.textContent === 'Height 17: expected 40 to 230 cm.'")
    fill(page, height=170)
    page.wait("!personFault.textContent")
    assert page.run(CONTRAST) == []
    assert page.run(NAMELESS) == []
    page.click("#getReport")
    content = taken(tmp_path, "digital_heart_healthy_report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/Title (Case 7)" in content
    assert page.run(FAULT) == ""
    page.size(390, 844, phone=True)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    # other images are of nobody
    begin(page)
    assert page.run("height.value + weight.value + sex.value + age.value + reportTitle.value") == ""


def test_the_terms_come_before_the_networks_and_what_fails_is_said(page, monkeypatch):
    def unreachable(*_):
        raise ConnectionError("https://example.org: no route")

    monkeypatch.setattr(fetching, "fetch", unreachable)
    page.wait("!document.querySelector('#networks').hidden")
    page.click("#getNetworks")
    page.wait("terms.open")
    assert "without a licence of their own" in page.run("termsText.textContent")
    assert (
        page.run("document.querySelector('#acceptTerms').textContent")
        == "Accept and download 121.8 MB"
    )
    page.click("#refuseTerms")
    assert not page.run("terms.open || networks.busy")
    page.click("#getNetworks")
    page.click("#acceptTerms")
    page.wait("!document.querySelector('#networksFault').hidden")
    assert page.run("networksFault.textContent") == (
        "The networks could not be fetched: https://example.org: no route"
    )
    assert "by_hand" in page.run("networksAdvice.textContent")
    assert not page.run("getNetworks.disabled")
