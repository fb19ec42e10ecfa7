"""Points of a NIfTI file whose image the import has turned, mirrored or reversed."""

import numpy as np
import pandas as pd
import pytest

import tagging_builder as built
from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.orientation import APEX_TO_BASE, QUARTER, reordered
from cmrseg.points import points_table, read_points

ROWS = pd.DataFrame([{"subject": "7", "study": "7", "set": "", "annotation": "7"}])
SETTINGS = {"form": "points", "folder": "annotations/a", "layout": "nifti", "sequence": "tag"}
TABLE = "annotations/a/7/tag.points.tsv.gz"
SLICES = 3


def scanned() -> Cine:
    """A tagged cine as scanners show a short axis, slices from base to apex (RAS)."""
    down = -APEX_TO_BASE / np.linalg.norm(APEX_TO_BASE)
    across = np.array([-0.88, -0.47, 0.0])
    across -= down * (across @ down)
    across /= np.linalg.norm(across)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([1.4 * across, 1.4 * np.cross(across, down), 15 * down], axis=1)
    affine[:3, 3] = (-60, -20, 90)
    voxels = built.images(SLICES).transpose(1, 0, 2, 3).astype(np.float32)
    return Cine(voxels, affine, 0.2)


def landmarks() -> np.ndarray:
    """Landmarks (t, z, 168, 2) that move by another amount in each slice."""
    return np.stack([built.beat() + np.array([z, 2 * z]) for z in range(SLICES)], axis=1)


def imported(folder) -> Cine:
    (folder / "images").mkdir()
    audit, _ = import_studies(ROWS, folder, folder / "images", read_whole, ["tag"])
    assert "subject excluded" not in audit["resolution"].tolist()
    return Cine.load(folder / "images/7/tag.nii.gz")


def carried(folder) -> pd.DataFrame:
    (folder / "labels").mkdir()
    places = folder, folder / "images", folder / "labels"
    return carry_shard(ROWS, "a", SETTINGS, *places)


TURNS = {
    "as scanners show it": np.eye(3, dtype=int),
    "rows from below": np.diag([1, -1, 1]),
    "from the other side": np.diag([-1, 1, 1]),
    "turned by 180 degrees": np.diag([-1, -1, 1]),
    "turned by 90 degrees": QUARTER,
    "from apex to base": np.diag([1, 1, -1]),
    "all reversed": np.diag([-1, -1, -1]),
}


@pytest.mark.parametrize("told", ["with places", "pixels alone"])
@pytest.mark.parametrize("turn", TURNS)
def test_points_of_a_file_stay_where_they_are_in_the_patient(tmp_path, turn, told):
    (tmp_path / TABLE).parent.mkdir(parents=True)
    (tmp_path / "7").mkdir()
    true = scanned()
    stored = reordered(true, TURNS[turn])
    stored.save(tmp_path / "7/tag.nii.gz")
    # The same places as pixels of the file.
    table = points_table(landmarks(), true)
    places = table[["x_mm", "y_mm", "z_mm"]].to_numpy().T
    inverse = np.linalg.inv(stored.affine)
    x, y, z = inverse[:3, :3] @ places + inverse[:3, 3:]
    table = table.assign(x_px=x, y_px=y, slice=np.rint(z).astype(int))
    if told == "pixels alone":
        table = table[["frame", "slice", "point", "x_px", "y_px"]]
    table.to_csv(tmp_path / TABLE, sep="\t", index=False)

    cine = imported(tmp_path)
    # The import shows all of them as scanners do, from base to apex.
    np.testing.assert_allclose(cine.affine, true.affine, atol=1e-4)
    np.testing.assert_array_equal(cine.voxels, true.voxels)
    audit = carried(tmp_path)
    found = read_points(tmp_path / "labels/7/tag.points.tsv.gz", cine)
    np.testing.assert_allclose(found, landmarks(), atol=1e-3)
    turned = [] if turn == "as scanners show it" else ["points of the image before its turn"]
    assert audit["problem"].tolist() == turned


def test_points_elsewhere_in_the_patient_are_refused(tmp_path):
    (tmp_path / TABLE).parent.mkdir(parents=True)
    (tmp_path / "7").mkdir()
    scanned().save(tmp_path / "7/tag.nii.gz")
    table = points_table(landmarks(), scanned())
    table.assign(z_mm=table["z_mm"] + 5).to_csv(tmp_path / TABLE, sep="\t", index=False)
    imported(tmp_path)
    with pytest.raises(ValueError, match=r"tag\.points\.tsv\.gz: points lie 5\.00 mm from"):
        carried(tmp_path)


def test_slices_from_the_apex_on_are_audited(tmp_path):
    (tmp_path / "7").mkdir()
    reordered(scanned(), np.diag([1, 1, -1])).save(tmp_path / "7/tag.nii.gz")
    (tmp_path / "images").mkdir()
    audit, _ = import_studies(ROWS, tmp_path, tmp_path / "images", read_whole, ["tag"])
    assert audit["problem"].tolist() == ["slices from apex to base"]
    assert read_table(tmp_path / "images/7/tag.sources.tsv")["z"].nunique() == SLICES
