"""Digital patients as UK Biobank's zip files: the pictures, the labels, and what an expert drew."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.contours.chambers import published_frames
from cmrseg.contours.cvi42 import read_cvi42
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.overlap import confusion_counts, dice
from cmrseg.phantom import patient_files, patient_zips
from digital_patients import CONTOURED, SEQUENCES, Examined, patients, scan

EID = "1000007"
MODES = ["corrected", "compat"]
DRAWN = {"sa": ["LV", "MYO", "RV"], "la_2ch": ["LA"], "la_4ch": ["LA", "RA"]}
TWO = scan(labelled="two")


@pytest.fixture(scope="module")
def rows():
    return patients([EID])


@pytest.fixture(scope="module")
def raw(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zips") / "raw"
    patient_zips.write_shard(rows, TWO, folder)
    return folder


@pytest.fixture(scope="module")
def cines(rows, tmp_path_factory):
    """The same patient as NIfTI cines with true label maps."""
    folder = tmp_path_factory.mktemp("cines")
    patient_files.write_shard(rows, TWO, folder)
    return folder


@pytest.fixture(scope="module", params=MODES)
def examined(request, rows, raw, tmp_path_factory):
    """The patient as imported in both modes, with the expert's contours as label maps."""
    found = Examined(rows, raw, tmp_path_factory.mktemp(request.param), request.param)
    assert found.audit.empty
    for sequence in CONTOURED:
        assert found.carry(sequence).empty
    return request.param, found


def true(cines, sequence, mode, what="annotations/truth"):
    """A cine of the same patient, in the order of slices that the import gives."""
    cine = Cine.load(cines / what / EID / f"{sequence}.nii.gz")
    corrected = sequence == "sa" and mode == "corrected"
    return cine.voxels[:, ::-1] if corrected else cine.voxels


def test_zips_hold_the_pictures_of_the_nifti_cines(raw, cines, examined):
    mode, found = examined
    names = {path.name for path in raw.glob("*.zip")}
    assert names == {f"{EID}_{field}_2_0.zip" for field in (20208, 20209, 20210)}
    for sequence in SEQUENCES:
        image = found.image(EID, sequence)
        np.testing.assert_array_equal(image.voxels, true(cines, sequence, mode, "."))
        usual = Cine.load(cines / EID / f"{sequence}.nii.gz")
        assert image.frame_interval_s == pytest.approx(usual.frame_interval_s, abs=1e-4)
        np.testing.assert_allclose(image.spacing_mm, usual.spacing_mm, rtol=1e-5)


@pytest.mark.parametrize("sequence", CONTOURED)
def test_contours_give_back_the_true_tissues(cines, examined, sequence):
    mode, found = examined
    labels, truth = found.label(EID, sequence).voxels, true(cines, sequence, mode)
    drawn = (truth != UNLABELLED).all(axis=(1, 2, 3))
    assert drawn.sum() == 2
    assert (labels[~drawn] == UNLABELLED).all()
    assert not (labels[drawn] == UNLABELLED).any()
    assert set(np.unique(labels[drawn])) == {0, *(Tissue[name] for name in DRAWN[sequence])}
    for t in np.flatnonzero(drawn):
        # Below the cavity is wall alone, of which nobody draws a contour.
        cavity = (truth[t] == Tissue.LV).any(axis=(1, 2)) | (sequence != "sa")
        counts = confusion_counts(truth[t, cavity], labels[t, cavity], len(Tissue)).sum(axis=0)
        for name in DRAWN[sequence]:
            assert dice(counts)[Tissue[name]] > 0.97
        assert not np.isin(labels[t, ~cavity], [Tissue.LV, Tissue.MYO]).any()


def test_frames_of_the_published_networks_are_those_that_were_drawn(cines, examined):
    mode, found = examined
    for sequence in CONTOURED:
        truth = true(cines, sequence, mode)
        drawn = np.flatnonzero((truth != UNLABELLED).all(axis=(1, 2, 3)))
        assert published_frames(found.label(EID, sequence).voxels, sequence) == tuple(drawn)


def test_slices_of_the_published_mode_run_from_the_base(rows, raw, tmp_path):
    both = {mode: Examined(rows, raw, tmp_path / mode, mode) for mode in MODES}
    for found in both.values():
        found.carry("sa")
    ours, theirs = (both[mode].label(EID, "sa").voxels for mode in MODES)
    theirs = theirs[:, ::-1]
    # The border of the published polygon belongs to it; all else is the same.
    assert (theirs[ours == Tissue.LV] == Tissue.LV).all()
    assert (ours != theirs).sum() < 0.01 * (ours == Tissue.MYO).sum()
    base = [both[mode].image(EID, "sa").affine[:3, 2] for mode in MODES]
    np.testing.assert_allclose(base[0], -base[1], atol=1e-4)


def test_true_label_maps_have_the_place_of_the_pictures(cines, rows, raw, tmp_path):
    for mode in MODES:
        found = Examined(rows, raw, tmp_path / mode, mode)
        for sequence in SEQUENCES:
            assert found.carry(sequence, "nifti", "truth").empty
            labels = found.label(EID, sequence).voxels
            np.testing.assert_array_equal(labels, true(cines, sequence, mode))


def test_the_expert_draws_all_frames_or_two(rows, raw, tmp_path):
    views = scan(["la_2ch", "la_4ch"], frames=4)
    patient_zips.write_shard(rows, views, tmp_path)
    assert [path.name for path in tmp_path.glob("*.zip")] == [f"{EID}_20208_2_0.zip"]
    all_frames = read_cvi42(tmp_path / f"annotations/expert/{EID}_cvi42.zip")
    assert [sorted(drawn) for drawn in all_frames.values()] == (
        [["lalaContour"]] * 4 + [["lalaContour", "laraContour"]] * 4
    )
    two = read_cvi42(raw / f"annotations/expert/{EID}_cvi42.zip")
    assert sum("lalaContour" in drawn for drawn in two.values()) == 4


def test_a_cohort_of_aortas_has_no_contours(rows, tmp_path):
    patient_zips.write_shard(rows, scan(["ao"], frames=2), tmp_path)
    assert not (tmp_path / "annotations/expert").exists()
    assert (tmp_path / f"annotations/truth/{EID}/ao.nii.gz").exists()


def test_the_truth_and_the_bytes_are_the_patient_s_alone(rows, raw, cines, tmp_path):
    patient_zips.write_shard(rows, TWO, tmp_path)
    names = {path.relative_to(raw) for path in raw.rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == names
    for name in names:
        if name.suffix == ".zip":
            assert (tmp_path / name).read_bytes() == (raw / name).read_bytes()
    for name in ("truth.tsv", "truth_curves.tsv"):
        assert (raw / name).read_text() == (cines / name).read_text()


def test_another_visit_is_refused_by_subject(rows, tmp_path):
    with pytest.raises(ValueError, match=f"subject {EID}: series is 3_0; digital patients only ha"):
        patient_zips.write_shard(rows.assign(series="3_0"), TWO, tmp_path)
