"""Landmarks of tagged digital patients behind the import: the same places in the patient."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.annotations.subject import TURNED_POINTS
from cmrseg.cine import Cine
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.layouts.tagging import reader, wanted_of
from cmrseg.phantom import patient_files, patient_zips, tagging_hdf5
from cmrseg.points import points_table, read_points
from digital_patients import SCAN, Examined, patients

EID, FRAMES = "1000007", 20
GRID = {"rows": 64, "columns": 60, "spacing_mm": 3.5, "thickness_mm": 8.0}
TAGS = {**SCAN, "frames": FRAMES, "sequences": ["tag"], "views": {"tag": GRID}}
TRUTH = f"annotations/truth/{EID}/tag.points.tsv.gz"
PLACES = ["x_mm", "y_mm", "z_mm"]


@pytest.fixture(scope="module")
def rows():
    return patients([EID])


@pytest.fixture(scope="module")
def raw(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cines")
    patient_files.write_shard(rows, TAGS, folder)
    return folder


def carried(rows, raw, folder, read, layout="nifti", form="points"):
    """The image and its landmarks as they are imported from raw files."""
    images, labels = folder / "images", folder / "labels"
    images.mkdir()
    labels.mkdir()
    import_studies(rows, raw, images, read, ["tag"])
    where = "." if form == "tagging" else "annotations/truth"
    about = {"form": form, "layout": layout, "folder": where, "sequence": "tag"}
    audit = carry_shard(rows, "truth", about, raw, images, labels)
    assert set(audit["problem"]) <= {TURNED_POINTS[0]}
    cine = Cine.load(images / EID / "tag.nii.gz")
    return cine, read_points(labels / EID / "tag.points.tsv.gz", cine)


def assert_same_places(points, cine, raw):
    """Points are at the places that were written, also where the import has reversed slices."""
    written = pd.read_csv(raw / TRUTH, sep="\t")[PLACES].to_numpy().reshape(FRAMES, 3, 168, 3)
    found = points_table(points, cine)[PLACES].to_numpy().reshape(FRAMES, 3, 168, 3)
    middles_mm = [points.mean(axis=(0, 2)) for points in (written, found)]
    apart_mm = np.linalg.norm(middles_mm[0][:, None] - middles_mm[1], axis=2)
    order = apart_mm.argmin(axis=1)
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found[:, order], written, atol=0.01)


def test_landmarks_of_nifti_cines_follow_the_order_of_slices(rows, raw, tmp_path):
    cine, points = carried(rows, raw, tmp_path, read_whole)
    assert_same_places(points, cine, raw)


def test_landmarks_of_bulk_files_follow_the_order_of_slices(rows, raw, tmp_path):
    patient_zips.write_shard(rows, TAGS, tmp_path / "raw")
    found = Examined(rows, tmp_path / "raw", tmp_path / "imported", sequences=["tag"])
    assert found.carry("tag", "points", "truth").empty
    cine = found.image(EID, "tag")
    path = found.labels("tag") / EID / "tag.points.tsv.gz"
    assert_same_places(read_points(path, cine), cine, tmp_path / "raw")


@pytest.mark.parametrize("columns", [["x_px"], ["y_px"], ["x_px", "y_px", "slice"], []])
def test_landmarks_may_count_rows_columns_and_slices_backwards(rows, raw, tmp_path, columns):
    table = pd.read_csv(raw / TRUTH, sep="\t")
    last = {"x_px": GRID["columns"] - 1, "y_px": GRID["rows"] - 1, "slice": 2}
    table = table.assign(**{name: last[name] - table[name] for name in columns})
    other = tmp_path / "raw"
    (other / TRUTH).parent.mkdir(parents=True)
    table.to_csv(other / TRUTH, sep="\t", index=False)
    (other / EID).symlink_to(raw / EID)
    cine, points = carried(rows, other, tmp_path, read_whole)
    assert_same_places(points, cine, raw)


def test_landmarks_of_the_published_layout_are_those_of_the_nifti_cine(rows, raw, tmp_path):
    folder = tmp_path / "raw"
    tagging_hdf5.write_shard(rows, {**TAGS, **GRID}, folder)
    grid = {"spacing_mm": 3.5, "slice_distance_mm": 20.0, "frame_interval_ms": 41.0}
    wanted = reader(wanted_of(rows.assign(**grid)))
    cine, points = carried(rows, folder, tmp_path, wanted, "tagging", "tagging")
    true = Cine.load(raw / EID / "tag.nii.gz")
    np.testing.assert_array_equal(cine.voxels, true.voxels)
    np.testing.assert_allclose(points, read_points(raw / TRUTH, true), atol=1e-9)
