"""Points against a reference: distances by hand, the published baseline, boxes, whole cohorts."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.boxes import box_of
from cmrseg.cine import Cine
from cmrseg.measure.boxes import box_overlap
from cmrseg.measure.point_cohorts import (
    PointLabels,
    evaluate_point_labels,
    overall_point_scores,
)
from cmrseg.measure.point_evaluation import evaluate_boxes, evaluate_rings
from cmrseg.points import save_points
from cmrseg.ring import by_spoke
from cmrseg.sequences import image_path, points_path
from tag_rings import beating, example, example_points, tagged

FACTORS = (1, 0.9, 0.8, 0.9, 1)


@pytest.fixture
def image() -> Cine:
    return tagged(len(FACTORS))


def test_landmarks_that_are_moved_are_off_by_as_much_in_pixels_and_millimetres(image):
    truth = beating(FACTORS)
    affine = image.affine.copy()
    affine[1, 1] = -3  # pixels are twice as high as wide
    images, row = evaluate_rings(truth + np.array([3, 4]), truth, Cine(image.voxels, affine), "1")
    assert len(images) == 15
    assert images[["slice", "frame"]].to_numpy().tolist() == [
        [z, t] for z in range(3) for t in range(5)
    ]
    assert row["points"] == 15 * 168
    assert row["error_px"] == pytest.approx(5)
    assert row["error_mm"] == pytest.approx(math.hypot(9, 6))
    assert row["rmse_mm"] == pytest.approx(math.hypot(9, 6))
    assert row["error_wall6_mm"] == pytest.approx(math.hypot(9, 6))
    # A shift changes no strain.
    for name in ("ecc_green_midwall_es_mid", "err_green_wall_es_global"):
        assert row[f"predicted_{name}_percent"] == pytest.approx(row[f"reference_{name}_percent"])


def test_errors_are_told_by_wall_and_at_end_systole(image):
    truth, placed = beating(FACTORS), beating(FACTORS)
    by_spoke(placed)[2, ..., 0, 0] += 2  # the endocardium at end-systole, 2 px of 1.5 mm
    _, row = evaluate_rings(placed, truth, image, "1")
    assert row["es_frame"] == 2
    assert row["error_es_mm"] == pytest.approx(3 / 7)
    assert row["error_mm"] == pytest.approx(3 / 7 / 5)
    assert row["rmse_mm"] == pytest.approx(math.sqrt(9 / 7 / 5))
    assert row["error_wall0_mm"] == pytest.approx(3 / 5)
    assert row["error_wall1_mm"] == 0


def test_strains_are_compared_at_the_end_systole_of_the_reference(image):
    placed = beating((1, 0.7, 0.85, 0.9, 1))
    _, row = evaluate_rings(placed, beating(FACTORS), image, "1")
    for place in ("basal", "mid", "apical", "global"):
        assert row[f"reference_ecc_green_midwall_es_{place}_percent"] == pytest.approx(-18)
        assert row[f"predicted_ecc_green_midwall_es_{place}_percent"] == pytest.approx(
            50 * (0.85**2 - 1)
        )


def test_the_baseline_without_motion_is_that_of_the_published_example(data):
    truth = example_points(data)
    with example(data) as file:
        px_mm = float(file["px_spaces"][0])
        voxels = np.moveaxis(file["image_seqs"][()], 0, 1)
    cine = Cine(voxels, np.diag([px_mm, px_mm, 8, 1]))
    still = np.repeat(truth[:1], len(truth), axis=0)
    images, row = evaluate_rings(still, truth, cine, "1")
    assert row["error_px"] == pytest.approx(2.582664, abs=1e-6)
    assert row["still_error_mm"] == row["error_mm"] == pytest.approx(3.530985, abs=1e-6)
    assert row["still_rmse_mm"] == pytest.approx(3.083229 * px_mm, abs=1e-6)
    assert row["es_frame"] == 7
    assert row["still_error_es_mm"] == pytest.approx(6.472560, abs=1e-6)
    assert images.loc[7, "error_px"] == pytest.approx(4.734216, abs=1e-6)


def test_lost_landmarks_are_counted_and_not_averaged(image):
    truth, placed = beating(FACTORS), beating(FACTORS) + np.array([0, 2])
    placed[1, 0, :10] = np.nan
    truth[3, 2] = np.nan
    images, row = evaluate_rings(placed, truth, image, "1")
    assert row["missed"] == 10
    assert row["images"] == 14
    assert row["error_px"] == pytest.approx(2)
    first = images[(images["slice"] == 0) & (images["frame"] == 1)].iloc[0]
    assert (first["points"], first["missed"]) == (158, 10)


def test_points_that_cannot_be_compared_are_refused_by_name(image):
    truth = beating(FACTORS)
    with pytest.raises(
        ValueError, match=r"subject 7: points \(4, 3, 168, 2\), those of the refere"
    ):
        evaluate_rings(truth[:4], truth, image, "7")
    with pytest.raises(ValueError, match="subject 7: the reference has no point to compare with"):
        evaluate_rings(truth, np.full_like(truth, np.nan), image, "7")


# -- boxes ----------------------------------------------------------------------------------------


def test_boxes_overlap_as_their_areas_say():
    square = np.array([[0, 0], [10, 10]])
    assert box_overlap(square, square) == 1
    assert box_overlap(square, square + np.array([5, 0])) == pytest.approx(50 / 150)
    # Apart, with corners in the wrong order, and without an extent.
    assert box_overlap(square, square + 20) == 0
    assert box_overlap(square, square[::-1]) == 0
    assert box_overlap(square * 0, square * 0) == 0
    assert np.isnan(box_overlap(square, square * np.nan))


def test_the_published_box_is_that_of_its_landmarks(data):
    with example(data) as file:
        x1, y1, x2, y2 = file["bbox_corners"][0]
    box = box_of(example_points(data)[0, 0], (256, 256))
    np.testing.assert_allclose(box, [[y1, x1], [y2, x2]], atol=1e-9)
    assert box_overlap(box, box + 10) == pytest.approx(0.554751, abs=1e-5)
    whole = np.array([[0, 0], [256, 256]])
    assert box_overlap(box, whole) == pytest.approx(0.063378, abs=1e-6)


def test_a_box_ends_at_the_image():
    points = np.array([[1.0, 2], [21, 100]])
    np.testing.assert_allclose(box_of(points, (25, 110)), [[0, 0], [25, 110]])
    np.testing.assert_allclose(box_of(points, (64, 256)), [[0, 0], [27, 129.4]])


def test_a_box_is_that_of_the_landmarks_that_are_known():
    points = np.array([[[10.0, 20], [np.nan, np.nan], [20, 40]], np.full((3, 2), np.nan)])
    expected = [[[7, 14], [23, 46]], np.full((2, 2), np.nan)]
    np.testing.assert_allclose(box_of(points, (64, 64)), expected)


def test_boxes_are_compared_in_the_first_frame_and_missed_ones_overlap_by_nothing(image):
    truth = beating(FACTORS)
    placed = np.full((len(FACTORS), 3, 2, 2), np.nan)
    placed[0, :2] = box_of(truth[0, :2], (128, 128))
    placed[0, 1] += np.array([0, 3])
    images, row = evaluate_boxes(placed, truth, image, "1")
    # Landmarks are 44 px apart less a little; 1.6 of that, shifted by 3 px.
    side = np.diff(placed[0, 0], axis=0)[0]
    shifted = (side[1] - 3) / (side[1] + 3)
    assert images["iou"].tolist() == pytest.approx([1, shifted, 0])
    assert images["missed"].tolist() == [0, 0, 1]
    assert row["iou"] == pytest.approx((1 + shifted) / 3)
    assert row["error_px"] == pytest.approx(1.5)
    assert row["error_mm"] == pytest.approx(2.25)
    # A reference may have boxes itself.
    _, own = evaluate_boxes(placed, placed, image, "1")
    assert (own["iou"], own["images"]) == (1, 2)


# -- cohorts --------------------------------------------------------------------------------------


@pytest.fixture
def cohort(tmp_path, image):
    """Three people; the network is 2 px off in a, exact in b, and lost c."""

    def build(**of_network):
        truth = beating(FACTORS)
        for side in ("images", "truth", "network"):
            for subject in "abc":
                (tmp_path / side / subject).mkdir(parents=True, exist_ok=True)
        for subject in "abc":
            image.save(image_path(tmp_path / "images" / subject, "tag"))
            save_points(truth, image, points_path(tmp_path / "truth" / subject, "tag"))
        for subject, points in of_network.items():
            save_points(points, image, points_path(tmp_path / "network" / subject, "tag"))
        return [
            PointLabels("network", "people", [tmp_path / "network"], "tag"),
            PointLabels("truth", "people", [tmp_path / "truth"], "tag"),
            [tmp_path / "images"],
        ]

    return build


SPLITS = {"a": "train", "b": "test", "c": "test"}


def named(summary: pd.DataFrame, split: str, measure: str, part: str, level: str = "subject"):
    rows = summary.set_index(["split", "level", "measure", "tissue"])
    return rows.loc[split, level, measure, part]


def test_a_cohort_has_rows_of_images_and_subjects_and_statistics_by_split(cohort):
    truth = beating(FACTORS)
    small = beating((1, 0.9, 0.82, 0.9, 1))
    found = evaluate_point_labels(*cohort(a=truth + np.array([0, 2]), b=small), splits=SPLITS)
    assert found.subjects["subject"].tolist() == ["a", "b"]
    assert found.images["split"].value_counts().to_dict() == {"train": 15, "test": 15}
    assert named(found.summary, "train", "error_px", "ring")["mean"] == pytest.approx(2)
    assert named(found.summary, "train", "error_px", "ring", "image")["n"] == 15
    assert named(found.summary, "all", "error_mm", "wall 6")["n"] == 2
    strain = named(found.summary, "test", "ecc_green_midwall_es_difference_percent", "mid")
    assert strain["mean"] == pytest.approx(50 * (0.82**2 - 0.8**2))
    scores = overall_point_scores(found.summary)
    assert scores["error_px ring"] == pytest.approx(found.subjects["error_px"].mean())


def test_boxes_of_a_cohort_have_their_overlap(cohort):
    boxes = np.full((len(FACTORS), 3, 2, 2), np.nan)
    boxes[0] = box_of(beating(FACTORS)[0], (128, 128))
    found = evaluate_point_labels(*cohort(a=boxes), splits=SPLITS)
    assert named(found.summary, "all", "iou", "box")["mean"] == pytest.approx(1, abs=1e-6)
    assert "rmse_mm" not in set(found.summary["measure"])


def test_nobody_to_compare_and_other_sequences_are_refused(cohort):
    network, truth, images = cohort()
    with pytest.raises(ValueError, match="no subject has points of both network and the reference"):
        evaluate_point_labels(network, truth, images, SPLITS)
    other = PointLabels("truth", "people", truth.shards, "sa")
    with pytest.raises(ValueError, match="network labels tag, its reference truth sa; compare"):
        evaluate_point_labels(network, other, images, SPLITS)
