"""The viewer is one file that opens without a network and shows images with their labels."""

import base64
import gzip
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.figures import viewer
from cmrseg.figures.viewer import viewer_page
from cmrseg.files import sha256
from cmrseg.labels import COLOURS, UNLABELLED, Tissue

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def volume(name: str = "7_a", frames: int = 4, size: int = 96) -> viewer.Volume:
    """A ring of muscle around blood in the middle of noise, 1.5 x 1.5 x 8 mm."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:size, :size] - size / 2
    radius = np.hypot(y, x)
    flat = np.where(radius < 10, Tissue.LV, np.where(radius < 15, Tissue.MYO, 0)).astype(np.uint8)
    labels = np.broadcast_to(flat, (frames, 3, size, size)).copy()
    labels[0, 0] = UNLABELLED
    image = np.select([labels == Tissue.LV, labels == Tissue.MYO], [900.0, 250.0], 100.0)
    affine = np.diag([-1.5, -1.5, 8.0, 1.0])
    affine[:3, 3] = 10, 20, 30
    cine = Cine(image + rng.normal(0, 10, image.shape), affine, 0.03)
    return {"name": name, "image": cine, "layers": [("truth", cine.like(labels))]}


def embedded(page: str) -> dict:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def voxels(packed: str, shape: list[int]) -> np.ndarray:
    raw = gzip.decompress(base64.b64decode(packed))
    return np.frombuffer(raw, np.uint8).reshape(shape)


def test_page_holds_cropped_image_and_labels_with_their_place():
    given = volume()
    subject = embedded(viewer_page("cohort", [given], margin_mm=6))["subjects"][0]
    # labels are 29 pixels wide, 4 more on each side; the first row and column shown are 30
    assert subject["shape"] == [4, 3, 37, 37]
    labels = voxels(subject["layers"][0]["voxels"], subject["shape"])
    truth = given["layers"][0][1].voxels
    assert (labels[1:] == truth[1:, :, 30:67, 30:67]).all()
    assert not labels[0, 0].any()  # unlabelled voxels are not drawn
    first = given["image"].affine @ [30, 30, 0, 1]
    assert np.allclose(np.array(subject["affine"])[:3, 3], first[:3])
    assert subject["spacing"] == [1.5, 1.5, 8.0]
    image = voxels(subject["image"], subject["shape"])
    assert len(np.unique(image)) <= viewer.GREY_LEVELS
    assert image[1, 0, 18, 18] > image[1, 0, 18, 6] > image[1, 0, 18, 0]


def test_long_cines_are_thinned_at_even_steps_and_say_so():
    page = viewer_page("cohort", [volume(frames=9)], frames=[3])
    subject = embedded(page)["subjects"][0]
    assert subject["frames"] == [0, 3, 6]
    assert subject["allFrames"] == 9
    assert subject["frameMs"] == pytest.approx(90)


def test_image_without_labels_is_shown_whole():
    plain = volume()
    plain["layers"] = []
    plain["image"] = Cine(plain["image"].voxels, plain["image"].affine)
    subject = embedded(viewer_page("cohort", [plain]))["subjects"][0]
    assert subject["shape"] == [4, 3, 96, 96]
    assert subject["frameMs"] is None


def test_colours_are_those_of_the_registry():
    tissues = embedded(viewer_page("cohort", [volume()]))["tissues"]
    assert {t["value"]: t["colour"] for t in tissues} == {
        int(tissue): COLOURS[tissue] for tissue in (Tissue.LV, Tissue.MYO, Tissue.RV)
    }


def test_same_volumes_give_the_same_page():
    assert viewer_page("cohort", [volume()]) == viewer_page("cohort", [volume()])


def test_names_cannot_break_the_page():
    page = viewer_page("<b>a & b</b>", [volume("</script><script>alert(1)</script>")])
    assert "<title>&lt;b&gt;a &amp; b&lt;/b&gt;</title>" in page
    assert embedded(page)["subjects"][0]["name"] == "</script><script>alert(1)</script>"
    assert len(re.findall(r"</script", page)) == 3
    assert "@@" not in viewer.TEMPLATE.read_text().replace("@@TITLE@@", "").replace(
        "@@DATA@@", ""
    ).replace("@@LIBRARY@@", "")


def test_page_may_load_nothing_from_anywhere():
    page = viewer_page("cohort", [volume()])
    assert "Content-Security-Policy\" content=\"default-src 'none';" in page
    # what the page itself says, without the library and the data
    own = viewer.TEMPLATE.read_text()
    assert not re.findall(r"https?:|//[a-z]+\.|<link|@import|url\(|\bsrc=", own)


def test_labels_on_another_grid_are_refused_by_name():
    wrong = volume()
    wrong["layers"] = [("expert1", wrong["image"].like(np.zeros((4, 3, 8, 8), np.uint8)))]
    with pytest.raises(ValueError, match=r"subject 7_a: labels expert1 have shape \(4, 3, 8, 8\)"):
        viewer_page("cohort", [wrong])


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="no volumes"):
        viewer_page("cohort", [])


def test_too_large_a_page_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(viewer, "MAX_PAGE_MB", 1.0)
    sentence = r"the page has \d\.\d MB with 3 frames of a cine, expected at most 1; show fewer"
    with pytest.raises(ValueError, match=sentence):
        viewer_page("cohort", [volume()])


def test_frames_are_left_out_until_the_page_is_small_enough(monkeypatch):
    whole, less = (len(viewer_page("cohort", [volume(frames=20)], frames=[n])) for n in (20, 5))
    monkeypatch.setattr(viewer, "MAX_PAGE_MB", (whole + less) / 2e6)
    page = viewer_page("cohort", [volume(frames=20)], frames=(20, 5))
    assert embedded(page)["subjects"][0]["frames"] == [0, 4, 8, 12, 16]


def test_frames_that_alone_are_labelled_are_shown():
    given = volume(frames=9)
    labels = given["layers"][0][1]
    few = np.where(np.isin(np.arange(9), (1, 6))[:, None, None, None], labels.voxels, UNLABELLED)
    given["layers"] = [("expert", labels.like(few)), ("network", labels)]
    subject = embedded(viewer_page("cohort", [given], frames=[3]))["subjects"][0]
    assert subject["frames"] == [0, 1, 3, 6]
    assert subject["frameMs"] == pytest.approx(30 * 9 / 4)


def test_what_a_network_labels_far_off_does_not_widen_the_picture():
    given = volume()
    ((name, labels),) = given["layers"]
    stray = labels.voxels.copy()
    stray[:, :, 0, 0] = Tissue.LV
    given["layers"] = [(name, labels), ("network", labels.like(stray))]
    subject = embedded(viewer_page("cohort", [given], margin_mm=6))["subjects"][0]
    assert subject["shape"] == [4, 3, 37, 37]


def test_library_is_the_one_its_readme_names():
    readme = (viewer.LIBRARY.parent / "README.md").read_text()
    assert sha256(viewer.LIBRARY) in readme
    assert viewer.LIBRARY.name in readme
    assert "Copyright (c) 2021, Niivue" in (viewer.LIBRARY.parent / "LICENSE").read_text()


@pytest.fixture
def browser(tmp_path):
    """Opens a page in a browser without a window; returns its document once it is shown."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser; install one of {', '.join(BROWSERS)}")

    def opened(page: str) -> str:
        file = tmp_path / "viewer.html"
        file.write_text(page, "utf-8")
        options = (
            "--headless=new --no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader "
            "--disable-background-networking --disable-dev-shm-usage --window-size=1000,700 "
            "--virtual-time-budget=15000 --dump-dom"
        )
        command = [program, *options.split(), f"--user-data-dir={tmp_path / 'profile'}"]
        # the browser itself finds no host either
        command.append("--host-resolver-rules=MAP * ~NOTFOUND")
        done = subprocess.run(
            [*command, file.as_uri()], capture_output=True, text=True, timeout=600, check=True
        )
        return done.stdout

    return opened


# Goes through every view, then reads the middle of the picture and what was requested.
DRIVER = """
<script>
(async () => {
  const until = async (done) => { while (!done()) await new Promise((go) => setTimeout(go, 20)); };
  await until(() => document.body.dataset.ready || document.body.dataset.error);
  for (const view of ["stack", "axial", "patient", "short"]) {
    element("view").value = view;
    await element("view").onchange();
  }
  element("opacity").value = 100;
  element("opacity").oninput();
  element("frame").value = 2;
  element("frame").oninput();
  nv.drawScene();
  const gl = nv.gl, pixel = new Uint8Array(4);
  gl.readPixels(gl.drawingBufferWidth / 2, gl.drawingBufferHeight / 2, 1, 1, gl.RGBA,
    gl.UNSIGNED_BYTE, pixel);
  document.body.dataset.middle = [...pixel.slice(0, 3)].join();
  const requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.body.dataset.requests = requests.filter((name) => !/^(data|blob):/.test(name)).join();
})();
</script>
"""


def test_browser_shows_labels_in_their_colours_and_requests_nothing(browser):
    page, end = viewer_page("cohort", [volume(), volume("26")]).rsplit("</body>", 1)
    document = browser(page + DRIVER + "</body>" + end)
    body = re.search(r"<body[^>]*>", document)
    assert body is not None
    assert 'data-ready="yes"' in body[0]
    assert 'data-requests=""' in body[0]
    middle = re.search(r'data-middle="([^"]*)"', body[0])
    assert middle is not None
    wanted = [int(COLOURS[Tissue.LV][i : i + 2], 16) for i in (1, 3, 5)]
    assert np.allclose([int(part) for part in middle[1].split(",")], wanted, atol=3)
    assert re.search(r'id="frameText">3 of 4<', document)
    assert re.search(r'id="left">R<', document)
