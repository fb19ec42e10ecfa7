"""Losses and scores of points: published vectors, and values worked out by hand."""

import numpy as np
import pytest
import torch

from cmrseg.ring import LANDMARKS, SPOKES, WALLS
from cmrseg.tasks.kinds import KINDS
from cmrseg.tasks.point_losses import (
    LOSSES,
    box,
    circumferential_squares,
    iou,
    iou_published,
    known_points,
    radial_squares,
    ring_parts,
    ring_strain,
    strain,
)
from tag_oracle import example, oracle_folder, our_boxes, ours

TASK = KINDS["track"]


@pytest.fixture(scope="module")
def label(data):
    """Landmarks of the example's window, (1, 20, 168, 2) float64."""
    return ours(example(data)["cropped_landmark_coords"].astype(np.float64))[None]


@pytest.fixture(scope="module")
def expected(data):
    return np.load(oracle_folder(data) / "expected.npz")


def parts_of(found, truth):
    """Total, coordinates, radial, circumferential."""
    parts = ring_parts(found, truth)
    named = [parts[name].item() for name in ("coordinates", "radial", "circumferential")]
    return [ring_strain(found, truth).item(), *named]


def rings(frames=20, scale=None):
    """A ring of radii 10 to 22 px around (30, 40), scaled from frame to frame: (1, t, 168, 2)."""
    angle = torch.arange(SPOKES, dtype=torch.float64) * 2 * torch.pi / SPOKES
    radius = 10 + 2 * torch.arange(WALLS, dtype=torch.float64)
    places = torch.stack([angle.sin(), angle.cos()], 1)[:, None] * radius[None, :, None]
    scales = torch.ones(frames, dtype=torch.float64) if scale is None else torch.tensor(scale)
    centre = torch.tensor([30.0, 40.0], dtype=torch.float64)
    return (places.flatten(0, 1) * scales[:, None, None] + centre)[None]


# -- published numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "numbers"),
    [
        (lambda p: p, [0, 0, 0, 0]),
        (lambda p: p + 1, [1, 1, 0, 0]),
        (lambda p: p[:, :1].expand_as(p), [18.124902, 17.348098, 0.0666742, 0.0886864]),
        (lambda p: 0.95 * p, [10.288832, 10.288832, 0, 0]),
        (
            lambda p: torch.cat([p[:, :1], 0.9 * p[:, 1:]], 1),
            [39.855851, 38.979699, 0.1017471, 0.0734833],
        ),
        (lambda p: p.flip(1), [9.436194, None, 0.0723706, 0.0789986]),
    ],
    ids=["same", "shifted", "still", "smaller", "smaller_after_first", "reversed"],
)
def test_the_loss_of_the_example_is_the_published_one(label, changed, numbers):
    found = parts_of(changed(label), label)
    for value, number in zip(found, numbers, strict=True):
        if number is not None:
            assert value == pytest.approx(number, rel=1e-6, abs=1e-7)


def test_the_loss_is_that_of_the_original_code(expected):
    truth, found = ours(expected["loss_label"]), ours(expected["loss_pred"])
    total, _, radial, circumferential = parts_of(found, truth)
    assert [total, radial, circumferential] == pytest.approx(expected["loss_total_rr_cc"], rel=1e-5)
    everywhere = torch.ones(3, 20, SPOKES, dtype=torch.bool)
    for name, points in (("label", truth), ("pred", found)):
        for part, squares in (("rr", radial_squares), ("cc", circumferential_squares)):
            ours_, theirs = strain(squares(points), everywhere), expected[f"loss_{part}_{name}"]
            np.testing.assert_allclose(ours_, theirs, rtol=1e-5, atol=1e-5)


def test_the_published_overlap_is_that_of_the_original_code(expected):
    found, truth = our_boxes(expected["iou_a"]), our_boxes(expected["iou_b"])
    each = iou_published(found, truth)
    np.testing.assert_allclose(each[:, 0], expected["iou_each"], rtol=1e-5, atol=1e-9)
    assert each.mean().item() == pytest.approx(expected["iou_mean"], rel=1e-5)


def test_the_overlap_of_the_example_s_box_is_the_published_one(data):
    stored = our_boxes(example(data)["bbox_corners"])
    image = torch.tensor([[0.0, 0], [256, 256]], dtype=torch.float64)
    assert (stored[..., 1, :] - stored[..., 0, :]).prod(-1).item() == pytest.approx(4153.516, 1e-6)
    for score in (iou, iou_published):
        assert score(stored + 10, stored).item() == pytest.approx(0.554751, abs=1e-6)
        assert score(image, stored).item() == pytest.approx(0.063378, abs=1e-6)


# -- by hand ----------------------------------------------------------------------------------


def test_strain_of_a_scaled_ring_is_known():
    points = rings(3, [1.0, 0.9, 1.2])
    everywhere = torch.ones(1, 3, SPOKES, dtype=torch.bool)
    for squares in (radial_squares(points), circumferential_squares(points)):
        # (s² - 1) / 2, but for what is added to the length at end-diastole.
        found = strain(squares, everywhere)[0].tolist()
        assert found == pytest.approx([0, -0.095, 0.22], abs=1e-4)
        assert found[0] == 0


def test_boxes_apart_have_no_overlap():
    first = torch.tensor([[0.0, 0], [10, 10]])
    for second in ([[20.0, 20], [30, 30]], [[0.0, 20], [10, 30]], [[10.0, 10], [0, 0]]):
        assert iou(torch.tensor(second), first) == 0
    assert iou(first, first) == 1
    assert iou(torch.tensor([[0.0, 5], [10, 15]]), first).item() == pytest.approx(1 / 3)
    # As published, boxes apart along both axes have all in common.
    apart = torch.tensor([[20.0, 20], [30, 30]])
    assert iou_published(apart, first).item() == pytest.approx(1)


def test_overlap_with_an_unknown_box_is_unknown():
    assert iou(torch.zeros(2, 2), torch.full((2, 2), torch.nan)).isnan()


def test_the_loss_of_a_box_is_the_mean_of_squares_over_its_four_coordinates():
    truth = torch.tensor([[10.0, 20], [30, 40]])[None, None]
    found = truth + torch.tensor([[1.0, 0], [0, 3]])
    assert box(found, truth).item() == pytest.approx(10 / 4)


@pytest.mark.parametrize("name", LOSSES)
def test_points_that_are_not_known_are_in_no_mean(name):
    truth, found = rings(3, [1.0, 0.9, 0.8]), rings(3, [1.0, 0.95, 0.7])
    other = rings(3, [1.1, 0.5, 0.7])
    whole = LOSSES[name](torch.cat([found, found]), torch.cat([truth, truth]))
    for unknown in (torch.full_like(truth, torch.nan), torch.zeros_like(truth)):
        assert torch.isclose(
            LOSSES[name](torch.cat([found, other]), torch.cat([truth, unknown])), whole
        )


@pytest.mark.parametrize("name", LOSSES)
def test_without_any_known_point_the_loss_is_0_and_so_is_its_slope(name):
    found = rings().requires_grad_()
    loss = LOSSES[name](found, torch.full((1, 20, LANDMARKS, 2), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert not found.grad.any()


def test_a_frame_without_points_changes_no_strain_of_the_others():
    truth, found = rings(3, [1.0, 0.9, 0.8]), rings(3, [1.0, 0.95, 0.7])
    parts = ring_parts(found[:, :2], truth[:, :2])
    truth[:, 2] = torch.nan
    assert ring_parts(found, truth) == parts
    # Without the first frame there is no strain at all.
    truth[:, 0] = 0
    without = ring_parts(found, truth)
    assert (without["radial"], without["circumferential"]) == (0, 0)
    assert without["coordinates"] > 0


def test_a_missing_spoke_is_left_out_of_prediction_and_truth():
    truth, found = rings(2, [1.0, 0.9]), rings(2, [1.0, 0.9])
    # Spoke 3 is wrong in the prediction, and not known.
    found[:, 1, 3 * WALLS : 4 * WALLS] += 7
    truth[:, 1, 3 * WALLS : 4 * WALLS] = torch.nan
    assert ring_strain(found, truth).item() == pytest.approx(0, abs=1e-12)
    assert known_points(truth).sum() == 2 * LANDMARKS - WALLS


def test_one_unknown_coordinate_makes_its_point_unknown():
    truth = rings(1)
    truth[0, 0, 5, 0] = torch.nan
    assert (~known_points(truth)).nonzero().tolist() == [[0, 0, 5]]


def test_slopes_are_finite_where_something_is_not_known():
    found, truth = rings(3, [1.0, 0.9, 0.8]).requires_grad_(), rings(3)
    truth[:, 1, :40] = torch.nan
    ring_strain(found, truth).backward()
    assert found.grad.isfinite().all()


def test_predictions_of_half_precision_are_computed_in_float32():
    truth = rings(2).float()
    assert ring_strain(truth.bfloat16(), truth).dtype == torch.float32
    assert box(truth.bfloat16(), truth).dtype == torch.float32


def test_points_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"points \(1, 20, 168, 2\) against \(1, 20, 336\), exp"):
        box(rings(), torch.zeros(1, 20, 336))
    with pytest.raises(ValueError, match=r"points \(1, 1, 2, 2\), expected \(n, t, 168, 2\): the"):
        ring_strain(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))


def test_losses_are_those_of_the_task():
    assert (*LOSSES, "ring_motion") == TASK.losses
