"""Windows and frames of tagged cines, and places in them."""

import numpy as np
import pytest

from cmrseg.canvas import PREPARATIONS
from cmrseg.learn.tag_window import (
    Window,
    box_around,
    frame_canvas,
    from_canvas,
    on_canvas,
    scaled_greys,
    to_canvas,
)
from tag_oracle import example, oracle_folder, our_boxes, ours

SHAPE = (256, 256)


@pytest.fixture(scope="module")
def row(data):
    return example(data)


@pytest.fixture(scope="module")
def expected(data):
    return np.load(oracle_folder(data) / "expected.npz")


def box(y1, x1, y2, x2):
    return np.array([[y1, x1], [y2, x2]], float)


# -- numbers of the original ------------------------------------------------------------------


def test_boxes_around_landmarks_are_those_of_the_original(expected, row):
    points = ours(expected["gtbox_points"]).numpy()
    theirs = our_boxes(expected["gtbox_corners"]).numpy()[:, 0]
    found = [box_around(of_frame, SHAPE) for of_frame in points]
    np.testing.assert_allclose(found, theirs, rtol=1e-6)
    stored = our_boxes(row["bbox_corners"]).numpy()[0, 0]
    first = ours(row["landmark_coords"]).numpy()[0]
    np.testing.assert_allclose(box_around(first, SHAPE), stored, rtol=1e-9)


def test_crops_are_those_of_the_original_also_over_the_edges(expected, row):
    frames = row["image_seqs"][expected["crop_frames"]]
    boxes = our_boxes(expected["crop_boxes"]).numpy()[:, 0]
    for number, of_case in enumerate(boxes):
        window = Window.of(of_case, SHAPE, 128, "compat")
        assert 128 / window.height == pytest.approx(expected["crop_ratio"][number])
        crop = window.crop(frames)
        theirs = expected["crop_float_sub"][number]
        np.testing.assert_allclose(crop[:, ::9, ::7], theirs, rtol=0, atol=2e-5)
        means = expected["crop_float_mean"][number]
        np.testing.assert_allclose(crop.mean((1, 2), dtype=float), means, rtol=1e-6)
        # The original's crops of whole grey values are rounded and not below 0.
        whole = np.clip(np.rint(crop), 0, None)[:, ::9, ::7]
        np.testing.assert_array_equal(whole, expected["crop_uint16_sub"][number])


def test_the_window_of_the_example_is_the_stored_one(row):
    stored = our_boxes(row["bbox_corners"]).numpy()[0, 0]
    window = Window.of(stored, SHAPE, 128, "compat")
    assert (window.y, window.x, window.height, window.width) == (95, 69, 67, 64)
    crop = window.crop(row["image_seqs"])
    np.testing.assert_allclose(crop, row["cropped_image_seqs"], rtol=0, atol=2e-5)
    whole, there = ours(row["landmark_coords"]), ours(row["cropped_landmark_coords"])
    np.testing.assert_allclose(window.to_window(whole.numpy()), there, rtol=0, atol=3e-5)
    np.testing.assert_allclose(window.to_image(there.numpy()), whole, rtol=0, atol=3e-5)


# -- windows ----------------------------------------------------------------------------------


def test_a_square_window_is_around_the_centre_of_its_box():
    window = Window.of(box(40, 50, 100, 80), SHAPE, 64)
    # Rows 40 to 100 are 61; the centre (70, 65) is that of rows 40...100 and columns 35...95.
    assert (window.y, window.x, window.height, window.width) == (40, 35, 61, 61)
    inside = window.to_window(np.array([[70.0, 65.0]]))
    np.testing.assert_allclose(inside, [[31.5, 31.5]])


@pytest.mark.parametrize("mode", ["square", "compat"])
@pytest.mark.parametrize("corners", [(40, 50, 100, 80), (-20.5, 200.2, 60, 290), (3, 3, 9.5, 8)])
def test_places_come_back_from_the_window(mode, corners):
    window = Window.of(box(*corners), SHAPE, 64, mode)
    points = np.random.default_rng(1).uniform(-50, 300, (4, 168, 2))
    points[0, 0] = np.nan
    np.testing.assert_allclose(window.to_image(window.to_window(points)), points, atol=1e-9)


@pytest.mark.parametrize("size_px", [64, 30, 128])
@pytest.mark.parametrize("corners", [(40, 50, 100, 80), (-20, 90, 45, 130), (80, 70, 118, 121)])
def test_what_lies_at_a_place_lies_at_that_of_the_square_window(size_px, corners):
    # A ramp along y and one along x: in its middle, the grey value says where it is from.
    y, x = np.mgrid[:120, :130].astype(np.float32)
    window = Window.of(box(*corners), (120, 130), size_px)
    ramps = window.crop(np.stack([y, x]))
    inside = np.mgrid[: ramps.shape[1], : ramps.shape[2]].transpose(1, 2, 0)
    places = window.to_image(inside)
    margin = 4 * max(1, window.height / size_px)
    clear = (places > margin).all(2) & (places < np.array([120, 130]) - 1 - margin).all(2)
    border = np.minimum(inside, np.array(ramps.shape[1:]) - 1 - inside).min(2) >= 3
    found = ramps.transpose(1, 2, 0)[clear & border]
    assert len(found) > 50
    # Bicubic as OpenCV has it gives a ramp up to 0.05 px of waves.
    np.testing.assert_allclose(found, places[clear & border], atol=0.06)
    assert abs((found - places[clear & border]).mean()) < 0.01


def test_beyond_the_image_a_window_shows_zeros():
    images = np.ones((2, 100, 100), np.float32)
    crop = Window.of(box(-30, 10, 29, 69), (100, 100), 60).crop(images)
    assert crop.shape == (2, 60, 60)
    assert not crop[:, :27].any()
    np.testing.assert_allclose(crop[:, 33:], 1, rtol=1e-6)
    # As published, a window that begins in the image ends with it.
    window = Window.of(box(60.5, 60.5, 130, 90), (100, 100), 60, "compat")
    assert (window.height, window.width) == (40, 30)
    np.testing.assert_allclose(window.crop(images), 1, rtol=1e-6)
    # One that begins before it does not.
    assert Window.of(box(-4, 60, 130, 90), (100, 100), 60, "compat").height == 134


@pytest.mark.parametrize("mode", ["square", "compat"])
@pytest.mark.parametrize(
    ("corners", "sentence"),
    [
        ((50, 50, 40, 90), "has no area"),
        ((50, 50, 90, 50), "has no area"),
        ((np.nan, 50, 90, 90), "has corners that are no numbers"),
        ((0, 0, 90, np.inf), "has corners that are no numbers"),
        ((-90, 10, -5, 60), "lies beside the image"),
        ((10, 260, 50, 300), "lies beside the image"),
        ((10, -400, 50, 300), "is more than 2 times as long as the image"),
    ],
)
def test_a_box_that_is_none_is_refused(mode, corners, sentence):
    with pytest.raises(ValueError, match=rf"box .* in an image of \(256, 256\) .* {sentence}"):
        Window.of(box(*corners), SHAPE, 64, mode)


def test_landmarks_that_have_no_box_are_refused():
    points = np.full((3, 2), np.nan)
    with pytest.raises(ValueError, match="no landmark is known"):
        box_around(points, SHAPE)
    for places in ([[5, 5], [5, 9]], [[300, 300], [330, 340]], [[-90, 5], [-50, 50]]):
        with pytest.raises(ValueError, match=r"of an image of \(256, 256\) .*: no box is around"):
            box_around(np.array(places, float), SHAPE)


def test_unknown_landmarks_are_in_no_box():
    points = np.array([[100, 100], [np.nan, 3], [110, 120]])
    np.testing.assert_allclose(box_around(points, SHAPE), [[97, 94], [113, 126]])


# -- frames -----------------------------------------------------------------------------------


def test_a_frame_is_scaled_to_its_longer_side_and_padded():
    canvas = frame_canvas((200, 256), 128)
    assert (canvas.scaled, canvas.offset) == ((100, 128), (14, 0))
    images = on_canvas(np.ones((3, 200, 256)), canvas)
    assert images.shape == (3, 128, 128)
    assert images.dtype == np.float32
    assert (images[:, 14:114] == 1).all()
    assert not images[:, :14].any()
    # The outer edges of the image are those of its part of the canvas.
    edges = np.array([[-0.5, -0.5], [199.5, 255.5]])
    np.testing.assert_allclose(to_canvas(edges, canvas), [[13.5, -0.5], [113.5, 127.5]])
    np.testing.assert_allclose(from_canvas(to_canvas(edges, canvas), canvas), edges)


def test_a_frame_as_published_is_padded_alone():
    canvas = frame_canvas((201, 256), 256, "compat")
    assert (canvas.scaled, canvas.offset) == ((201, 256), (27, 0))
    image = np.arange(201 * 256, dtype=np.uint16).reshape(1, 201, 256)
    np.testing.assert_array_equal(on_canvas(image, canvas)[:, 27:228], image)
    np.testing.assert_array_equal(to_canvas(np.array([[3.0, 4.0]]), canvas), [[30, 4]])
    np.testing.assert_array_equal(from_canvas(np.array([[30.0, 4.0]]), canvas), [[3, 4]])
    with pytest.raises(ValueError, match=r"300 x 200 pixels \(y, x\); the network as published s"):
        frame_canvas((300, 200), 256, "compat")


# -- grey values ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tag_frame", "tag_window"])
def test_all_frames_are_divided_by_one_percentile(name):
    images = np.stack([np.arange(101), np.zeros(101)]).reshape(2, 1, 101)
    # 202 values: the 99th percentile lies 0.99 of the way from the 199th to the 200th and so on.
    high = np.percentile(images, 99)
    found = scaled_greys(images, PREPARATIONS[name])
    assert found.dtype == np.float32
    assert high == pytest.approx(97.99)
    np.testing.assert_allclose(found, images / 97.99, rtol=1e-6)
    np.testing.assert_allclose(scaled_greys(7 * images, PREPARATIONS[name]), found, rtol=1e-6)
    assert not scaled_greys(np.zeros((2, 3, 3)), PREPARATIONS[name]).any()


@pytest.mark.parametrize("name", ["tag_frame_compat", "tag_window_compat"])
def test_published_networks_see_grey_values_as_they_are(name):
    images = np.arange(12, dtype=np.uint16).reshape(1, 3, 4)
    found = scaled_greys(images, PREPARATIONS[name])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, images)
