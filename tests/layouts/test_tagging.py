"""The layout tagging: tagged cines as they are stored, a slice in each row of a file."""

import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import tagging_builder as built
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.layouts.ready_made import import_studies
from cmrseg.layouts.tagging import reader, wanted_of


def subjects(*series: str, study="heart", **grid) -> pd.DataFrame:
    """A subject for each series, of one file."""
    usual = {"spacing_mm": None, "slice_distance_mm": 20.0, "frame_interval_ms": 41.0}
    rows = [
        {"subject": str(7 + i), "study": study, "series": one} | usual | grid
        for i, one in enumerate(series)
    ]
    return pd.DataFrame(rows)


def imported(folder: Path, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Audit of an import of files in a folder to its images."""
    rows = subjects("") if rows is None else rows
    (folder / "images").mkdir()
    read = reader(wanted_of(rows))
    return import_studies(rows, folder, folder / "images", read, ["tag"])[0]


def image(folder: Path, subject: str = "7") -> Cine:
    return Cine.load(folder / f"images/{subject}/tag.nii.gz")


def reason(folder: Path, rows: pd.DataFrame | None = None) -> str:
    """Why the first subject is excluded."""
    audit = imported(folder, rows)
    assert not (folder / "images/7").exists()
    assert audit["resolution"].tolist() == ["subject excluded"]
    return audit["detail"][0]


def test_a_row_is_a_cine_of_one_slice(tmp_path):
    built.write(tmp_path / "heart.h5")
    assert imported(tmp_path).empty
    cine = image(tmp_path)
    assert cine.voxels.shape == (4, 1, 64, 64)
    assert (cine.voxels[:, 0] == built.images()[0]).all()
    assert cine.spacing_mm == pytest.approx((20.0, 1.4, 1.4))
    assert cine.frame_interval_s == pytest.approx(0.041)
    sources = read_table(tmp_path / "images/7/tag.sources.tsv")
    assert sources["file"].tolist() == ["heart.h5#0"] * 4
    assert sources["t"].tolist() == [0, 1, 2, 3]


def test_slices_are_the_rows_in_the_order_named(tmp_path):
    built.write(tmp_path / "heart.h5", rows=4)
    assert imported(tmp_path, subjects("3,0,1", "2")).empty
    assert (image(tmp_path).voxels == built.images(4)[[3, 0, 1]].transpose(1, 0, 2, 3)).all()
    assert (image(tmp_path, "8").voxels[:, 0] == built.images(4)[2]).all()
    sources = read_table(tmp_path / "images/7/tag.sources.tsv")
    assert sources["file"].unique().tolist() == ["heart.h5#3", "heart.h5#0", "heart.h5#1"]


def test_examination_and_slice_of_a_file_tell_the_rows(tmp_path):
    slices = [b"series_1_10", b"series_1_2", b"series_1_0"]
    built.write(tmp_path / "heart.h5", rows=3, _cases=[b"7", b"7", b"9"], _slices=slices)
    assert imported(tmp_path).empty
    assert (image(tmp_path).voxels[:, 0] == built.images(3)[1]).all()
    assert (image(tmp_path).voxels[:, 1] == built.images(3)[0]).all()


def test_either_width_of_numbers_is_read(tmp_path):
    for name, dtype in (("a", np.float32), ("b", np.float64), ("c", np.int32), ("d", np.uint8)):
        folder = tmp_path / name
        made = built.images().astype(dtype)
        built.write(folder / "heart.h5", image_seqs=made, px_spaces=np.full(1, 1.4, np.float32))
        assert imported(folder).empty
        assert (image(folder).voxels[:, 0] == built.images()[0]).all()


def test_compression_and_either_ending_change_nothing(tmp_path):
    with h5py.File(tmp_path / "heart.hdf5", "w") as file:
        file.create_dataset(
            "image_seqs",
            data=built.images(),
            maxshape=(None, None, None, None),
            chunks=(1, 2, 32, 32),
            compression="gzip",
        )
        file["px_spaces"] = [1.4]
    assert imported(tmp_path).empty
    assert (image(tmp_path).voxels[:, 0] == built.images()[0]).all()


def test_fifty_frames_and_pictures_that_are_not_square_are_kept(tmp_path):
    made = np.stack([built.grid(48, 64, phase=t) for t in range(50)])[None]
    built.write(tmp_path / "heart.h5", image_seqs=made, landmark_coords=None)
    assert imported(tmp_path).empty
    assert (image(tmp_path).voxels[:, 0] == made[0]).all()


def test_an_empty_frame_stays_and_is_audited(tmp_path):
    made = built.images(2)
    made[1, 2:] = 0
    built.write(tmp_path / "heart.h5", rows=2, image_seqs=made)
    audit = imported(tmp_path, subjects("0,1"))
    assert image(tmp_path).voxels.shape == (4, 2, 64, 64)
    (row,) = audit.to_dict("records")
    assert (row["problem"], row["image"]) == ("empty frame", "heart.h5#1")
    assert row["detail"] == "frame 2, 3 (from 0)"


def test_a_slice_without_its_first_frame_is_refused(tmp_path):
    made = built.images(2)
    made[1, 0] = 0
    built.write(tmp_path / "heart.h5", rows=2, image_seqs=made)
    assert "row 1 has an empty first frame (all 0)" in reason(tmp_path, subjects("0,1"))


def test_a_pixel_size_that_the_file_lacks_may_be_given(tmp_path):
    built.write(tmp_path / "a/heart.h5", px_spaces=None)
    assert "has no px_spaces; give spacing_mm" in reason(tmp_path / "a")
    built.write(tmp_path / "b/heart.h5", px_spaces=None)
    assert imported(tmp_path / "b", subjects("", spacing_mm=1.2)).empty
    assert image(tmp_path / "b").spacing_mm[1:] == pytest.approx((1.2, 1.2))
    built.write(tmp_path / "c/heart.h5")
    told = reason(tmp_path / "c", subjects("", spacing_mm=1.2))
    assert "px_spaces of row 0 is 1.4 mm, but spacing_mm is 1.2" in told


@pytest.mark.parametrize(
    ("series", "told"),
    [
        ("", "3 rows and no _cases; name the rows of the subject's slices"),
        ("0,3", "series 0,3: the file has 3 rows, counted from 0"),
        ("1,1", "series 1,1 names a row twice"),
        ("base", "series is 'base', expected rows of the file as 0,1,2"),
    ],
)
def test_rows_that_are_not_clear_are_refused(tmp_path, series, told):
    built.write(tmp_path / "heart.h5", rows=3)
    assert told in reason(tmp_path, subjects(series))


@pytest.mark.parametrize(
    ("cases", "slices", "told"),
    [
        ([b"8", b"9"], [b"a", b"b"], "no row's _cases is 7"),
        ([b"7", b"7"], [b"a", b"a"], "_slices does not tell them apart"),
        ([b"7", b"7"], None, "_slices does not tell them apart"),
        ([b"7"], None, "_cases has shape (1,), expected (row): (2)"),
    ],
)
def test_cases_that_do_not_tell_the_rows_are_refused(tmp_path, cases, slices, told):
    built.write(tmp_path / "heart.h5", rows=2, _cases=cases, _slices=slices)
    assert told in reason(tmp_path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"image_seqs": None}, "has no dataset image_seqs of (row, frame, y, x)"),
        ({"image_seqs": np.ones((1, 4, 64), np.uint16)}, "image_seqs has shape (1, 4, 64)"),
        ({"image_seqs": np.ones((1, 0, 64, 64))}, "image_seqs has shape (1, 0, 64, 64)"),
        ({"image_seqs": np.ones((1, 1, 64, 64))}, "has 1 frame for each row, expected a cine"),
        ({"image_seqs": np.full((1, 4, 64, 64), np.nan)}, "heart.h5"),
        ({"image_seqs": np.ones((1, 4, 64, 64), complex)}, "holds complex128, expected numbers"),
        ({"px_spaces": np.array([1.4, 1.4])}, "px_spaces has shape (2,), expected (row): (1)"),
        ({"px_spaces": np.array([0.0])}, "px_spaces of row 0 is 0, expected mm from 0.1 to 10"),
        ({"px_spaces": np.array([np.nan])}, "px_spaces of row 0 is nan"),
        ({"px_spaces": np.array([b"1.4"])}, "px_spaces holds |S3, expected numbers"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, changed, told):
    built.write(tmp_path / "heart.h5", **changed)
    assert told in reason(tmp_path)


def test_slices_of_two_pixel_sizes_are_refused(tmp_path):
    built.write(tmp_path / "heart.h5", rows=2, px_spaces=np.array([1.4, 1.2]))
    assert "px_spaces of rows 0, 1 are 1.4, 1.2 mm" in reason(tmp_path, subjects("0,1"))


def test_a_file_that_is_missing_twice_there_or_damaged_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    assert "no file heart.h5; check the subject table's study" in reason(tmp_path / "a")
    for name in ("heart.h5", "heart.hdf5"):
        built.write(tmp_path / "b" / name)
    assert "heart.h5 and heart.hdf5 are both there" in reason(tmp_path / "b")
    path = built.write(tmp_path / "c/heart.h5")
    os.truncate(path, path.stat().st_size // 2)
    assert "heart.h5: not a readable HDF5 file" in reason(tmp_path / "c")


def test_data_that_lie_elsewhere_are_refused(tmp_path):
    built.write(tmp_path / "heart.h5", image_seqs=None)
    with h5py.File(tmp_path / "heart.h5", "a") as file:
        file["image_seqs"] = h5py.ExternalLink("other.h5", "image_seqs")
    assert "image_seqs is a link to elsewhere" in reason(tmp_path)
