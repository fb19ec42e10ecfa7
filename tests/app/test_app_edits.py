"""Labels that somebody edits: volumes follow, and edited slices are known in what is downloaded."""

import gzip
import io
import zipfile

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.checks import result_warnings, stroke_warnings
from app.session import GONE_S, Sessions
from app_server import (
    Visitor,
    heart,
    nifti,
)
from cmrseg.measure.volumes import volume_curves

SHAPE = (5, 4, 40, 36)
# 1.35 x 1.7 x 9.5 mm
VOXEL_ML = 0.0218025


@pytest.fixture
def edited(visitor, network, tmp_path):
    """A segmented cine: gives the number of the result and its labels."""
    visitor.upload(nifti(tmp_path))
    number = visitor.label(visitor.model)["result"]["number"]
    return number, labels_of(visitor)


def labels_of(visitor):
    content = visitor.ask("GET", f"{visitor.base}/voxels/labels")[1]
    return np.frombuffer(content, np.uint8).reshape(SHAPE)


def put(visitor, number, frame, slice_, labels):
    return visitor.talk(
        "PUT", f"/labels/{frame}/{slice_}?result={number}", np.ascontiguousarray(labels).tobytes()
    )


def lv_ml(visitor):
    return np.array(visitor.talk("GET", "/measures")[1]["curves"]["lv_ml"])


def test_ten_more_pixels_are_ten_voxels_more_in_that_frame_alone(visitor, edited):
    number, labels = edited
    before = lv_ml(visitor)
    changed = labels[1, 2].copy()
    assert (changed[30, :10] == 0).all()
    changed[30, :10] = 1
    assert put(visitor, number, 1, 2, changed) == (200, {"edited": [[1, 2]], "largest": False})
    assert (labels_of(visitor)[1, 2] == changed).all()
    assert lv_ml(visitor) - before == pytest.approx([0, 10 * VOXEL_ML, 0, 0, 0], abs=1e-6)
    # a page that is loaded again is told
    assert visitor.talk("GET", "/state")[1]["result"]["edited"] == [[1, 2]]
    # as the model had it is no edit
    original = visitor.ask("GET", f"{visitor.base}/labels/1/2?result={number}")[1]
    assert original == labels[1, 2].tobytes()
    assert put(visitor, number, 1, 2, labels[1, 2])[1]["edited"] == []
    assert lv_ml(visitor) == pytest.approx(before)


def test_the_phases_follow_an_edit_and_those_set_by_hand_stay_also_in_a_new_run(visitor, edited):
    number, labels = edited
    full = labels[3, 1].copy()
    full[:] = 1
    put(visitor, number, 3, 1, full)
    content = visitor.talk("GET", "/measures")[1]
    assert (content["ed"], content["es"], content["by_hand"]) == (3, 2, [])
    assert visitor.talk("POST", "/frames", {"es": 2})[0] == 200
    content = visitor.talk("GET", "/measures")[1]
    assert (content["ed"], content["es"], content["by_hand"]) == (3, 1, ["es"])
    assert any(text.startswith("End-systole is set to frame 2") for text in content["warnings"])
    assert visitor.label(visitor.model)["result"]["edited"] == []
    content = visitor.talk("GET", "/measures")[1]
    assert (content["ed"], content["es"], content["by_hand"]) == (0, 1, ["es"])
    assert visitor.talk("POST", "/frames", {})[0] == 200
    assert visitor.talk("GET", "/measures")[1]["es"] == 2


def test_every_download_says_what_was_edited(visitor, edited):
    number, labels = edited

    def table(what):
        text = visitor.ask("GET", f"{visitor.base}/download/{what}")[1].decode("utf-8-sig")
        return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)

    untouched = visitor.ask("GET", f"{visitor.base}/download/labels")[1]
    assert bytes(nib.Nifti1Header(gzip.decompress(untouched)[:348])["descrip"]).strip(b"\0") == b""
    changed = labels[0, 1].copy()
    changed[30, 0] = 2
    put(visitor, number, 0, 1, changed)
    content = visitor.ask("GET", f"{visitor.base}/download/labels")[1]
    image = nib.Nifti1Image.from_bytes(gzip.decompress(content))
    assert image.header["descrip"].item().decode() == (
        "1 of 20 slices edited by hand; the page's table lists them"
    )
    # the same voxels as on the page, whichever way the file runs
    assert (np.asarray(image.dataobj) == 2).sum() == (labels == 2).sum() + 1
    assert table("frames")["edited"].tolist() == ["1", "0", "0", "0", "0"]
    measures = table("measures").set_index("measure")
    said = measures["edited"]
    assert said["LV end-diastolic volume"] == said["LV ejection fraction"] == "yes"
    assert said["LV end-systolic volume"] == said["Heart rate"] == "no"
    assert measures["value"]["slices edited by hand"] == "1"
    assert said["model"] == ""
    listed = table("edited")
    assert listed[["frame", "slice"]].to_numpy().tolist() == [["1", "2"]]
    place = int(listed["slice_in_file"][0]) - 1
    voxels = np.asarray(image.dataobj)
    # that slice of the file has the pixel that was edited in, its neighbour has not
    assert (voxels[:, :, place, 0] == 2).sum() == (changed == 2).sum()
    assert (labels[0, 2] == 2).sum() == (changed == 2).sum() - 1
    packed = visitor.ask("GET", f"{visitor.base}/download/contours")[1]
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["contours.csv", "contours.con", "edited.csv"]
        points = pd.read_csv(archive.open("contours.csv"))
    marked = points.loc[points["edited"] == "yes", ["frame", "slice"]].drop_duplicates()
    assert marked.to_numpy().tolist() == [[1, place + 1]]


def test_largest_pieces_are_a_switch_and_keep_the_edits(visitor, edited):
    number, labels = edited
    before = lv_ml(visitor)
    island = labels[1, 2].copy()
    island[30, :10] = 1
    put(visitor, number, 1, 2, island)
    status, said = visitor.talk("POST", "/largest", {"largest": True, "result": number})
    assert (status, said) == (200, {"edited": [[1, 2]], "largest": True})
    assert lv_ml(visitor)[1] == pytest.approx(before[1])
    assert (labels_of(visitor)[1, 2] == labels[1, 2]).all()
    # an edit while islands are hidden does not delete them
    hidden = labels_of(visitor)[1, 2].copy()
    hidden[18, 20] = 2
    put(visitor, number, 1, 2, hidden)
    visitor.talk("POST", "/largest", {"largest": False, "result": number})
    assert lv_ml(visitor)[1] == pytest.approx(before[1] + 9 * VOXEL_ML, abs=1e-6)
    assert (labels_of(visitor)[1, 2][30, :10] == 1).all()


def test_edits_that_make_no_sense_are_refused(visitor, edited):
    number, labels = edited
    good = labels[0, 1]
    wrong = good.copy()
    wrong[0, 0] = 9
    assert put(visitor, number, 0, 1, wrong)[1]["fault"] == "The label 9 is none of this model."
    assert "40 x 36 labels, got 10" in put(visitor, number, 0, 1, good.ravel()[:10])[1]["fault"]
    status, answer = put(visitor, number, 5, 1, good)
    assert (status, answer["fault"]) == (400, "Frames must be 1 to 5, slices 1 to 4.")
    status, answer = put(visitor, number + 1, 0, 1, good)
    assert status == 409
    assert "replaced meanwhile" in answer["fault"]
    assert put(visitor, "x", 0, 1, good)[1]["fault"].endswith("must be numbers.")
    assert put(visitor, number, 0, 1, labels)[0] == 413
    assert visitor.talk("POST", "/frames", {"ed": 6})[1]["fault"] == "Frames must be 1 to 5."
    assert visitor.talk("POST", "/largest", {"largest": 1, "result": number})[0] == 400
    assert (labels_of(visitor) == labels).all()
    stranger = Visitor(visitor.port)
    assert stranger.ask("PUT", f"{visitor.base}/labels/0/1?result={number}", b"x")[0] == 404


def test_a_page_that_has_gone_is_kept_for_ten_minutes(tmp_path, root):
    now = [0.0]
    sessions = Sessions(2, 3600.0, lambda: now[0])
    first = sessions.open("a" * 43)
    second = sessions.open("a" * 43)
    assert GONE_S == 600
    now[0] = 599
    # one page says that it is there, nothing is heard of the other
    sessions.find(second.name, "a" * 43, is_use=False)
    assert [s.name for s in sessions.of("a" * 43)] == [first.name, second.name]
    assert sessions.of("b" * 43) == []
    now[0] = 601
    assert sessions.of("a" * 43) == [second]
    assert not first.folder.exists()
    assert sessions.open("a" * 43) is not first
    # being there is no use
    for _ in range(6):
        now[0] += 599
        if second in sessions.all():
            sessions.find(second.name, "a" * 43, is_use=False)
    sessions.sweep()
    assert second not in sessions.all()
    sessions.end()


def test_a_named_session_is_taken_up_again_by_its_browser_alone(app, visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path))
    name = visitor.base.split("/")[-1]
    status, content = visitor.ask("POST", "/api/open", {"session": name})
    assert status == 200
    assert name.encode() in content
    assert Visitor(app[0]).ask("POST", "/api/open", {"session": name})[0] == 404
    assert visitor.talk("POST", "/here", {}) == (200, {})


def test_frames_far_from_the_extremes_and_unequal_strokes_are_doubted():
    labels = heart(frames=21)
    curves = volume_curves(labels, (8, 3, 3), "x")
    volumes = curves["lv_ml"].to_numpy()
    assert result_warnings(labels, curves, 0, 10, "human") == []
    found = result_warnings(labels, curves, 4, 10, "human")[0]
    part = f"{1 - volumes[4] / volumes[0]:.0%}"
    assert found == (
        f"End-diastole is set to frame 5, whose cavity is {part} smaller than the largest, in "
        f"frame 1."
    )
    found = result_warnings(labels, curves, 0, 3, "human")[0]
    assert found.startswith("End-systole is set to frame 4, whose cavity is ")
    assert stroke_warnings(100, 81, "ml") == []
    assert stroke_warnings(100, float("nan"), "ml") == []
    (found,) = stroke_warnings(100, 79, "ml")
    assert found.startswith("The stroke volumes of the LV (100 ml) and the RV (79 ml) differ.")
