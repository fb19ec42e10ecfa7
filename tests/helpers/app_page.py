"""The app's page in a browser, for tests: what it is waited for, and what is true of it always."""

import gzip
from pathlib import Path

from app_server import served
from browser import opened

AXE = Path(__file__).parent / "vendor/axe-4.10.3.min.js.gz"
IDLE = "(document.querySelector('#working').hidden && !polling)"
READY = "document.body && document.body.dataset.ready === 'yes'"
IMAGES = f"!document.querySelector('#stage').hidden && {IDLE}"
RESULT = f"!document.querySelector('#results').hidden && {IDLE}"
FAULT = "document.querySelector('#fault').textContent"
# Whether all of the fault is in the window.
SEEN = (
    "(() => { const r = document.querySelector('#fault').getBoundingClientRect();"
    " return r.height > 0 && r.top >= 0 && r.bottom <= innerHeight; })()"
)
# Text whose contrast with what is behind it is below that of WCAG 2.1 AA, on plain colours.
CONTRAST = """(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.offsetParent || e.closest('#stage, :disabled, svg, .unseen')) continue;
    let back = e;
    const clear = (one) => rgb(getComputedStyle(one).backgroundColor)[3] === 0;
    while (back && clear(back)) back = back.parentElement;
    const a = light(rgb(getComputedStyle(e).color));
    const b = light(rgb(back ? getComputedStyle(back).backgroundColor : 'rgb(255,255,255)'));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([e.textContent.trim().slice(0, 30), ratio]);
  }
  return found;
})()"""
NAMELESS = """[...document.querySelectorAll('input, select, button, a')].filter((e) =>
  !(e.labels && e.labels.length) && !e.getAttribute('aria-label') && !e.textContent.trim()
).map((e) => e.id)"""


def barriers(page):
    """What axe-core finds on the page as it is: rule and elements."""
    page.run(gzip.decompress(AXE.read_bytes()).decode() + "; 0")
    return page.run(
        "axe.run(document, { resultTypes: ['violations'] }).then((all) =>"
        " all.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 120))]))"
    )


def of(page, method):
    return [event for event in page.events if event["method"] == method]


def opened_app(root, tmp_path):
    """For a fixture: the page; what went wrong in it, and whom it asked, is looked at."""
    with served(root) as (port, sessions), opened(tmp_path) as page:
        page.sessions = sessions
        page.size(1360, 900)
        page.go(f"http://127.0.0.1:{port}/")
        page.wait(READY)
        yield page
        page.run("1")
        asked = [e["params"]["request"]["url"] for e in of(page, "Network.requestWillBeSent")]
        assert {url for url in asked if not url.startswith(f"http://127.0.0.1:{port}/")} <= {
            "about:blank"
        }
        assert of(page, "Runtime.exceptionThrown") == []
        told = [e["params"]["entry"] for e in of(page, "Log.entryAdded")]
        assert [entry for entry in told if entry["source"] in ("security", "violation")] == []
