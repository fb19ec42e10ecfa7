"""Import of clean studies, and of the folders that they come in."""

import shutil
import sys

import numpy as np
import pytest

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.study import import_study
from dicom_builder import COLUMN_DIRECTION, NORMAL, ROW_DIRECTION, write_series
from dicom_studies import COMPAT, CORRECTED, FOLDER, clean_study, expected_voxels, found

study = pytest.fixture(clean_study)


@pytest.fixture
def opened():
    """Paths of the DICOM files that are opened while the test runs."""
    paths = []
    active = [True]

    def hook(event, arguments):
        if active[0] and event == "open" and str(arguments[0]).endswith(".dcm"):
            paths.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield paths
    active[0] = False


@pytest.mark.parametrize(
    "settings", [CORRECTED, COMPAT, FOLDER], ids=["corrected", "compat", "folder"]
)
def test_a_clean_series_comes_through_unchanged(study, settings):
    imported = import_study(study, "7", settings)
    scale = 65535 if settings is COMPAT else 1
    np.testing.assert_array_equal(
        imported.cine.voxels, (expected_voxels() / scale).astype(np.float32)
    )
    x, y, z = (np.array(v) * [-1, -1, 1] for v in (ROW_DIRECTION, COLUMN_DIRECTION, NORMAL))
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([1.25 * x, 1.5 * y, 8 * z])
    np.testing.assert_allclose(imported.cine.affine, affine, atol=1e-12)
    assert imported.cine.frame_interval_s == 0.1
    assert imported.cine.voxels.dtype == np.float32
    assert imported.audit.empty
    assert imported.rotated is None


def test_slices_are_stacked_along_the_normal_whatever_slice_location_says(tmp_path):
    for k in range(3):
        write_series(tmp_path / f"sax_{k}", k, location_mm=8 * k, SliceLocation=-8.0 * k)
    corrected = import_study(tmp_path, "7", CORRECTED)
    compat = import_study(tmp_path, "7", COMPAT)
    assert corrected.sources["series_number"].unique().tolist() == [0, 1, 2]
    assert compat.sources["series_number"].unique().tolist() == [2, 1, 0]
    # The published third axis points up from the uppermost slice, into nothing.
    top = corrected.cine.affine @ [0, 0, 2, 1]
    np.testing.assert_allclose(top, compat.cine.affine @ [0, 0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(top[:3], np.array(NORMAL) * 16 * [-1, -1, 1], atol=1e-9)


def test_every_file_is_opened_exactly_once(study, opened):
    import_study(study, "7", CORRECTED)
    assert sorted(opened) == sorted(map(str, study.rglob("*.dcm")))


def test_long_axis_folders_are_not_read(study, opened):
    write_series(study / "2ch_21", 21)
    opened.clear()
    imported = import_study(study, "7", CORRECTED)
    assert imported.audit.empty
    assert not [path for path in opened if "2ch" in path]


def test_folders_of_any_name_and_flat_folders_give_the_same_cine(tmp_path):
    for k in range(3):
        options = {"location_mm": 8 * k, "series_number": 5 + k}
        write_series(tmp_path / "a" / str(5 + k), name="{frame}.dcm", **options)
        write_series(tmp_path / "b", name="{series}{frame}", **options)
    nested, flat = (import_study(tmp_path / name, "7", FOLDER) for name in "ab")
    assert (nested.cine.voxels == flat.cine.voxels).all()
    assert nested.sources["file"].iloc[0] == "5/1.dcm"
    assert nested.audit.empty
    assert flat.audit.empty


def test_a_flat_folder_of_one_series_is_grouped_by_planes(tmp_path):
    for k in range(3):
        options = {"CardiacNumberOfImages": None, "first_uid": 10 * k}
        write_series(tmp_path, 5, (1, 2, 3), 8 * k, name=f"{k}-{{frame}}.dcm", **options)
    imported = import_study(tmp_path, "7", FOLDER)
    assert imported.cine.voxels.shape == (3, 3, 12, 10)
    assert imported.audit.empty


@pytest.mark.parametrize("settings", [CORRECTED, COMPAT])
def test_two_slices_in_one_folder_are_separated(study, settings):
    shutil.rmtree(study / "sax_7")
    for part, location in (1, 8), (2, 16):
        name = f"IM-0001-{{frame:04d}}-{part:04d}.dcm"
        write_series(study / "sax_6", 6, location_mm=location, name=name)
    for path in (study / "sax_6").glob("IM-0006-*"):
        path.unlink()
    imported = import_study(study, "7", settings)
    assert found(imported) == [("two slices in one folder", "sax_6")]
    assert imported.cine.voxels.shape[1] == 4
    assert imported.sources["file"][6] == "sax_6/IM-0001-0001-0002.dcm"


def test_two_planes_under_one_name_are_separated(study):
    shutil.rmtree(study / "sax_8")
    write_series(study / "sax_7", 7, (4, 5, 6), 24.0, name="IM-0007-{frame:04d}.dcm")
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("two slices in one folder", "sax_7")]
    assert imported.sources["file"].iloc[-3] == "sax_7/IM-0007-0004.dcm"


def test_series_of_a_repeated_stack_are_selected(study):
    write_series(study / "sax_10", 10, location_mm=0)
    for series, first in [("sax_10,sax_6", 10), ("!sax_10", 5)]:
        imported = import_study(study, "7_a", CORRECTED, series)
        assert imported.audit.iloc[0].tolist()[:4] == ["7_a", "repeated stack", "split", ""]
        assert len(imported.audit) == 1
        assert imported.sources["series_number"].iloc[0] == first
    with pytest.raises(SubjectError, match="series sax_9 not found among sax_5, sax_6"):
        import_study(study, "7_a", CORRECTED, "sax_9")


def test_unknown_settings_are_refused(study):
    with pytest.raises(ValueError, match="mode is 'exact', expected one of corrected, compat"):
        import_study(study, "7", {**CORRECTED, "mode": "exact"})
    with pytest.raises(ValueError, match="layout is 'flat', expected one of kaggle, folder"):
        import_study(study, "7", {**CORRECTED, "layout": "flat"})


def test_sunnybrook_folders_are_imported_as_stacks_of_their_announced_distance(data):
    folder = data / "sunnybrook" / "dicoms" / "SCD0000101"
    imported = import_study(folder, folder.name, FOLDER)
    assert imported.audit.empty
    assert imported.cine.voxels.shape == (20, 12, 256, 256)
    assert imported.cine.spacing_mm[0] == pytest.approx(10, abs=0.01)
