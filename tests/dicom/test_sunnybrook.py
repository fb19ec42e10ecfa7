"""Real patients (Sunnybrook Cardiac Data) from DICOM and contours as text to volumes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.dicom.study import import_shard
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import LEFT

# Contours of the expert, and volumes made of them: ESV and EDV in ml, by the area of the polygons,
# and filled with their outline, as published masks are.
ANNOTATIONS = {"SCD0000101": "SC-HF-I-1", "SCD0000201": "SC-HF-I-2", "SCD0000301": "SC-HF-I-4"}
VOLUMES_ML = {
    "SCD0000101": (141.27, 191.32),
    "SCD0000201": (180.33, 241.92),
    "SCD0000301": (179.58, 229.70),
}
OUTLINE_ML = {"SCD0000301": (189, 240)}
DISTANCE_MM = {"SCD0000101": 10, "SCD0000201": 10, "SCD0000301": 8}
# Frames of the contours: end systole, end diastole.
FRAMES = {"SCD0000101": (7, 18), "SCD0000201": (6, 19), "SCD0000301": (6, 19)}
# Largest component of the normal: what two values of SliceLocation differ by, per mm.
ALONG_AXIS = {"SCD0000101": 0.6719, "SCD0000201": 0.6679, "SCD0000301": 0.6609}
TEXT = {"sequence": "sa", "form": "text", "folder": "contours", "layout": "folder"}


def chain(folder, data, subjects, mode):
    """Import, carry and measure some subjects: images, labels and volumes, by subject."""
    rows = pd.DataFrame(
        {
            "subject": subjects,
            "study": [f"dicoms/{subject}" for subject in subjects],
            "series": "",
            "set": "test",
            "annotation": [ANNOTATIONS[subject] for subject in subjects],
        }
    )
    settings = {"mode": mode, "layout": "folder", "max_size_px": 256}
    audit, _ = import_shard(rows, data, folder / "images", settings)
    (folder / "labels").mkdir()
    carried = carry_shard(rows, "expert", TEXT, data, folder / "images", folder / "labels")
    expert = LabelMaps("expert", "sunnybrook", [folder / "labels"])
    volumes, _ = measure_volumes(expert, dict.fromkeys(subjects, "test"), "max")
    return SimpleNamespace(
        audit=audit,
        carried=carried,
        volumes=volumes.set_index("subject"),
        **{
            kind: {s: Cine.load(folder / kind / s / "sa.nii.gz") for s in subjects}
            for kind in ("images", "labels")
        },
    )


@pytest.fixture(scope="module")
def sunnybrook(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("sunnybrook")
    return chain(folder, data / "sunnybrook", list(ANNOTATIONS), "corrected")


def test_clean_series_need_no_repair(sunnybrook):
    assert sunnybrook.audit.empty
    for subject, cine in sunnybrook.images.items():
        assert cine.voxels.shape[0] == 20
        assert cine.spacing_mm[0] == pytest.approx(DISTANCE_MM[subject], abs=2e-3)


def test_volumes_are_those_of_the_expert_s_contours(sunnybrook):
    """By the area of the polygons; masks with their outline have 5 to 7 % more."""
    for subject, (esv_ml, edv_ml) in VOLUMES_ML.items():
        row = sunnybrook.volumes.loc[subject]
        assert row["esv_ml"] == pytest.approx(esv_ml, rel=0.002)
        assert row["edv_ml"] == pytest.approx(edv_ml, rel=0.002)
        assert (row["es_frame"], row["ed_frame"]) == FRAMES[subject]


def test_compat_takes_slice_locations_for_distances_and_loses_a_third_of_the_volume(
    tmp_path, data, sunnybrook
):
    """This scanner's SliceLocation is the position along one axis of the patient.

    It grows by the distance of slices times that component of their normal: here 5.3 mm where
    slices are 8 mm apart (6.7 mm for the other two, 10 mm apart). Mode compat uses the locations
    alone, as published, and only notes that SpacingBetweenSlices is another; mode corrected
    measures along the normal. Contours are filled with their outline, as published.
    """
    subject = "SCD0000301"
    compat = chain(tmp_path, data / "sunnybrook", [subject], "compat")
    distance_mm = compat.images[subject].spacing_mm[0]
    assert distance_mm == pytest.approx(5.29, abs=0.005)
    assert distance_mm / DISTANCE_MM[subject] == pytest.approx(ALONG_AXIS[subject], abs=1e-3)
    assert compat.audit["problem"].tolist() == ["slice spacing: empirical/metadata"]
    assert compat.audit["detail"].tolist() == ["empirical: 5.29 mm, metadata: 8 mm"]
    volumes = compat.volumes.loc[subject, ["esv_ml", "edv_ml"]]
    ratio = volumes / list(OUTLINE_ML[subject])
    assert ratio.tolist() == pytest.approx([ALONG_AXIS[subject]] * 2, rel=5e-3)


def test_two_frames_are_labelled_and_have_a_cavity(sunnybrook):
    for subject, labels in sunnybrook.labels.items():
        known = (labels.voxels != UNLABELLED).any(axis=(1, 2, 3))
        assert np.flatnonzero(known).tolist() == list(FRAMES[subject])
        systole, diastole = labels.voxels[list(FRAMES[subject])]
        # The epicardium is drawn at end-diastole alone.
        assert set(np.unique(systole)) - {Tissue.BACKGROUND} == {Tissue.LV, UNLABELLED}
        assert set(np.unique(diastole)) == {Tissue.BACKGROUND, Tissue.LV, Tissue.MYO}


def test_muscle_that_was_not_drawn_is_unknown_and_told(sunnybrook):
    assert sunnybrook.volumes["es_mass_g"].isna().all()
    assert (sunnybrook.volumes["mass_g"] > 100).all()
    told = sunnybrook.carried[sunnybrook.carried["problem"] == "no epicardium"]
    assert told[["subject", "detail"]].to_numpy().tolist() == [
        ["SCD0000101", "9 images of frame 8 (from 1)"],
        ["SCD0000201", "9 images of frame 7 (from 1)"],
        ["SCD0000301", "10 images of frame 7 (from 1)"],
    ]


def test_cavities_of_neighbouring_slices_lie_behind_each_other_in_the_middle_of_the_image(
    sunnybrook,
):
    for labels in sunnybrook.labels.values():
        for frame in np.flatnonzero((labels.voxels == Tissue.LV).any(axis=(1, 2, 3))):
            slices = labels.voxels[frame] == Tissue.LV
            shown = np.flatnonzero(slices.any(axis=(1, 2)))
            assert (np.diff(shown) == 1).all()
            centres = np.array([np.argwhere(slices[z]).mean(axis=0) for z in shown])
            assert (np.abs(centres - 127.5) < 256 / 8).all()
            assert np.abs(np.diff(centres, axis=0)).max() < 8


def test_blood_is_bright_and_its_wall_is_dark_below_the_contours(sunnybrook):
    """More so than below the same contours moved by four pixels (5 mm) to any side."""
    for subject, labels in sunnybrook.labels.items():
        diastole = FRAMES[subject][1]
        image, drawn = sunnybrook.images[subject].voxels[diastole], labels.voxels[diastole]
        between = np.mean([np.median(image[drawn == t]) for t in (Tissue.LV, Tissue.MYO)])
        right = {}
        for shift in ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4)):
            moved = np.roll(drawn, shift, axis=(1, 2))
            bright = (image[moved == Tissue.LV] > between).mean()
            dark = (image[moved == Tissue.MYO] < between).mean()
            right[shift] = (bright + dark) / 2
        assert right.pop((0, 0)) > max(0.8, *right.values())


def test_a_wall_that_was_drawn_at_end_diastole_alone_is_not_missed_elsewhere(sunnybrook):
    subject = "SCD0000101"
    labels = sunnybrook.labels[subject]
    systole, diastole = FRAMES[subject]
    predicted = labels.voxels.copy()
    empty = predicted[systole] != Tissue.LV
    predicted[systole][empty] = Tissue.BACKGROUND
    predicted[systole][empty & (predicted[diastole] != Tissue.BACKGROUND)] = Tissue.MYO
    images, _, row = evaluate_cine(predicted, labels.voxels, labels.spacing_mm, LEFT, subject)
    assert row["dice_my"] == row["dice_lv"] == 1
    assert images.loc[images["frame"] == systole, "dice_my"].isna().all()
    assert row["reference_mass_g"] == row["predicted_mass_g"] > 100
    assert np.isnan(row["reference_es_mass_g"])
    assert row["predicted_es_mass_g"] > 100


def test_cavity_beyond_an_outline_that_was_drawn_alone_is_a_mistake(sunnybrook):
    labels = sunnybrook.labels["SCD0000101"]
    systole, _ = FRAMES["SCD0000101"]
    predicted = labels.voxels.copy()
    beyond = np.roll(predicted[systole] == Tissue.LV, 2, axis=-1)
    predicted[systole][beyond] = Tissue.LV
    drawn = (labels.voxels[systole] == Tissue.LV).sum()
    _, frames, row = evaluate_cine(predicted, labels.voxels, labels.spacing_mm, LEFT, "1")
    expected = 2 * drawn / (drawn + (predicted[systole] == Tissue.LV).sum())
    assert frames.set_index("frame").loc[systole, "dice_lv"] == pytest.approx(expected)
    assert expected < 0.98
    assert row["predicted_esv_ml"] > row["reference_esv_ml"]


def test_a_converted_cine_is_shown_upright(tmp_path, sunnybrook):
    """Converters store rows from bottom to top, here with the slices in reverse as well.

    The scanner shows the first heart turned (columns run to the feet), and square pictures do not
    tell that in a file: it is turned back, as in any other order of the axes.
    """
    for subject, cine in sunnybrook.images.items():
        rows, slices = cine.voxels.shape[2], cine.voxels.shape[1]
        affine = cine.affine.copy()
        affine[:3, 3] += affine[:3, 1] * (rows - 1) + affine[:3, 2] * (slices - 1)
        affine[:3, 1:3] *= -1
        few = cine.voxels[:1, ::-1, ::-1]
        Cine(few, affine).save(tmp_path / "raw" / f"{subject}.nii.gz")
        rows = pd.DataFrame({"subject": [subject], "study": [subject]})
        audit, _ = import_studies(rows, tmp_path / "raw", tmp_path, read_whole)
        turned = subject == "SCD0000101"
        assert audit["problem"].tolist() == (
            ["axes in another order"]
            if turned
            else ["rows from bottom to top", "slices from base to apex"]
        )
        converted = Cine.load(tmp_path / subject / "sa.nii.gz").voxels
        np.testing.assert_array_equal(converted, np.rot90(cine.voxels[:1], -turned, axes=(-2, -1)))
