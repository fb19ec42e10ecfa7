"""Landmarks of tagged cines: those of the image file, and tables of points."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tagging_builder as built
from cmrseg.annotations import landmarks
from cmrseg.annotations.carry import carry_shard
from cmrseg.annotations.cohort import collect_audit
from cmrseg.annotations.rings import area_px, check_rings
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.layouts.ready_made import import_studies
from cmrseg.layouts.tagging import reader, wanted_of
from cmrseg.points import points_table, read_points
from cmrseg.ring import ENDOCARDIUM, EPICARDIUM, by_spoke

GRID = {"spacing_mm": None, "slice_distance_mm": 20.0, "frame_interval_ms": 41.0}
TABLE = "annotations/expert/7/tag.points.tsv.gz"


def rows(series: str = "") -> pd.DataFrame:
    about = {"subject": "7", "study": "heart", "series": series, "set": "", "annotation": "7"}
    return pd.DataFrame([about | GRID])


def form_settings(form: str) -> dict[str, str]:
    folder = "." if form == "tagging" else "annotations/expert"
    return {"form": form, "folder": folder, "layout": "tagging", "sequence": "tag"}


def imported(folder: Path, series: str = "") -> Cine:
    """The image of subject 7 of a folder's heart.h5."""
    (folder / "images").mkdir()
    read = reader(wanted_of(rows(series)))
    import_studies(rows(series), folder, folder / "images", read, ["tag"])
    return Cine.load(folder / "images/7/tag.nii.gz")


def carried(folder: Path, form: str = "tagging") -> pd.DataFrame:
    """Audit of what is carried to the folder's labels."""
    (folder / "labels").mkdir()
    places = folder, folder / "images", folder / "labels"
    return carry_shard(rows(), "expert", form_settings(form), *places)


def labels(folder: Path, cine: Cine) -> np.ndarray:
    return read_points(folder / "labels/7/tag.points.tsv.gz", cine)


def error(folder: Path, form: str = "tagging") -> str:
    """Why nothing is carried."""
    with pytest.raises(ValueError, match="subject 7: labels of expert: ") as raised:
        carried(folder, form)
    assert not (folder / "labels/7").exists()
    return str(raised.value)


def test_a_ring_runs_clockwise_and_its_epicardium_is_outside():
    ring = by_spoke(built.ring())
    # Regular polygons of 24 corners.
    corner = 12 * np.sin(np.pi / 12)
    assert area_px(ring[:, ENDOCARDIUM]) == pytest.approx(8**2 * corner)
    assert area_px(ring[:, EPICARDIUM]) == pytest.approx(16**2 * corner)
    check_rings(built.beat()[:, None], (64, 64), "7")


def test_landmarks_of_a_file_are_y_then_x_of_its_rows(tmp_path):
    moved = np.stack([built.beat() + np.array([z, 2 * z]) for z in range(3)])
    built.write(tmp_path / "heart.h5", rows=3, landmark_coords=built.stored(moved))
    cine = imported(tmp_path, "2,0")
    assert carried(tmp_path).empty
    points = labels(tmp_path, cine)
    assert points.shape == (4, 2, 168, 2)
    assert points[:, 0] == pytest.approx(moved[2])
    assert points[:, 1] == pytest.approx(moved[0])
    assert not (tmp_path / "labels/7/tag.nii.gz").exists()


def test_landmarks_of_single_precision_are_read(tmp_path):
    built.write(
        tmp_path / "heart.h5", landmark_coords=built.stored(built.beat()[None]).astype("f4")
    )
    cine = imported(tmp_path)
    carried(tmp_path)
    assert labels(tmp_path, cine)[:, 0] == pytest.approx(built.beat(), abs=1e-5)


def test_empty_frames_have_no_landmarks(tmp_path):
    made, points = built.images(), built.stored(built.beat()[None])
    made[0, 2] = 0  # whatever its landmarks say
    points[0, 3] = 0
    built.write(tmp_path / "heart.h5", image_seqs=made, landmark_coords=points)
    cine = imported(tmp_path)
    audit = carried(tmp_path)
    found = labels(tmp_path, cine)
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2:]).all()
    table = read_table(tmp_path / "labels/7/tag.points.tsv.gz")
    assert table.groupby("frame")["valid"].sum().tolist() == [168, 168, 0, 0]
    assert audit["problem"].tolist() == ["points missing"]
    assert audit["detail"].tolist() == ["slice 0, frame 2, 3 (from 0)"]


def test_a_file_without_landmarks_is_not_labelled(tmp_path):
    built.write(tmp_path / "heart.h5", landmark_coords=None)
    imported(tmp_path)
    assert carried(tmp_path).empty
    assert not (tmp_path / "labels/7").exists()


def test_landmarks_outside_the_image_are_not_valid(tmp_path):
    points = built.beat()
    points[1, 6] = (30.0, -3.0)
    built.write(tmp_path / "heart.h5", landmark_coords=built.stored(points[None]))
    cine = imported(tmp_path)
    audit = carried(tmp_path)
    assert audit["detail"].tolist() == ["1, the first: frame 1, slice 0, point 6 (from 0)"]
    assert np.isnan(labels(tmp_path, cine)[1, 0, 6]).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: p[:, :, ::-1], "spokes run counter-clockwise on the image"),
        (lambda p: 63 * np.array([[0], [1]]) - p * [[-1], [1]], "or y counted from the bottom"),
        (lambda p: p.reshape(1, 4, 2, 24, 7)[..., ::-1].reshape(p.shape), "wall 0 encloses"),
        (lambda p: p + 40, "landmarks lie outside the image of 64 rows and 64 columns"),
        (lambda p: p[..., :167], "landmark_coords has shape (1, 4, 2, 167), expected (row, frame"),
        (lambda p: p[:, :3], "landmark_coords has shape (1, 3, 2, 168)"),
        (lambda p: np.where(p > 45, np.inf, p), "landmark_coords has infinite values"),
        (lambda p: p.astype("S5"), "landmark_coords holds |S5, expected numbers"),
    ],
)
def test_landmarks_of_another_form_are_refused(tmp_path, change, told):
    points = built.stored(built.beat()[None])
    built.write(tmp_path / "heart.h5", landmark_coords=change(points))
    imported(tmp_path)
    assert told in error(tmp_path)


def test_landmarks_outside_their_box_are_refused(tmp_path):
    points, box = built.stored(built.beat()[None]), np.array([[7.4, 4.4, 58.6, 55.6]])
    built.write(tmp_path / "a/heart.h5", bbox_corners=box)
    imported(tmp_path / "a")
    assert carried(tmp_path / "a").empty
    # A program subtracted the crop's origin from landmarks before it wrote them.
    points = points - [[10], [10]]
    built.write(tmp_path / "b/heart.h5", bbox_corners=box, landmark_coords=points)
    imported(tmp_path / "b")
    told = "landmarks of row 0 lie at x 7.1 to 38.9, y 4.1 to 35.9, outside the row's bbox_corners"
    assert told in error(tmp_path / "b")


def test_landmarks_of_other_images_are_refused(tmp_path):
    built.write(tmp_path / "heart.h5")
    imported(tmp_path)
    built.write(tmp_path / "heart.h5", image_seqs=built.images() + 1)
    assert "images of row 0 are not those that were imported" in error(tmp_path)


def write_table(folder: Path, table: pd.DataFrame, name: str = TABLE) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / name, sep="\t", index=False)


def of_image(folder: Path) -> pd.DataFrame:
    """The table of a beat's landmarks in the image, which is imported."""
    built.write(folder / "heart.h5", landmark_coords=None)
    return points_table(built.beat()[:, None], imported(folder))


def test_a_table_of_points_is_carried_as_it_is(tmp_path):
    write_table(tmp_path, of_image(tmp_path))
    assert carried(tmp_path, "points").empty
    cine = Cine.load(tmp_path / "images/7/tag.nii.gz")
    assert labels(tmp_path, cine)[:, 0] == pytest.approx(built.beat())


def test_a_table_needs_neither_places_in_the_patient_nor_valid(tmp_path):
    table = of_image(tmp_path)[["frame", "slice", "point", "x_px", "y_px"]]
    write_table(tmp_path, table, TABLE.removesuffix(".gz"))
    assert carried(tmp_path, "points").empty
    cine = Cine.load(tmp_path / "images/7/tag.nii.gz")
    assert labels(tmp_path, cine)[:, 0] == pytest.approx(built.beat())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="x_px"), "no column x_px"),
        (lambda t: t[t["point"] < 167], "has 167 points, 0 to 166; expected 168"),
        (lambda t: t.assign(point=t["point"] + 1), "has 168 points, 1 to 168; expected 168"),
        (lambda t: pd.concat([t, t[:1]]), "two rows of"),
        (lambda t: t.assign(frame=t["frame"] + 1), "frame 1 to 4, but the image has 4"),
        (lambda t: t.assign(frame=t["frame"] + 0.5), "frame, slice and point are whole numbers"),
        (lambda t: t.assign(slice=t["slice"] - 1), "frame, slice and point are whole numbers"),
        (lambda t: t.assign(x_mm=t["x_mm"] + 1), "points lie 1.00 mm from the pixels"),
        (lambda t: t.assign(x_px="left"), "column x_px has text, expected numbers"),
        (
            lambda t: t.rename(columns={"x_px": "y_px", "y_px": "x_px"})[
                ["frame", "slice", "point", "x_px", "y_px"]
            ],
            "spokes run counter-clockwise",
        ),
    ],
)
def test_a_table_of_another_image_or_form_is_refused(tmp_path, change, told):
    write_table(tmp_path, change(of_image(tmp_path)))
    assert told in error(tmp_path, "points")


def test_a_damaged_table_and_two_tables_are_refused_by_name(tmp_path):
    write_table(tmp_path / "a", of_image(tmp_path / "a"))
    packed = tmp_path / "a" / TABLE
    whole = packed.read_bytes()
    packed.write_bytes(whole[:500])
    assert "tag.points.tsv.gz: not a readable table" in error(tmp_path / "a", "points")
    packed.write_bytes(whole[:500] + bytes(20) + whole[520:])
    shutil.rmtree(tmp_path / "a/labels")
    assert "tag.points.tsv.gz: not a readable table" in error(tmp_path / "a", "points")
    table = of_image(tmp_path / "b")
    write_table(tmp_path / "b", table)
    write_table(tmp_path / "b", table, TABLE.removesuffix(".gz"))
    told = "tag.points.tsv.gz and tag.points.tsv both exist"
    assert told in error(tmp_path / "b", "points")


def test_a_table_that_unpacks_to_any_length_is_refused(tmp_path, monkeypatch):
    write_table(tmp_path, of_image(tmp_path))
    monkeypatch.setattr(landmarks, "MOST_BYTES", 10**4)
    (tmp_path / TABLE).write_bytes(gzip.compress(bytes(10**5)))
    assert "tag.points.tsv.gz: has more than 10000 bytes" in error(tmp_path, "points")


def test_a_table_of_no_subject_is_listed(tmp_path):
    table = of_image(tmp_path)
    write_table(tmp_path, table)
    write_table(tmp_path, table, TABLE.replace("/7/", "/8/"))
    carried(tmp_path, "points").to_csv(tmp_path / "audit.tsv", sep="\t", index=False)
    places = [tmp_path / "images"], [tmp_path / "labels"]
    audits = [tmp_path / "audit.tsv"]
    audit = collect_audit(rows(), "expert", form_settings("points"), [tmp_path], audits, *places)
    assert audit["image"].tolist() == ["8"]


def test_the_published_example_has_the_numbers_that_were_measured_in_it(tmp_path, data):
    about = rows().assign(study="train_example")
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    raw = data / "tagging"
    read = reader(wanted_of(about))
    assert import_studies(about, raw, tmp_path / "images", read, ["tag"])[0].empty
    cine = Cine.load(tmp_path / "images/7/tag.nii.gz")
    assert cine.voxels.shape == (20, 1, 256, 256)
    assert cine.voxels.mean() == pytest.approx(30.234, abs=1e-3)
    assert cine.spacing_mm[1:] == pytest.approx((1.3671875, 1.3671875))
    places = tmp_path / "images", tmp_path / "labels"
    assert carry_shard(about, "expert", form_settings("tagging"), raw, *places).empty
    found = labels(tmp_path, cine)
    assert found[0, 0, 0] == pytest.approx((133.734, 94.4392), abs=1e-4)
    assert found[19, 0, 167] == pytest.approx((144.601, 88.3992), abs=1e-4)
    endo = by_spoke(found[0, 0])[:, ENDOCARDIUM]
    assert area_px(endo) == pytest.approx(185.27, abs=0.01)
