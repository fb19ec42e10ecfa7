"""Cases of the MyoPS challenge that the digital heart makes: files, pictures, truth."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pydicom
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.infarct_truth import infarct_truth
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.myops import affine_of_planes, draw_case, write_shard
from cmrseg.phantom.patients import draw_patient, truth
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.three_sequences import (
    acquire_sequences,
    plan_planes,
    sequence_shift_mm,
)

SETTINGS = {"scanner": "1.5T", "rows": 96, "columns": 88, "spacing_mm": 1.6}
SETTINGS |= {"slice_distance_mm": 14.0, "thickness_mm": 8.0}
PROTOCOL = Protocol(frames=1, **SETTINGS)
KINDS = ("none", "edema", "chronic", "acute", "mvo")
SEQUENCES = ("C0", "DE", "T2")


def table() -> pd.DataFrame:
    ids = [str(101 + i) for i in range(len(KINDS))]
    rows = draw_subjects(len(ids), 4, ids, diseases=["infarct"] * len(ids))
    return rows.assign(infarct=KINDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("myops")
    write_shard(table(), {**SETTINGS, "dicom": True}, path)
    return path


@pytest.fixture(scope="module")
def acute() -> dict:
    return table().to_dict("records")[3]


@pytest.fixture(scope="module")
def pictures(acute):
    return acquire_sequences(acute, draw_case(acute), PROTOCOL)


def load(folder, case, name):
    return nib.load(folder / f"myops_training_{case}_{name}.nii.gz")


def test_each_case_has_its_sequences_and_labels_on_one_grid(folder):
    for case in table()["study"]:
        images = [load(folder, case, name) for name in (*SEQUENCES, "gd")]
        assert {image.shape for image in images} == {images[0].shape}
        assert images[0].shape[:2] == (88, 96)
        assert 3 <= images[0].shape[2] <= 6
        for image in images:
            np.testing.assert_array_equal(image.affine, images[0].affine)
            assert image.get_data_dtype() == np.int16
            header = image.header
            assert (header["qform_code"], header["sform_code"], header["xyzt_units"]) == (1, 0, 10)
            np.testing.assert_allclose(header.get_zooms(), (1.6, 1.6, 14), atol=1e-5)


def test_labels_have_the_values_of_the_challenge(folder):
    values = {
        kind: set(np.unique(load(folder, case, "gd").dataobj).tolist())
        for case, kind in zip(table()["study"], KINDS, strict=True)
    }
    wall = {0, 200, 500, 600}
    assert values["none"] == wall
    assert values["edema"] == wall | {1220}
    assert values["chronic"] == wall | {2221}
    assert values["acute"] == values["mvo"] == wall | {1220, 2221}


def test_axis_codes_are_those_of_the_challenge_and_mixed():
    rows = draw_subjects(30, 3).to_dict("records")
    codes = set()
    for row in rows:
        planes = plan_planes(row, draw_parameters(row), PROTOCOL)
        codes.add("".join(nib.aff2axcodes(affine_of_planes(tuple(planes)))))
    assert codes == {"LSP", "PSR"}


def test_slices_run_from_apex_to_base_within_the_ventricle():
    for row in draw_subjects(8, 6).to_dict("records"):
        parameters = draw_parameters(row)
        heart = Heart(parameters)
        planes = plan_planes(row, parameters, PROTOCOL)
        heights = [heart.coordinates(np.array(p.position_mm)).height_mm for p in planes]
        np.testing.assert_allclose(np.diff(heights), 14.0)
        assert parameters.apex_wall_mm < heights[0]
        assert heights[-1] < heart.length_mm


def test_saved_voxels_lie_where_their_tissue_is(folder):
    row = table().to_dict("records")[4]
    labels = Cine.load(folder / "myops_training_105_gd.nii.gz")
    z, y, x = np.nonzero(labels.voxels[0] == 2221)
    places = np.stack([x, y, z, np.ones_like(x)], axis=-1) @ labels.affine.T
    heart = Heart(draw_case(row))
    assert set(heart.tissue(places[:, :3] * (-1, -1, 1), 0.0).tolist()) == {Tissue.MYO}


def test_truth_has_a_row_for_each_subject(folder):
    truth = pd.read_csv(folder / "truth.tsv", sep="\t", keep_default_na=False)
    assert truth["infarct"].tolist() == list(KINDS)
    assert (truth["scar_ml"] > 0).tolist() == [False, False, True, True, True]
    assert (truth["edema_ml"] > 0).tolist() == [False, True, False, True, True]
    assert (truth["mvo_ml"] > 0).tolist() == [False, False, False, False, True]
    assert truth["territory"][0] == ""
    expected = infarct_truth(Heart(draw_case(table().to_dict("records")[3])))
    for column, value in expected.items():
        assert float(truth[column][3]) == pytest.approx(value)


def test_files_do_not_depend_on_the_other_rows(folder, tmp_path):
    write_shard(table().iloc[2:3], SETTINGS, tmp_path)
    for name in (*SEQUENCES, "gd"):
        file = f"myops_training_103_{name}.nii.gz"
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()


def test_prefix_begins_the_names(tmp_path):
    rows = table().iloc[:1]
    small = {**SETTINGS, "rows": 48, "columns": 48, "spacing_mm": 3.2}
    write_shard(rows, {**small, "prefix": "myops_test", "sequences": ["c0", "de", "t2"]}, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*_101_*")) == [
        f"myops_test_101_{name}.nii.gz" for name in ("C0", "DE", "T2", "gd")
    ]


def test_scar_is_bright_in_late_enhancement_and_swollen_muscle_in_t2(pictures):
    images, labels = pictures

    def mean(sequence, *tissues):
        return images[sequence].images[np.isin(labels, tissues)].mean()

    assert mean("de", Tissue.SCAR) > 2 * mean("de", Tissue.MYO)
    assert mean("de", Tissue.LV) > 2 * mean("de", Tissue.MYO)
    assert mean("de", Tissue.EDEMA) < 0.7 * mean("de", Tissue.SCAR)
    assert mean("t2", Tissue.EDEMA, Tissue.SCAR) > 1.25 * mean("t2", Tissue.MYO)
    assert mean("t2", Tissue.LV) < 0.7 * mean("t2", Tissue.MYO)
    assert mean("c0", Tissue.LV) > 2 * mean("c0", Tissue.MYO)
    assert mean("c0", Tissue.SCAR) < 1.5 * mean("c0", Tissue.MYO)


def test_dark_core_is_dark_within_bright_scar(acute):
    row = acute | {"infarct": "mvo"}
    parameters = draw_case(row)
    without = replace(parameters, infarct=replace(parameters.infarct, obstruction=0.0))
    dark, labels = acquire_sequences(row, parameters, PROTOCOL)
    bright, same = acquire_sequences(row, without, PROTOCOL)
    np.testing.assert_array_equal(labels, same)
    change = dark["de"].images - bright["de"].images
    assert change[labels == Tissue.SCAR].min() < -0.4 * bright["de"].images[labels == 9].mean()
    # Ghosts and softened edges reach a little further.
    assert abs(change[labels == Tissue.RV]).max() < 0.1 * abs(change).max()


def test_sequences_have_other_ranges_of_values(pictures):
    images, _ = pictures
    tops = [np.percentile(stills.images, 99) for stills in images.values()]
    assert tops[0] > 1.3 * tops[1]
    assert len({round(top) for top in tops}) == 3


def test_sequences_are_aligned_unless_asked_otherwise(acute):
    parameters = draw_case(acute)
    aligned, labels = acquire_sequences(acute, parameters, PROTOCOL)
    off, same = acquire_sequences(acute, parameters, PROTOCOL, sequence_spread_mm=4.0)
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(off["c0"].images, aligned["c0"].images)
    for sequence in ("de", "t2"):
        assert (off[sequence].images != aligned[sequence].images).any()
        assert off[sequence].planes == aligned[sequence].planes


def test_shift_between_sequences_has_the_asked_spread_and_less_across():
    rows = draw_subjects(60, 8).to_dict("records")
    plane = plan_planes(rows[0], draw_parameters(rows[0]), PROTOCOL)[0]
    axes = np.array([plane.row_direction, plane.column_direction, plane.normal])
    shifts = np.array([axes @ sequence_shift_mm(row, "de", plane, 3.0) for row in rows])
    np.testing.assert_allclose(shifts.std(axis=0), (3, 3, 1), rtol=0.25)
    assert not sequence_shift_mm(rows[0], "c0", plane, 3.0).any()
    assert not sequence_shift_mm(rows[0], "de", plane, 0.0).any()


def test_interpolated_pictures_have_the_same_grid_and_labels(acute, pictures):
    images, labels = acquire_sequences(acute, draw_case(acute), PROTOCOL, interpolation=2)
    np.testing.assert_array_equal(labels, pictures[1])
    first, usual = images["c0"].images[2], pictures[0]["c0"].images[2]
    assert first.shape == usual.shape
    assert np.corrcoef(first.ravel(), usual.ravel())[0, 1] > 0.9


def test_cine_of_the_patient_has_the_same_infarct_only_where_the_row_says_so():
    row = table().to_dict("records")[3]
    assert draw_patient(row).infarct == draw_case(row).infarct is not None
    assert draw_patient({**row, "infarct": ""}).infarct is None
    assert draw_case({**row, "infarct": ""}).infarct is not None
    assert truth(row)["scar_ml"] == infarct_truth(Heart(draw_case(row)))["scar_ml"] > 0
    assert "scar_ml" not in truth({**row, "infarct": "none"})


def test_dicom_has_a_series_of_each_sequence_in_one_study(folder):
    files = [pydicom.dcmread(path) for path in sorted((folder / "dicom/104").rglob("*.dcm"))]
    image = load(folder, 104, "C0")
    assert len(files) == 3 * image.shape[2]
    assert len({file.StudyInstanceUID for file in files}) == 1
    assert len({file.FrameOfReferenceUID for file in files}) == 1
    assert len({file.SOPInstanceUID for file in files}) == len(files)
    series = {file.SeriesInstanceUID: file for file in files}
    assert sorted(file.SeriesDescription for file in series.values()) == [
        "t2_tse_db_sax",
        "tfl_ir_lge_sax_MAG",
        "trufi_sax_ED",
    ]
    assert {file.EchoTime for file in series.values()} == {1.2, 3.2, 76.0}


def test_dicom_pixels_are_those_of_the_volumes(folder):
    for number, (sequence, name) in enumerate((("c0", "C0"), ("de", "DE"), ("t2", "T2")), 1):
        image = load(folder, 104, name)
        for z in range(image.shape[2]):
            file = pydicom.dcmread(folder / f"dicom/104/{number}_{sequence}/{z + 1}.dcm")
            voxels = np.asarray(image.dataobj)[:, ::-1, z].T
            np.testing.assert_array_equal(file.pixel_array, voxels)
            corner = image.affine @ (0, image.shape[1] - 1, z, 1)
            np.testing.assert_allclose(
                np.array(file.ImagePositionPatient, float) * (-1, -1, 1), corner[:3], atol=1e-3
            )
