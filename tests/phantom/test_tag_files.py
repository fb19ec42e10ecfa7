"""Tagged cines as files: NIfTI, UK Biobank's bulk files, and the published HDF5."""

import h5py
import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.phantom import patient_files, patient_zips, tagging_hdf5
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.landmarks import FIRST_SPOKE_DEG
from cmrseg.phantom.tag_truth import end_systolic
from cmrseg.phantom.tagging_hdf5 import boxes_around, cropped, cubic_matrix
from cmrseg.points import read_points
from cmrseg.ring import by_spoke
from digital_patients import SCAN, Examined, patients

EID, FRAMES = "1000007", 20
GRID = {"rows": 96, "columns": 96, "spacing_mm": 2.5, "thickness_mm": 8.0}
TAGS = {**SCAN, "frames": FRAMES, "sequences": ["tag"], "views": {"tag": GRID}}


@pytest.fixture(scope="module")
def rows():
    return patients([EID])


@pytest.fixture(scope="module")
def cines(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cines")
    patient_files.write_shard(rows, TAGS, folder)
    return folder


@pytest.fixture(scope="module")
def published(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    tagging_hdf5.write_shard(rows, {**TAGS, **GRID}, folder)
    return folder


def read(folder, eid=EID):
    cine = Cine.load(folder / eid / "tag.nii.gz")
    path = folder / "annotations/truth" / eid / "tag.points.tsv.gz"
    return cine, read_points(path, cine)


def test_three_slices_on_one_grid_from_base_to_apex_with_landmarks(rows, cines):
    cine, points = read(cines)
    assert cine.voxels.shape == (FRAMES, 3, 96, 96)
    assert cine.frame_interval_s == pytest.approx(60 / rows["heart_rate_bpm"].iloc[0] / FRAMES)
    assert cine.spacing_mm[1:] == pytest.approx((2.5, 2.5))
    assert 12 < cine.spacing_mm[0] < 30
    assert points.shape == (FRAMES, 3, 168, 2)
    assert np.isfinite(points).all()
    # The heart narrows from base to apex, and contracts.
    width = np.ptp(by_spoke(points)[:, :, :, 6, 1], axis=2)
    assert (np.diff(width[0]) < 0).all()
    assert (width[7] < width[0]).all()
    # From base to apex is to the feet and to the left.
    assert cine.affine[2, 2] < 0
    assert cine.affine[0, 2] < 0


def test_landmarks_are_drawn_in_two_frames_if_wanted(rows, cines, tmp_path):
    patient_files.write_shard(rows, {**TAGS, "labelled": "two"}, tmp_path)
    _, points = read(tmp_path)
    truth = pd.read_csv(cines / "truth.tsv", sep="\t")
    drawn = np.flatnonzero(np.isfinite(points).all(axis=(1, 2, 3)))
    assert drawn.tolist() == [0, round(truth["es_phase"][0] * FRAMES)]
    assert np.isnan(np.delete(points, drawn, axis=0)).all()


def test_true_strain_lies_beside_the_files(cines):
    points = read(cines)[1]
    curves = pd.read_csv(cines / "truth_strain.tsv", sep="\t", dtype={"subject": str})
    truth = pd.read_csv(cines / "truth.tsv", sep="\t", dtype={"subject": str})
    assert len(curves) == FRAMES * 3
    rings = by_spoke(points)
    es = round(truth["es_phase"][0] * FRAMES)
    across = np.linalg.norm(rings[..., 6, :] - rings[..., 0, :], axis=-1)
    middle = rings[..., 3, :]
    around = np.linalg.norm(np.roll(middle, -1, axis=2) - middle, axis=-1)
    for name, lengths in (("err", across), ("ecc", around)):
        strain = 50 * ((lengths / lengths[0]) ** 2 - 1).mean(axis=2)
        column = f"{name}_green_percent"
        known = curves[column].to_numpy().reshape(3, FRAMES).T
        np.testing.assert_allclose(strain, known, atol=1e-6)
        for z, level in enumerate(("basal", "mid", "apical")):
            assert truth[f"tag_{level}_{column}"][0] == pytest.approx(strain[es, z])
    assert truth["edv_ml"][0] > 0
    assert end_systolic(curves, es).keys() == {name for name in truth if name.startswith("tag_")}
    assert not (cines / "truth_strain.tsv").read_text().count("nan")


def test_tags_do_not_depend_on_what_else_is_acquired(rows, cines, tmp_path):
    sequences = {"sequences": ["la_4ch", "tag"], "views": {"tag": GRID}}
    patient_files.write_shard(rows, {**TAGS, **sequences}, tmp_path)
    name = f"{EID}/tag.nii.gz"
    assert (tmp_path / name).read_bytes() == (cines / name).read_bytes()
    assert (tmp_path / EID / "la_4ch.nii.gz").is_file()


def test_end_diastole_and_end_systole_alone_are_refused(rows, tmp_path):
    settings = {key: value for key, value in TAGS.items() if key != "frames"}
    with pytest.raises(ValueError, match=f"subject {EID}: end-diastole and end-systole of tag alo"):
        patient_files.write_shard(rows, settings, tmp_path)


@pytest.mark.parametrize("packed", [True, False])
def test_bulk_files_hold_the_pictures_of_the_nifti_cine(rows, cines, tmp_path, packed):
    raw = tmp_path / "raw"
    patient_zips.write_shard(rows, {**TAGS, "packed": packed}, raw)
    name = f"{EID}_20211_2_0" + (".zip" if packed else "")
    assert (raw / name).is_file() == packed
    assert {path.name for path in raw.iterdir()} >= {name, "truth_strain.tsv", "annotations"}
    found = Examined(rows, raw, tmp_path / "imported", sequences=["tag"])
    assert found.audit.empty
    true, points = read(cines)
    imported = found.image(EID, "tag")
    np.testing.assert_array_equal(np.sort(imported.voxels.ravel()), np.sort(true.voxels.ravel()))
    # Landmarks are the same places in the patient, whatever the order of slices.
    table = pd.read_csv(raw / "annotations/truth" / EID / "tag.points.tsv.gz", sep="\t")
    first = table[(table["frame"] == 5) & (table["slice"] == 0)].iloc[30]
    place = np.array([*first[["x_mm", "y_mm", "z_mm"]], 1.0])
    x, y, z = (np.linalg.inv(imported.affine) @ place)[:3]
    assert (y, x) == pytest.approx(tuple(points[5, 0, 30]), abs=0.01)
    np.testing.assert_array_equal(imported.voxels[:, round(z)], true.voxels[:, 0])


def test_rows_of_the_published_layout_are_the_slices(rows, published):
    with h5py.File(published / f"{EID}.h5") as file:
        found = {name: dataset[:] for name, dataset in file.items()}
        assert all(dataset.maxshape[0] is None for dataset in file.values())
    kinds = {name: (values.shape, values.dtype.name) for name, values in found.items()}
    text = ((3,), "object")
    assert kinds == {
        "image_seqs": ((3, 20, 96, 96), "uint16"),
        "bbox_corners": ((3, 4), "float64"),
        "landmark_coords": ((3, 20, 2, 168), "float64"),
        "cropped_image_seqs": ((3, 20, 128, 128), "float32"),
        "cropped_landmark_coords": ((3, 20, 2, 168), "float32"),
        "px_spaces": ((3,), "float64"),
        "ed_frame_idx": ((3,), "int64"),
        "es_frame_idx": ((3,), "int64"),
        "regions": ((3, 20, 168), "int64"),
        **dict.fromkeys(("_cases", "_models", "_slices"), text),
    }
    assert found["_cases"].tolist() == [EID.encode()] * 3
    assert sorted(found["_slices"].tolist()) == found["_slices"].tolist()
    assert found["px_spaces"].tolist() == [2.5] * 3
    # Spoke 0 is septal, and the next segments clockwise are anteroseptal and anterior.
    middle = found["regions"][1, 0].reshape(24, 7)
    assert (middle == middle[:, :1]).all()
    ring = [
        n for n, before in zip(middle[:, 0], np.roll(middle[:, 0], 1), strict=True) if n != before
    ]
    assert middle[0, 0] in (8, 9)
    start = ring.index(8)
    assert ring[start:] + ring[:start] == [8, 7, 12, 11, 10, 9]
    assert (found["regions"] == found["regions"][:, :1]).all()


def test_the_published_layout_has_the_images_and_landmarks_of_the_nifti_cine(cines, published):
    cine, points = read(cines)
    with h5py.File(published / f"{EID}.h5") as file:
        images, landmarks = file["image_seqs"][:], file["landmark_coords"][:]
    np.testing.assert_array_equal(images.swapaxes(0, 1), cine.voxels)
    # x first, then y.
    np.testing.assert_allclose(landmarks[1, 7, 0], points[7, 1, :, 1])
    np.testing.assert_allclose(landmarks[1, 7, 1], points[7, 1, :, 0])
    ring = landmarks[1, 0].reshape(2, 24, 7)[..., 3] - landmarks[1, 0].mean(axis=1)[:, None]
    first = np.degrees(np.arctan2(ring[1, 0], ring[0, 0]))
    assert first == pytest.approx(FIRST_SPOKE_DEG, abs=1.5)


def test_numbers_may_have_single_precision(rows, tmp_path):
    protocol = Protocol(**{**SCAN, **GRID, "frames": FRAMES})
    (row,) = rows.to_dict("records")
    path = tagging_hdf5.write_subject(row, protocol, {}, tmp_path, width=np.float32)
    with h5py.File(path) as file:
        for name in ("bbox_corners", "landmark_coords", "px_spaces"):
            assert file[name].dtype == np.float32


def test_another_number_of_frames_is_refused(rows, tmp_path):
    with pytest.raises(ValueError, match=f"subject {EID}: 25 frames, but files of layout tagging"):
        tagging_hdf5.write_shard(rows, {**TAGS, **GRID, "frames": 25}, tmp_path)


def test_a_box_is_larger_by_thirty_percent_on_each_side_within_the_image():
    points = np.array([[[10.0, 40.0], [20.0, 90.0]]])
    assert boxes_around(points, 100, 100).tolist() == [[25.0, 7.0, 100.0, 23.0]]


def test_boxes_and_crops_of_the_published_example_come_back(data):
    path = data / "tagging/train_example.h5"
    if not path.is_file():
        pytest.skip(f"no published example at {path}")
    with h5py.File(path) as file:
        found = {name: dataset[0] for name, dataset in file.items()}
    points = found["landmark_coords"].swapaxes(1, 2)[..., ::-1]
    (box,) = boxes_around(points[:1], 256, 256)
    np.testing.assert_allclose(box, found["bbox_corners"], rtol=0, atol=1e-9)
    images, places = cropped(found["image_seqs"], points, box)
    np.testing.assert_allclose(images, found["cropped_image_seqs"], rtol=0, atol=5e-5)
    expected = found["cropped_landmark_coords"]
    np.testing.assert_allclose(places[..., ::-1].swapaxes(1, 2), expected, rtol=0, atol=5e-5)


def test_a_crop_stretches_its_window_and_scales_landmarks_by_the_height():
    images = np.add.outer(np.zeros(32), np.arange(80.0))[None]
    points = np.array([[[8.0, 20.0]]])
    found, places = cropped(images, points, np.array([16.0, 3.5, 47.2, 18.7]))
    # Rows 3 to 18, columns 16 to 47: 16 high and 32 wide; a ramp nearly stays one.
    assert places.tolist() == [[[(8 - 3) * 8, (20 - 16) * 8]]]
    inner = 16 + (np.arange(8, 120) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(found[0, 64, 8:120], inner, atol=0.05)
    np.testing.assert_allclose(cubic_matrix(37).sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(cubic_matrix(128), np.eye(128), atol=1e-12)
