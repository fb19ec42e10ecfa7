"""The app's page, models, warnings and start."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from app.__main__ import listening, options_of
from app.checks import model_warnings, result_warnings, spacing_fault, species
from app.models import find_models
from app.server import STATIC
from app.session import PREFIX, Sessions
from app_server import (
    Visitor,
    cine_of,
    heart,
    model_folder,
    nifti,
    served,
)
from cmrseg.measure.volumes import volume_curves
from tiny_study import ROOT


def test_every_answer_keeps_the_page_to_itself(app, visitor):
    for path in ("/", "/app.js", "/app.css", "/icon.svg", f"{visitor.base}/state", "/nothing"):
        status, _ = visitor.ask("GET", path)
        assert status == (404 if path == "/nothing" else 200)
        assert visitor.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert visitor.headers["x-content-type-options"] == "nosniff"
        assert visitor.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in visitor.headers


def test_the_page_names_no_other_host_and_says_what_it_is_not_for():
    for file in STATIC.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(", text), file.name
    page = (STATIC / "index.html").read_text("utf-8")
    assert "Research use, not a medical device" in page
    assert not re.findall(r"<script>|<style|\son\w+=|\sstyle=", page)


def test_scripts_of_the_page_share_their_names_and_none_is_declared_twice():
    declared = re.compile(r"^(?:async )?(?:function|const|let) (\w+)", re.M)
    texts = [path.read_text("utf-8") for path in STATIC.glob("*.js")]
    names = [name for text in texts for name in declared.findall(text)]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_models_are_found_where_studies_and_downloads_have_them(tmp_path):
    for place in ("results/a/models/one", "resources/models/two", "more/three", "single"):
        model_folder(tmp_path / place)
    (tmp_path / "results/a/models/half").mkdir()
    model_folder(tmp_path / "more/lstm", network="vit")
    model_folder(tmp_path / "more/odd", width=None)
    (tmp_path / "more/odd/record.json").write_text("no record")
    models = {m.name: m for m in find_models(tmp_path, [tmp_path / "more", tmp_path / "single"])}
    assert set(models) == {"one (a)", "two (resources)", "three", "lstm", "odd", "single"}
    assert models["lstm"].fault == "network vit cannot be used here"
    assert models["odd"].fault == "its record.json does not describe a model"
    assert models["one (a)"].network == "fcn, lv,my,rv, 32 pixels"
    assert models["one (a)"].facts["cohort"] == "biobank"
    assert models["one (a)"].trained_mm is None


def test_an_ensemble_says_how_many_networks_it_has(tmp_path):
    model_folder(tmp_path / "net", members={"net_f1": 1, "net_f2": 2})
    (model,) = find_models(tmp_path, [tmp_path / "net"])
    assert model.network == "fcn, lv,my,rv, 32 pixels, 2 networks together"
    assert model.fault == ""


def test_a_model_s_spacing_is_its_record_s_or_that_of_its_study_s_images(tmp_path):
    folder = model_folder(tmp_path / "results/a/models/one")
    path = tmp_path / "results/a/cohorts/biobank/images/0000/7/sa.nii.gz"
    cine_of(heart(), np.diag([1.5, 1.25, 8, 1])).save(path)
    (folder / "README.md").write_text("| cohort | biobank, a digital heart |\n")
    (model,) = find_models(tmp_path)
    assert model.trained_mm == pytest.approx((8, 1.25, 1.5))
    assert model.facts == {"cohort": "biobank, a digital heart"}
    model_folder(folder, spacing_mm=[1, 0.1, 0.1])
    assert find_models(tmp_path)[0].trained_mm == (1, 0.1, 0.1)
    for spacing_mm in (["a", 1, 1], [None, 1, 1], [0, 1, 1], [float("nan"), 1, 1]):
        model_folder(folder, spacing_mm=spacing_mm)
        assert find_models(tmp_path)[0].trained_mm is None
    model_folder(folder)
    path.write_bytes(b"no image")
    assert find_models(tmp_path)[0].trained_mm is None
    assert len(find_models(tmp_path, [tmp_path / "gone"])) == 1


def test_without_a_model_the_page_says_how_to_get_one(tmp_path):
    with served(tmp_path) as (port, _):
        found = Visitor(port).open()
    assert found["models"] == []
    assert "Run the demo (make demo)" in found["no_models"]


def test_a_model_of_digital_hearts_is_not_for_real_images(visitor, network, root, tmp_path):
    card = root / "results/demo/models/fcn/README.md"
    card.write_text("| cohort | biobank, a digital heart |\n")
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    sentence = "The model was trained on digital hearts; it is not meant for real images."
    assert sentence in visitor.talk("GET", "/measures")[1]["warnings"]


@pytest.mark.parametrize(
    ("spacing_mm", "kind"),
    [
        ((8, 1.4, 1.4), "human"),
        ((10, 2.4, 2.4), "human"),
        ((14, 0.625, 0.625), "human"),
        ((1, 0.1, 0.1), "mouse"),
        ((0.3, 0.05, 0.3), "mouse"),
        ((1, 1, 1), None),
        ((1, 0.04, 0.1), None),
        ((2.1, 0.1, 0.1), None),
        ((8, 0.1, 0.1), None),
    ],
)
def test_voxels_tell_whose_heart_it_is(spacing_mm, kind):
    assert species(spacing_mm) == kind
    assert bool(spacing_fault(spacing_mm)) == (kind is None)


@pytest.mark.parametrize(
    ("spacing_mm", "trained_mm", "words"),
    [
        (
            (8, 1.4, 1.4),
            (1, 0.1, 0.1),
            "voxel size of a human scan, but the model was trained on mouse scans",
        ),
        (
            (1, 0.1, 0.1),
            (8, 1.4, 1.4),
            "voxel size of a mouse scan, but the model was trained on human scans",
        ),
        ((1, 0.1, 0.1), None, "does not state its training data"),
        ((8, 0.5, 0.5), (8, 2.4, 2.4), "pixels of 2.4 mm, these have 0.5 mm"),
        ((8, 1.4, 1.4), (10, 2.4, 2.4), None),
        ((8, 1.4, 1.4), None, None),
    ],
)
def test_a_model_of_another_animal_is_warned_of(spacing_mm, trained_mm, words):
    found = model_warnings(spacing_mm, trained_mm)
    assert (words in found[0]) if words else found == []


def test_a_single_frame_has_no_systole(visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path, heart(frames=1)))
    visitor.label(visitor.model)
    content = visitor.talk("GET", "/measures")[1]
    assert {row["key"] for row in content["rows"]} >= {"edv_ml", "mass_g"}
    assert not {row["key"] for row in content["rows"]} & {"esv_ml", "sv_ml", "ef"}
    assert (
        "There is only one frame: end-systole and ejection fraction are unknown."
        in (content["warnings"])
    )


def test_one_frame_for_both_phases_and_few_slices_are_told():
    labels = heart()[:, 1:3]
    curves = volume_curves(labels, (8, 3, 3), "x")
    found = result_warnings(labels, curves, 1, 1, None)
    # frame 2 of 5 has neither the largest cavity nor the smallest one
    assert [text for text in found if " is set to frame 2" not in text] == [
        "End-diastole and end-systole are the same frame.",
        "One or two slices do not cover the heart: volumes are of these slices only.",
    ]


def test_who_reads_labels_keeps_them_while_others_are_made(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    visitor.label(visitor.model)
    (session,) = app[1].all()
    before = np.memmap(session.folder / "labels.u8", np.uint8, "r")
    first = before.copy()
    network.forward = lambda images: torch.zeros(len(images), 4, *images.shape[2:])
    visitor.label(visitor.model)
    assert (before == first).all()
    assert not (np.fromfile(session.folder / "labels.u8", np.uint8) == first).all()


def test_results_that_ask_for_a_look_are_told():
    labels = heart(frames=21)
    curves = volume_curves(labels, (8, 3, 3), "x")
    assert result_warnings(labels, curves, 0, 10, "human") == []
    jump = labels.copy()
    jump[4] = 0
    curves = volume_curves(jump, (8, 3, 3), "x")
    missed, found = result_warnings(jump, curves, 0, 4, "human")
    assert missed == (
        "No LV cavity was found in frame 5, which cannot be right. Check end-diastole and "
        "end-systole."
    )
    assert re.match(
        r"The cavity's volume jumps by \d+% of its largest one between frames 4 and 5", found
    )
    open_end = labels[:, 1:]
    curves = volume_curves(open_end, (8, 3, 3), "x")
    (found,) = result_warnings(open_end, curves, 0, 10, "human")
    assert found.startswith("The first slice still contains the cavity")
    curves = volume_curves(labels, (0.5, 0.1, 0.1), "x")
    (found,) = result_warnings(labels, curves, 0, 10, "human")
    assert found.endswith("is implausible for a human.")
    nothing = np.zeros_like(labels)
    curves = volume_curves(nothing, (8, 1.5, 1.5), "x")
    found = result_warnings(nothing, curves, 0, 0, "human")
    assert found == [
        f"No {name} was found in any image." for name in ("LV cavity", "LV myocardium")
    ]


def test_the_app_listens_at_loopback_alone():
    with listening(0) as sock:
        sock.listen()
        assert sock.getsockname()[0] == "127.0.0.1"
        with pytest.raises(SystemExit, match=r"is not available .*; choose another one: --port"):
            listening(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--models", "nowhere"], "--models nowhere: folder not found"),
        (["--port", "70000"], "--port 70000: expected 0 to 65535"),
        (["--limit-gb", "0"], "--limit-gb: expected a finite number above 0"),
        (["--idle-min", "nan"], "--idle-min: expected a finite number above 0"),
        (["--device", "tpu"], "invalid choice"),
    ],
)
def test_what_the_command_line_may_not_say_is_refused(words, sentence, capsys):
    with pytest.raises(SystemExit):
        options_of(words)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_command_prints_its_address_and_leaves_nothing(tmp_path, ending):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        # Under `nohup` or in the background of a script it would be born ignoring the signal.
        preexec_fn=lambda: signal.signal(getattr(signal, ending), signal.SIG_DFL),
    )
    try:
        line = process.stdout.readline()
        found = re.fullmatch(
            r"Open the page at http://127\.0\.0\.1:(\d+) \(stop with Ctrl-C\)\n", line
        )
        visitor = Visitor(int(found[1]))
        assert visitor.open()["session"]
        assert any(path.name.startswith(PREFIX) for path in tmp_path.iterdir())
        # An upload that goes on does not keep it.
        upload = http.client.HTTPConnection("127.0.0.1", int(found[1]))
        upload.putrequest("PUT", f"{visitor.base}/images?name=a.nii.gz")
        for name, value in (
            ("Origin", f"http://127.0.0.1:{found[1]}"),
            ("Cookie", visitor.cookie),
            ("Content-Length", "50000000"),
        ):
            upload.putheader(name, value)
        upload.endheaders(b"a" * 1000)
        while not visitor.talk("GET", "/state")[1]["busy"]:
            time.sleep(0.02)
    finally:
        process.send_signal(getattr(signal, ending))
        process.wait(1200)
        upload.close()
        process.stdout.close()
    assert not any(path.name.startswith(PREFIX) for path in tmp_path.iterdir())


def test_a_session_s_name_cannot_be_guessed(root):
    sessions = Sessions(3, 60)
    try:
        names = {sessions.open("x").name for _ in range(3)}
        assert len(names) == 3
        assert all(len(name) >= 32 for name in names)
    finally:
        sessions.end()
    assert json.dumps(sorted(names))
