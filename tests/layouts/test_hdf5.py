"""The layout hdf5: cines as they are stored, labels of some frames, nothing from elsewhere."""

import h5py
import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.hdf5 import grids_of, read_images, read_masks, reader
from cmrseg.layouts.ready_made import import_studies
from cmrseg.measure.phases import phases
from hdf5_builder import LABELLED, SHAPE, images, masks, write

ROWS = pd.DataFrame(
    {
        "subject": ["7"],
        "study": ["Mouse7"],
        "annotation": ["Mouse7"],
        "set": [""],
        "spacing_mm": [0.1],
        "slice_distance_mm": [1.0],
        "frame_interval_ms": [5.0],
    }
)
SETTINGS = {"sequence": "sa", "form": "hdf5", "folder": ".", "layout": "hdf5"}


def imported(folder):
    """Audit of an import of folder/Mouse7.h5 to folder/images."""
    (folder / "images").mkdir()
    return import_studies(ROWS, folder, folder / "images", reader(grids_of(ROWS)))[0]


def carried(folder) -> np.ndarray | None:
    """Labels of folder/Mouse7.h5 after its import; None where it has none."""
    (folder / "labels").mkdir()
    carry_shard(ROWS, "expert", SETTINGS, folder, folder / "images", folder / "labels")
    path = folder / "labels/7/sa.nii.gz"
    return Cine.load(path).voxels if path.exists() else None


def test_a_cine_has_frames_then_slices_rows_and_columns(tmp_path):
    write(tmp_path / "Mouse7.h5")
    assert imported(tmp_path).empty
    cine = Cine.load(tmp_path / "images/7/sa.nii.gz")
    assert cine.voxels.dtype == np.float32
    for t, z, y, x in ((0, 0, 0, 0), (3, 2, 11, 9), (1, 2, 5, 7)):
        assert cine.voxels[t, z, y, x] == images()[y, x, z, t]
    assert cine.spacing_mm == pytest.approx((1.0, 0.1, 0.1))
    assert cine.frame_interval_s == pytest.approx(0.005)
    sources = read_table(tmp_path / "images/7/sources.tsv")
    assert len(sources) == 12
    assert set(sources["file"]) == {"Mouse7.h5"}


def test_labels_are_those_of_the_registry_in_labelled_frames_alone(tmp_path):
    write(tmp_path / "Mouse7.h5")
    imported(tmp_path)
    labels = carried(tmp_path)
    stored = masks().transpose(3, 2, 0, 1)
    assert (labels[[1, 3]] == UNLABELLED).all()
    for t in LABELLED:
        assert (labels[t][stored[t] == 1] == Tissue.MYO).all()
        assert (labels[t][stored[t] == 2] == Tissue.LV).all()
        assert (labels[t][stored[t] == 0] == Tissue.BACKGROUND).all()
    assert (labels[0, 2] == Tissue.BACKGROUND).all()


def test_compression_and_either_ending_change_nothing(tmp_path):
    with h5py.File(tmp_path / "Mouse7.hdf5", "w") as file:
        file.create_dataset("Images", data=images(), compression="gzip", shuffle=True)
        file.create_dataset("Masks", data=masks(), compression="lzf", fletcher32=True)
        file.create_dataset("Frames_with_ROI", data=np.array(LABELLED, np.uint8))
    assert imported(tmp_path).empty
    assert (carried(tmp_path)[0] != UNLABELLED).all()


@pytest.mark.parametrize(
    ("datasets", "reason"),
    [
        ({"Images": None}, r"has no dataset Images of \(row, column, slice, frame\)"),
        ({"Images": images()[..., 0]}, r"has shape \(12, 10, 3\), expected 4 dimensions"),
        ({"Images": images()[:0]}, r"has shape \(0, 10, 3, 4\), expected 4 dimensions"),
        ({"Images": np.full(SHAPE, b"x")}, "holds .*S1, expected numbers"),
        ({"Images": np.full(SHAPE, np.nan)}, "1440 voxels are not finite"),
        ({"Images": images() * (1 + 1j)}, "holds complex128, expected numbers"),
    ],
)
def test_what_is_no_cine_is_a_lost_subject_with_the_reason(tmp_path, datasets, reason):
    write(tmp_path / "Mouse7.h5", **datasets)
    audit = imported(tmp_path)
    assert audit["resolution"].tolist() == ["subject excluded"]
    assert audit["detail"].str.contains("Mouse7.h5").all()
    assert audit["detail"].str.contains(reason).all(), audit["detail"].tolist()


def test_an_absent_file_and_two_of_one_study_are_lost_subjects(tmp_path):
    assert imported(tmp_path)["detail"].str.contains("no file Mouse7.h5").all()
    write(tmp_path / "Mouse7.h5")
    write(tmp_path / "Mouse7.hdf5")
    (tmp_path / "images").rmdir()
    assert imported(tmp_path)["detail"].str.contains("are both there; keep one").all()


def labelled(value: int, place=(5, 5, 1, 2)) -> np.ndarray:
    made = masks().astype(np.int64)
    made[place] = value
    return made


@pytest.mark.parametrize(
    ("datasets", "sentence"),
    [
        (
            {"Masks": labelled(3)},
            r"subject 7: .*Mouse7.h5: frame 3, slice 2 \(from 1\) has labels \[3\]",
        ),
        ({"Masks": labelled(-1)}, r"frame 3, slice 2 \(from 1\) has labels \[-1\], expected 0"),
        ({"Masks": labelled(300, (0, 0, 2, 1))}, r"frame 2, slice 3 \(from 1\) has labels \[300\]"),
        ({"Masks": None}, "Mouse7.h5: has Frames_with_ROI but no dataset Masks; add it"),
        ({"Frames_with_ROI": None}, "Mouse7.h5: has Masks but no dataset Frames_with_ROI"),
        ({"Frames_with_ROI": [0, 4]}, "Frames_with_ROI has 4, Masks has 4 frames, counted from 0"),
        ({"Frames_with_ROI": [-1]}, "Frames_with_ROI has -1, Masks has 4 frames"),
        ({"Frames_with_ROI": [[0, 2]]}, r"has shape \(1, 2\), expected 1 dimensions"),
        ({"Frames_with_ROI": [0.0, 2.0]}, "Frames_with_ROI is float64, expected integers"),
        ({"Masks": masks()[:-1]}, r"Masks \(4, 3, 11, 10\) and images \(4, 3, 12, 10\) differ"),
        ({"Masks": masks().astype(float)}, "Masks is float64, expected integers"),
    ],
)
def test_labels_that_are_none_are_refused_by_file_slice_and_frame(tmp_path, datasets, sentence):
    write(tmp_path / "Mouse7.h5", **datasets)
    imported(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        carried(tmp_path)


def test_a_file_without_labels_is_not_labelled(tmp_path):
    write(tmp_path / "Mouse7.h5", Masks=None, Frames_with_ROI=None)
    imported(tmp_path)
    assert carried(tmp_path) is None


def test_a_list_of_no_frames_labels_nothing(tmp_path):
    write(tmp_path / "Mouse7.h5", Masks=np.zeros(SHAPE, np.uint8), Frames_with_ROI=[0])
    imported(tmp_path)
    assert carried(tmp_path) is None


def test_labels_of_a_frame_that_is_not_listed_are_logged_and_not_used(tmp_path, caplog):
    write(tmp_path / "Mouse7.h5", Masks=masks(frames=(0, 1, 2)))
    imported(tmp_path)
    assert (carried(tmp_path)[1] == UNLABELLED).all()
    told = "frame 1 (from 0, as in the file) has labels but is not in Frames_with_ROI"
    assert told in caplog.text


def linked(file: h5py.File, link) -> None:
    del file["Images"]
    file["Images"] = link


def virtual(file: h5py.File, other: str) -> None:
    del file["Images"]
    layout = h5py.VirtualLayout(SHAPE, np.uint16)
    layout[...] = h5py.VirtualSource(other, "Images", SHAPE)
    file.create_virtual_dataset("Images", layout)


def elsewhere(file: h5py.File, other: str) -> None:
    del file["Images"]
    file.create_dataset("Images", SHAPE, np.uint16, external=[(other, 0, 2880)])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f, o: linked(f, h5py.SoftLink("/Masks")), "Images is a link to elsewhere"),
        (lambda f, o: linked(f, h5py.ExternalLink(o, "/Images")), "Images is a link to elsewhere"),
        (virtual, "Images: its data lie in other files"),
        (elsewhere, "Images: its data lie in other files"),
    ],
)
def test_nothing_is_read_from_elsewhere(tmp_path, spoil, sentence):
    other = write(tmp_path / "other.h5")
    with h5py.File(write(tmp_path / "Mouse7.h5"), "a") as file:
        spoil(file, str(other))
    with pytest.raises(ValueError, match=sentence):
        read_images(tmp_path / "Mouse7.h5", grids_of(ROWS)["Mouse7"])


def test_sizes_that_no_file_can_hold_are_refused_before_they_are_read(tmp_path):
    with h5py.File(tmp_path / "Mouse7.h5", "w") as file:
        file.create_dataset("Images", (4096, 4096, 100, 100), np.uint16, chunks=(64, 64, 1, 1))
    with pytest.raises(ValueError, match=r"values need 335544320000 bytes, and the file has \d+"):
        read_images(tmp_path / "Mouse7.h5", grids_of(ROWS)["Mouse7"])


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "Mouse7.h5").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"Mouse7.h5: not a readable HDF5 file"):
        read_masks(tmp_path / "Mouse7.h5")


# -- end-diastole and end-systole of the labels ----------------------------------------------


def hearts(*radii: float, slices: tuple[int, ...] = ()) -> np.ndarray:
    """A frame for each radius of the cavity in pixels; slices: how many of 6 are drawn."""
    y, x = np.indices((40, 40)) - 20
    radius = np.hypot(y, x)
    labels = np.zeros((len(radii), 6, 40, 40), np.uint8)
    for t, inner in enumerate(radii):
        drawn = slices[t] if slices else 6
        labels[t, :drawn, radius < 14] = Tissue.MYO
        labels[t, :drawn, radius < inner] = Tissue.LV
    return labels


def test_the_first_frame_is_diastole_and_the_smallest_systole():
    found = phases(hearts(9, 7, 5, 8), np.arange(4), 0.01)
    assert found == (0, 2, (1, 3), ())


def test_one_labelled_frame_has_no_systole():
    assert phases(hearts(9, 7), np.array([1]), 0.01)[:3] == (1, -1, ())


def test_of_equal_frames_the_earlier_is_systole():
    assert phases(hearts(9, 5, 5), np.arange(3), 0.01).es == 1


def test_a_cavity_larger_than_at_diastole_is_doubtful():
    assert phases(hearts(7, 9, 5), np.arange(3), 0.01).doubts == (
        "frame 2 has more cavity than ED (frame 1, from 1)",
    )


def test_cavity_outside_of_the_heart_at_diastole_and_small_pieces_do_not_count():
    labels = hearts(9, 5, 5.4)
    labels[1, :, :6, :10] = Tissue.LV  # far from the heart
    labels[1, :, 0, 35:38] = Tissue.LV
    assert phases(labels, np.arange(3), 0.01).es == 1


def test_a_small_piece_of_cavity_within_the_heart_does_not_count():
    labels = hearts(9, 5, 5)
    labels[1, :, 19:22, 7:10] = Tissue.LV  # in the wall, below half a square millimetre
    assert phases(labels, np.arange(3), 0.01).es == 1
    assert phases(labels, np.arange(3), 0.1).es == 2


def test_a_frame_that_is_contoured_in_part_is_not_taken_for_systole():
    found = phases(hearts(9, 5, 6, slices=(6, 3, 4)), np.arange(3), 0.01)
    assert found[:3] == (0, 2, (1,))
    assert found.doubts == (
        "frame 2 (from 1) has the smallest cavity, but 3 labelled slices of 6 at ED; ES is taken "
        "as frame 3",
    )
    gap = hearts(9, 5, 6)
    gap[1, 2] = Tissue.BACKGROUND
    found = phases(gap, np.arange(3), 0.01)
    assert found.es == 2
    assert found.doubts[0].endswith(
        "but 5 labelled slices of 6 at ED and a gap between them; ES is taken as frame 3"
    )
    end = hearts(9, 5, 6)
    end[1, 5] = UNLABELLED
    assert phases(end, np.arange(3), 0.01).es == 2
    alone = phases(hearts(9, 5, slices=(6, 3)), np.arange(2), 0.01)
    assert alone.es == -1
    assert alone.doubts[0].endswith("ES is unknown")
