"""From a tagged cine to landmarks, with both networks, as the original does it."""

import numpy as np
import pytest
import torch

from cmrseg.learn.tag_window import Window, frame_canvas, from_canvas, on_canvas
from cmrseg.nets import tag_box, tag_ring
from cmrseg.nets.tag_box import TagBox
from cmrseg.nets.tag_ring import TagRing
from formula_weights import formula_weights
from tag_oracle import BOX, RING, example, oracle_folder, our_boxes, ours


@pytest.fixture(scope="module")
def networks(data):
    """Both with weights of the published size."""
    folder = oracle_folder(data)
    box = TagBox(*BOX["full"], compat=True)
    weights = formula_weights(folder / "localisation_full_manifest.json")
    box.load_state_dict(tag_box.from_tensorflow(weights))
    ring = TagRing(*RING["full"], compat=True)
    weights = formula_weights(folder / "landmark_full_manifest.json")
    ring.load_state_dict(tag_ring.from_tensorflow(weights))
    return box.eval(), ring.eval()


@torch.inference_mode()
def test_a_cine_has_the_box_and_the_landmarks_of_the_original(data, networks):
    expected = np.load(oracle_folder(data) / "expected.npz")
    cine = example(data)["image_seqs"]
    box, ring = networks
    canvas = frame_canvas(cine.shape[1:], 256, "compat")
    seen = torch.from_numpy(on_canvas(cine[:1], canvas))[None]
    corners = from_canvas(box(seen)[0, 0].numpy(), canvas)
    theirs = our_boxes(expected["pipeline_float32_bbox_predictions"])[0, 0]
    np.testing.assert_allclose(corners, theirs, rtol=0, atol=2e-3)
    window = Window.of(corners, cine.shape[1:], 128, "compat")
    ratio = expected["pipeline_float32_resize_ratios"][0]
    assert window.size_px / window.height == pytest.approx(ratio)
    crop = window.crop(cine)
    # What the original does with whole grey values: its crops are whole, too, and not below 0.
    for form, images, tolerance in (
        ("float32", crop, 2e-4),
        ("uint16", np.clip(np.rint(crop), 0, None), 4e-3),
    ):
        local = ring(torch.from_numpy(images)[None])[0].numpy()
        theirs = ours(expected[f"pipeline_{form}_landmark_local_predictions"][0])
        np.testing.assert_allclose(local, theirs, rtol=0, atol=tolerance)
        theirs = ours(expected[f"pipeline_{form}_landmark_predictions"][0])
        np.testing.assert_allclose(window.to_image(local), theirs, rtol=0, atol=tolerance)
