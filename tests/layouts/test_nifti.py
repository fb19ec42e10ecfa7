"""Import of NIfTI, whole and damaged: pairs of volumes, and cines in any storage order."""

import gzip

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.dicom.study import import_study
from cmrseg.layouts.nifti import read_cine, read_frames, read_pair, read_whole, turned_back
from cmrseg.layouts.ready_made import import_studies
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.population import draw_subjects
from cmrseg.phantom.ukbb import write_subject
from cmrseg.sequences import SEQUENCES
from dicom_builder import write_study


@pytest.fixture
def raw(tmp_path):
    for study in "12":
        (tmp_path / "raw" / study).mkdir(parents=True)
        for frame in ("ED", "ES"):
            voxels = np.ones((1, 2, 8, 8), np.float32)
            Cine(voxels, np.eye(4)).save(tmp_path / "raw" / study / f"sa_{frame}.nii.gz")
    return tmp_path / "raw"


@pytest.mark.parametrize(
    ("shape", "shift_mm"), [((1, 3, 8, 8), 0), ((1, 2, 8, 8), 1)], ids=["shape", "place"]
)
def test_a_pair_on_two_grids_is_refused_by_name(raw, shape, shift_mm):
    affine = np.eye(4)
    affine[0, 3] = shift_mm
    Cine(np.ones(shape, np.float32), affine).save(raw / "1/sa_ES.nii.gz")
    with pytest.raises(ValueError, match=r"1: sa_ED.* and sa_ES.* must lie on one grid; export"):
        read_frames(raw / "1", "sa_{frame}.nii.gz", Audit("1"))


def test_a_pair_in_two_orders_of_axes_is_brought_to_that_of_end_diastole(raw):
    """As it is stored: rows to the head, slices from the base, which a cine would not keep."""
    ed, es = VOXELS[:2, None, :, :, :].reshape(2, 1, *VOXELS.shape[1:])
    as_stored = FROM_APEX * [1, -1, -1, 1]
    Cine(ed, as_stored).save(raw / "1/sa_ED.nii.gz")
    image = nib.Nifti1Image(es.T[..., 0], as_stored)
    nib.as_closest_canonical(image).to_filename(raw / "1/sa_ES.nii.gz")
    assert Cine.load(raw / "1/sa_ES.nii.gz").voxels.shape != es.shape
    audit = Audit("1")
    cine, _ = read_pair(raw, "1", "sa", audit)
    np.testing.assert_array_equal(cine.voxels, np.concatenate([ed, es]))
    np.testing.assert_allclose(cine.affine, as_stored)
    assert audit.table()[["problem", "image", "detail"]].to_numpy().tolist() == [
        ["axes in another order", "sa_ES.nii.gz", "brought to the order of sa_ED.nii.gz"]
    ]


def test_a_pair_whose_slices_are_another_axis_is_refused(raw):
    for frame in ("ED", "ES"):
        image = nib.Nifti1Image(VOXELS[0].T, FROM_APEX)
        nib.as_closest_canonical(image).to_filename(raw / f"1/sa_{frame}.nii.gz")
    with pytest.raises(ValueError, match=r"1/sa_ED.nii.gz: the slices are along the axis y of .*z"):
        read_pair(raw, "1", "sa", Audit("1"))


def broken_stream(path):
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)


def unknown_type(path):
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[70:72] = b"\x63\x00"
    path.write_bytes(gzip.compress(bytes(content)))


def cut(path):
    path.write_bytes(path.read_bytes()[:60])


def gone(path):
    path.unlink()


def not_finite(path):
    voxels = np.ones((1, 2, 8, 8), np.float32)
    voxels[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    Cine(voxels, np.eye(4)).save(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_stream, "not a readable NIfTI"),
        (unknown_type, "not a readable NIfTI"),
        (cut, "not a readable NIfTI"),
        (gone, "not a readable NIfTI"),
        (not_finite, "3 voxels are not finite; repair the file"),
    ],
)
def test_a_damaged_volume_is_its_subject_s_failure_and_stops_no_shard(
    raw, tmp_path, damage, message
):
    damage(raw / "1" / "sa_ED.nii.gz")
    (tmp_path / "images").mkdir()
    rows = pd.DataFrame({"subject": ["1", "2"], "study": ["1", "2"]})
    audit, _ = import_studies(rows, raw, tmp_path / "images", read_pair)
    assert audit[["subject", "problem"]].to_numpy().tolist() == [["1", "unreadable file"]]
    assert audit["detail"][0].startswith("sa_ED.nii.gz: " + message)
    assert str(tmp_path) not in audit.to_csv()
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["2"]


@pytest.mark.parametrize("damage", [broken_stream, unknown_type, cut])
def test_a_cine_that_cannot_be_read_is_named(raw, damage):
    damage(raw / "1" / "sa_ED.nii.gz")
    with pytest.raises(ValueError, match=r"1/sa_ED.nii.gz: not a readable NIfTI"):
        Cine.load(raw / "1" / "sa_ED.nii.gz")


def test_an_unforeseen_error_is_audited_and_stops_no_shard(raw, tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError(f"surprise in {raw}/1/sa_ED.nii.gz")

    monkeypatch.setattr("cmrseg.layouts.nifti.read_frames", fail)
    rows = pd.DataFrame({"subject": ["1"], "study": ["1"]})
    audit, _ = import_studies(rows, raw, tmp_path, read_pair)
    assert audit.iloc[0].tolist() == [
        "1",
        "other",
        "subject excluded",
        "",
        "ZeroDivisionError: surprise in sa_ED.nii.gz",
    ]


# -- one file per study ----------------------------------------------------------------------

# x to the left, y to the feet, slices backwards: looked at from the apex, which is first.
FROM_APEX = np.array([[-1.5, 0, 0, 20], [0, 0, -8, 30], [0, -1.25, 0, 50], [0, 0, 0, 1.0]])
# Every slice 5 mm to the side of the one before.
SHEAR = np.array([[1, 0, 5 / 1.5, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
VOXELS = np.arange(20 * 2 * 5 * 4).reshape(20, 2, 5, 4).astype(np.float32)


@pytest.fixture
def whole(tmp_path):
    """Import one file, written by nibabel, as study 1; gives the cine and the audit."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "images").mkdir()

    def run(voxels, affine, name="1.nii.gz", interval=0.04, units=("mm", "sec"), code=1):
        image = nib.Nifti1Image(np.ascontiguousarray(voxels.T), None)
        image.header.set_xyzt_units(*units)
        image.header.set_sform(affine, code=code)
        image.header["pixdim"][4] = interval
        path = tmp_path / "raw" / name
        path.parent.mkdir(exist_ok=True)
        nib.save(image, path)
        return imported(tmp_path)

    return run


def imported(folder):
    rows = pd.DataFrame({"subject": ["1"], "study": ["1"]})
    audit, headers = import_studies(rows, folder / "raw", folder / "images", read_whole)
    assert headers.empty
    path = folder / "images/1/sa.nii.gz"
    return Cine.load(path) if path.exists() else None, audit


def lost(audit):
    assert audit["resolution"].tolist() == ["subject excluded"]
    return f"{audit['problem'][0]}: {audit['detail'][0]}"


@pytest.mark.parametrize("name", ["1.nii.gz", "1.nii", "1/sa.nii.gz", "1/sa.nii"])
def test_a_cine_as_dicom_shows_it_is_kept(whole, tmp_path, name):
    cine, audit = whole(VOXELS, FROM_APEX, name)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    np.testing.assert_allclose(cine.affine, FROM_APEX)
    assert cine.frame_interval_s == pytest.approx(0.04)
    assert audit.empty
    sources = pd.read_csv(tmp_path / "images/1/sources.tsv", sep="\t")
    assert sources.iloc[-1].tolist() == [1, 19, name.removeprefix("1/")]


def test_a_volume_is_a_cine_of_one_frame(whole):
    cine, audit = whole(VOXELS[0], FROM_APEX)
    np.testing.assert_array_equal(cine.voxels, VOXELS[:1])
    assert np.isnan(cine.frame_interval_s)
    assert audit.empty


@pytest.mark.parametrize(("value", "unit"), [(0.04, "sec"), (40, "msec"), (40000, "usec")])
def test_the_frame_interval_has_the_unit_of_the_header(whole, value, unit):
    cine, audit = whole(VOXELS, FROM_APEX, interval=value, units=("mm", unit))
    assert cine.frame_interval_s == pytest.approx(0.04)
    assert audit.empty


@pytest.mark.parametrize(
    ("value", "unit"), [(1, "sec"), (40, "sec"), (0, "sec"), (0.04, "unknown"), (0.04, "hz")]
)
def test_a_frame_interval_that_cannot_be_a_beat_s_is_unknown(whole, value, unit):
    cine, audit = whole(VOXELS, FROM_APEX, interval=value, units=("mm", unit))
    assert np.isnan(cine.frame_interval_s)
    assert audit[["problem", "resolution", "image"]].to_numpy().tolist() == [
        ["frame interval", "set to unknown", "1.nii.gz"]
    ]
    assert audit["detail"][0] == f"pixdim[4] is {value:g} ({unit}) with 20 frames of one beat"


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 1e-3), ("unknown", 1)])
def test_lengths_have_the_unit_of_the_header(whole, unit, factor):
    scaled = FROM_APEX / np.array([[factor], [factor], [factor], [1]])
    cine, _ = whole(VOXELS, scaled, units=(unit, "sec"))
    np.testing.assert_allclose(cine.affine, FROM_APEX, rtol=1e-5)


def test_rows_from_bottom_to_top_are_reversed_and_stay_where_they_are(whole):
    stored = FROM_APEX.copy()
    stored[:3, 3] += 4 * FROM_APEX[:3, 1]
    stored[:3, 1] *= -1
    cine, audit = whole(VOXELS[:, :, ::-1], stored)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    np.testing.assert_allclose(cine.affine, FROM_APEX)
    assert audit[["problem", "resolution"]].to_numpy().tolist() == [
        ["rows from bottom to top", "rows reversed"]
    ]


@pytest.mark.parametrize(
    ("affine", "code"),
    [
        # As above, in a file that says that its affine means nothing.
        (FROM_APEX * [1, -1, 1, 1], 0),
        # Planes of the scanner, of which none is a short axis.
        (np.diag([1.0, 1, 8, 1]), 1),
        (np.diag([-1.0, 1, 8, 1]), 1),
    ],
)
def test_pictures_are_kept_where_the_affine_does_not_tell_how_they_are_seen(whole, affine, code):
    cine, audit = whole(VOXELS, affine, code=code)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    assert audit.empty


def test_slices_from_base_to_apex_are_reversed_and_stay_where_they_are(whole):
    stored = FROM_APEX.copy()
    stored[:3, 3] += FROM_APEX[:3, 2]
    stored[:3, 2] *= -1
    cine, audit = whole(VOXELS[:, ::-1], stored)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    np.testing.assert_allclose(cine.affine, FROM_APEX)
    assert audit[["problem", "resolution"]].to_numpy().tolist() == [
        ["slices from base to apex", "slices reversed"]
    ]


def test_a_sheared_stack_has_the_volume_of_its_voxels_and_is_audited(whole):
    cine, audit = whole(VOXELS, FROM_APEX @ SHEAR)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    assert cine.spacing_mm == pytest.approx((8, 1.25, 1.5))
    assert audit[["problem", "resolution", "detail"]].to_numpy().tolist() == [
        [
            "slices displaced along the stack",
            "slice positions kept",
            "5.00 mm from each slice to the next",
        ]
    ]


def test_a_slice_that_lies_a_little_beside_the_one_before_is_no_shear(whole):
    slight = SHEAR.copy()
    slight[0, 2] = 0.4
    _, audit = whole(VOXELS, FROM_APEX @ slight)
    assert audit.empty


def test_spacings_that_differ_by_rounding_are_one(whole):
    rounded = FROM_APEX * [1.25 / 1.5 * (1 + 1e-7), 1, 1, 1]
    cine, audit = whole(VOXELS, rounded)
    np.testing.assert_array_equal(cine.voxels, VOXELS)
    assert cine.spacing_mm == pytest.approx((8, 1.25, 1.25))
    assert audit.empty


def test_wide_still_images_are_not_turned(tmp_path):
    wide = VOXELS[:1].transpose(0, 1, 3, 2)
    Cine(wide, FROM_APEX).save(tmp_path / "c0.nii.gz")
    audit = Audit("7")
    cine = read_cine(tmp_path / "c0.nii.gz", audit, SEQUENCES["c0"])
    np.testing.assert_array_equal(cine.voxels, wide)
    assert audit.table().empty


def test_wide_pictures_are_turned_and_stay_where_they_are(whole):
    wide = VOXELS.transpose(0, 1, 3, 2)
    cine, audit = whole(wide, FROM_APEX)
    np.testing.assert_array_equal(cine.voxels, np.rot90(wide, 1, axes=(2, 3)))
    assert audit["problem"].tolist() == ["rows < columns"]
    # The first voxel was the last of the first row.
    np.testing.assert_allclose(cine.affine[:3, 3], (FROM_APEX @ [4, 0, 0, 1])[:3])
    assert cine.spacing_mm == pytest.approx((8, 1.5, 1.25))


def test_a_cine_is_turned_back_to_its_own_file_alone():
    cine = Cine(VOXELS, FROM_APEX)
    elsewhere = FROM_APEX + np.array([0, 0, 0, 1.0]) * [[0], [0], [5], [0]]
    for affine in (FROM_APEX * [2, 1, 1, 1], FROM_APEX @ SHEAR, elsewhere):
        with pytest.raises(ValueError, match="give that of the file which the cine was read from"):
            turned_back(cine, affine)


@pytest.mark.parametrize("shape", [{}, {"rows": 10, "columns": 12}])
def test_a_converted_series_is_imported_like_the_series_itself(whole, tmp_path, shape):
    """A converter stores rows from bottom to top, and knows where they lie.

    The orientation of the series is a short axis, looked at from the apex, as scanners show it.
    """
    directions = {"row_direction": (0.6, 0.64, -0.48), "column_direction": (0.0, -0.6, -0.8)}
    write_study(tmp_path / "dicom", slices=3, **directions, **shape)
    settings = {"mode": "corrected", "layout": "folder", "max_size_px": 256}
    expected = import_study(tmp_path / "dicom", "1", settings).cine
    unturned = expected.voxels
    affine = expected.affine.copy()
    if shape:
        unturned = np.rot90(unturned, -1, axes=(2, 3))
        x, y = affine[:3, 0].copy(), affine[:3, 1].copy()
        affine[:3, 3] += y * (unturned.shape[3] - 1)
        affine[:3, 0], affine[:3, 1] = -y, x
    affine[:3, 3] += affine[:3, 1] * (unturned.shape[2] - 1)
    affine[:3, 1] *= -1
    cine, _ = whole(unturned[:, :, ::-1], affine, interval=0.1)
    np.testing.assert_array_equal(cine.voxels, expected.voxels)
    np.testing.assert_allclose(cine.affine, expected.affine, atol=1e-4)


def test_the_digital_heart_is_looked_at_from_the_apex_which_comes_first(whole, tmp_path):
    row = draw_subjects(1, 3, ["1"], ["train"]).to_dict("records")[0]
    scan = {"scanner": "1.5T", "rows": 64, "columns": 52, "spacing_mm": 4.8}
    protocol = Protocol(frames=2, slice_distance_mm=20.0, thickness_mm=8.0, **scan)
    write_subject(row, protocol, tmp_path)
    (tmp_path / "sa_ED.nii.gz").rename(tmp_path / "raw/1.nii.gz")
    cine, audit = imported(tmp_path)
    stored = Cine.load(tmp_path / "raw/1.nii.gz").voxels
    np.testing.assert_array_equal(cine.voxels, stored[:, ::-1])
    assert audit["problem"].tolist() == ["slices from base to apex"]


@pytest.mark.parametrize(
    ("voxels", "affine", "message"),
    [
        (VOXELS[None], FROM_APEX, "unreadable file: 1.nii.gz: shape (4, 5, 2, 20, 1), expected 3"),
        (VOXELS[0, 0], FROM_APEX, "unreadable file: 1.nii.gz: shape (4, 5), expected 3 or 4"),
        (np.where(VOXELS == 3, np.nan, VOXELS), FROM_APEX, "unreadable file: 1.nii.gz: 1 voxels"),
        (VOXELS * 1j, FROM_APEX, "unreadable file: 1.nii.gz: voxels are complex64, expected grey"),
        (
            VOXELS,
            FROM_APEX @ SHEAR[:, [0, 2, 1, 3]][[0, 2, 1, 3]],
            "unreadable file: 1.nii.gz: rows and columns of the pictures meet at 14.0 degrees, exp",
        ),
        (VOXELS, FROM_APEX * [1, 1, 0, 1], "unreadable file: 1.nii.gz: the affine [[-1.5, 0.0, 0"),
    ],
)
def test_a_file_that_is_no_cine_is_left_out_by_name(whole, voxels, affine, message):
    cine, audit = whole(voxels, affine)
    assert cine is None
    assert lost(audit).startswith(message)


def test_a_study_without_a_file_is_left_out_by_name(whole, tmp_path):
    cine, audit = imported(tmp_path)
    assert cine is None
    assert lost(audit).startswith("no images: neither 1.nii.gz nor 1/sa.nii.gz; check the subject")


def test_a_study_with_two_files_is_left_out_by_name(whole, tmp_path):
    whole(VOXELS, FROM_APEX)
    (tmp_path / "images/1/sa.nii.gz").unlink()
    _, audit = whole(VOXELS, FROM_APEX, "1/sa.nii.gz")
    assert lost(audit) == "other: 1.nii.gz and 1/sa.nii.gz are both there; keep one of them"
