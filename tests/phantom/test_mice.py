"""Digital mice: hearts like the published ones, in the layout of the published files."""

import h5py
import numpy as np
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.hdf5 import grids_of, reader
from cmrseg.layouts.ready_made import import_studies
from cmrseg.phantom import preclinical
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.mice import MOUSE, MOUSE_DISEASES, draw_mouse
from cmrseg.phantom.population import draw_subjects
from cmrseg.phantom.preclinical import BLOOD, MYOCARDIUM, labelled_frames
from cmrseg.phantom.receiver import zero_filled

SCAN = {
    "scanner": "9.4T",
    "rows": 96,
    "columns": 96,
    "spacing_mm": 0.25,
    "slice_distance_mm": 1.0,
    "thickness_mm": 1.0,
    "frame_interval_ms": 15.0,
    "interpolation": 2,
}
NAMES = [f"Mouse{k}" for k in range(1, 5)]
VOXEL_UL = 0.25 * 0.25 * 1.0


@pytest.fixture(scope="module")
def rows():
    return draw_subjects(4, 3, NAMES, ["train"] * 4, list(MOUSE_DISEASES), MOUSE)


@pytest.fixture(scope="module")
def folder(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mice")
    preclinical.write_shard(rows, SCAN, folder)
    return folder


def content(path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


@pytest.fixture(scope="module")
def mice(folder):
    return {name: content(folder / f"{name}.h5") for name in NAMES}


def test_a_file_has_what_the_published_ones_have(mice):
    for mouse in mice.values():
        assert sorted(mouse) == ["Frames_with_ROI", "Images", "Masks"]
        assert mouse["Images"].shape == mouse["Masks"].shape
        assert (mouse["Images"].dtype, mouse["Masks"].dtype) == (np.uint16, np.uint8)
        assert mouse["Images"].shape[:2] == (96, 96)
        assert 8 <= mouse["Images"].shape[2] <= 11
        labelled = np.flatnonzero(mouse["Masks"].any(axis=(0, 1, 2)))
        assert labelled.tolist() == mouse["Frames_with_ROI"].tolist()
        assert labelled[0] == 0
        assert set(np.unique(mouse["Masks"])) == {0, MYOCARDIUM, BLOOD}


def test_labels_have_the_volumes_of_the_table(mice, rows):
    for row in rows.to_dict("records"):
        masks, frames = (mice[row["study"]][name] for name in ("Masks", "Frames_with_ROI"))
        blood_ul = (masks == BLOOD).sum(axis=(0, 1, 2)) * VOXEL_UL
        # A stack of whole slices of 1 mm cannot have it exactly.
        assert blood_ul[0] == pytest.approx(1000 * row["edv_ml"], rel=0.04)
        assert blood_ul[frames[1:]].min() == pytest.approx(1000 * row["esv_ml"], rel=0.08)


def test_the_cine_is_triggered_and_ends_before_the_beat(mice, rows):
    for row in rows.to_dict("records"):
        frames, beat_ms = mice[row["study"]]["Images"].shape[3], 60000 / row["heart_rate_bpm"]
        assert (frames - 1) * 15 < beat_ms
        assert beat_ms - (frames - 1) * 15 < 15 + preclinical.LOST_MS


def test_blood_is_bright_and_muscle_is_dark(mice):
    for mouse in mice.values():
        images, masks = mouse["Images"][..., 0].astype(float), mouse["Masks"][..., 0]
        assert images[masks == BLOOD].mean() > 1.8 * images[masks == MYOCARDIUM].mean()


def test_the_direction_of_slices_reverses_images_and_labels(mice):
    directions = set()
    for mouse in mice.values():
        # Beyond the base are atria, and beyond the apex is nothing of the heart.
        blood = (mouse["Masks"][..., 0] == BLOOD).sum(axis=(0, 1))
        first, last = np.flatnonzero(blood)[[0, -1]]
        directions.add(bool(blood[first] > blood[last]))
    assert directions == {True, False}


def test_a_mouse_does_not_depend_on_the_others_of_its_shard(rows, folder, tmp_path):
    preclinical.write_shard(rows[1:2], SCAN, tmp_path)
    assert (tmp_path / "Mouse2.h5").read_bytes() == (folder / "Mouse2.h5").read_bytes()


def test_papillary_muscles_are_wall(rows):
    row = rows.iloc[0].to_dict()
    parameters = draw_mouse(row, 8)
    larger = MOUSE.magnification**3
    assert parameters.edv_ml > row["edv_ml"] * larger
    assert parameters.esv_ml > row["esv_ml"] * larger
    assert parameters.edv_ml < 1.15 * row["edv_ml"] * larger


def test_mice_are_like_the_published_ones():
    many = draw_subjects(400, 1, species=MOUSE)
    ef = 1 - many.esv_ml / many.edv_ml
    assert 1000 * many.edv_ml.mean() == pytest.approx(65.6, abs=2)
    assert 1000 * many.edv_ml.std() == pytest.approx(10, abs=2)
    assert 1000 * many.esv_ml.mean() == pytest.approx(27.3, abs=3)
    assert 100 * ef.mean() == pytest.approx(59.3, abs=2)
    masses = []
    for row in many.head(40).to_dict("records"):
        parameters = draw_mouse(row, 24)
        large_ml = Heart(parameters).volume_ml(Tissue.MYO, 0.0) + parameters.edv_ml
        masses.append(1050 * (large_ml / MOUSE.magnification**3 - row["edv_ml"]))
    assert np.mean(masses) == pytest.approx(105.2, abs=10)
    assert np.std(masses) == pytest.approx(26.8, abs=10)


def test_some_mice_have_frames_of_inflow():
    rows = draw_subjects(60, 1, species=MOUSE).to_dict("records")
    chosen = [labelled_frames(row, 9, 22) for row in rows]
    assert [0, 9] in chosen
    assert 3 <= sum(len(frames) > 2 for frames in chosen) <= 16
    assert all(frames[0] == 0 and 9 in frames for frames in chosen)


def test_zero_filling_keeps_the_first_pixel_s_place_and_the_mean():
    y, x = np.indices((16, 16))
    images = (2 + np.cos(2 * np.pi * x / 16) * np.sin(4 * np.pi * y / 16))[None]
    fine = zero_filled(images, 2)
    assert fine.shape == (1, 32, 32)
    np.testing.assert_allclose(fine[:, ::2, ::2], images, atol=1e-12)
    fy, fx = np.indices((32, 32)) / 2
    expected = 2 + np.cos(2 * np.pi * fx / 16) * np.sin(4 * np.pi * fy / 16)
    np.testing.assert_allclose(fine[0], expected, atol=1e-12)


def test_the_import_reads_what_was_written(rows, folder, tmp_path):
    grid = {key: SCAN[key] for key in ("spacing_mm", "slice_distance_mm", "frame_interval_ms")}
    table = rows.assign(annotation=rows["study"], **grid)
    (tmp_path / "images").mkdir()
    audit, _ = import_studies(table, folder, tmp_path / "images", reader(grids_of(table)))
    assert audit.empty
    (tmp_path / "labels").mkdir()
    settings = {"sequence": "sa", "form": "hdf5", "folder": ".", "layout": "hdf5"}
    carry_shard(table, "expert", settings, folder, tmp_path / "images", tmp_path / "labels")
    for name in NAMES:
        labels = Cine.load(tmp_path / f"labels/{name}/sa.nii.gz")
        assert labels.spacing_mm == pytest.approx((1.0, 0.25, 0.25))
        unlabelled = (labels.voxels == UNLABELLED).all(axis=(1, 2, 3))
        frames = content(folder / f"{name}.h5")["Frames_with_ROI"]
        assert np.flatnonzero(~unlabelled).tolist() == frames.tolist()
