"""What a label map tells of each tissue, and what follows for volumes, scores and training."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.known import around_drawn, drawn_in_part, known_tissues
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.subsets import esed_frames
from cmrseg.measure.evaluate import evaluate_cine
from cmrseg.measure.volumes import count_voxels, measures, volume_curves
from cmrseg.sequences import LEFT, SEQUENCES

ALL, CAVITY, NOTHING = [True] * 4, [True, True, False, False], [True, False, False, False]
LV, MYO = Tissue.LV, Tissue.MYO
# Pixels of the cavity and of the wall around it.
CAVITY_PX, WALL_PX = 16, 48


def slice_of(kind):
    """A slice (16, 16) as somebody drew it."""
    plane = np.zeros((16, 16), np.uint8)
    plane[4:12, 4:12] = MYO
    plane[6:10, 6:10] = LV
    if kind == "cavity":
        plane[plane != LV] = UNLABELLED
    elif kind == "cavity, padded":
        plane[plane != LV] = UNLABELLED
        plane[:2] = plane[-2:] = plane[:, :2] = plane[:, -2:] = 0
    elif kind == "epicardium":
        plane[plane != 0] = UNLABELLED
    elif kind == "part":
        plane[:, :3] = UNLABELLED
    elif kind == "cropped at the wall":
        plane[:, :4] = UNLABELLED
    elif kind == "empty":
        plane[:] = 0
    elif kind == "unlabelled":
        plane[:] = UNLABELLED
    else:
        assert kind == "both"
    return plane


def maps(*frames):
    """(t, z, 16, 16) of slices by frame."""
    return np.array([[slice_of(kind) for kind in kinds] for kinds in frames])


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("both", ALL),
        ("empty", ALL),
        ("part", ALL),
        ("cropped at the wall", ALL),
        ("cavity", CAVITY),
        ("cavity, padded", CAVITY),
        ("epicardium", NOTHING),
        ("unlabelled", [False] * 4),
    ],
)
def test_a_slice_tells_of_what_is_drawn_in_it(kind, known):
    labels = maps([kind, "both"])
    assert known_tissues(labels)[0, :, :4].tolist() == [known, ALL]
    assert drawn_in_part(labels, known_tissues(labels)).tolist() == [
        [known in (CAVITY, NOTHING), False]
    ]


def test_empty_slices_do_not_tell_of_a_muscle_that_was_not_drawn_in_their_frame():
    known = known_tissues(maps(["empty", "cavity"], ["empty", "both"]))
    assert known[:, 0, :4].tolist() == [[True, True, False, True], ALL]


def test_unlabelled_pixels_within_the_muscle_hide_what_is_not_drawn():
    labels = maps(["both"])
    labels[0, 0, 7, 7] = UNLABELLED
    assert known_tissues(labels)[0, 0, :4].tolist() == [True, True, True, False]


@pytest.mark.parametrize("atrium", [Tissue.LA, Tissue.RA])
def test_an_atrium_drawn_alone_tells_nothing_of_the_other(atrium):
    labels = np.full((1, 1, 16, 16), UNLABELLED, np.uint8)
    labels[0, 0, 4:8, 4:8] = atrium
    known = known_tissues(labels, SEQUENCES["la_4ch"].tissues)[0, 0]
    assert np.flatnonzero(known[: Tissue.RA + 1]).tolist() == [Tissue.BACKGROUND, atrium]


def test_a_cavity_drawn_alone_has_a_volume_and_its_muscle_has_none():
    labels = maps(["both", "both"], ["cavity", "empty"], ["epicardium", "both"])
    counts = count_voxels(labels)
    assert counts[:, LV].tolist()[:2] == [2 * CAVITY_PX, CAVITY_PX]
    assert np.isnan(counts[2, LV])
    assert counts[0, MYO] == 2 * WALL_PX
    assert np.isnan(counts[1:, MYO]).all()
    found = measures(volume_curves(labels, (10, 1, 1), "7", LEFT))
    assert (found["ed_frame"], found["es_frame"]) == (0, 1)
    assert found["mass_g"] > 0
    assert np.isnan(found["es_mass_g"])
    assert found["esv_ml"] == pytest.approx(CAVITY_PX * 10 / 1000)


def test_around_a_cavity_drawn_alone_other_cavity_counts_as_false():
    labels = maps(["cavity", "part"])
    counted = around_drawn(labels, known_tissues(labels))
    assert (counted[0, 0] == np.where(labels[0, 0] == LV, LV, 0)).all()
    assert (counted[0, 1] == labels[0, 1]).all()


def scored(predicted, reference):
    return evaluate_cine(predicted, reference, (10, 1, 1), LEFT, "7")


def test_the_dice_of_a_cavity_drawn_alone_has_all_of_the_predicted_cavity():
    reference = maps(["cavity"], ["both"])
    predicted = maps(["both"], ["both"])
    predicted[0, 0, 6:10, 10:12] = LV  # 8 pixels beyond the outline
    images, frames, row = scored(predicted, reference)
    assert images["dice_lv"].tolist() == [pytest.approx(32 / 40), 1]
    assert images["dice_my"].isna().tolist() == [True, False]
    assert row["dice_my"] == 1
    assert frames["dice_heart"].isna().tolist() == [True, False]
    assert row["predicted_edv_ml"] == pytest.approx(0.24)


def test_an_observer_who_drew_the_cavity_alone_is_compared_by_the_cavity():
    _, frames, row = scored(maps(["cavity"], ["both"]), maps(["both"], ["both"]))
    assert frames["dice_lv"].tolist() == [1, 1]
    assert frames["dice_my"].isna().tolist() == [True, False]
    assert row["dice_my"] == 1


def test_a_frame_with_an_epicardium_alone_has_no_cavity_to_compare():
    _, frames, row = scored(maps(["both"], ["both"]), maps(["epicardium"], ["both"]))
    assert frames["dice_lv"].isna().tolist() == [True, False]
    # Either frame may be end-diastole.
    for side in ("reference", "predicted"):
        assert np.isnan([row[f"{side}_ed_frame"], row[f"{side}_edv_ml"]]).all()


SETTINGS = {
    "sequence": "sa",
    "preparation": "unet",
    "size_px": 16,
    "intensity": "linear",
    "tissues": "lv,my",
}


def sliced(folder, labels):
    Cine(np.random.default_rng(1).random(labels.shape).astype(np.float32), np.eye(4)).save(
        folder / "image.nii.gz"
    )
    Cine(labels, np.eye(4)).save(folder / "labels.nii.gz")
    images = [("7", "train", [folder / "image.nii.gz"], folder / "labels.nii.gz")]
    make_slices(images, SETTINGS, folder / "slices")
    return Slices.load(folder / "slices")


def test_training_learns_no_absence_of_a_muscle_that_was_not_drawn(tmp_path):
    labels = maps(["empty", "both"], ["empty", "cavity"], ["empty", "epicardium"])
    slices = sliced(tmp_path, labels)
    assert slices.index[["frame", "slice"]].to_numpy().tolist() == [
        [0, 0],
        [0, 1],
        [1, 1],
        [2, 0],
        [2, 1],
    ]
    assert np.unique(slices.labels[2]).tolist() == [LV, UNLABELLED]
    assert np.unique(slices.labels[4]).tolist() == [0, UNLABELLED]


def test_labels_without_any_background_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no background is labelled in 1 subjects"):
        sliced(tmp_path, maps(["cavity", "empty"]))


def test_a_frame_whose_cavity_is_unknown_in_a_slice_is_neither_end_of_the_beat(tmp_path):
    small = maps(["both", "cavity"])
    small[0, 0, 6:10, 6:8] = MYO
    labels = np.concatenate(
        [maps(["both", "both"]), small, maps(["unlabelled", "both"], ["epicardium", "both"])]
    )
    index = sliced(tmp_path, labels).index
    assert index.groupby("frame")["whole"].max().tolist() == [1, 1, 0, 0]
    assert esed_frames(index).to_numpy().tolist() == [["7", 1, 0]]
