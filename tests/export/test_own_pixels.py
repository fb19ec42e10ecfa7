"""Labels are brought back to the pixels of the images that a cine was made of."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.dicom.placement import Placement, place, place_labels
from cmrseg.export.own_pixels import of_images, own_pixels
from cmrseg.labels import UNLABELLED

OWN = (14, 10)
DRAWN = np.random.default_rng(5).integers(0, 4, OWN).astype(np.uint8)


@pytest.mark.parametrize(
    ("grid", "placement"),
    [
        (OWN, Placement()),
        (OWN, Placement(mirrored=True)),
        ((17, 15), Placement()),
        ((16, 13), Placement(mirrored=True, shift_y=1.0)),
        ((10, 14), Placement(quarter_turns=1)),
        ((13, 17), Placement(mirrored=True, quarter_turns=1)),
        ((14, 14), Placement(rotation_deg=90.0)),
        ((14, 14), Placement(rotation_deg=-90.0, mirrored=True)),
        (OWN, Placement(rotation_deg=180.0)),
        (OWN, Placement(rotation_deg=180.0, rotation_canvas="own")),
        ((28, 20), Placement(scale_y=2.0, scale_x=2.0)),
        ((29, 24), Placement(scale_y=2.0, scale_x=2.0, mirrored=True, shift_x=1.0)),
    ],
)
def test_what_was_placed_on_a_larger_grid_comes_back_as_it_was(grid, placement):
    placed = place(DRAWN, placement, grid, nearest=True)
    assert (own_pixels(placed, placement, OWN) == DRAWN).all()


def test_what_was_cropped_comes_back_as_background():
    placed = place(DRAWN, Placement(), (10, 10), nearest=True)
    # Four rows less: two are cut off on each side.
    expected = DRAWN.copy()
    expected[:2] = expected[-2:] = 0
    assert (own_pixels(placed, Placement(), OWN) == expected).all()


def test_a_pixel_of_a_scaled_image_gets_the_voxel_at_its_centre():
    # Four pixels are one voxel.
    voxels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    back = own_pixels(voxels, Placement(scale_y=0.5, scale_x=0.5), (4, 6))
    assert (back == voxels.repeat(2, 0).repeat(2, 1)).all()


def test_a_disc_that_was_turned_comes_back_to_its_place():
    y, x = np.mgrid[:41, :41]
    disc = ((y - 12) ** 2 + (x - 23) ** 2 < 36).astype(np.uint8)
    turned = Placement(rotation_deg=30.0, shift_y=2.4, shift_x=-1.3)
    back = own_pixels(place(disc, turned, (50, 50), nearest=True), turned, disc.shape)
    both = (back & disc).sum() * 2 / (back.sum() + disc.sum())
    assert both > 0.95
    for axis in (0, 1):
        assert abs(np.argwhere(back).mean(0)[axis] - (12, 23)[axis]) < 0.2


def sources_of(slices, frames, **others):
    rows = [
        {"z": z, "t": t, "file": f"{z}/{t}.dcm", "rows": OWN[0], "columns": OWN[1], "copied": False}
        | vars(Placement(mirrored=z == 1, quarter_turns=1))
        for z in range(slices)
        for t in range(frames)
    ]
    return pd.DataFrame(rows).assign(**others)


def test_every_image_of_a_cine_gets_what_was_drawn_on_it():
    sources = sources_of(2, 3)
    drawn = {file: np.roll(DRAWN, i, 0) for i, file in enumerate(sources["file"])}
    labels = place_labels(drawn.__getitem__, sources, (3, 2, 10, 14))
    back = list(of_images(labels, sources))
    assert [(one.z, one.t) for one in back] == [(z, t) for z in range(2) for t in range(3)]
    assert all((one.labels == drawn[one.file]).all() for one in back)


def test_copies_of_missing_images_and_unlabelled_frames_are_left_out():
    sources = sources_of(2, 2)
    sources.loc[3, "copied"] = True
    labels = np.ones((2, 2, 10, 14), np.uint8)
    labels[0, 1] = UNLABELLED
    labels[1, 0, :, :3] = UNLABELLED
    back = list(of_images(labels, sources))
    assert [one.file for one in back] == ["0/0.dcm", "0/1.dcm"]
    # Part of an image that is not labelled is background: columns 0 to 2 were its upper rows.
    assert sorted(np.bincount(back[1].labels.ravel())) == [30, 110]


def test_sources_of_another_cine_are_refused():
    labels = np.zeros((2, 2, 10, 14), np.uint8)
    with pytest.raises(ValueError, match=r"2 frames of 2 slices, .* 3 of 2; label the"):
        list(of_images(labels, sources_of(2, 3)))


def test_sources_without_the_way_to_the_grid_are_refused():
    with pytest.raises(ValueError, match="lacks quarter_turns, shift_x; the cine was not imported"):
        list(
            of_images(
                np.zeros((1, 1, 10, 14), np.uint8),
                sources_of(1, 1).drop(columns=["shift_x", "quarter_turns"]),
            )
        )
