"""The app: models of other images than the short axis, and of several sequences together."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from app import work
from app_server import (
    PREPARATION,
    Visitor,
    cine_of,
    heart,
    model_folder,
    mouse,
    packed,
    served_root,
)
from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from hdf5_builder import write as write_hdf5
from networks import network_of

# A view whose x is no column of a short axis; pixels of 1.8 mm.
VIEW = np.array([[-1.44, -1.08, 0, 80], [1.08, -1.44, 0, 60], [0, 0, 6, 20], [0, 0, 0, 1]])
MODELS = {
    "la_4ch": ("la_4ch", "lv,my,rv,la,ra"),
    "ao": ("ao", "aao,dao"),
    "myops": ("c0,de,t2", "lv,my,rv,edema,scar"),
    "scar": ("de", "lv,my,rv,edema,scar"),
    "tagged": ("tag", "lv,my"),
}
STACK = np.diag([0.76, 0.76, 14.0, 1])


@pytest.fixture
def app(root):
    for name, (sequence, tissues) in MODELS.items():
        changes = network_of("fcn", 2, tissues, sequence=sequence)
        model_folder(root / f"results/demo/models/{name}", **changes)
    yield from served_root(root)


@pytest.fixture
def visitor(app):
    """Somebody whose page is open, with the model of each name."""
    found = Visitor(app[0])
    found.models = {model["name"].split(" ")[0]: model for model in found.open()["models"]}
    return found


@pytest.fixture
def told(monkeypatch):
    """What every network says: `labels`; `seen` are the images of its channels."""

    class Told:
        labels, seen = None, []

    def predict(network, cines, settings, device, progress, coarse):
        Told.seen = cines
        assert coarse is None
        return Told.labels

    def load(folder):
        sequence, tissues = MODELS.get(folder.name, ("sa", "lv,my,rv"))
        return None, network_of("fcn", 2, tissues, sequence=sequence) | PREPARATION

    monkeypatch.setattr(work, "predict_cine", predict)
    monkeypatch.setattr(work, "load_model", load)
    return Told


def upload(visitor, path, model):
    sequence = visitor.models[model]["sequence"]
    status, answer = visitor.talk(
        "PUT", f"/images?name={path.name}&sequence={sequence}", path.read_bytes()
    )
    return visitor.settled() if status == 202 else answer


def segment(visitor, model):
    return visitor.label(visitor.models[model]["id"])


def rows_of(visitor):
    content = visitor.talk("GET", "/measures")[1]
    return {row["key"]: (row["value"], row["unit"]) for row in content["rows"]}, content


def view_labels(frames=5):
    """Left atrium of 20, 40, ... pixels, right atrium missed in the second frame: (t, 1, y, x)."""
    labels = np.zeros((frames, 1, 30, 40), np.uint8)
    for t in range(frames):
        labels[t, 0, 2 : 4 + 2 * t, 5:15] = Tissue.LA
        labels[t, 0, 20:26, 5:15] = Tissue.RA
    labels[1, labels[1] == Tissue.RA] = 0
    return labels


def view(folder, name="view.nii.gz", frames=5, slices=1):
    voxels = np.random.default_rng(0).integers(0, 500, (frames, slices, 30, 40)).astype(np.int16)
    Cine(voxels, VIEW, 0.2).save(folder / name)
    return folder / name, voxels


def stills(folder, names=("119_C0", "119_DE", "119_T2"), affines=None, frames=1):
    """A zip of files of 3 slices, each of another grey value."""
    members = {}
    for number, name in enumerate(names):
        voxels = np.full((frames, 3, 24, 20), 100 * (number + 1), np.int16)
        voxels[..., 0, 0] = 0
        affine = (affines or {}).get(name, STACK)
        Cine(voxels, affine).save(folder / "one.nii.gz")
        members[f"case/{name}.nii.gz"] = (folder / "one.nii.gz").read_bytes()
    return packed(folder / "case.zip", members)


def lesions():
    """In one slice 30 pixels of healthy wall, 10 of oedema, 20 of scar; 8 of cavity."""
    labels = np.zeros((1, 3, 24, 20), np.uint8)
    flat = labels[0, 1].reshape(-1)
    flat[:30], flat[30:40], flat[40:60], flat[100:108] = 2, 8, 9, 1
    return labels


def test_the_page_knows_what_images_each_model_takes(visitor):
    images = {name: model["images"] for name, model in visitor.models.items()}
    assert images["fcn"].startswith("a short-axis cine: a NIfTI (.nii.gz, .nii) or HDF5 file")
    assert (
        images["la_4ch"]
        == "4-chamber cines (la_4ch): a NIfTI file (.nii.gz, .nii), or a .zip of one"
    )
    assert images["myops"] == (
        "bSSFP (C0), LGE (DE), T2: a .zip with one NIfTI file each (case_C0.nii.gz, "
        "case_DE.nii.gz, case_T2.nii.gz)"
    )
    assert visitor.models["tagged"]["fault"] == (
        "it labels tagged short-axis cines (tag), of which nothing is measured"
    )


# -- views -------------------------------------------------------------------------------------


def test_a_view_has_areas_of_its_tissues_and_no_volumes(visitor, told, tmp_path):
    told.labels = view_labels()
    path, voxels = view(tmp_path)
    state = upload(visitor, path, "la_4ch")
    assert (state["fault"], state["image"]["notes"]) == ("", [])
    assert state["image"]["shape"] == [5, 1, 30, 40]
    assert segment(visitor, "la_4ch")["fault"] == ""
    # as the file has it, and not as a short axis is shown
    assert (told.seen[0].voxels == voxels).all()
    pixel_cm2 = np.prod(told.seen[0].spacing_mm[1:]) / 100
    rows, content = rows_of(visitor)
    assert rows["la_max_cm2"] == (pytest.approx(100 * pixel_cm2), "cm²")
    assert rows["la_min_cm2"] == (pytest.approx(20 * pixel_cm2), "cm²")
    # missed in a frame, it was not empty there
    assert rows["ra_min_cm2"] == (pytest.approx(60 * pixel_cm2), "cm²")
    assert content["unit"] == "cm²"
    assert content["quantity"] == "area"
    assert (content["has_phases"], content["eye"]) == (False, None)
    assert content["ed"] == 4
    assert "No right atrium was found in frame 2." in content["warnings"]
    assert "No LV cavity was found in any image." in content["warnings"]
    assert [row["name"] for row in content["rows"]][:2] == [
        "Left atrium, largest (frame 5)",
        "Left atrium, smallest (frame 1)",
    ]
    assert not any("ml" in unit for _, unit in rows.values())
    table = pd.read_csv(io.BytesIO(visitor.ask("GET", f"{visitor.base}/download/frames")[1]))
    assert table.columns.tolist() == [
        *("frame", "time_ms", "lv_cm2", "my_cm2", "rv_cm2", "la_cm2", "ra_cm2", "edited")
    ]
    assert table["la_cm2"].tolist() == pytest.approx([20 * n * pixel_cm2 for n in range(1, 6)])


def test_labels_and_contours_of_a_view_lie_as_its_file_does(visitor, told, tmp_path):
    told.labels = view_labels()
    upload(visitor, view(tmp_path)[0], "la_4ch")
    segment(visitor, "la_4ch")
    (tmp_path / "out.nii.gz").write_bytes(visitor.ask("GET", f"{visitor.base}/download/labels")[1])
    out = Cine.load(tmp_path / "out.nii.gz")
    assert (out.voxels == told.labels).all()
    np.testing.assert_allclose(out.affine, VIEW, atol=1e-5)
    content = visitor.ask("GET", f"{visitor.base}/download/contours")[1]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["contours.csv"]
        points = pd.read_csv(archive.open("contours.csv"))
    assert set(points["contour"]) == {"la", "ra"}
    text = visitor.ask("GET", f"{visitor.base}/download/measures")[1].decode("utf-8-sig")
    assert "end-diastolic" not in text
    assert "Left atrium, largest (frame 5)" in text


def test_a_file_read_for_another_model_is_read_again_as_the_view_that_it_is(
    visitor, told, tmp_path
):
    told.labels = view_labels()
    path, voxels = view(tmp_path)
    first = upload(visitor, path, "fcn")
    assert any("unusual" in note.lower() for note in first["image"]["notes"])
    state = segment(visitor, "la_4ch")
    assert (state["fault"], state["image"]["notes"]) == ("", [])
    assert state["image"]["number"] > first["image"]["number"]
    assert (told.seen[0].voxels == voxels).all()
    # and back, as a stack is shown
    told.labels = np.zeros(first["image"]["shape"], np.uint8)
    state = segment(visitor, "fcn")
    assert state["fault"] == ""
    assert state["image"]["shape"] == first["image"]["shape"]
    assert state["image"]["notes"] == first["image"]["notes"]


def test_images_of_another_kind_are_refused_by_name(visitor, told, tmp_path):
    stack = tmp_path / "stack.nii.gz"
    cine_of(heart()).save(stack)
    upload(visitor, stack, "la_4ch")
    assert segment(visitor, "la_4ch")["fault"] == (
        "stack.nii.gz: has 4 slices, expected the one plane of 4-chamber cines. The model la_4ch "
        "(demo) labels 4-chamber cines (la_4ch)."
    )
    upload(visitor, view(tmp_path, "still.nii.gz", frames=1)[0], "ao")
    assert (
        "still.nii.gz: is a still image, expected all frames of aortic cines"
        in (segment(visitor, "ao")["fault"])
    )
    upload(visitor, stack, "scar")
    assert (
        "has 5 frames, expected still images: late gadolinium"
        in (segment(visitor, "scar")["fault"])
    )
    upload(visitor, mouse(tmp_path)[0], "fcn")
    assert segment(visitor, "la_4ch")["fault"].startswith("Mouse7.h5: has 4 slices")
    one = write_hdf5(tmp_path / "one.h5", Images=np.zeros((20, 24, 1, 5), np.uint16))
    upload(visitor, one, "fcn")
    assert segment(visitor, "la_4ch")["fault"] == (
        "one.h5: read as short-axis cines. The model la_4ch (demo) labels 4-chamber cines, which "
        "the page reads from a NIfTI file."
    )
    assert told.seen == []


# -- several sequences ---------------------------------------------------------------------------


def test_three_sequences_of_one_zip_are_channels_of_a_network(visitor, told, tmp_path):
    told.labels = lesions()
    # in any order, in capitals or not, and late enhancement by its other name
    state = upload(visitor, stills(tmp_path, ("119_T2", "119_lge", "119_C0")), "myops")
    assert state["fault"] == ""
    assert [channel["name"] for channel in state["image"]["channels"]] == [
        *("bSSFP (C0)", "LGE (DE)", "T2")
    ]
    assert segment(visitor, "myops")["fault"] == ""
    assert [int(cine.voxels.max()) for cine in told.seen] == [300, 200, 100]
    shown = visitor.ask("GET", f"{visitor.base}/voxels/image")[1]
    assert len(shown) == 3 * told.labels.size
    rows, content = rows_of(visitor)
    voxel_ml = 0.76 * 0.76 * 14 / 1000
    expected = {"lv_ml": 8, "my_ml": 30, "edema_ml": 10, "scar_ml": 20, "wall_ml": 60}
    for key, voxels in expected.items():
        assert rows[key] == (pytest.approx(voxels * voxel_ml, rel=1e-4), "ml")
    assert rows["scar_percent"] == (pytest.approx(100 / 3), "%")
    assert rows["edema_percent"] == (pytest.approx(100 / 6), "%")
    assert rows["edema_scar_percent"] == (pytest.approx(50), "%")
    assert content["warnings"] == ["No RV cavity was found in any image."]
    status, answer = visitor.talk("GET", "/download/contours")
    assert (status, answer["fault"]) == (
        404,
        "There are contours of cines only; download the labels.",
    )


def test_a_heart_without_scar_has_none_and_no_warning(visitor, told, tmp_path):
    told.labels = np.where(lesions() >= 8, 2, lesions()).astype(np.uint8)
    upload(visitor, stills(tmp_path), "myops")
    segment(visitor, "myops")
    rows, content = rows_of(visitor)
    assert (rows["scar_ml"], rows["scar_percent"]) == ((0, "ml"), (0, "%"))
    assert not any("scar" in text for text in content["warnings"])


def test_volumes_that_cannot_be_a_heart_s_are_doubted(visitor, told, tmp_path):
    told.labels = np.ones((1, 2, 24, 20), np.uint8)
    voxels = np.arange(960, dtype=np.int16).reshape(1, 2, 24, 20)
    Cine(voxels, np.diag([3.9, 3.9, 20, 1])).save(tmp_path / "lge.nii.gz")
    upload(visitor, tmp_path / "lge.nii.gz", "scar")
    assert segment(visitor, "scar")["fault"] == ""
    warnings = rows_of(visitor)[1]["warnings"]
    assert "One or two slices do not cover the heart: volumes are of these slices only." in warnings
    told.labels = np.ones((1, 6, 24, 20), np.uint8)
    voxels = np.arange(2880, dtype=np.int16).reshape(1, 6, 24, 20)
    Cine(voxels, np.diag([3.9, 3.9, 20, 1])).save(tmp_path / "lge.nii.gz")
    upload(visitor, tmp_path / "lge.nii.gz", "scar")
    segment(visitor, "scar")
    # 2880 voxels of 0.3042 ml
    assert "A cavity of 876 ml is implausible for a human." in rows_of(visitor)[1]["warnings"]


def test_one_of_several_sequences_may_be_labelled_alone(visitor, told, tmp_path):
    told.labels = lesions()
    upload(visitor, stills(tmp_path), "myops")
    assert segment(visitor, "scar")["fault"] == ""
    assert [int(cine.voxels.max()) for cine in told.seen] == [200]
    assert segment(visitor, "fcn")["fault"].endswith(
        "and case.zip has no short-axis cines (sa); it has end-diastolic cine images (c0), late "
        "gadolinium enhancement images (de) and T2-weighted images (t2)."
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("119_C0", "119_DE"), "has no T2-weighted images (t2); it has end-diastolic cine"),
        (("119_C0", "120_DE", "119_T2"), "119_C0.nii.gz and 120_DE.nii.gz have the names of two"),
        (("119_C0", "119_DE", "119_LGE"), "are both late gadolinium enhancement images (de)"),
        (("a b_C0", "a_b_C0"), "files of the zip are called a_b_C0.nii.gz; rename one"),
        (("a", "b"), "include only one file for each sequence, named case_C0.nii.gz, case_DE"),
        (("119_C0",), "together, and case.zip has one image. Upload a zip with one NIfTI file"),
    ],
)
def test_sequences_that_do_not_belong_together_are_refused_by_name(
    visitor, told, tmp_path, names, sentence
):
    state = upload(visitor, stills(tmp_path, names), "myops")
    fault = state["fault"] or segment(visitor, "myops")["fault"]
    assert sentence in fault


def test_a_sequence_on_another_grid_is_resampled_to_the_first_one_and_the_page_says_so(
    visitor, told, tmp_path
):
    told.labels = lesions()
    moved = STACK.copy()
    moved[0, 3] = 1.52
    state = upload(visitor, stills(tmp_path, affines={"119_DE": moved}), "myops")
    assert state["fault"] == ""
    (note,) = state["image"]["notes"]
    assert note.startswith(
        "119_DE.nii.gz lies on another grid than 119_C0.nii.gz and was resampled by its place in "
        "the patient, not registered: voxels of 0.76 x 0.76 x 14 to 0.76 x 0.76 x 14 mm; slices up "
        "to 0.00 mm from the nearest; centres 1.52 mm apart in the plane (1.52 along columns"
    )
    assert segment(visitor, "myops")["fault"] == ""
    # 2 pixels along x; what it does not cover is 0
    c0, de, t2 = (cine.voxels[0, 1, 5] for cine in told.seen)
    assert de.tolist() == [0, 0, *[200] * 18]
    assert (c0.tolist(), t2.tolist()) == ([100] * 20, [300] * 20)


def test_sequences_of_other_places_and_cines_among_them_are_refused_by_name(visitor, tmp_path):
    moved = STACK.copy()
    moved[0, 3] = 500
    state = upload(visitor, stills(tmp_path, affines={"119_DE": moved}), "myops")
    assert "compared with 119_C0.nii.gz: it covers 0% of the voxels" in state["fault"]
    state = upload(visitor, stills(tmp_path, frames=2), "myops")
    assert "119_C0.nii.gz: has 2 frames, expected still images" in state["fault"]


def test_the_file_of_a_model_s_sequence_is_found_in_a_folder_of_many(visitor, told, tmp_path):
    told.labels = view_labels()
    path, voxels = view(tmp_path)
    cine_of(heart()).save(tmp_path / "sa.nii.gz")
    whole = packed(
        tmp_path / "patient.zip",
        {
            "p/la_4ch.nii.gz": path.read_bytes(),
            "p/sa.nii.gz": (tmp_path / "sa.nii.gz").read_bytes(),
        },
    )
    assert upload(visitor, whole, "la_4ch")["fault"] == ""
    assert segment(visitor, "la_4ch")["fault"] == ""
    assert (told.seen[0].voxels == voxels).all()
    assert upload(visitor, whole, "fcn")["image"]["shape"] == [5, 4, 40, 36]
    assert "include only the aortic cines (ao)" in upload(visitor, whole, "ao")["fault"]


def test_random_weights_label_three_sequences_and_a_view(visitor, tmp_path):
    """Nothing is replaced: networks see as many channels as they were built for."""
    upload(visitor, stills(tmp_path), "myops")
    assert segment(visitor, "myops")["fault"] == ""
    upload(visitor, view(tmp_path)[0], "la_4ch")
    assert segment(visitor, "la_4ch")["fault"] == ""
    labels = np.frombuffer(visitor.ask("GET", f"{visitor.base}/voxels/labels")[1], np.uint8)
    assert set(labels) <= {0, 1, 2, 3, 4, 5}


def test_unknown_sequences_of_a_request_are_refused(visitor, tmp_path):
    status, answer = visitor.talk("PUT", "/images?name=a.nii.gz&sequence=../etc", b"x")
    assert (status, answer["fault"]) == (400, "These sequences are unknown; reload the page.")
    assert visitor.settled()["busy"] is False
